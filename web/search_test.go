package web

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
)

// finder is a Searcher that answers by the text.
type finder struct{}

func (finder) Search(ctx context.Context, q SearchQuery) (SearchPage, error) {
	switch q.Text {
	case "slow":
		<-ctx.Done()
		return SearchPage{}, ctx.Err()
	case "broken":
		return SearchPage{}, errors.New("disk on fire at /var")
	case "frm:alice <b>":
		return SearchPage{Mistake: &Mistake{Pos: 0, Len: 4, Problem: `"frm:" is not known`, Hint: "from:"}}, nil
	case "none":
		return SearchPage{}, nil
	}
	out := SearchPage{Found: []Found{
		{Entry: note(), Snippet: "The harbour <at> six", Marks: [][2]int{{4, 11}, {5, 7}, {900, 901}}},
		{Entry: reply(), Snippet: "And the tea was cold.", Marks: [][2]int{{8, 11}}},
		{Entry: article(), Snippet: "Every port"},
	}, Next: "c/2"}
	if q.Cursor != "" {
		out.Next = ""
	}
	if q.Count {
		out.Total, out.More = 1000, q.Text == "tea & cake"
	}
	return out, nil
}

func searchServer(t *testing.T, proxies ...string) http.Handler {
	t.Helper()
	cfg := Config{Pages: shelf{}, Path: "/_ap", Site: "example.org", Origin: "https://example.org", Search: finder{}}
	for _, p := range proxies {
		cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix(p))
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	s.Mount(r)
	return r
}

func TestSearchPage(t *testing.T) {
	h := searchServer(t)
	long := strings.Repeat("a", 2000)
	tests := []struct {
		target    string
		status    int
		has, lack []string
	}{
		{"/_ap/search", 200, []string{`<form`, "What you can write"}, []string{"<h2 id=\"found\"", "search.atom"}},
		{"/_ap/search?q=tea+%26+cake", 200, []string{"Found more than 1000 posts", `The <mark>harbour</mark> &lt;at&gt; six`, `value="tea &amp; cake"`,
			`href="/_ap/search?after=c%2F2&amp;q=tea&#43;%26&#43;cake"`, `href="/_ap/search.atom?q=tea&#43;%26&#43;cake"`, `<summary dir="auto">complaint about tea</summary>`,
			`<link rel="alternate" type="application/atom+xml"`}, nil},
		{"/_ap/search?q=tea&order=best", 200, []string{"Found 1000 posts", `value="best" checked`, `href="/_ap/search?after=c%2F2&amp;order=best&amp;q=tea"`}, nil},
		{"/_ap/search?q=tea&after=c/2", 200, []string{"<mark>tea</mark>", ">Found<"}, []string{"Next page"}},
		{"/_ap/search?q=none", 200, []string{"Nothing found"}, nil},
		{"/_ap/search?q=frm:alice+<b>", 400, []string{`<mark>frm:</mark>alice &lt;b&gt;`, "is not known", "from:", `aria-invalid="true"`}, []string{"Nothing found"}},
		{"/_ap/search?q=" + long, 400, []string{"too long"}, []string{long}},
		{"/_ap/search?q=a&after=" + long, 400, []string{"page does not exist"}, []string{long}},
		{"/_ap/search?q=%FF%00x", 200, []string{"harbour"}, nil},
		{"/_ap/search?q=broken", 503, []string{"Not just now"}, []string{"/var"}},
		{"/_ap/search.atom", 400, []string{"no query"}, nil},
		{"/_ap/search.atom?q=frm:alice+<b>", 400, []string{"is not known; from:"}, nil},
	}
	for _, c := range tests {
		w := get(h, "GET", c.target)
		name := c.target[:min(len(c.target), 60)]
		if w.Code != c.status {
			t.Errorf("%s: %d", name, w.Code)
		}
		for _, part := range c.has {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: no %s in\n%s", name, part, w.Body)
			}
		}
		for _, part := range c.lack {
			if strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: %s", name, part)
			}
		}
		if w.Header().Get("Content-Type") == "text/html; charset=utf-8" && (w.Header().Get("X-Robots-Tag") != "noindex" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none';")) {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

func TestSearchFeed(t *testing.T) {
	h := searchServer(t)
	w := get(h, "GET", "/_ap/search.atom?q=tea&order=best")
	var got atomFeed
	if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%d %v %v\n%s", w.Code, err, w.Header(), w.Body)
	}
	if got.ID != "https://example.org/_ap/search.atom?q=tea" || got.Updated != "2026-11-20T09:30:00Z" {
		t.Errorf("id %s, updated %s", got.ID, got.Updated)
	}
	links := map[string]string{}
	for _, l := range got.Links {
		links[l.Rel] = l.Href
	}
	want := map[string]string{"self": "https://example.org/_ap/search.atom?q=tea", "alternate": "https://example.org/_ap/search?q=tea",
		"next": "https://example.org/_ap/search.atom?after=c%2F2&q=tea"}
	if diff := cmp.Diff(want, links); diff != "" {
		t.Error(diff)
	}
	seen := map[string]bool{}
	for _, e := range got.Entries {
		if e.ID == "" || seen[e.ID] || e.Updated == "" || e.Title == "" || e.Author.Name == "" {
			t.Errorf("entry %+v", e)
		}
		seen[e.ID] = true
	}
	if len(got.Entries) != 3 || got.Entries[1].Content != nil || got.Entries[1].Title != "complaint about tea" || strings.Contains(w.Body.String(), "tea was cold") {
		t.Errorf("what is behind a warning is in the feed: %+v", got.Entries)
	}
	if again := get(h, "GET", "/_ap/search.atom?q=none"); !strings.Contains(again.Body.String(), "<updated>1970-01-01T00:00:00Z</updated>") {
		t.Errorf("an empty feed: %s", again.Body)
	}
}

// A search that does not end is ended, and one address cannot keep us busy.
func TestSearchBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := searchServer(t)
		w := get(h, "GET", "/_ap/search?q=slow")
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "takes too long") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		ask := func(from string) int {
			r := httptest.NewRequest("GET", "/_ap/search?q=tea", nil)
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		for i := range burst {
			if code := ask("[2001:db8::1]:1"); code != 200 {
				t.Fatalf("search %d: %d", i, code)
			}
		}
		if got := []int{ask("[2001:db8::ffff]:1"), ask("192.0.2.1:1")}; !cmp.Equal(got, []int{429, 200}) {
			t.Errorf("the same network and another: %v", got)
		}
		time.Sleep(refill)
		if got := []int{ask("[2001:db8::1]:1"), ask("[2001:db8::1]:1")}; !cmp.Equal(got, []int{200, 429}) {
			t.Errorf("after a while: %v", got)
		}
	})
}

func TestClientOf(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ from, forwarded, want string }{
		{"192.0.2.1:5", "198.51.100.1", "192.0.2.1"},
		{"127.0.0.1:5", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:5", "203.0.113.9, 198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:5", "198.51.100.1, 10.0.0.3", "198.51.100.1"},
		{"127.0.0.1:5", "", "127.0.0.1"},
		{"127.0.0.1:5", "unknown", "127.0.0.1"},
		{"127.0.0.1:5", "2001:db8:1:2:3::4", "2001:db8:1:2::"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.from
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := ClientOf(r, proxies).String(); got != c.want {
			t.Errorf("%s for %q: %s, want %s", c.from, c.forwarded, got, c.want)
		}
	}
}

// Any marks and any place of a mistake give back the text.
func FuzzPieces(f *testing.F) {
	f.Add("moss ünd fern", 5, 9, 2, 3)
	f.Fuzz(func(t *testing.T, text string, a, b, pos, n int) {
		joined := func(list []Piece) (s string) {
			for _, p := range list {
				s += p.Text
			}
			return s
		}
		if got := joined(pieces(text, [][2]int{{a, b}, {b, a}})); got != text {
			t.Errorf("%q became %q", text, got)
		}
		v := searchView{Text: text, SearchPage: SearchPage{Mistake: &Mistake{Pos: pos, Len: n}}}
		if got := joined(v.Place()); got != "" && got != text && got != text+" " {
			t.Errorf("%q became %q", text, got)
		}
	})
}
