package cache

import (
	"fmt"
	"testing"

	"isthmus/translate"
)

// TestHasLink: a word that is a link counts, mentions and hashtags do not,
// whether the post is in the index or waits for it.
func TestHasLink(t *testing.T) {
	s := open(t)
	want := 0
	for i, c := range []struct {
		html string
		has  bool
	}{
		{`<p>read <a href="https://x.example/a?b=1&c=2">this</a> today, all of it</p>`, true},
		{`<p>read <a href="http://x.example/">this</a></p>`, true},
		{`<p><span class="h-card"><a href="https://m.example/@bob" class="u-url mention">@<span>bob</span></a></span> hello</p>`, false},
		{`<p><a href="https://m.example/tags/cats" class="mention hashtag" rel="tag">#<span>cats</span></a></p>`, false},
		{`<p><a href="https://m.example/tags/cats" rel="tag">#cats</a></p>`, false},
		{`<p><a href="https://m.example/@bob" class="u-url mention">@bob</a> see <a href="https://x.example/">there</a></p>`, true},
		{`<p><a href="xmpp:bob@example.org">bob</a></p>`, false},
		{`<p>https://x.example/</p>`, true},
		{`<p>plain &lt;a href="https://</p>`, true}, // an address stands in the text
		{`<p>plain</p>`, false},
	} {
		p := note(fmt.Sprintf("https://h.example/%d", i), alice, "")
		p.HTML, p.Text = translate.Sanitize(c.html)
		if got := hasLink(p); got != c.has {
			t.Errorf("%s: %v (%s)", c.html, got, p.HTML)
		}
		if c.has {
			want++
		}
		s.put(t, p)
	}
	for _, when := range []string{"waiting", "indexed"} {
		s.view(t, func(tx *Tx) error {
			for text, n := range map[string]int{"has:link": want, "-has:link": 10 - want, "has:link OR is:article": want} {
				res, err := tx.Search(SearchQuery{Text: text, Any: true})
				if len(res.Hits) != n || err != nil {
					t.Errorf("%s: %s finds %d of %d, %v", when, text, len(res.Hits), n, err)
				}
			}
			return nil
		})
		if err := s.Index(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
