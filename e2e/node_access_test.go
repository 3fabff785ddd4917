package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

const asPublic = "https://www.w3.org/ns/activitystreams#Public"

// private is Jules, who approves nobody by themselves, and keeps a microblog
// that not everybody may read.
func (s *site) private(model string) *lab.Client {
	s.t.Helper()
	ctx := within(s.t, patience)
	jules, err := lab.Connect(ctx, s.jules, lab.ClientOptions{Address: s.server.C2S, Roots: s.CA.Pool()})
	s.must(err)
	s.t.Cleanup(jules.Close)
	s.must(jules.CreateNode(ctx, "", lab.Microblog, map[string]string{
		"pubsub#access_model": model, "pubsub#persist_items": "true", "pubsub#max_items": "200",
	}))
	s.must(jules.Message(ctx, s.Names.Component, "link", "link", ""))
	_, err = jules.Inbox.Await(ctx, "the gateway's wish to be a contact", func(n *lab.Node) bool {
		return n.Is("", "presence") && n.Attr("type") == "subscribe" && n.Attr("from") == s.Names.Component
	})
	s.must(err)
	s.must(jules.Presence(ctx, s.Names.Component, "subscribed"))
	return jules
}

// tells gives a command and waits for an answer that says something.
func (s *site) tells(c *lab.Client, command, want string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	s.must(c.Message(ctx, s.Names.Component, "", command, ""))
	_, err := c.Inbox.Await(ctx, command+": "+want, func(n *lab.Node) bool {
		return n.Is("", "message") && n.Attr("from") == s.Names.Component && strings.Contains(n.Content(), want)
	})
	s.must(err)
}

// posts publishes in a microblog as it is.
func (s *site) posts(c *lab.Client, id, text string) {
	s.t.Helper()
	_, err := c.Publish(within(s.t, patience), "", lab.Microblog, id, c.Entry(id, text).XML(), nil)
	s.must(err)
}

// audience is whom an activity is for.
func audience(a lab.Activity) (list []string) {
	for _, field := range []string{"to", "cc"} {
		switch v := a.JSON[field].(type) {
		case string:
			list = append(list, v)
		case []any:
			for _, one := range v {
				list = append(list, fmt.Sprint(one))
			}
		}
	}
	return list
}

// TestNodeForContacts publishes in a microblog that is for contacts only, and
// opens and closes it. Alice's follow is approved, Zeno's is from before and was
// approved by nobody.
func TestNodeForContacts(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		jules := s.private("presence")
		ctx := within(t, 5*patience)
		s.link(s.louise) // for markers
		s.followedBy(s.social, "zeno", s.louise)
		s.followedBy(s.fedi, "alice", s.louise)
		s.followedBy(s.social, "zeno", jules)
		s.posts(jules, "not-yet", "before the switch")
		s.tells(jules, "followers-only on", "Followers-only is on")
		_, err := s.fedi.Follow(ctx, "alice", "@"+jules.Account.JID())
		s.must(err)
		_, err = jules.Inbox.Await(ctx, "Alice's wish to follow", func(n *lab.Node) bool {
			return n.Is("", "presence") && n.Attr("type") == "subscribe" && n.Attr("from") == s.jidOf(s.fedi, "alice")
		})
		s.must(err)
		s.tells(jules, "followers", "(pending)")
		s.tells(jules, "approve alice@"+s.fedi.Host, "follows you now")

		s.posts(jules, "friends", "only for friends")
		made, err := s.fedi.Await(ctx, "the post for friends", is("Create", "only for friends"))
		s.must(err)
		if to := audience(made); slices.Contains(to, asPublic) || len(to) != 1 || !strings.HasSuffix(to[0], "/followers/"+jules.Account.JID()) {
			t.Errorf("it is for %v", to)
		}
		if _, status := s.object(made.Object); status != http.StatusNotFound {
			t.Errorf("a stranger gets it: %d", status)
		}
		if _, err := s.social.Lookup(ctx, "zeno", made.Object); err == nil {
			t.Error("Zeno, whom nobody approved, gets it")
		}
		if _, err := s.fedi.Lookup(ctx, "alice", made.Object); err != nil {
			t.Errorf("Alice does not get it: %v", err)
		}
		for p, user := range map[*lab.Peer]string{s.social: "zeno", s.fedi: "alice"} {
			if box, err := p.Outbox(ctx, user, s.actorURL(jules.Account.JID())); err != nil || len(box) != 0 {
				t.Errorf("%s finds %v in the outbox, %v", user, box, err)
			}
		}

		s.must(jules.Configure(ctx, "", lab.Microblog, map[string]string{"pubsub#access_model": "open"}))
		s.posts(jules, "all", "for everybody")
		all, err := s.social.Await(ctx, "the public post", is("Create", "for everybody"))
		s.must(err)
		if !slices.Contains(audience(all), asPublic) {
			t.Errorf("it is for %v", audience(all))
		}
		if _, status := s.object(made.Object); status != http.StatusNotFound {
			t.Errorf("what was for friends is for everybody when the node opens: %d", status)
		}

		s.must(jules.Configure(ctx, "", lab.Microblog, map[string]string{"pubsub#access_model": "presence"}))
		s.posts(jules, "again", "for friends again")
		_, err = s.social.Await(ctx, "the public post taken back", is("Delete", all.Object))
		s.must(err)
		_, err = s.fedi.Await(ctx, "another post for friends", is("Create", "for friends again"))
		s.must(err)
		s.tells(jules, "status", "1 follower is not approved.")

		s.tells(jules, "followers-only off", "send: followers-only off yes")
		s.tells(jules, "followers-only off yes", "2 posts were taken back")
		_, err = s.fedi.Await(ctx, "the first post for friends taken back", is("Delete", made.Object))
		s.must(err)
		s.posts(jules, "after", "after the switch")
		s.quiet(s.louise, s.social)
		s.quiet(s.louise, s.fedi)
		for _, p := range []*lab.Peer{s.social, s.fedi} {
			for _, text := range []string{"before the switch", "after the switch"} {
				if n := s.count(p, is("Create", text)); n != 0 {
					t.Errorf("%s got what is %s", p.Host, text)
				}
			}
		}
		if n := s.count(s.social, is("Create", "friends")); n != 0 {
			t.Errorf("Zeno's server got %d posts for friends", n)
		}
	})
}

// TestNodeByApproval publishes in a microblog whose owner lets in each reader,
// which of the two servers ejabberd has, and then in one for a list of people,
// the gateway among them.
func TestNodeByApproval(t *testing.T) {
	over(t, mainSetups[1:], func(t *testing.T, s *site) {
		jules := s.private("authorize")
		ctx := within(t, 4*patience)
		s.tells(jules, "followers-only on", "Followers-only is on")
		_, err := s.fedi.Follow(ctx, "alice", "@"+jules.Account.JID())
		s.must(err)
		_, err = jules.Inbox.Await(ctx, "Alice's wish to follow", func(n *lab.Node) bool {
			return n.Is("", "presence") && n.Attr("type") == "subscribe" && n.Attr("from") == s.jidOf(s.fedi, "alice")
		})
		s.must(err)
		s.tells(jules, "approve alice@"+s.fedi.Host, "follows you now")
		s.posts(jules, "waiting", "while the gateway waits")
		owner := "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"
		_, err = jules.IQ(ctx, "set", "", owner+"<subscriptions node='"+lab.Microblog+"'><subscription jid='"+s.Names.Component+"' subscription='subscribed'/></subscriptions></pubsub>")
		s.must(err)
		s.posts(jules, "let-in", "for those whom I let in")
		made, err := s.fedi.Await(ctx, "the post", is("Create", "for those whom I let in"))
		s.must(err)
		if to := audience(made); slices.Contains(to, asPublic) {
			t.Errorf("it is for %v", to)
		}
		_, err = jules.IQ(ctx, "set", "", owner+"<affiliations node='"+lab.Microblog+"'><affiliation jid='"+s.Names.Component+"' affiliation='member'/></affiliations></pubsub>")
		s.must(err)
		s.must(jules.Configure(ctx, "", lab.Microblog, map[string]string{"pubsub#access_model": "whitelist"}))
		s.posts(jules, "list", "for those on a list")
		_, err = s.fedi.Await(ctx, "what was for those whom Jules let in taken back", is("Delete", made.Object))
		s.must(err)
		if n := s.count(s.fedi, is("Create", "for those on a list")); n != 0 {
			t.Error("what is for a list of people crossed")
		}
	})
}

// TestCarried has Pierre, who has linked, post in a node of the pubsub service:
// the post is his, and the node announces it.
func TestCarried(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 3*patience)
		s.link(s.pierre)
		config := map[string]string{"pubsub#access_model": "open", "pubsub#publish_model": "open", "pubsub#persist_items": "true", "pubsub#max_items": "20"}
		if s.server.Kind == lab.Ejabberd {
			config["pubsub#itemreply"] = "publisher"
		}
		s.must(s.louise.CreateNode(ctx, s.Names.PubSub, "news", config))
		s.tells(s.louise, "link "+s.Names.PubSub+"/news", "Linked")
		handle := "___news---." + fmt.Sprintf("%x", "@") + strings.ReplaceAll(s.Names.PubSub, ".", ".2e") + "@" + s.Names.Domains[0]
		node := s.actorURL(handle)
		_, err := s.social.Follow(ctx, "zeno", "@"+handle)
		s.must(err)
		s.must(lab.Eventually(ctx, "Zeno to follow the node", func() error {
			_, following, _, err := s.social.People(ctx, "zeno")
			if err == nil && !slices.Contains(following, node) {
				err = fmt.Errorf("Zeno follows %v", following)
			}
			return err
		}))
		s.followedBy(s.fedi, "alice", s.pierre)
		pierre := s.actorURL(s.pierre.Account.JID())
		_, err = s.pierre.Publish(ctx, s.Names.PubSub, "news", "n1", s.pierre.Entry("n1", "news by Pierre").XML(), nil)
		s.must(err)
		made, err := s.fedi.Await(ctx, "Pierre's post", is("Create", "news by Pierre"))
		s.must(err)
		if made.Actor != pierre {
			t.Errorf("it is by %s, not %s", made.Actor, pierre)
		}
		boost, err := s.social.Await(ctx, "the node's boost", is("Announce", made.Object))
		s.must(err)
		if boost.Actor != node {
			t.Errorf("it is boosted by %s, not %s", boost.Actor, node)
		}
		_, err = s.pierre.Publish(ctx, s.Names.PubSub, "news", "n1", s.pierre.Entry("n1", "better news by Pierre").XML(), nil)
		s.must(err)
		_, err = s.social.Await(ctx, "the edit", is("Update", "better news by Pierre"))
		s.must(err)
		s.must(s.louise.Retract(ctx, s.Names.PubSub, "news", "n1"))
		for _, p := range []*lab.Peer{s.fedi, s.social} {
			_, err = p.Await(ctx, "the deletion", is("Delete", made.Object))
			s.must(err)
		}
	})
}
