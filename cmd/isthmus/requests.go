package main

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"isthmus/web"
)

// requestLog writes a line for each request when the level is debug. It changes
// nothing about the answer: what panics goes on to do so.
type requestLog struct {
	next    http.Handler
	proxies []netip.Prefix
	log     *slog.Logger
	now     func() time.Time
}

// ServeHTTP answers a request.
func (l *requestLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.log.Enabled(r.Context(), slog.LevelDebug) {
		l.next.ServeHTTP(w, r)
		return
	}
	start, c := l.now(), &countingWriter{ResponseWriter: w}
	done := false
	defer func() {
		attrs := []any{"method", short(r.Method), "path", short(r.URL.EscapedPath()), "query", shownQuery(r.URL), "host", short(r.Host), "status", c.status,
			"bytes", c.bytes, "duration", l.now().Sub(start).Round(time.Microsecond), "remote", web.ClientOf(r, l.proxies).String()}
		if !done { // a panic, which the server cuts the connection for
			attrs = append(attrs, "aborted", true)
		}
		l.log.DebugContext(r.Context(), "request", attrs...)
	}()
	l.next.ServeHTTP(c, r)
	if c.status == 0 {
		c.status = http.StatusOK
	}
	done = true
}

// shown are the parameters whose values are addresses and numbers. Of others, as
// of what somebody searches for, only the name is logged.
var shown = []string{"resource", "rel", "page"}

func shownQuery(u *url.URL) string {
	var parts []string
	for _, part := range strings.Split(u.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		if !slices.Contains(shown, name) {
			part = name
		}
		parts = append(parts, part)
	}
	return short(strings.Join(parts, "&"))
}

// short bounds what a peer can write into the log.
func short(s string) string {
	const most = 512
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// countingWriter takes note of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader begins the answer.
func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the answer.
func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush sends what was written so far, where that can be done.
func (w *countingWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
