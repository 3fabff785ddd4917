package gateway

import (
	"html"
	"strings"
	"testing"
)

// N4, N5: a hashtag is a link to the search, or to the author where there is no
// search, and that a peer reads another text than the item has changes nothing.
func TestHashtagsOut(t *testing.T) {
	for name, search := range map[string]bool{"search": true, "no search": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cfg.HTTP.Search = search
			a := w.linkUser(louise)
			w.follows(aliceURI, a, false)
			w.publish(louise, feed, w.entry("one", "I found #moss today."))
			want := w.addr.PageURL(acctOf(a))
			if search {
				want = strings.TrimSuffix(want, strings.SplitN(want, "/", 4)[3]) + strings.TrimPrefix(w.cfg.HTTP.Path, "/") + "/search?q=%23moss"
			}
			all := w.deliveries()
			if len(all) != 1 {
				t.Fatalf("%d deliveries", len(all))
			}
			link := `<a href="` + html.EscapeString(want) + `" class="mention hashtag" rel="tag">#<span>moss</span></a>`
			if !strings.Contains(all[0].text(), link) {
				t.Errorf("the text is %s, without %s", all[0].text(), link)
			}
			tags, _ := all[0].Object["tag"].([]any)
			var href any
			for _, x := range tags {
				if tag, _ := x.(map[string]any); tag["type"] == "Hashtag" {
					href = tag["href"]
				}
			}
			if href != want {
				t.Errorf("the tag's page is %v, not %s", href, want)
			}
			w.publish(louise, feed, w.entry("one", "I found #moss today."))
			if all := w.deliveries(); len(all) != 0 {
				t.Errorf("%d deliveries after the same item came again", len(all))
			}
		})
	}
}
