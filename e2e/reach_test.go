package e2e

import (
	"testing"

	"isthmus/e2e/lab"
)

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
