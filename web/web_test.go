package web

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"isthmus/translate"
)

var update = flag.Bool("update", false, "write the golden files anew")

type status int

func (s status) Error() string   { return http.StatusText(int(s)) }
func (s status) HTTPStatus() int { return int(s) }

// shelf is Pages from maps; what is not there is a 404, or its err.
type shelf struct {
	actors map[string]Profile
	posts  map[string]PostPage // acct/id
	err    error
}

func (s shelf) Actor(_ context.Context, acct string) (Profile, error) {
	if p, ok := s.actors[acct]; ok {
		return p, nil
	}
	return Profile{}, s.err
}

func (s shelf) Post(_ context.Context, acct, id string) (PostPage, error) {
	if p, ok := s.posts[acct+"/"+id]; ok {
		return p, nil
	}
	return PostPage{}, s.err
}

var (
	louise = translate.Actor{URI: "https://example.org/_ap/actor/louise@example.org", Handle: "louise@example.org", JID: "louise@example.org", Name: "Louise Michel"}
	alice  = translate.Actor{URI: "https://mast.social/users/alice", Handle: "alice@mast.social", Name: "Alice"}
)

func at(hour int) time.Time { return time.Date(2026, 11, 20, hour, 30, 0, 0, time.UTC) }

func note() Entry {
	return Entry{
		Post: translate.Post{
			URI: "https://example.org/_ap/item/louise@example.org/7q", Kind: translate.KindNote, Owner: louise, Author: louise,
			HTML: `<p>The harbour at six, before the ferries. With <a href="https://mast.social/@alice">@alice</a> and a thermos of tea.</p>`,
			Text: "The harbour at six, before the ferries. With @alice and a thermos of tea.", Lang: "en",
			Media: []translate.Media{{URL: "https://example.org/upload/harbour.jpg", MediaType: "image/jpeg", Alt: "Grey water, three gulls, a crane", Width: 1200, Height: 800}},
			Tags:  []string{"harbour", "earlybirds"}, Visibility: translate.Public, Published: at(6), Updated: at(7),
		},
		PageURL: "https://example.org/_ap/@louise@example.org/7q", AuthorPage: "https://example.org/_ap/@louise@example.org",
	}
}

func article() Entry {
	return Entry{
		Post: translate.Post{
			URI: "https://example.org/_ap/item/louise@example.org/8r", Kind: translate.KindArticle, Owner: louise, Author: louise,
			Title: "How the tide tables are made", HTML: "<p>" + strings.TrimSpace(strings.Repeat("Every port has constants of its own. ", 20)) + "</p><h2>Constituents</h2><p>The moon comes first.</p>",
			Text: strings.Repeat("Every port has constants of its own. ", 20), Lang: "en", Visibility: translate.Public, Published: at(9),
			Translations: []translate.Translation{{Lang: "fr", Title: "Comment naissent les tables des marées", HTML: "<p>Chaque port a ses constantes.</p>"}},
		},
		PageURL: "https://example.org/_ap/@louise@example.org/8r", AuthorPage: "https://example.org/_ap/@louise@example.org",
	}
}

func reply() Entry {
	return Entry{
		Post: translate.Post{
			URI: "https://mast.social/users/alice/statuses/1", Kind: translate.KindNote, Owner: alice, Author: alice,
			HTML: "<p>And the tea was cold.</p>", Text: "And the tea was cold.", Warning: "complaint about tea", Visibility: translate.Public, Published: at(8),
			Media: []translate.Media{{URL: "https://files.mast.social/tea.png", MediaType: "image/png", Alt: "A cup"}},
		},
		AvatarURL: "https://files.mast.social/alice.png", Foreign: true,
		PageURL: "https://mast.social/@alice/1", AuthorPage: "https://mast.social/@alice",
	}
}

func boost() Entry {
	e := reply()
	e.Post.Kind, e.Post.Owner, e.Post.Warning = translate.KindBoost, louise, ""
	return e
}

func profile() Profile {
	return Profile{
		Name: "Louise Michel", Handle: "louise@example.org", JID: "louise@example.org",
		XMPPURI: "xmpp:louise@example.org?pubsub;action=subscribe;node=urn%3Axmpp%3Amicroblog%3A0",
		Bio:     "<p>Boats, tides and the people on them. Posts from XMPP.</p>", ActorURL: louise.URI,
		PageURL: "https://example.org/_ap/@louise@example.org", Indexable: true,
		Fields: []Field{{"Website", `<a href="https://louise.example.org" rel="me">louise.example.org</a>`}, {"Port", "Le Havre"}},
		Posts:  []Entry{article(), boost(), note()},
	}
}

// goldens are the pages whose every byte is looked at.
func goldens() map[string]struct {
	target string
	pages  shelf
} {
	type golden = struct {
		target string
		pages  shelf
	}
	post := PostPage{Entry: note(), XMPPURI: "xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=7q", Indexable: true,
		Parent: &Ref{URL: "https://mast.social/@alice/0", Name: "Alice"}, Replies: []Entry{reply()}}
	warned := PostPage{Entry: reply(), Indexable: true}
	long := PostPage{Entry: article()}
	veiled := PostPage{Entry: note(), Indexable: true}
	veiled.Post.Sensitive, veiled.Post.Visibility = true, translate.Unlisted
	veiled.Post.Media = append(veiled.Post.Media,
		translate.Media{URL: "https://example.org/upload/a.ogg", MediaType: "audio/ogg", Alt: "Gulls"},
		translate.Media{URL: "https://example.org/upload/a.svg", MediaType: "image/svg+xml", Alt: "A chart"},
		translate.Media{URL: "https://example.org/upload/a.mp4", MediaType: "video/mp4"})
	return map[string]golden{
		"profile":  {"/_ap/@louise@example.org", shelf{actors: map[string]Profile{"louise@example.org": profile()}}},
		"bare":     {"/_ap/@news@example.org", shelf{actors: map[string]Profile{"news@example.org": {Handle: "news@example.org"}}}},
		"post":     {"/_ap/@louise@example.org/7q", shelf{posts: map[string]PostPage{"louise@example.org/7q": post}}},
		"warned":   {"/_ap/@louise@example.org/1", shelf{posts: map[string]PostPage{"louise@example.org/1": warned}}},
		"article":  {"/_ap/@louise@example.org/8r", shelf{posts: map[string]PostPage{"louise@example.org/8r": long}}},
		"unlisted": {"/_ap/@louise@example.org/7q", shelf{posts: map[string]PostPage{"louise@example.org/7q": veiled}}},
		"landing":  {"/_ap/", shelf{}},
		"missing":  {"/_ap/@nobody@example.org", shelf{err: status(404)}},
		"gone":     {"/_ap/@nobody@example.org", shelf{err: status(410)}},
	}
}

func testServer(t *testing.T, pages Pages) http.Handler {
	t.Helper()
	s, err := New(Config{Pages: pages, Path: "/_ap", Site: "example.org", Component: "ap.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	s.Mount(r)
	r.HandleFunc("/_ap/@{acct}", func(w http.ResponseWriter, r *http.Request) { s.ActorPage(w, r, chi.URLParam(r, "acct")) })
	r.HandleFunc("/_ap/@{acct}/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.PostPage(w, r, chi.URLParam(r, "acct"), chi.URLParam(r, "id"))
	})
	return r
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// digestOfFile changes with every change of the file.
var digestOfFile = regexp.MustCompile(`(style\.css|icon\.svg)\?[0-9a-f]+`)

func TestGolden(t *testing.T) {
	for name, g := range goldens() {
		w := get(testServer(t, g.pages), "GET", g.target)
		body := digestOfFile.ReplaceAllString(w.Body.String(), "$1?")
		file := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Every page stands under the same policy, and none has script or style of its own.
func TestEveryPageIsInert(t *testing.T) {
	for name, g := range goldens() {
		w := get(testServer(t, g.pages), "GET", g.target)
		h := w.Header()
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none';") || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: headers %v", name, h)
		}
		z := html.NewTokenizer(w.Body)
		for {
			if z.Next() == html.ErrorToken {
				break
			}
			tok := z.Token()
			switch tok.Data {
			case "script", "style", "iframe", "form", "object", "embed", "base":
				if tok.Type != html.TextToken {
					t.Errorf("%s: <%s>", name, tok.Data)
				}
			}
			for _, a := range tok.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.Contains(a.Val, "ZgotmplZ") {
					t.Errorf("%s: %s=%q", name, a.Key, a.Val)
				}
				if a.Key == "src" && tok.Data == "img" && !hasAttr(tok, "alt") {
					t.Errorf("%s: a picture without alt", name)
				}
			}
		}
	}
}

func hasAttr(tok html.Token, key string) bool {
	for _, a := range tok.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// Nothing but sanitised markup reaches a page unescaped.
func TestHostileFields(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	actor := translate.Actor{URI: "javascript:alert(1)", Handle: evil, JID: evil, Name: evil}
	e := Entry{Post: translate.Post{
		URI: "javascript:alert(1)", Kind: translate.KindArticle, Owner: actor, Author: actor, Title: evil, Text: evil, Lang: evil,
		HTML: "<p onclick='alert(1)'>" + evil + "<a href='javascript:alert(1)'>x</a>", Translations: []translate.Translation{{Lang: "fr", HTML: "<p>" + evil}},
		Warning: evil, Summary: evil, Tags: []string{evil}, Quote: "javascript:alert(1)", Visibility: translate.Public,
		Media: []translate.Media{{URL: "javascript:alert(1)", MediaType: "image/png", Alt: evil}, {URL: "https://x.example/" + evil, MediaType: "image/png", Alt: evil}},
	}, PageURL: "javascript:alert(1)", AuthorPage: "javascript:alert(1)", AvatarURL: "javascript:alert(1)"}
	open := e
	open.Post.Warning, open.Post.Kind = "", translate.KindBoost
	open.Post.Summary = ""
	pages := shelf{
		actors: map[string]Profile{"x": {Name: evil, Handle: evil, JID: evil, XMPPURI: "javascript:alert(1)", AvatarURL: "javascript:alert(1)",
			BannerURL: "data:text/html," + evil, PageURL: "javascript:alert(1)", Fields: []Field{{Name: evil}}, Posts: []Entry{e, open}}},
		posts: map[string]PostPage{"x/1": {Entry: e, XMPPURI: `xmpp:a" onclick="alert(1)`, Parent: &Ref{URL: "javascript:alert(1)", Name: evil}, Replies: []Entry{open}}},
		err:   status(404),
	}
	h := testServer(t, pages)
	for _, target := range []string{"/_ap/@x", "/_ap/@x/1", "/_ap/@none"} {
		body := get(h, "GET", target).Body.String()
		z := html.NewTokenizer(strings.NewReader(body))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			if tok.Data == "script" && tok.Type != html.TextToken {
				t.Errorf("%s: a script got in", target)
			}
			for _, a := range tok.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") && (a.Key == "href" || a.Key == "src") {
					t.Errorf("%s: <%s %s=%q>", target, tok.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestInitial(t *testing.T) {
	for name, want := range map[string]string{"louise": "L", "@news@x": "N", "\u202e<évil": "É", "": "?", "🎈 42": "4", "\xff": "?"} {
		if got := initial(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// The headings of posts fit into the outline of the page that shows them.
func TestHeadings(t *testing.T) {
	for _, c := range []struct {
		html  string
		level int
		want  string
	}{
		{"<p>none</p>", 2, "<p>none</p>"},
		{"<h1>a</h1><h1>b</h1>", 2, "<h2>a</h2><h2>b</h2>"},
		{`<h2 dir="rtl">a</h2><h5>b</h5><h3>c</h3>`, 3, `<h3 dir="rtl">a</h3><h5>b</h5><h4>c</h4>`},
		{"<h1>a</h1><h2>b</h2><h3>c</h3><h4>d</h4>", 4, "<h4>a</h4><h5>b</h5><h6>c</h6><h6>d</h6>"},
		{"<hr/><p>&lt;h1&gt;</p>", 2, "<hr/><p>&lt;h1&gt;</p>"},
	} {
		if got := outline(c.html, c.level); got != c.want {
			t.Errorf("%s at %d: %s", c.html, c.level, got)
		}
	}
}

func TestRoutes(t *testing.T) {
	h := testServer(t, shelf{
		actors: map[string]Profile{"louise@example.org": profile()},
		posts:  map[string]PostPage{"louise@example.org/7q": {Entry: note()}},
		err:    status(404),
	})
	for target, want := range map[string]int{
		"/_ap": 200, "/_ap/": 200, "/_ap/style.css": 200, "/_ap/@louise@example.org": 200, "/_ap/@louise@example.org/7q": 200,
		"/_ap/@nobody@example.org": 404, "/_ap/@louise@example.org/none": 404,
	} {
		get, head := get(h, "GET", target), get(h, "HEAD", target)
		if get.Code != want || head.Code != want || get.Body.Len() == 0 || head.Body.Len() > 0 {
			t.Errorf("%s: GET %d with %d bytes, HEAD %d with %d", target, get.Code, get.Body.Len(), head.Code, head.Body.Len())
		}
	}
}

// Who reads a page is known to no server but ours, unless they ask for more.
func TestOtherServersAreNotAsked(t *testing.T) {
	for name, g := range goldens() {
		body := get(testServer(t, g.pages), "GET", g.target).Body.String()
		if strings.Contains(body, "https://files.mast.social/alice.png") {
			t.Errorf("%s: a foreign avatar is shown", name)
		}
		z := html.NewTokenizer(strings.NewReader(body))
		for z.Next() != html.ErrorToken {
			for _, a := range z.Token().Attr {
				if a.Key == "src" && strings.Contains(a.Val, "mast.social") {
					t.Errorf("%s: %s comes by itself", name, a.Val)
				}
			}
		}
	}
}

func TestSearchEngines(t *testing.T) {
	private, unlisted := profile(), PostPage{Entry: note(), Indexable: true}
	private.Indexable = false
	unlisted.Post.Visibility = translate.Unlisted
	h := testServer(t, shelf{
		actors: map[string]Profile{"open": profile(), "private": private},
		posts:  map[string]PostPage{"open/1": {Entry: note(), Indexable: true}, "open/2": unlisted, "private/1": {Entry: note()}},
		err:    status(404),
	})
	const alternate = `<link rel="alternate" type="application/activity+json"`
	for target, want := range map[string]struct{ index, alternate bool }{
		"/_ap/@open": {true, true}, "/_ap/@private": {false, true}, "/_ap/@open/1": {true, true}, "/_ap/@open/2": {false, false},
		"/_ap/@private/1": {false, true}, "/_ap/@nobody": {false, false},
	} {
		w := get(h, "GET", target)
		tagged := strings.Contains(w.Body.String(), `<meta name="robots" content="noindex">`)
		if headed := w.Header().Get("X-Robots-Tag") == "noindex"; tagged == want.index || headed == want.index {
			t.Errorf("%s: noindex in the page %v, in the header %v", target, tagged, headed)
		}
		if got := strings.Contains(w.Body.String(), alternate); got != want.alternate {
			t.Errorf("%s: alternate link %v", target, got)
		}
	}
}

func TestTrouble(t *testing.T) {
	w := get(testServer(t, shelf{err: errors.New("disk on fire at /var")}), "GET", "/_ap/@louise@example.org")
	if w.Code != 503 || strings.Contains(w.Body.String(), "/var") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRevalidation(t *testing.T) {
	h := testServer(t, shelf{actors: map[string]Profile{"louise@example.org": profile()}})
	tag := get(h, "GET", "/_ap/@louise@example.org").Header().Get("ETag")
	r := httptest.NewRequest("GET", "/_ap/@louise@example.org", nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if tag == "" || w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("tag %q: %d with %d bytes", tag, w.Code, w.Body.Len())
	}
}

func TestStyleSheet(t *testing.T) {
	h := testServer(t, shelf{})
	body := get(h, "GET", "/_ap/").Body.String()
	_, rest, _ := strings.Cut(body, `<link rel="stylesheet" href="`)
	target, _, _ := strings.Cut(rest, `"`)
	w := get(h, "GET", target)
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %v", target, w.Code, w.Header())
	}
	if w := get(h, "GET", "/_ap/style.css"); strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error("the address without digest is kept for ever")
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "short": "short", "  a  b\n": "a b", "one two three": "one two…", "abcdefghijklmno": "abcdefghij…", "éééééééééé": "éééééééééé", "ééééééééééé": "éééééééééé…",
	} {
		if got := shorten(in, 10); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
