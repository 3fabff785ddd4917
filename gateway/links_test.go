package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"isthmus/translate"
)

// TestLinks fetches every URL of ours that our documents give, and those that
// these give in turn: each answers.
func TestLinks(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	p, activity := w.post(a, "fern", translate.Public, nil)
	w.post(a, "moss", translate.Public, func(q *translate.Post) { q.ReplyTo = p.URI })
	s := w.site()
	seen := map[string]bool{}
	var visit func(url string)
	collect := func(v any) {
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case string:
				if strings.HasPrefix(v, "https://example.org/_ap/") && !strings.Contains(v, "inbox") {
					visit(strings.SplitN(v, "#", 2)[0])
				}
			case []any:
				for _, e := range v {
					walk(e)
				}
			case map[string]any:
				for _, e := range v {
					walk(e)
				}
			}
		}
		walk(v)
	}
	visit = func(url string) {
		if seen[url] {
			return
		}
		seen[url] = true
		got := s.get(url, asPeer, "")
		if got.Code != http.StatusOK {
			t.Errorf("%s is given out and answered %d", url, got.Code)
			return
		}
		var doc map[string]any
		w.must(json.Unmarshal(got.Body.Bytes(), &doc))
		collect(doc)
	}
	for _, start := range []string{a.URI, activity, w.addr.Instance("example.org")} {
		visit(start)
	}
	for _, want := range []string{p.URI + "/create", w.addr.Outbox(acctOf(a)) + "?page=0", "https://example.org/_ap/instance/outbox"} {
		if !seen[want] {
			t.Errorf("nothing leads to %s", want)
		}
	}
}
