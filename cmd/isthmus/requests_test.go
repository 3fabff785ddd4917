package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRequestLog shows what is logged of a request, that the answer is the same
// with it, and that there is nothing unless the level is debug.
func TestRequestLog(t *testing.T) {
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/abort", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half an ans")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/flush", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-release
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = buf.WriteString("HTTP/1.1 204 No Content\r\n\r\n")
		_ = buf.Flush()
		_ = conn.Close()
	})
	lines := make(written, 10)
	level := new(slog.LevelVar)
	level.Set(slog.LevelDebug)
	l := &requestLog{next: mux, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, now: time.Now,
		log: slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: level}))}
	s := httptest.NewUnstartedServer(l)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	ask := func(method, target, via string) (status int, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Host = "example.org"; via != "" {
			r.Header.Set("X-Forwarded-For", via)
		}
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			b = append(b, "!"...) // cut off
		}
		return res.StatusCode, string(b)
	}
	type line = map[string]any
	for _, c := range []struct {
		method, target, via string
		status              int
		body                string
		want                line
	}{
		{"GET", "/hello", "", 200, "hello", line{"path": "/hello", "query": "", "status": 200.0, "bytes": 5.0, "remote": "127.0.0.1"}},
		{"GET", "/hello?q=secret+words&page=b7&token=abc", "203.0.113.9", 200, "hello",
			line{"path": "/hello", "query": "q&page=b7&token", "status": 200.0, "bytes": 5.0, "remote": "203.0.113.9"}},
		{"GET", "/hello?resource=acct:louise@example.org", "198.51.100.1, 203.0.113.9", 200, "hello",
			line{"path": "/hello", "query": "resource=acct:louise@example.org", "status": 200.0, "bytes": 5.0, "remote": "203.0.113.9"}},
		{"POST", "/early", "", 418, "", line{"path": "/early", "query": "", "status": 418.0, "bytes": 0.0, "remote": "127.0.0.1"}},
		{"GET", "/silent", "", 200, "", line{"path": "/silent", "query": "", "status": 200.0, "bytes": 0.0, "remote": "127.0.0.1"}},
		{"GET", "/abort", "", 200, "half an ans!", line{"path": "/abort", "query": "", "status": 200.0, "bytes": 11.0, "remote": "127.0.0.1", "aborted": true}},
		{"GET", "/hijack", "", 204, "", line{"path": "/hijack", "query": "", "status": 200.0, "bytes": 0.0, "remote": "127.0.0.1"}},
		{"GET", "/a%2Fb" + strings.Repeat("c", 600), "", 404, "404 page not found\n",
			line{"path": "/a%2Fb" + strings.Repeat("c", 506) + "…", "query": "", "status": 404.0, "bytes": 19.0, "remote": "127.0.0.1"}},
	} {
		if status, body := ask(c.method, c.target, c.via); status != c.status || body != c.body {
			t.Errorf("%s is answered %d %q", c.target, status, body)
		}
		var got line
		if err := json.Unmarshal(<-lines, &got); err != nil {
			t.Fatalf("%s: %v", c.target, err)
		}
		if _, ok := got["duration"].(float64); !ok || got["level"] != "DEBUG" || got["msg"] != "request" {
			t.Errorf("%s: the line is %v", c.target, got)
		}
		for _, member := range []string{"time", "level", "msg", "duration"} {
			delete(got, member)
		}
		c.want["method"], c.want["host"] = c.method, "example.org"
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.target, diff)
		}
	}

	res, err := s.Client().Get(s.URL + "/flush") // the answer comes before its handler ends
	if err != nil {
		t.Fatal(err)
	}
	if first, err := bufio.NewReader(res.Body).ReadString('\n'); first != "first\n" {
		t.Errorf("flushed %q, %v", first, err)
	}
	close(release)
	_ = res.Body.Close()
	<-lines

	level.Set(slog.LevelInfo)
	if status, body := ask("GET", "/hello", ""); status != 200 || body != "hello" {
		t.Errorf("answered %d %q", status, body)
	}
	s.Close() // its handlers have ended
	if len(lines) > 0 {
		t.Errorf("logged %s", <-lines)
	}
}

// written gives what was written, write by write.
type written chan []byte

func (w written) Write(b []byte) (int, error) {
	w <- bytes.Clone(b)
	return len(b), nil
}
