package e2e

import (
	"errors"
	"fmt"
	"testing"

	"isthmus/e2e/lab"
)

// TestAttachments shows reactions by XEP-0470: of XMPP users to posts of the
// fediverse, and of the fediverse to posts of XMPP users.
func TestAttachments(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		t.Run("Louise reacts to a post of the peer", s.sub(testAttach))
		t.Run("the peer reacts to a post of Louise", s.sub(testAttached))
	})
}

// isLike matches a like of an object, with the emoji that it says.
func isLike(object, emoji string) func(lab.Activity) bool {
	return func(a lab.Activity) bool {
		content, _ := a.JSON["content"].(string)
		return a.Type == "Like" && a.Object == object && content == emoji
	}
}

// isUndo matches what takes an activity back.
func isUndo(id string) func(lab.Activity) bool {
	return func(a lab.Activity) bool {
		inner, _ := a.JSON["object"].(map[string]any)
		return a.Type == "Undo" && (a.Object == id || inner["id"] == id)
	}
}

// by matches the attachments of somebody: noticed or not, and an emoji or "".
func by(jid string, noticed bool, emoji string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Attr("id") == jid && (n.Find("", "noticed") != nil) == noticed && n.Body("", "reaction") == emoji
	}
}

func testAttach(s *site) {
	ctx := within(s.t, 2*patience)
	alice := s.jidOf(s.fedi, "alice")
	note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>A carrot has grown.</p>"})
	s.must(err)
	s.follow(s.louise, s.fedi, "alice")
	post, err := s.louise.FindItem(ctx, alice, lab.Microblog, "the post", lab.Says("A carrot"))
	s.must(err)
	item := post.Attr("id")
	node, sums := lab.Attachments(alice, item), "urn:xmpp:pubsub-attachments:summary:1/"+lab.Microblog
	for _, n := range []string{node, sums} {
		_, err := s.pierre.Subscribe(ctx, alice, n)
		s.must(err)
	}
	event := func(what string, match func(*lab.Node) bool) {
		s.t.Helper()
		_, err := s.pierre.Inbox.Await(ctx, what, func(n *lab.Node) bool {
			return n.Is("", "message") && n.Attr("from") == alice && match(n.Find("", "item"))
		})
		s.must(err)
	}

	s.must(s.louise.Attach(ctx, alice, item, "<noticed/><reactions><reaction>🥕</reaction></reactions>"))
	like, err := s.fedi.Await(ctx, "the like", isLike(note, ""))
	s.must(err)
	carrot, err := s.fedi.Await(ctx, "the carrot", isLike(note, "🥕"))
	s.must(err)
	event("Louise's attachments", by(s.louise.Account.JID(), true, "🥕"))
	event("their sum", by(item, true, "🥕"))
	_, err = s.pierre.FindItem(ctx, alice, node, "Louise's attachments", by(s.louise.Account.JID(), true, "🥕"))
	s.must(err)

	s.must(s.louise.Comment(ctx, alice, item, "heart", "♥", "")) // the same again, in another form
	s.must(s.louise.Attach(ctx, alice, item, "<reactions><reaction>🥕</reaction></reactions>"))
	_, err = s.fedi.Await(ctx, "the like taken back", isUndo(like.ID))
	s.must(err)
	s.must(s.absent(s.pierre, alice, lab.Comments+item, "♥"))
	s.must(s.louise.Retract(ctx, alice, node, s.louise.Account.JID()))
	_, err = s.fedi.Await(ctx, "the carrot taken back", isUndo(carrot.ID))
	s.must(err)
	if n := s.count(s.fedi, isLike(note, "")); n != 1 {
		s.t.Errorf("the like arrived %d times", n)
	}

	err = s.pierre.Attach(ctx, alice, item, "<noticed/>")
	s.refused(err, "registration-required")
	_, err = s.louise.Publish(ctx, alice, node, s.pierre.Account.JID(), "<attachments xmlns='urn:xmpp:pubsub-attachments:1'/>", nil)
	s.refused(err, "bad-request")
	s.refused(s.louise.CreateNode(ctx, alice, node, nil), "not-allowed")
}

// refused ends the test unless a request was answered with that condition.
func (s *site) refused(err error, condition string) {
	s.t.Helper()
	var refused *lab.StanzaError
	if !errors.As(err, &refused) || refused.Condition != condition {
		s.t.Fatalf("answered %v, want %s", err, condition)
	}
}

func testAttached(s *site) {
	ctx := within(s.t, 2*patience)
	s.followedBy(s.fedi, "alice", s.louise)
	jid, alice := s.louise.Account.JID(), s.jidOf(s.fedi, "alice")
	node := lab.Attachments(jid, "fern")
	s.must(s.louise.CreateNode(ctx, "", node, map[string]string{
		"pubsub#access_model": "open", "pubsub#publish_model": "open", "pubsub#persist_items": "true", "pubsub#max_items": "200",
	}))
	s.must(s.louise.Blog(ctx, "fern", "Look, a fern."))
	made, err := s.fedi.Await(ctx, "the post", is("Create", "a fern"))
	s.must(err)
	like, err := s.fedi.Like(ctx, "alice", made.Object)
	s.must(err)
	_, err = s.louise.FindItem(ctx, jid, node, "the like", by(alice, true, ""))
	s.must(err)
	_, err = s.louise.FindItem(ctx, jid, lab.Comments+"fern", "the like as a comment", lab.Says("♥"))
	s.must(err)
	carrot, err := s.fedi.Emoji(ctx, "alice", made.Object, "🥕")
	s.must(err)
	_, err = s.louise.FindItem(ctx, jid, node, "the carrot", by(alice, true, "🥕"))
	s.must(err)

	s.must(s.fedi.Undo(ctx, "alice", like))
	_, err = s.louise.FindItem(ctx, jid, node, "the carrot alone", by(alice, false, "🥕"))
	s.must(err)
	s.must(lab.Eventually(ctx, "the comment to go", func() error { return s.absent(s.louise, jid, lab.Comments+"fern", "♥") }))
	s.must(s.fedi.Undo(ctx, "alice", carrot))
	s.must(lab.Eventually(ctx, "the carrot to go", func() error {
		items, err := s.louise.Items(ctx, jid, node, lab.Page{MaxItems: 50})
		if err != nil {
			return err
		}
		for _, n := range items.List {
			if n.Find("", "noticed") != nil || n.Find("", "reaction") != nil {
				return fmt.Errorf("there is %s", n)
			}
		}
		return nil
	}))
}
