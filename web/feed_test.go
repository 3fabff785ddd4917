package web

import (
	"encoding/xml"
	"strings"
	"testing"
)

// The page of an actor is a feed too, with the posts that the page shows.
func TestActorFeed(t *testing.T) {
	quiet := profile()
	quiet.Posts = nil
	h := testServer(t, shelf{actors: map[string]Profile{"louise@example.org": profile(), "quiet": quiet}, err: status(404)})
	w := get(h, "GET", "/_ap/@louise@example.org/feed.atom")
	var got atomFeed
	if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%d %v: %s", w.Code, err, w.Body)
	}
	const page = "https://example.org/_ap/@louise@example.org"
	if got.ID != page+"/feed.atom" || got.Title != "Louise Michel" || got.Author.URI != louise.URI || got.Updated != "2026-11-20T09:30:00Z" {
		t.Errorf("%+v", got)
	}
	for i, want := range []string{page + "/feed.atom", page} {
		if got.Links[i].Href != want {
			t.Errorf("link %+v, want %s", got.Links[i], want)
		}
	}
	var titles []string
	for _, e := range got.Entries {
		titles = append(titles, e.Author.Name+": "+e.Title)
	}
	if all := strings.Join(titles, "\n"); all != "Louise Michel: How the tide tables are made\nAlice: 🔁 Alice (@alice@mast.social): And the tea was cold.\nLouise Michel: The harbour at six, before the ferries. With @alice and a…" {
		t.Error(all)
	}
	for target, code := range map[string]int{"/_ap/@quiet/feed.atom": 200, "/_ap/@nobody/feed.atom": 404} {
		if w := get(h, "GET", target); w.Code != code {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if again := get(h, "GET", "/_ap/@quiet/feed.atom").Body.String(); !strings.Contains(again, "<updated>1970-01-01T00:00:00Z</updated>") {
		t.Error("an empty feed has no date that stays")
	}
}

// Tags lead to the search, where there is one.
func TestTagsLeadToTheSearch(t *testing.T) {
	post := PostPage{Entry: note()}
	post.Post.Tags = []string{"harbour", "Crème", "2026", `a" b\<i>`}
	for search, want := range map[Searcher][]string{
		nil: {"<bdi>#harbour</bdi>", "<bdi>#2026</bdi>"},
		finder{}: {`href="/_ap/search?q=%23harbour"`, `href="/_ap/search?q=%23Cr%C3%A8me"`, `href="/_ap/search?q=tag%3A%222026%22"`,
			`href="/_ap/search?q=tag%3A%22a%5C%22&#43;b%5C%5C%3Ci%3E%22"`},
	} {
		s, err := New(Config{Pages: shelf{}, Path: "/_ap", Site: "example.org", Search: search})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := templates.ExecuteTemplate(&b, "page", s.postPage(post)); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("no %s in %s", w, b.String())
			}
		}
	}
}
