package e2e

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

var errNotYet = errors.New("not yet")

// isPresence matches presence of a type ("": available) from an address.
func isPresence(from, kind string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Is("jabber:client", "presence") && strings.Split(n.Attr("from"), "/")[0] == from && n.Attr("type") == kind
	}
}

// TestGatewayStops stops the gateway and starts it again: contacts see it go and
// come back, and what was commented meanwhile reaches the fediverse once. Where
// the server does not say who wrote a comment (Prosody, for items that are asked
// for), it shows the last one again and says so; about others, whoever's name is on
// them is asked.
func TestGatewayStops(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.link(s.pierre)
		s.followedBy(s.fedi, "alice", s.louise)
		s.followedBy(s.fedi, "alice", s.pierre)
		ctx := within(t, 4*patience)
		alice, us := s.jidOf(s.fedi, "alice"), s.Names.Component
		s.must(s.louise.Presence(ctx, alice, "subscribe"))
		_, err := s.louise.Inbox.Await(ctx, "Alice to be online", isPresence(alice, ""))
		s.must(err)
		s.must(s.louise.Blog(ctx, "fern", "talk to me"))
		_, err = s.fedi.Await(ctx, "the post", is("Create", "talk to me"))
		s.must(err)
		s.must(s.pierre.Comment(ctx, s.louise.Account.JID(), "fern", "c1", "while you listen", ""))
		_, err = s.fedi.Await(ctx, "the comment", is("Create", "while you listen"))
		s.must(err)

		s.must(s.gateway.Stop())
		for _, from := range []string{alice, us} {
			_, err = s.louise.Inbox.Await(ctx, from+" to go", isPresence(from, "unavailable"))
			s.must(err)
		}
		online := len(s.louise.Inbox.All(isPresence(alice, "")))
		s.must(s.pierre.Comment(ctx, s.louise.Account.JID(), "fern", "c2", "while you are away", ""))
		s.must(s.pierre.Comment(ctx, s.louise.Account.JID(), "fern", "c1", "while you listened", "")) // an edit, and the last item now
		s.must(s.gateway.Start(ctx))
		s.must(lab.Eventually(ctx, "Alice to be back", func() error {
			if len(s.louise.Inbox.All(isPresence(alice, ""))) == online {
				return errNotYet
			}
			return nil
		}))
		_, err = s.fedi.Await(ctx, "the edit of meanwhile", is("Update", "while you listened"))
		s.must(err)
		number := regexp.MustCompile(`mine \d+`)
		asked := ""
		s.must(lab.Eventually(ctx, "the comment of meanwhile, or a question", func() error {
			if s.count(s.fedi, is("Create", "while you are away")) > 0 {
				return nil
			}
			for _, m := range s.pierre.Inbox.All(func(n *lab.Node) bool {
				return n.Attr("from") == us && strings.Contains(n.Body("jabber:client", "body"), "while you are away")
			}) {
				asked = number.FindString(m.Body("jabber:client", "body"))
				return nil
			}
			return errNotYet
		}))
		t.Logf("asked: %q", asked)
		if asked != "" {
			s.must(s.pierre.Message(ctx, us, "m1", asked, ""))
		}
		_, err = s.fedi.Await(ctx, "the comment of meanwhile", is("Create", "while you are away"))
		s.must(err)
		if n := len(s.pierre.Inbox.All(func(n *lab.Node) bool { return strings.Contains(n.Body("jabber:client", "body"), "while you listened") })); n > 0 {
			t.Errorf("Pierre was asked %d times about what the server had stamped", n)
		}
		s.must(s.louise.Blog(ctx, "moss", "the end"))
		_, err = s.fedi.Await(ctx, "the last post", is("Create", "the end"))
		s.must(err)
		for _, text := range []string{"talk to me", "while you listen", "while you are away"} {
			if n := s.count(s.fedi, is("Create", text)); n != 1 {
				t.Errorf("%s arrived %d times", text, n)
			}
		}
	})
}
