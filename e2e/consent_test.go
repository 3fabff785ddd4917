package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestConsent shows that who has not linked is no actor, and that unlinking
// takes everything back.
func TestConsent(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 2*patience)
		jid := s.louise.Account.JID()
		s.must(s.louise.OpenMicroblog(ctx))
		s.must(s.louise.Blog(ctx, "before", "Nobody was asked about this."))
		base := "https://" + s.Names.Domains[0] + "/_ap/"
		if got := s.finger(jid).Status; got != http.StatusNotFound {
			t.Errorf("WebFinger of an unlinked user: %d", got)
		}
		for _, user := range []string{"louise", "no-such-person"} {
			if _, status := s.object(base + "actor/" + user + "@" + s.Names.Domains[0]); status != http.StatusNotFound {
				t.Errorf("actor of %s: %d, want 404 for who is absent and who is not linked alike", user, status)
			}
		}
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		s.must(s.louise.Blog(ctx, "after", "This is for the fediverse."))
		made, err := s.fedi.Await(ctx, "the post", is("Create", "for the fediverse"))
		s.must(err)
		if n := s.count(s.fedi, is("Create", "Nobody was asked")); n != 0 {
			t.Error("a post from before the link was federated")
		}
		actor := made.Actor

		s.must(s.louise.Message(ctx, s.Names.Component, "pause", "pause", ""))
		s.must(lab.Eventually(ctx, "the pause", func() error {
			if status := s.finger(jid).Status; status == http.StatusOK {
				return fmt.Errorf("WebFinger still answers")
			}
			return nil
		}))
		s.must(s.louise.Message(ctx, s.Names.Component, "link-again", "link", ""))
		s.must(lab.Eventually(ctx, "the end of the pause", func() error {
			if status := s.finger(jid).Status; status != http.StatusOK {
				return fmt.Errorf("WebFinger: %d", status)
			}
			return nil
		}))
		if got := s.actorURL(jid); got != actor {
			t.Errorf("after a pause the actor is %s, not %s", got, actor)
		}

		s.must(s.louise.Message(ctx, s.Names.Component, "unlink", "unlink yes", ""))
		_, err = s.fedi.Await(ctx, "the Delete of the actor", is("Delete", actor))
		s.must(err)
		for _, id := range []string{actor, made.Object} {
			if _, status := s.object(id); status != http.StatusGone {
				t.Errorf("%s: %d after unlink, want 410", id, status)
			}
		}
		if status := s.finger(jid).Status; status != http.StatusNotFound && status != http.StatusGone {
			t.Errorf("WebFinger after unlink: %d", status)
		}
		s.link(s.louise)
		if got := s.actorURL(jid); got == actor {
			t.Error("a new link is the old, deleted actor")
		}
	})
}

// TestAdHoc runs the same commands by XEP-0050.
func TestAdHoc(t *testing.T) {
	over(t, mainSetups[:1], func(t *testing.T, s *site) {
		ctx := within(t, patience)
		list, err := s.louise.Disco(ctx, s.Names.Component, "http://jabber.org/protocol/commands")
		s.must(err)
		nodes := map[string]string{}
		for _, n := range list.All("", "item") {
			node := n.Attr("node")
			nodes[node[strings.LastIndexAny(node, ":#/")+1:]] = node
		}
		if len(nodes) == 0 {
			t.Fatalf("no commands: %s", list)
		}
		s.must(s.louise.OpenMicroblog(ctx))
		for _, command := range []string{"link", "status", "followers", "following"} {
			if nodes[command] == "" {
				t.Errorf("no command %s among %v", command, nodes)
				continue
			}
			result, err := s.louise.Command(ctx, s.Names.Component, nodes[command], nil)
			s.must(err)
			if result.Attr("status") != "completed" {
				t.Errorf("%s: %s", command, result)
			}
		}
		if status := s.finger(s.louise.Account.JID()).Status; status != http.StatusOK {
			t.Errorf("WebFinger after the command link: %d", status)
		}
	})
}
