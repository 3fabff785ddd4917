package main

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// probe is a question that only this process can answer: doctor fetches it by
// the public URL.
type probe struct {
	Nonce string `json:"nonce"` // in the path
	Proof string `json:"proof"` // in the answer
}

// echo is the answer: the request as it got here.
type echo struct {
	Proof      string `json:"proof"`
	RequestURI string `json:"request_uri"`
	Host       string `json:"host"`
	Forwarded  string `json:"forwarded"` // the host that a proxy says the peer asked for
	Peer       string `json:"peer"`      // the address that the request came from
}

// Bounds of the probes that are open at a time.
const (
	probeAge  = 2 * time.Minute
	probesMax = 64
)

// probes are the open ones.
type probes struct {
	prefix string // /_ap/doctor/
	now    func() time.Time

	mu   sync.Mutex
	live map[string]opened
}

type opened struct {
	proof string
	until time.Time
}

func newProbes(path string, now func() time.Time) *probes {
	return &probes{prefix: path + "/doctor/", now: now, live: map[string]opened{}}
}

// open makes a probe that lives for a moment.
func (p *probes) open() probe {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for nonce, o := range p.live {
		if now.After(o.until) || len(p.live) >= probesMax {
			delete(p.live, nonce)
		}
	}
	q := probe{Nonce: strings.ToLower(rand.Text()), Proof: rand.Text()}
	p.live[q.Nonce] = opened{q.Proof, now.Add(probeAge)}
	return q
}

// wrap answers probes and passes all other requests on.
func (p *probes) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, p.prefix)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		nonce, _, _ := strings.Cut(rest, "/")
		p.mu.Lock()
		o, ok := p.live[nonce]
		p.mu.Unlock()
		if !ok || p.now().After(o.until) {
			next.ServeHTTP(w, r) // as if there were no such path
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		answerJSON(w, http.StatusOK, echo{o.proof, r.RequestURI, r.Host, r.Header.Get("X-Forwarded-Host"), r.RemoteAddr})
	})
}
