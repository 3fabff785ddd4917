package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestFlow plays each sentence of what a user gets.
func TestFlow(t *testing.T) {
	over(t, everySetup, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.link(s.pierre)
		t.Run("the peer follows Louise", s.sub(testFollowedBy))
		t.Run("Louise publishes and the peer has the post", s.sub(testPublish))
		t.Run("the peer answers, likes and boosts", s.sub(testReactions))
		t.Run("Louise edits and deletes a post", s.sub(testOwnEdit))
		t.Run("Louise follows, reads the backlog, gets new posts", s.sub(testFollow))
		t.Run("Louise replies, edits and deletes", s.sub(testReply))
		t.Run("the peer edits and deletes", s.sub(testPeerEdit))
		t.Run("both stop following", s.sub(testUnfollow))
		t.Run("web pages", s.sub(testPages))
	})
}

// sub makes a test of the site into a subtest.
func (s *site) sub(test func(*site)) func(*testing.T) {
	return func(t *testing.T) {
		inner := *s
		inner.t = t
		test(&inner)
	}
}

func testFollowedBy(s *site) {
	s.followedBy(s.fedi, "alice", s.louise)
	s.followedBy(s.social, "zeno", s.pierre)
	actor := s.actorURL(s.louise.Account.JID())
	doc, status := s.object(actor)
	if status != http.StatusOK || doc["id"] != actor {
		s.t.Fatalf("actor %s: %d, id %v", actor, status, doc["id"])
	}
	if !strings.HasPrefix(actor, "https://"+s.Names.Domains[0]+"/") {
		s.t.Errorf("the actor %s lives on another host than her handle", actor)
	}
	if doc["preferredUsername"] != "louise" || doc["type"] != "Person" {
		s.t.Errorf("the actor is %v, %v", doc["type"], doc["preferredUsername"])
	}
	if key, _ := doc["publicKey"].(map[string]any); key["owner"] != actor {
		s.t.Errorf("her key is %v", doc["publicKey"])
	}
	// A second follow of the same is answered again and changes nothing.
	s.followedBy(s.fedi, "alice", s.louise)
}

func testPublish(s *site) {
	ctx := within(s.t, patience)
	s.must(s.louise.Blog(ctx, "fern-1", "The first fern uncurls."))
	s.must(s.pierre.Blog(ctx, "stone-1", "A stone, found by the river."))
	made, err := s.fedi.Await(ctx, "Louise's post", is("Create", "first fern"))
	s.must(err)
	_, err = s.social.Await(ctx, "Pierre's post", is("Create", "found by the river"))
	s.must(err)
	if made.Actor != s.actorURL(s.louise.Account.JID()) {
		s.t.Errorf("the post comes from %s", made.Actor)
	}
	object, status := s.object(made.Object)
	if status != http.StatusOK || object["id"] != made.Object || object["type"] != "Note" || object["attributedTo"] != made.Actor {
		s.t.Errorf("fetched: %d, %v %v by %v", status, object["type"], object["id"], object["attributedTo"])
	}
	if to, _ := object["to"].([]any); !slices.Contains(to, any("https://www.w3.org/ns/activitystreams#Public")) {
		s.t.Errorf("a public post is addressed to %v", object["to"])
	}
	items, err := s.fedi.Outbox(ctx, "amos", "@"+s.louise.Account.JID())
	s.must(err)
	if len(items) != 1 {
		s.t.Errorf("her outbox holds %v, want the one post", items)
	}
	s.quiet(s.louise, s.fedi)
	s.quiet(s.pierre, s.social)
	if n := s.count(s.fedi, is("Create", "first fern")); n != 1 {
		s.t.Errorf("Louise's post arrived %d times", n)
	}
	if s.count(s.fedi, is("Create", "found by the river"))+s.count(s.social, is("Create", "first fern")) != 0 {
		s.t.Error("posts reach those who do not follow their author")
	}
}

func testReactions(s *site) {
	ctx := within(s.t, patience)
	jid, alice := s.louise.Account.JID(), s.jidOf(s.fedi, "alice")
	made, err := s.fedi.Await(ctx, "Louise's post", is("Create", "first fern"))
	s.must(err)
	comments := lab.Comments + "fern-1"

	note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Which wood, @louise?</p>", InReplyTo: made.Object})
	s.must(err)
	comment, err := s.louise.FindItem(ctx, jid, comments, "the answer", lab.Says("Which wood"))
	s.must(err)
	if title := comment.Body(lab.NSAtom, "title"); !strings.Contains(title, "Which wood") {
		s.t.Errorf("the comment's title is %q: Movim shows no comment without", title)
	}
	if author := comment.Find(lab.NSAtom, "author").Body(lab.NSAtom, "uri"); author != "xmpp:"+alice {
		s.t.Errorf("the comment's author is %s, want xmpp:%s", author, alice)
	}
	_, err = s.louise.Inbox.Await(ctx, "the event of the comment", isEvent(jid, "Which wood"))
	s.must(err)

	// Louise answers the comment, in her own node.
	s.must(s.louise.Comment(ctx, jid, "fern-1", "fern-1-b", "The one behind the mill.",
		"xmpp:"+jid+"?;node="+comments+";item="+comment.Attr("id")))
	answer, err := s.fedi.Await(ctx, "Louise's answer", is("Create", "behind the mill"))
	s.must(err)
	if inner, _ := answer.JSON["object"].(map[string]any); inner["inReplyTo"] != note {
		s.t.Errorf("her answer is in reply to %v, want %s", inner["inReplyTo"], note)
	}

	like, err := s.fedi.Like(ctx, "alice", made.Object)
	s.must(err)
	_, err = s.louise.FindItem(ctx, jid, comments, "the like", lab.Says("♥"))
	s.must(err)
	s.must(s.fedi.Undo(ctx, "alice", like))
	s.must(lab.Eventually(ctx, "the like to be taken back", func() error {
		_, err := s.louise.Items(ctx, jid, comments, lab.Page{MaxItems: 50})
		if err != nil {
			return err
		}
		return s.absent(s.louise, jid, comments, "♥")
	}))

	boost, err := s.fedi.Boost(ctx, "alice", made.Object)
	s.must(err)
	repost, err := s.louise.FindItem(ctx, alice, lab.Microblog, "the boost", isRepost)
	s.must(err)
	if author := repost.Find(lab.NSAtom, "author").Body(lab.NSAtom, "uri"); author != "xmpp:"+jid {
		s.t.Errorf("the boosted post's author is %s, want xmpp:%s", author, jid)
	}
	s.must(s.fedi.Undo(ctx, "alice", boost))
	s.must(lab.Eventually(ctx, "the boost to be taken back", func() error {
		return s.absent(s.louise, alice, lab.Microblog, "first fern")
	}))
}

func isRepost(n *lab.Node) bool {
	return slices.ContainsFunc(n.All(lab.NSAtom, "link"), func(l *lab.Node) bool { return l.Attr("rel") == "via" })
}

// absent is an error while an item of a node says something.
func (s *site) absent(c *lab.Client, to, node, text string) error {
	items, err := c.Items(within(s.t, patience), to, node, lab.Page{MaxItems: 50})
	if err != nil {
		return err
	}
	for _, n := range items.List {
		if lab.Says(text)(n) {
			return &stillThere{n}
		}
	}
	return nil
}

type stillThere struct{ item *lab.Node }

func (e *stillThere) Error() string { return "still there: " + e.item.String() }

func testOwnEdit(s *site) {
	ctx := within(s.t, patience)
	s.must(s.louise.Blog(ctx, "fern-2", "A scond fern."))
	made, err := s.fedi.Await(ctx, "the post", is("Create", "scond fern"))
	s.must(err)
	s.must(s.louise.Blog(ctx, "fern-2", "A second fern."))
	edit, err := s.fedi.Await(ctx, "the edit", is("Update", "second fern"))
	s.must(err)
	if edit.Object != made.Object {
		s.t.Errorf("the edit is of %s, not of %s", edit.Object, made.Object)
	}
	// The same once more is no edit.
	s.must(s.louise.Blog(ctx, "fern-2", "A second fern."))
	s.must(s.louise.Retract(ctx, "", lab.Microblog, "fern-2"))
	_, err = s.fedi.Await(ctx, "the delete", is("Delete", made.Object))
	s.must(err)
	if n := s.count(s.fedi, is("Update", "second fern")); n != 1 {
		s.t.Errorf("%d updates for one edit", n)
	}
	object, status := s.object(made.Object)
	if status != http.StatusGone || object["type"] != "Tombstone" {
		s.t.Errorf("a deleted post answers %d, %v", status, object)
	}
	// What max_items drops, or a restart shows again, is no business of peers;
	// a post of the same id after the retract is a new object.
	s.must(s.louise.Blog(ctx, "fern-2", "A third fern."))
	again, err := s.fedi.Await(ctx, "the new post", is("Create", "third fern"))
	s.must(err)
	if again.Object == made.Object {
		s.t.Error("a post republished after its retract is the deleted object")
	}
}

func testFollow(s *site) {
	ctx := within(s.t, patience)
	for _, text := range []string{"one", "two", "three"} {
		_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>backlog " + text + "</p>"})
		s.must(err)
	}
	alice := s.jidOf(s.fedi, "alice")
	info, err := s.louise.Info(ctx, alice, "")
	s.must(err)
	if !slices.ContainsFunc(info.All("", "feature"), func(n *lab.Node) bool { return strings.HasPrefix(n.Attr("var"), "http://jabber.org/protocol/pubsub") }) {
		s.t.Errorf("Alice is no pubsub service: %s", info)
	}
	s.follow(s.louise, s.fedi, "alice")
	for _, text := range []string{"backlog one", "backlog three"} {
		_, err := s.louise.FindItem(ctx, alice, lab.Microblog, text, lab.Says(text))
		s.must(err)
	}
	items, err := s.louise.Items(ctx, alice, lab.Microblog, lab.Page{MaxItems: 2})
	s.must(err)
	if len(items.List) != 2 || !lab.Says("backlog three")(items.List[0]) || items.Last != items.List[1].Attr("id") {
		s.t.Errorf("the newest two, newest first, are wanted: %v, last %s", items.List, items.Last)
	}
	older, err := s.louise.Items(ctx, alice, lab.Microblog, lab.Page{Max: 2, Before: &items.Last})
	s.must(err)
	if len(older.List) == 0 || !lab.Says("backlog one")(older.List[0]) {
		s.t.Errorf("the page before: %v", older.List)
	}
	_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>news of <em>today</em></p>", Tags: []string{"Moss"}})
	s.must(err)
	event, err := s.louise.Inbox.Await(ctx, "Alice's new post", isEvent(alice, "today"))
	s.must(err)
	if got := event.Find("", "item").Attr("publisher"); got != alice {
		s.t.Errorf("the publisher is %q, want %s", got, alice)
	}
	if !slices.ContainsFunc(event.All(lab.NSAtom, "category"), func(n *lab.Node) bool { return n.Attr("term") == "moss" }) {
		s.t.Errorf("the hashtag is lost: %s", event)
	}
	_, following, _, err := s.fedi.People(ctx, "alice")
	s.must(err)
	followers, _, _, err := s.fedi.People(ctx, "alice")
	s.must(err)
	if actor := s.actorURL(s.louise.Account.JID()); !slices.Contains(followers, actor) {
		s.t.Errorf("Alice's followers are %v (she follows %v), not %s", followers, following, actor)
	}
	s.lockedAccount()
}

// lockedAccount follows somebody who first says no and then yes.
func (s *site) lockedAccount() {
	s.t.Helper()
	ctx := within(s.t, patience)
	zoe, actor := s.jidOf(s.social, "zoe"), s.actorURL(s.louise.Account.JID())
	state, err := s.louise.Subscribe(ctx, zoe, lab.Microblog)
	s.must(err)
	if state != "pending" {
		s.t.Errorf("a subscription to Zoe, who decides by hand, is %q", state)
	}
	s.must(lab.Eventually(ctx, "Zoe to be asked", func() error { return s.social.Decide(ctx, "zoe", actor, false) }))
	_, err = s.louise.Inbox.Await(ctx, "Zoe's no", isSubscription(zoe, "none"))
	s.must(err)
	state, err = s.louise.Subscribe(ctx, zoe, lab.Microblog)
	s.must(err)
	if state != "pending" {
		s.t.Errorf("asking again is %q", state)
	}
	s.must(lab.Eventually(ctx, "Zoe to be asked again", func() error { return s.social.Decide(ctx, "zoe", actor, true) }))
	_, err = s.louise.Inbox.Await(ctx, "Zoe's yes", isSubscription(zoe, "subscribed"))
	s.must(err)
}

func testReply(s *site) {
	ctx := within(s.t, patience)
	alice := s.jidOf(s.fedi, "alice")
	note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Who is awake?</p>"})
	s.must(err)
	event, err := s.louise.Inbox.Await(ctx, "Alice's question", isEvent(alice, "Who is awake"))
	s.must(err)
	item := event.Find("", "item").Attr("id")
	s.must(s.louise.Comment(ctx, alice, item, "re-1", "I amm.", ""))
	made, err := s.fedi.Await(ctx, "the answer", is("Create", "I amm"))
	s.must(err)
	if inner, _ := made.JSON["object"].(map[string]any); inner["inReplyTo"] != note {
		s.t.Errorf("the answer is in reply to %v, want %s", inner["inReplyTo"], note)
	}
	_, err = s.louise.FindItem(ctx, alice, lab.Comments+item, "her own comment", lab.Says("I amm"))
	s.must(err)
	s.must(s.louise.Comment(ctx, alice, item, "re-1", "I am.", ""))
	_, err = s.fedi.Await(ctx, "the edit", is("Update", "I am."))
	s.must(err)
	if _, err := s.pierre.Publish(ctx, alice, lab.Comments+item, "re-1", s.pierre.Entry("re-1", "No.").XML(), nil); err == nil {
		s.t.Error("Pierre can overwrite Louise's comment")
	}
	s.must(s.louise.Comment(ctx, alice, item, "like-1", "♥", ""))
	like, err := s.fedi.Await(ctx, "the like", is("Like", note))
	s.must(err)
	s.must(s.louise.Retract(ctx, alice, lab.Comments+item, "like-1"))
	_, err = s.fedi.Await(ctx, "the like taken back", func(a lab.Activity) bool {
		inner, _ := a.JSON["object"].(map[string]any)
		return a.Type == "Undo" && (a.Object == like.ID || inner["type"] == "Like")
	})
	s.must(err)
	s.must(s.louise.Retract(ctx, alice, lab.Comments+item, "re-1"))
	_, err = s.fedi.Await(ctx, "the delete", is("Delete", made.Object))
	s.must(err)
	if _, status := s.object(made.Object); status != http.StatusGone {
		s.t.Errorf("the deleted answer says %d", status)
	}
}

func testPeerEdit(s *site) {
	ctx := within(s.t, patience)
	alice := s.jidOf(s.fedi, "alice")
	note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>Teh tide is out.</p>"})
	s.must(err)
	event, err := s.louise.Inbox.Await(ctx, "the post", isEvent(alice, "Teh tide"))
	s.must(err)
	item := event.Find("", "item").Attr("id")
	s.must(s.fedi.Edit(ctx, "alice", note, "<p>The tide is out.</p>"))
	event, err = s.louise.Inbox.Await(ctx, "the edit", isEvent(alice, "The tide"))
	s.must(err)
	if got := event.Find("", "item").Attr("id"); got != item {
		s.t.Errorf("the edit is item %s, not %s", got, item)
	}
	s.must(s.fedi.Delete(ctx, "alice", note))
	_, err = s.louise.Inbox.Await(ctx, "the retract", func(n *lab.Node) bool {
		return n.Attr("from") == alice && n.Find("", "retract").Attr("id") == item
	})
	s.must(err)
	s.must(s.absent(s.louise, alice, lab.Microblog, "tide is out"))
}

func testUnfollow(s *site) {
	ctx := within(s.t, patience)
	alice, actor := s.jidOf(s.fedi, "alice"), s.actorURL(s.louise.Account.JID())
	s.must(s.louise.Unsubscribe(ctx, alice, lab.Microblog))
	s.must(lab.Eventually(ctx, "Alice to lose a follower", func() error {
		followers, _, _, err := s.fedi.People(ctx, "alice")
		if err == nil && slices.Contains(followers, actor) {
			return &stillFollows{actor}
		}
		return err
	}))
	follow, err := s.fedi.Follow(ctx, "amos", "@"+s.louise.Account.JID())
	s.must(err)
	_, err = s.fedi.Await(ctx, "the accept", func(a lab.Activity) bool { return a.Type == "Accept" && a.Object == follow })
	s.must(err)
	s.must(s.fedi.Undo(ctx, "amos", follow))
	s.must(lab.Eventually(ctx, "the undo to be delivered", func() error {
		doc, _ := s.object(actor)
		followers, _ := doc["followers"].(string)
		list, _ := s.object(followers)
		if total, _ := list["totalItems"].(float64); total != 1 { // Alice
			return &stillFollows{followers}
		}
		return nil
	}))
}

type stillFollows struct{ who string }

func (e *stillFollows) Error() string { return e.who + " still follows, or counts who does not" }

func testPages(s *site) {
	ctx := within(s.t, patience)
	actor := s.actorURL(s.louise.Account.JID())
	doc, err := s.Get(ctx, actor, "text/html,application/xhtml+xml")
	s.must(err)
	page := doc.Header.Get("Location")
	if doc.Status != http.StatusSeeOther || page == "" || !strings.Contains(doc.Header.Get("Vary"), "Accept") {
		s.t.Fatalf("a browser at %s: %d, %v", actor, doc.Status, doc.Header)
	}
	if strings.HasPrefix(page, "/") {
		page = "https://" + s.Names.Domains[0] + page
	}
	doc, err = s.Get(ctx, page, "text/html")
	s.must(err)
	if doc.Status != http.StatusOK || !strings.Contains(string(doc.Body), "first fern") || strings.Contains(string(doc.Body), "<script") {
		s.t.Errorf("her page %s: %d\n%s", page, doc.Status, doc.Body)
	}
	for url, want := range map[string]int{
		"https://" + s.Names.Domains[0] + "/_ap/actor/nobody@" + s.Names.Domains[0]:         http.StatusNotFound,
		"https://" + s.Names.Domains[0] + "/.well-known/webfinger":                          http.StatusBadRequest,
		"https://" + s.Names.Domains[0] + "/.well-known/nodeinfo":                           http.StatusOK,
		"https://" + s.Names.Domains[0] + "/_ap/actor/louise%40" + s.Names.Domains[0]:       http.StatusOK,
		"https://" + s.Names.Domains[0] + "/_ap/actor/louise%40" + s.Names.Domains[0] + "?": http.StatusOK,
	} {
		if doc, err := s.Get(ctx, url, lab.ActivityJSON); err != nil || doc.Status != want {
			s.t.Errorf("%s: %d, %v, want %d", url, doc.Status, err, want)
		}
	}
}
