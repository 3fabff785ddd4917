package e2e

import (
	"fmt"
	"testing"

	"isthmus/e2e/lab"
)

// eachOnce checks that a peer processed each of the numbered posts once.
func (s *site) eachOnce(p *lab.Peer, text string, n int) {
	s.t.Helper()
	ctx := within(s.t, 3*patience)
	for i := range n {
		_, err := p.Await(ctx, fmt.Sprintf(text, i), is("Create", fmt.Sprintf(text, i)))
		s.must(err)
	}
	// Fedify drops repeats of an id it has seen; two ids for one post it keeps.
	for i := range n {
		if got := s.count(p, is("Create", fmt.Sprintf(text, i))); got != 1 {
			s.t.Errorf("%s arrived %d times", fmt.Sprintf(text, i), got)
		}
	}
}

// TestGatewayKilled kills the gateway with kill -9 again and again while posts
// go both ways: each has its effect once.
func TestGatewayKilled(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		ctx := within(t, 4*patience)
		alice := s.jidOf(s.fedi, "alice")
		_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>before it all</p>"})
		s.must(err)
		s.follow(s.louise, s.fedi, "alice")
		_, err = s.louise.FindItem(ctx, alice, lab.Microblog, "the backlog", lab.Says("before it all"))
		s.must(err)
		const rounds = 4
		for i := range rounds {
			s.must(s.louise.Blog(ctx, fmt.Sprintf("out-%d", i), fmt.Sprintf("outward %d.", i)))
			_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: fmt.Sprintf("<p>inward %d.</p>", i)})
			s.must(err)
			s.gateway.Kill()
			// Published while nobody listens: found when the gateway looks.
			s.must(s.louise.Blog(ctx, fmt.Sprintf("gap-%d", i), fmt.Sprintf("in the gap %d.", i)))
			s.must(s.gateway.Start(ctx))
		}
		s.eachOnce(s.fedi, "outward %d.", rounds)
		s.eachOnce(s.fedi, "in the gap %d.", rounds)
		for i := range rounds {
			text := fmt.Sprintf("inward %d.", i)
			_, err := s.louise.Inbox.Await(ctx, text, isEvent(alice, text))
			s.must(err)
			_, err = s.louise.FindItem(ctx, alice, lab.Microblog, text, lab.Says(text))
			s.must(err)
		}
		items, err := s.louise.Items(ctx, alice, lab.Microblog, lab.Page{MaxItems: 50})
		s.must(err)
		seen := map[string]bool{}
		for _, n := range items.List {
			if text := n.Body(lab.NSAtom, "title"); seen[text] {
				t.Errorf("twice in the node: %s", text)
			} else {
				seen[text] = true
			}
		}
		// A message, delivered at least once, each time under the same id.
		s.must(s.louise.Message(ctx, alice, "dm-k", "still here", "<origin-id xmlns='urn:xmpp:sid:0' id='dm-k'/>"))
		_, err = s.fedi.Await(ctx, "the message", is("Create", "still here"))
		s.must(err)
	})
}

// TestServerKilled kills the XMPP server: the gateway comes back by itself, and
// what happened meanwhile crosses once.
func TestServerKilled(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		s.follow(s.louise, s.fedi, "alice")
		ctx := within(t, 4*patience)
		alice := s.jidOf(s.fedi, "alice")
		s.must(s.louise.Blog(ctx, "before-0", "before the crash 0."))
		s.eachOnce(s.fedi, "before the crash %d.", 1)
		s.server.Kill()
		<-s.louise.Done()
		_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>while XMPP was away</p>"})
		s.must(err)
		s.must(s.server.Start(ctx))
		again, err := lab.Connect(ctx, s.louise.Account, lab.ClientOptions{
			Address: s.server.C2S, Roots: s.CA.Pool(), Approve: true, Inbox: s.louise.Inbox,
		})
		s.must(err)
		t.Cleanup(again.Close)
		s.must(lab.Eventually(ctx, "the gateway to be back", func() error {
			_, err := again.Info(ctx, s.Names.Component, "")
			return err
		}))
		_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>now that XMPP is back</p>"})
		s.must(err)
		_, err = again.Inbox.Await(ctx, "the next post's event", isEvent(alice, "XMPP is back"))
		s.must(err)
		_, err = again.FindItem(ctx, alice, lab.Microblog, "the post of meanwhile", lab.Says("while XMPP was away"))
		s.must(err)
		s.must(again.Blog(ctx, "after-0", "after the crash 0."))
		s.eachOnce(s.fedi, "after the crash %d.", 1)
		s.eachOnce(s.fedi, "before the crash %d.", 1)
		// A server that lost what it had in memory has deleted nothing.
		if n := s.count(s.fedi, func(a lab.Activity) bool { return a.Type == "Delete" }); n != 0 {
			t.Errorf("%d deletes went out", n)
		}
	})
}

// TestPeerDown publishes while a peer is away: it gets everything, in order and
// once, when it is back, and the other peer does not wait for it.
func TestPeerDown(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		s.followedBy(s.social, "zeno", s.louise)
		ctx := within(t, 4*patience)
		s.fedi.Kill()
		const posts = 3
		for i := range posts {
			s.must(s.louise.Blog(ctx, fmt.Sprintf("away-%d", i), fmt.Sprintf("while away %d.", i)))
		}
		s.must(s.louise.Blog(ctx, "away-0", "while away 0, mended."))
		s.must(s.louise.Retract(ctx, "", lab.Microblog, "away-2"))
		s.eachOnce(s.social, "while away %d.", posts-1)
		_, err := s.social.Await(ctx, "the edit", is("Update", "mended"))
		s.must(err)
		s.must(s.fedi.Start(ctx))
		late := within(t, 5*patience)
		_, err = s.fedi.Await(late, "the edit, late", is("Update", "mended"))
		s.must(err)
		all, err := s.fedi.Arrived(late)
		s.must(err)
		created := false
		for _, a := range all {
			switch {
			case is("Create", "while away 0.")(a):
				created = true
			case is("Update", "mended")(a) && !created:
				t.Error("the edit came before the post")
			}
		}
		_, err = s.fedi.Await(late, "the post that was left alone", is("Create", "while away 1."))
		s.must(err)
		out, status, err := s.gateway.Run(late, "status")
		s.must(err)
		if status != 0 {
			t.Errorf("status: %d\n%s", status, out)
		}
	})
}
