package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"isthmus/e2e/lab"
)

// TestNodeGone deletes a microblog and starts the gateway anew: what the
// fediverse has stays, as the owner was told, until she sends purge. Prosody
// forbids strangers what is not there, as if it had closed.
func TestNodeGone(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		ctx := within(t, 3*patience)
		s.must(s.louise.Blog(ctx, "one", "the first of one node"))
		_, err := s.fedi.Await(ctx, "the first post", is("Create", "the first of one node"))
		s.must(err)
		_, err = s.louise.IQ(ctx, "set", "", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='"+lab.Microblog+"'/></pubsub>")
		s.must(err)
		time.Sleep(time.Second) // a server that tells of it has done so; ejabberd does not
		s.gateway.Kill()
		s.must(s.gateway.Start(ctx))
		_, err = s.louise.Inbox.Await(ctx, "the question of the gateway", func(n *lab.Node) bool {
			return strings.Contains(n.Body("jabber:client", "body"), "To delete them there, send: purge")
		})
		s.must(err)
		s.must(lab.Eventually(ctx, "another look at the node", func() error {
			out, _, err := s.gateway.Run(ctx, "status", s.louise.Account.JID())
			if err == nil && !strings.Contains(out, lab.Microblog) {
				err = errors.New(out)
			}
			return err
		}))
		deletes := func() int { return s.count(s.fedi, func(a lab.Activity) bool { return a.Type == "Delete" }) }
		if n := deletes(); n != 0 {
			t.Errorf("%d deletes went out", n)
		}
		s.must(s.louise.Message(ctx, s.Names.Component, "p", "purge yes", ""))
		_, err = s.fedi.Await(ctx, "the Delete", func(a lab.Activity) bool { return a.Type == "Delete" })
		s.must(err)
	})
}

// TestNodeRemade removes Louise's node and makes it anew, as clients do whose
// user starts over: what she publishes then is federated, and what the
// fediverse has stays until she says otherwise. Nobody is subscribed to the new
// node: its items come because the gateway, whom she accepted as a contact, asks
// for microblogs in its capabilities (XEP-0163 §4).
func TestNodeRemade(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		ctx := within(t, 3*patience)
		s.must(s.louise.Blog(ctx, "one", "the first of one node"))
		_, err := s.fedi.Await(ctx, "the first post", is("Create", "the first of one node"))
		s.must(err)
		_, err = s.louise.IQ(ctx, "set", "", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='"+lab.Microblog+"'/></pubsub>")
		s.must(err)
		s.must(s.louise.Blog(ctx, "two", "the first of another"))
		_, err = s.fedi.Await(ctx, "the second post", is("Create", "the first of another"))
		s.must(err)
		if n := s.count(s.fedi, func(a lab.Activity) bool { return a.Type == "Delete" }); n != 0 {
			t.Errorf("%d deletes went out", n)
		}
	})
}
