package e2e

import (
	"net/http"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestPages opens the pages of a user, of posts and of a thread in Chromium.
func TestPages(t *testing.T) {
	for _, on := range mainSetups {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			s := newSight(t, on)
			s.link(s.louise)
			s.followedBy(s.fedi, "alice", s.louise)
			s.avatar()
			p := s.publishPages()
			t.Run("actor", func(t *testing.T) { s.seeActor(t, p) })
			t.Run("post", func(t *testing.T) { s.seePost(t, p) })
			t.Run("thread", func(t *testing.T) { s.seeThread(t, p) })
			t.Run("warning", func(t *testing.T) { s.seeWarning(t, p) })
			t.Run("article", func(t *testing.T) { s.seeArticle(t, p) })
			t.Run("private", func(t *testing.T) { s.seeNothing(t) })
			t.Run("landing", func(t *testing.T) { s.seeOthers(t) })
		})
	}
}

// pagesOf are the ids of what TestPages shows.
type pagesOf struct{ actor, picture, article, warned string }

func (s *sight) publishPages() pagesOf {
	s.t.Helper()
	jid := s.louise.Account.JID()
	article := s.louise.Entry("tides", "How the tide tables are made")
	article.XHTML = "<h2>Constituents</h2><p>" + strings.Repeat("Every port has constants of its own, and they change when the harbour is dredged. ", 12) +
		"</p><blockquote><p>The moon comes first.</p></blockquote><ul><li>M2, the moon</li><li>S2, the sun</li></ul><pre>h(t) = Z + Σ A cos(ωt − φ)</pre>" +
		"<p>See <a href='https://example.org/a'>the tables</a>.</p>"
	picture := s.louise.Entry("harbour", "The harbour at six, before the ferries. A thermos of tea and three gulls.")
	picture.Extra = []string{s.enclosure("Grey water under a pale sky")}
	picture.Categories = []string{"harbour", "earlybirds"}
	warned := s.louise.Entry("wreck", "The wreck lies on its side and nobody was saved.")
	warned.Extra = []string{"<category term='nsfw' label='a shipwreck'/>", s.enclosure("The wreck")}
	p := pagesOf{
		actor:   s.actorURL(jid),
		article: s.published(s.louise, article, "constants of its own"),
		warned:  s.published(s.louise, warned, "nobody was saved"),
	}
	ctx := within(s.t, patience)
	s.must(s.louise.OpenComments(ctx, "harbour"))
	_, err := s.louise.Subscribe(ctx, jid, lab.Comments+"harbour")
	s.must(err)
	p.picture = s.published(s.louise, picture, "before the ferries")
	for _, n := range []lab.Note{
		{HTML: "<p>I can <b>smell</b> the tea from here.</p>"},
		{HTML: "<p>This is for my friends alone.</p>", Visibility: "followers"},
		{HTML: "<p>Here is mine.</p>", Media: []lab.Media{{URL: "https://" + s.fedi.Host + "/sea.png", Type: "image/png", Alt: "Another sea"}}},
	} {
		n.InReplyTo, n.Mentions = p.picture, []string{"@" + jid}
		_, err := s.fedi.Post(ctx, "alice", n)
		s.must(err)
	}
	for _, says := range []string{"the tea from here", "Here is mine"} { // they cross in any order
		_, err = s.louise.Inbox.Await(ctx, "the answer "+says, isEvent(jid, says))
		s.must(err)
	}
	return p
}

// avatar gives Louise a picture that only exists in XMPP (XEP-0084).
func (s *sight) avatar() {
	s.t.Helper()
	s.must(s.louise.PublishAvatar(within(s.t, patience), testAvatar()))
}

func (s *sight) seeActor(t *testing.T, p pagesOf) {
	tab := s.tab(t, lab.TabOptions{}, s.files)
	v := s.visit(t, tab, p.actor, http.StatusOK)
	if len(v.Steps) != 1 || v.Steps[0].Status != http.StatusSeeOther || !strings.Contains(v.URL, "/_ap/@") {
		t.Errorf("an actor's id led to %s by %+v, want 303 to its page", v.URL, v.Steps)
	}
	has(t, s.text(t, tab), "@"+s.louise.Account.JID(), "before the ferries", "How the tide tables are made", "Follow")
	s.sound(t, tab, "actor")
	s.picture(t, tab, "actor")
	dark := s.tab(t, lab.TabOptions{Dark: true, Width: 360, Height: 740}, s.files)
	s.visit(t, dark, v.URL, http.StatusOK)
	s.sound(t, dark, "actor, dark and small")
	s.picture(t, dark, "actor-dark")
	var light, night string
	s.must(tab.Eval(within(t, patience), `getComputedStyle(document.body).backgroundColor`, &light))
	s.must(dark.Eval(within(t, patience), `getComputedStyle(document.body).backgroundColor`, &night))
	if light == night {
		t.Errorf("light and dark pages are both %s", light)
	}
}

func (s *sight) seePost(t *testing.T, p pagesOf) {
	tab := s.tab(t, lab.TabOptions{}, s.files)
	v := s.visit(t, tab, p.picture, http.StatusOK)
	if len(v.Steps) != 1 || v.Steps[0].Status != http.StatusSeeOther {
		t.Errorf("a post's id led to its page by %+v, want 303", v.Steps)
	}
	has(t, s.text(t, tab), "before the ferries", "#harbour", "#earlybirds")
	var alt string
	s.must(tab.Eval(within(t, patience), `[...document.querySelectorAll(".media img")].filter(i => i.naturalWidth == 1200).map(i => i.alt).join()`, &alt))
	if alt != "Grey water under a pale sky" {
		t.Errorf("the picture is described as %q, or did not load", alt)
	}
	s.sound(t, tab, "post")
	// The first stop of the keyboard leads past the header.
	for _, key := range []string{"Tab", "Enter"} {
		s.must(tab.Press(within(t, patience), key))
	}
	s.arrives(t, tab, v.URL+"#main")
}

func (s *sight) seeThread(t *testing.T, p pagesOf) {
	// Only our own files come by themselves: no other server learns who reads.
	tab := s.tab(t, lab.TabOptions{}, s.files)
	s.visit(t, tab, p.picture, http.StatusOK)
	text := s.text(t, tab)
	has(t, text, "smell the tea", "Here is mine", "@alice@"+s.fedi.Host)
	if strings.Contains(text, "friends alone") {
		t.Error("a stranger is shown an answer that is for followers")
	}
	s.picture(t, tab, "thread")
	small := s.tab(t, lab.TabOptions{Width: 360, Height: 740, NoScript: true}, s.files)
	s.visit(t, small, p.picture, http.StatusOK)
	s.sound(t, small, "thread, small")
	s.picture(t, small, "thread-small")
	var far bool
	s.must(small.Eval(within(t, patience), `[...document.querySelectorAll("a.file")].some(a => a.innerText.includes("Another sea") && a.href == "https://`+s.Names.Peers[0]+`/sea.png")`, &far))
	if !far {
		t.Error("no link to a picture of another server")
	}
}

func (s *sight) seeWarning(t *testing.T, p pagesOf) {
	tab := s.tab(t, lab.TabOptions{Width: 600}, s.files)
	s.visit(t, tab, p.warned, http.StatusOK)
	text := s.text(t, tab)
	has(t, text, "a shipwreck")
	if strings.Contains(text, "nobody was saved") {
		t.Error("what stands behind a warning is shown before anybody opens it")
	}
	var preview bool
	s.must(tab.Eval(within(t, patience), `document.head.innerHTML.includes("nobody was saved")`, &preview))
	if preview {
		t.Error("what stands behind a warning is in the page's preview")
	}
	s.picture(t, tab, "warning-closed")
	s.must(tab.Click(within(t, patience), "details.warning > summary"))
	has(t, s.text(t, tab), "nobody was saved")
	s.sound(t, tab, "warning")
	s.picture(t, tab, "warning-open")
}

func (s *sight) seeArticle(t *testing.T, p pagesOf) {
	tab := s.tab(t, lab.TabOptions{}, s.files)
	s.visit(t, tab, p.article, http.StatusOK)
	has(t, s.text(t, tab), "How the tide tables are made", "The moon comes first.", "M2, the moon")
	s.sound(t, tab, "article")
	s.picture(t, tab, "article")
}

// seeNothing answers a post that is for followers: the answer is for them too,
// and its page is not there for strangers.
func (s *sight) seeNothing(t *testing.T) {
	s.follow(s.louise, s.fedi, "alice")
	ctx := within(t, patience)
	jid := s.louise.Account.JID()
	_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Only friends read this.</p>", Visibility: "followers"})
	s.must(err)
	event, err := s.louise.Inbox.Await(ctx, "the post for followers", func(n *lab.Node) bool {
		return n.Is("", "message") && strings.Contains(n.Content(), "Only friends read this")
	})
	s.must(err)
	s.must(s.louise.Message(ctx, event.Attr("from"), "hush-1", "And only friends read the answer.", ""))
	made, err := s.fedi.Await(ctx, "the answer", is("Create", "only friends read the answer"))
	s.must(err)
	tab, err := s.browser.Tab(ctx, lab.TabOptions{})
	s.must(err)
	s.visit(t, tab, made.Object, http.StatusNotFound)
	if text := s.text(t, tab); strings.Contains(text, "friends read") {
		t.Errorf("a stranger reads %s", text)
	}
	s.visit(t, tab, s.actorURL(jid), http.StatusOK)
	if text := s.text(t, tab); strings.Contains(text, "friends read") {
		t.Errorf("a stranger reads on the actor's page: %s", text)
	}
}

// seeOthers opens what is no post: the front page and what is missing.
func (s *sight) seeOthers(t *testing.T) {
	base := "https://" + s.Names.Domains[0] + "/_ap/"
	tab := s.tab(t, lab.TabOptions{Width: 360, Height: 640})
	s.visit(t, tab, base, http.StatusOK)
	s.sound(t, tab, "landing")
	s.picture(t, tab, "landing")
	missing, err := s.browser.Tab(within(t, patience), lab.TabOptions{Width: 360, Height: 640})
	s.must(err)
	s.visit(t, missing, base+"@nobody@"+s.Names.Domains[0], http.StatusNotFound)
	s.sound(t, missing, "missing")
	s.picture(t, missing, "missing")
}
