package e2e

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestSearchPage searches in Chromium, as a stranger does.
func TestSearchPage(t *testing.T) {
	t.Parallel()
	s := newSight(t, mainSetups[1])
	s.link(s.louise)
	s.follow(s.louise, s.fedi, "alice")
	ctx := within(t, patience)
	for i := range 23 {
		_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: fmt.Sprintf("<p>A crane over the harbour, number %d</p>", i+1)})
		s.must(err)
	}
	const hostile = `<p>harbour &lt;script&gt;alert(1)&lt;/script&gt; <a href="javascript:alert(2)">me</a><img src="x" onerror="alert(3)"></p><p>` + "\u202e" + `txt.exe harbour ` + "%s</p>"
	_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: fmt.Sprintf(hostile, strings.Repeat("unbroken", 200))})
	s.must(err)
	_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>A harbour for friends alone</p>", Visibility: "followers"})
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "the last post", func(n *lab.Node) bool { return strings.Contains(n.Content(), "friends alone") })
	s.must(err)
	base := "https://" + s.Names.Domains[0] + "/_ap/search"
	s.must(lab.Eventually(ctx, "the posts in the index", func() error {
		doc, err := s.Get(ctx, base+".atom?q=exe", "*/*")
		if err == nil && !strings.Contains(string(doc.Body), "<entry>") {
			err = fmt.Errorf("%d %s", doc.Status, doc.Body)
		}
		return err
	}))
	t.Run("find", func(t *testing.T) { s.seeFound(t, base) })
	t.Run("mistake", func(t *testing.T) { s.seeMistake(t, base) })
	t.Run("feed", func(t *testing.T) { s.readFeed(t, base) })
}

func (s *sight) seeFound(t *testing.T, base string) {
	ctx := within(t, patience)
	tab := s.tab(t, lab.TabOptions{Width: 360, Height: 740})
	v := s.visit(t, tab, base, http.StatusOK)
	if v.Headers["x-robots-tag"] != "noindex" {
		t.Errorf("search engines may keep the search page: %v", v.Headers)
	}
	s.sound(t, tab, "search")
	s.must(tab.Fill(ctx, "#q", "harbour"))
	s.must(tab.Press(ctx, "Enter"))
	s.arrives(t, tab, base+"?q=harbour&order=new")
	s.sound(t, tab, "search, found")
	s.picture(t, tab, "search")
	var marks []string
	s.must(tab.Eval(ctx, `[...document.querySelectorAll("article")].map(a => a.querySelector("mark")?.textContent ?? "")`, &marks))
	if len(marks) != 20 || strings.Join(marks, "") != strings.Repeat("harbour", 20) {
		t.Errorf("what is marked on the first page: %q", marks)
	}
	has(t, s.text(t, tab), "<script>alert(1)</script>")
	s.must(tab.Click(ctx, "a[rel=next]"))
	s.arrives(t, tab, base+"?after=")
	text := s.text(t, tab)
	has(t, text, "number 1", "number 4")
	if strings.Contains(text, "number 5\n") || strings.Contains(text, "friends alone") {
		t.Errorf("the second page shows what is not there, or not for strangers: %s", text)
	}
	dark := s.tab(t, lab.TabOptions{Dark: true})
	s.visit(t, dark, base+"?q=crane+-%22number+3%22&order=best", http.StatusOK)
	s.sound(t, dark, "search, dark")
	s.picture(t, dark, "search-dark")
}

// seeMistake asks what nobody understands. A 400 is a complaint of the console.
func (s *sight) seeMistake(t *testing.T, base string) {
	ctx := within(t, patience)
	tab, err := s.browser.Tab(ctx, lab.TabOptions{Width: 700})
	s.must(err)
	s.visit(t, tab, base+"?q="+url.QueryEscape("harbour before:someday crane"), http.StatusBadRequest)
	var marked string
	s.must(tab.Eval(ctx, `document.querySelector(".place mark").textContent`, &marked))
	if !strings.Contains(marked, "someday") {
		t.Errorf("the mistake is said to be at %q", marked)
	}
	s.sound(t, tab, "search, mistake")
	s.picture(t, tab, "search-mistake")
}

// readFeed walks a search as a feed to its end (RFC 5005 §3).
func (s *sight) readFeed(t *testing.T, base string) {
	ids := map[string]bool{}
	for at, pages := base+".atom?q=harbour", 0; at != ""; pages++ {
		doc, err := s.Get(within(t, patience), at, "application/atom+xml")
		s.must(err)
		var feed struct {
			XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
			ID      string   `xml:"id"`
			Updated string   `xml:"updated"`
			Links   []struct {
				Rel  string `xml:"rel,attr"`
				Href string `xml:"href,attr"`
			} `xml:"link"`
			Entries []struct {
				ID string `xml:"id"`
			} `xml:"entry"`
		}
		if err := xml.Unmarshal(doc.Body, &feed); err != nil || feed.ID != base+".atom?q=harbour" || feed.Updated == "" || pages > 5 {
			t.Fatalf("%s: page %d: %v %s", at, pages, err, doc.Body)
		}
		for _, e := range feed.Entries {
			if ids[e.ID] {
				t.Errorf("%s stands there twice", e.ID)
			}
			ids[e.ID] = true
		}
		self := at
		at = ""
		for _, l := range feed.Links {
			if l.Rel == "next" {
				at = l.Href
			}
			if l.Rel == "self" && l.Href != self {
				t.Errorf("the feed at %s says that it is at %s", self, l.Href)
			}
		}
	}
	if len(ids) != 24 {
		t.Errorf("%d entries, want 24", len(ids))
	}
}
