package e2e

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// isChat matches a chat message.
func isChat(from, text string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Is("", "message") && n.Attr("type") == "chat" && n.Attr("from") == from && strings.Contains(n.Body("", "body"), text)
	}
}

// isBounce matches the error that answers a message.
func isBounce(from, id string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Is("", "message") && n.Attr("type") == "error" && n.Attr("from") == from && n.Attr("id") == id
	}
}

// TestDirect sends messages for named people both ways, and shows that they are
// in no node.
func TestDirect(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.link(s.pierre)
		s.followedBy(s.fedi, "amos", s.louise)
		ctx := within(t, patience)
		alice := s.jidOf(s.fedi, "alice")

		_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Keep this &lt;between&gt; us, <b>Louise</b>.</p>", Visibility: "direct",
			Mentions: []string{"@" + s.louise.Account.JID()}})
		s.must(err)
		got, err := s.louise.Inbox.Await(ctx, "Alice's message", isChat(alice, "Keep this <between> us"))
		s.must(err)

		s.must(s.louise.Message(ctx, alice, "dm-1", "I wil, Alice.", ""))
		note, err := s.fedi.Await(ctx, "Louise's message", is("Create", "I wil, Alice."))
		s.must(err)
		inner, _ := note.JSON["object"].(map[string]any)
		if text, _ := note.JSON["to"].([]any); len(text) != 1 || text[0] != s.fedi.Actor("alice") {
			t.Errorf("a message for Alice is addressed to %v", note.JSON["to"])
		}
		if cc, _ := inner["cc"].([]any); len(cc) != 0 {
			t.Errorf("and copied to %v", cc)
		}
		if n := s.count(s.fedi, is("Create", "I wil")); n != 1 {
			t.Errorf("it arrived %d times", n)
		}
		// XEP-0308: a correction; XEP-0424: a retraction.
		s.must(s.louise.Message(ctx, alice, "dm-2", "I will, Alice.", "<replace xmlns='urn:xmpp:message-correct:0' id='dm-1'/>"))
		edit, err := s.fedi.Await(ctx, "the correction", is("Update", "I will, Alice."))
		s.must(err)
		if edit.Object != note.Object {
			t.Errorf("the correction is of %s, not %s", edit.Object, note.Object)
		}
		s.must(s.louise.Send(ctx, "<message type='chat' id='dm-3' to='"+lab.Escape(alice)+"'><retract xmlns='urn:xmpp:message-retract:1' id='dm-1'/></message>"))
		_, err = s.fedi.Await(ctx, "the retraction", is("Delete", note.Object))
		s.must(err)

		// A message that cannot be delivered comes back.
		nobody := s.Names.ActorJID("nobody", s.fedi.Host)
		s.must(s.louise.Message(ctx, nobody, "dm-4", "Anyone?", ""))
		_, err = s.louise.Inbox.Await(ctx, "the bounce", isBounce(nobody, "dm-4"))
		s.must(err)

		// Nobody but those named sees any of it.
		for _, c := range []*lab.Client{s.louise, s.pierre} {
			for _, text := range []string{"Keep this", "I will"} {
				if err := s.absent(c, alice, lab.Microblog, text); err != nil {
					t.Errorf("%s reads Alice's node: %v", c.Account.JID(), err)
				}
			}
		}
		if n := len(s.pierre.Inbox.All(func(n *lab.Node) bool { return strings.Contains(n.Content(), "Keep this") })); n != 0 {
			t.Error("Pierre got Louise's message")
		}
		if _, status := s.object(note.Object); status == 200 {
			t.Error("strangers can fetch a direct message")
		}
		items, err := s.social.Outbox(ctx, "zeno", "@"+s.louise.Account.JID())
		s.must(err)
		if len(items) != 0 {
			t.Errorf("a direct message is in the outbox: %v", items)
		}
		_ = got
	})
}

// TestNotices answers and likes a post of which the gateway told, by chat, and takes
// both back.
func TestNotices(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.link(s.pierre)
		ctx := within(t, patience)
		alice, bot := s.jidOf(s.fedi, "alice"), s.Names.Component
		note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Where do ferns grow?</p>", Mentions: []string{"@" + s.louise.Account.JID()}})
		s.must(err)
		notice, err := s.louise.Inbox.Await(ctx, "the notice", isChat(bot, "mentioned you:\nWhere do ferns grow?"))
		s.must(err)
		id := lab.Escape(notice.Attr("id"))

		s.must(s.louise.Message(ctx, bot, "n-1", "In wals.", "<reply xmlns='urn:xmpp:reply:0' to='"+bot+"' id='"+id+"'/>"))
		made, err := s.fedi.Await(ctx, "the answer", is("Create", "In wals."))
		s.must(err)
		inner, _ := made.JSON["object"].(map[string]any)
		to, _ := made.JSON["to"].([]any)
		if inner["inReplyTo"] != note || len(to) != 1 || to[0] != "https://www.w3.org/ns/activitystreams#Public" {
			t.Errorf("the answer is to %v, for %v", inner["inReplyTo"], to)
		}
		_, err = s.louise.Inbox.Await(ctx, "what was done", isChat(bot, "You answered "))
		s.must(err)
		post, err := s.pierre.FindItem(ctx, alice, lab.Microblog, "the post", lab.Says("ferns grow"))
		s.must(err)
		_, err = s.pierre.FindItem(ctx, alice, lab.Comments+post.Attr("id"), "the comment", lab.Says("In wals."))
		s.must(err)

		s.must(s.louise.Message(ctx, bot, "n-2", "In walls.", "<replace xmlns='urn:xmpp:message-correct:0' id='n-1'/>"))
		edit, err := s.fedi.Await(ctx, "the correction", is("Update", "In walls."))
		s.must(err)
		if edit.Object != made.Object {
			t.Errorf("the correction is of %s, not %s", edit.Object, made.Object)
		}
		s.must(s.louise.Send(ctx, "<message type='chat' id='n-3' to='"+bot+"'><retract xmlns='urn:xmpp:message-retract:1' id='n-1'/></message>"))
		_, err = s.fedi.Await(ctx, "the retraction", is("Delete", made.Object))
		s.must(err)

		react := func(n, emoji string) {
			s.must(s.louise.Send(ctx, "<message type='chat' id='"+n+"' to='"+bot+"'><reactions xmlns='urn:xmpp:reactions:0' id='"+id+"'>"+emoji+"</reactions></message>"))
		}
		react("n-4", "<reaction>👍</reaction>")
		_, err = s.fedi.Await(ctx, "the like", is("Like", note))
		s.must(err)
		_, err = s.louise.Inbox.Await(ctx, "what was done", isChat(bot, "You liked the post “Where do ferns grow?”"))
		s.must(err)
		react("n-5", "")
		_, err = s.fedi.Await(ctx, "the end of the like", func(a lab.Activity) bool { return a.Type == "Undo" })
		s.must(err)

		// Quoted, by who reads this in a client without replies.
		s.must(s.louise.Message(ctx, bot, "n-6", "> Where do ferns grow?\nBehind the mill.", ""))
		_, err = s.fedi.Await(ctx, "the answer", is("Create", "Behind the mill."))
		s.must(err)
	})
}

// TestFollowersOnly shows that a post for followers reaches the followers, and
// nobody else through any door.
func TestFollowersOnly(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.link(s.pierre)
		s.follow(s.louise, s.fedi, "alice")
		ctx := within(t, patience)
		alice := s.jidOf(s.fedi, "alice")
		note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>for my followers: velvet</p>", Visibility: "followers"})
		s.must(err)
		_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>for everyone: burlap</p>"})
		s.must(err)
		_, err = s.louise.Inbox.Await(ctx, "the post for followers", func(n *lab.Node) bool { return strings.Contains(n.Content(), "velvet") })
		s.must(err)
		_, err = s.louise.Inbox.Await(ctx, "the public post", isEvent(alice, "burlap"))
		s.must(err)
		_, err = s.pierre.FindItem(ctx, alice, lab.Microblog, "the public post", lab.Says("burlap"))
		s.must(err)

		// Every door that Pierre, no follower, can knock at.
		s.must(s.absent(s.pierre, alice, lab.Microblog, "velvet"))
		nodes, err := s.pierre.Disco(ctx, alice, "")
		s.must(err)
		for _, n := range nodes.All("", "item") {
			if node := n.Attr("node"); node != "" {
				if err := s.absent(s.pierre, alice, node, "velvet"); err != nil && strings.HasPrefix(err.Error(), "still there") {
					t.Errorf("Pierre reads %s: %v", node, err)
				}
			}
		}
		ids, err := s.pierre.Items(ctx, alice, lab.Microblog, lab.Page{IDs: []string{note}})
		if err == nil && len(ids.List) > 0 {
			t.Errorf("asked for by its id Pierre gets %v", ids.List)
		}
		if n := s.pierre.Inbox.All(lab.Says("velvet")); len(n) > 0 {
			t.Errorf("Pierre was told %v", n)
		}
		search := func(as string) string {
			out, status, err := s.gateway.Run(ctx, "search", "velvet", "--as", as)
			s.must(err)
			if status == 2 {
				t.Fatalf("search: %s", out)
			}
			return out
		}
		s.must(lab.Eventually(ctx, "Louise to find it", func() error {
			if out := search(s.louise.Account.JID()); !strings.Contains(out, "velvet") {
				return fmt.Errorf("search says: %s", out)
			}
			return nil
		}))
		if out := search(s.pierre.Account.JID()); strings.Contains(out, "velvet") {
			t.Errorf("Pierre finds it: %s", out)
		}
		doc, err := s.Get(ctx, "https://"+s.Names.Domains[0]+"/_ap/@alice@"+s.fedi.Host, "text/html")
		s.must(err)
		if strings.Contains(string(doc.Body), "velvet") {
			t.Error("it stands on a web page")
		}
	})
}
