package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestLinkAndUnlink shows what consent does: an actor from the link on, nothing
// of it after the unlink, and a new actor after the next link.
func TestLinkAndUnlink(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if _, err := w.account(ctx, louise); !isKind(err, NotFound) {
		t.Errorf("before the link: %v", err)
	}
	a := w.linkUser(louise)
	if !w.xmpp.subscribed(louise, feed) {
		t.Error("the node is not subscribed")
	}
	w.xmpp.await("the request for presence", func(el *stanza.Element) bool {
		return el.Name == "presence" && el.Get("type") == "subscribe" && el.Get("to") == louise
	})
	if text, _ := w.obey(ctx, louise, "link"); !strings.Contains(text, "already") {
		t.Errorf("a second link says %q", text)
	}
	w.publish(louise, feed, w.entry("fern", "A fern for @bob@pub.test."))
	made := w.expect("Create Create")
	w.update(func(tx *cache.Tx) error { // Alice leaves; her server has the post all the same
		_, err := tx.DeleteFollow(aliceURI, a.URI)
		return err
	})
	if text, _ := w.obey(ctx, louise, "unlink"); !strings.Contains(text, "lose 1 post. Other servers") || !strings.HasSuffix(text, "To do it, send: unlink yes") {
		t.Errorf("unlink asks %q", text)
	}
	w.expect("")
	text, _ := w.obey(ctx, louise, "unlink yes")
	w.running.Wait()
	if !strings.HasPrefix(text, "Unlinked") {
		t.Errorf("unlink says %q", text)
	}
	var inboxes []string
	for _, d := range w.deliveries() {
		if d.Type != "Delete" || d.uri != a.URI {
			t.Errorf("sent %+v", d)
		}
		inboxes = append(inboxes, d.inbox)
	}
	if slices.Sort(inboxes); !slices.Equal(inboxes, []string{"https://mast.social/inbox", "https://pub.test/inbox"}) {
		t.Errorf("the Delete goes to %v", inboxes)
	}
	if _, err := w.account(ctx, louise); !isKind(err, Gone) {
		t.Errorf("after the unlink: %v", err)
	}
	w.view(func(tx *cache.Tx) error {
		_, err := tx.PostByURI(made[0].uri, operator)
		if err == nil {
			t.Error("her post is still there")
		}
		_, err = tx.Tombstone(made[0].uri)
		return err
	})
	w.publish(louise, feed, w.entry("moss", "Nobody should get this."))
	w.expect("")
	w.retractItem(louise, feed, "fern")

	next := w.linkUser(louise)
	if next.Generation != 2 || next.URI == a.URI || !strings.HasSuffix(next.URI, "~2") {
		t.Errorf("the next link is %s", next.URI)
	}
	w.publish(louise, feed, w.entry("fern", "A fern again."))
	if again := w.expect("Create")[0]; again.uri == made[0].uri || again.Object["attributedTo"] != next.URI {
		t.Errorf("sent %+v", again)
	}
}

// TestFollowerBecomesActor shows that who has followed keeps their actor id.
func TestFollowerBecomesActor(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.xmpp.node(louise, feed, nodeOpen)
	if text, _ := w.obey(ctx, louise, "follow @alice@mast.social"); !strings.Contains(text, "Asked") {
		t.Errorf("follow says %q", text)
	}
	follow := w.expect("Follow")[0]
	before, err := w.accountOf(ctx, louise, "")
	w.must(err)
	if before.State != cache.FollowerOnly || w.actorDocument(before).Discoverable {
		t.Errorf("a follower is %s, discoverable %v", before.State, w.actorDocument(before).Discoverable)
	}
	w.publish(louise, feed, w.entry("fern", "Not for the fediverse."))
	w.expect("")
	if after := w.linkUser(louise); after.URI != before.URI || after.State != cache.Linked || after.LinkedAt.IsZero() {
		t.Errorf("after the link %+v", after)
	}
	text, _ := w.obey(ctx, louise, "following")
	if text != "Alice (@alice@mast.social) (pending)" {
		t.Errorf("following says %q", text)
	}
	w.obey(ctx, louise, "unfollow alice@mast.social")
	if undo := w.expect("Undo")[0]; undo.Object["id"] != follow.ID {
		t.Errorf("the undo is %+v", undo)
	}
}

// TestPause shows that a pause hides, that retracts cross all the same, and that
// what was written meanwhile stays at home.
func TestPause(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	a := w.linkUser(louise)
	w.publish(louise, feed, w.entry("one", "One."), w.entry("two", "Two."))
	w.expect("Create Create")
	w.obey(ctx, louise, "pause")
	if _, err := w.account(ctx, louise); !isKind(err, NotFound) {
		t.Errorf("while paused: %v", err)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("three", "Written in the pause."))
	w.expect("")
	w.retractItem(louise, feed, "one")
	w.expect("Delete")
	w.pass(time.Minute)
	if text, _ := w.obey(ctx, louise, "resume"); !strings.HasPrefix(text, "Resumed") {
		t.Errorf("resume says %q", text)
	}
	w.running.Wait()
	w.pull(ctx, a, false)
	w.expect("")
	now, err := w.account(ctx, louise)
	w.must(err)
	if now.URI != a.URI {
		t.Errorf("after the pause the actor is %s", now.URI)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("four", "Written after it."))
	w.expect("Create")
}

// TestWhoMayLink shows who can be an actor here.
func TestWhoMayLink(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		jid, node string
		want      bool
	}{
		{louise, "", true}, {pierre, "", true}, {louise, "blog", true}, {louise, feed, true},
		{louise, stanza.CommentsNodePrefix + "x", false},
		{"eve@elsewhere.test", "", false}, {"example.org", "", false}, {ourComponent, "", false}, {aliceJID, "", false},
		{"pubsub.example.org", "news", true}, {"pubsub.example.org", "", false},
	} {
		if got := w.mayLink(stanza.JID(c.jid), c.node); got != c.want {
			t.Errorf("%s %s: %v", c.jid, c.node, got)
		}
	}
}

// TestBlock shows that a block ends what there was, and hides.
func TestBlock(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	a := w.linkUser(louise)
	w.obey(ctx, louise, "follow alice@mast.social")
	w.expect("Follow")
	if text, _ := w.obey(ctx, louise, "block alice@mast.social yes"); !strings.HasPrefix(text, "Blocked") {
		t.Errorf("block says %q", text)
	}
	w.expect("Undo Reject")
	w.publish(louise, feed, w.entry("fern", "Not for Alice."))
	w.expect("")
	if text, _ := w.obey(ctx, louise, "blocks"); text != "Alice (@alice@mast.social)" {
		t.Errorf("blocks says %q", text)
	}
	if text, _ := w.obey(ctx, louise, "unblock alice@mast.social"); text != "Alice (@alice@mast.social) is not blocked any more." {
		t.Errorf("unblock says %q", text)
	}
	if text, _ := w.obey(ctx, louise, "unblock alice@mast.social"); !strings.Contains(text, "not blocked") {
		t.Errorf("a second unblock says %q", text)
	}
	for _, who := range []string{"example.org", "nonsense", "pierre@example.net"} {
		if _, err := w.Block(ctx, louise, who, ""); !isKind(err, BadRequest) {
			t.Errorf("block %s: %v", who, err)
		}
	}
	if _, err := w.Block(ctx, "", "mast.social", "spam"); err != nil {
		t.Error(err)
	}
	if !w.Blocked(ctx, "mast.social") {
		t.Error("the operator's block of a domain has no effect")
	}
	_ = a
}

// TestUnlinkReachesAll shows that those servers hear of the end too that only
// ever got a Like or a Follow: they have the actor.
func TestUnlinkReachesAll(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		_, err := tx.DeleteFollow(aliceURI, a.URI)
		return err
	})
	node := stanza.CommentsNodePrefix + w.itemOf(w.remotePost(aliceURI, "moss", "public", "")).ID
	w.xmpp.ask("set", phone, aliceJID, publishing(node, "h1", w.entry("h1", "♥").Child("", "")))
	w.obey(t.Context(), louise, "follow bob@pub.test")
	w.obey(t.Context(), louise, "unfollow bob@pub.test")
	w.expect("Like Follow Undo")
	_, err := w.Unlink(t.Context(), louise, "")
	w.must(err)
	hosts := map[string]bool{}
	for _, d := range w.expect("Delete Delete") {
		hosts[hostname(d.inbox)] = true
	}
	if !hosts["mast.social"] || !hosts["pub.test"] {
		t.Errorf("told %v", hosts)
	}
}

// TestBlockServer shows that a block of a whole server ends the follows in both
// directions, and that nothing goes there any more but what takes back.
func TestBlockServer(t *testing.T) {
	const zoe = "https://new.mast.social/u/zoe"
	for _, target := range []string{"mast.social", "Mast.Social."} {
		t.Run(target, func(t *testing.T) {
			w := newWorld(t)
			ctx := t.Context()
			a := w.linkUser(louise)
			w.actor(zoe, "zoe@new.mast.social", `zoe\40new.mast.social@ap.example.org`)
			follow := func(follower, followee string) {
				w.update(func(tx *cache.Tx) error {
					return tx.PutFollow(cache.Follow{Follower: follower, Followee: followee, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
				})
			}
			follow(zoe, a.URI)
			follow(bobURI, a.URI)
			follow(a.URI, aliceURI)
			w.publish(louise, feed, w.entry("old", "Before."))
			w.expect("Create Create Create")
			w.obey(ctx, louise, "block "+target+" yes")
			for _, d := range w.expect("Undo Reject Reject") {
				if strings.Contains(d.inbox, "pub.test") {
					t.Errorf("%s to %s", d.Type, d.inbox)
				}
			}
			w.view(func(tx *cache.Tx) error {
				left, err := tx.FollowsWith(a.URI, "mast.social")
				if n, _ := tx.CountFollowers(a.URI); n != 1 || len(left) != 0 {
					t.Errorf("%d followers are left; follows with %v", n, left)
				}
				return err
			})
			w.publish(louise, feed, w.entry("one", "For @alice@mast.social's eyes?"))
			if made := w.expect("Create"); made[0].inbox != "https://pub.test/inbox" {
				t.Errorf("sent to %s", made[0].inbox)
			}
			follow(zoe, a.URI) // as in a database of before
			w.publish(louise, feed, w.entry("two", "Not for mast.social."))
			w.expect("Create")
			w.retractItem(louise, feed, "old")
			w.expect("Delete Delete Delete")
		})
	}
}

// TestBlockServerByOperator shows that what is sent leaves out blocked servers,
// rather than fail there.
func TestBlockServerByOperator(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	_, err := w.Block(t.Context(), "", "mast.social", "spam")
	w.must(err)
	w.publish(louise, feed, w.entry("one", "Hello."))
	w.expect("")
}

// TestBlockConfigured has blocks come and go with the configuration, beside
// those that the operator made by hand.
func TestBlockConfigured(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ configured, want []string }{
		{[]string{"Spam.test", "mast.social"}, []string{"mast.social", "spam.test"}},
		{[]string{"mast.social"}, []string{"mast.social"}},
		{nil, nil},
	} {
		w.cfg.Federation.BlockedDomains = c.configured
		w.update(w.blockConfigured)
		for _, host := range []string{"spam.test", "mast.social"} {
			if got := w.Blocked(t.Context(), host); got != slices.Contains(c.want, host) {
				t.Errorf("with %v configured, %s is blocked: %v", c.configured, host, got)
			}
		}
	}
	_, err := w.Block(t.Context(), "", "spam.test", "by hand")
	w.must(err)
	for _, configured := range [][]string{{"spam.test"}, nil} {
		w.cfg.Federation.BlockedDomains = configured
		w.update(w.blockConfigured)
		if !w.Blocked(t.Context(), "spam.test") {
			t.Errorf("with %v configured, a block made by hand is gone", configured)
		}
	}
}

// TestContacts shows what roster requests mean.
func TestContacts(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	is := func(kind, from string) func(*stanza.Element) bool {
		return func(el *stanza.Element) bool {
			return el.Name == "presence" && el.Get("type") == kind && el.Get("from") == from
		}
	}
	w.presenceFrom(louise, aliceJID, "subscribe")
	w.xmpp.await("the approval", is("subscribed", aliceJID))
	online := w.xmpp.await("Alice's presence", is("", aliceJID))
	if online.Child(stanza.NSCaps, "c") == nil {
		t.Errorf("no capabilities: %s", online)
	}
	w.expect("Follow")
	w.presenceFrom(louise+"/phone", aliceJID, "probe")
	w.xmpp.await("the answer to a probe", is("", aliceJID))
	w.presenceFrom(louise, aliceJID, "unsubscribe")
	w.xmpp.await("the end", is("unsubscribed", aliceJID))
	w.expect("Undo")

	w.presenceFrom(louise, "nobody@ap.example.org", "subscribe")
	w.xmpp.await("the refusal", is("unsubscribed", "nobody@ap.example.org"))

	w.presenceFrom(louise, ourComponent, "subscribed")
	granted := w.xmpp.await("our presence", is("", ourComponent))
	if c := granted.Child(stanza.NSCaps, "c"); c.Get("ver") != w.domain.Ver() {
		t.Errorf("announced %s", granted)
	}
	if got := w.roster(t.Context(), louise); got != rosterGranted {
		t.Errorf("the roster link is %q", got)
	}
	w.presenceFrom(louise, ourComponent, "unsubscribed")
	if got := w.roster(t.Context(), louise); got != rosterRefused {
		t.Errorf("the roster link is %q after a refusal", got)
	}
}

// TestPresenceDecides shows that the owner of a locked account decides by the
// roster, and that removing a contact removes no follower.
func TestPresenceDecides(t *testing.T) {
	for kind, want := range map[string]string{"subscribed": "Accept", "unsubscribed": "Reject"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			w.update(func(tx *cache.Tx) error {
				return tx.PutFollow(cache.Follow{
					Follower: bobURI, Followee: a.URI, State: cache.FollowPending, ActivityID: bobURI + "/follow", CreatedAt: w.clock(), UpdatedAt: w.clock(),
				})
			})
			w.presenceFrom(louise, aliceJID, kind) // follows already
			w.expect("")
			w.presenceFrom(louise, bobJID, kind)
			if got := w.expect(want)[0]; got.Object["id"] != bobURI+"/follow" {
				t.Errorf("sent %+v", got)
			}
		})
	}
}

// TestProfile shows that a profile is what strangers can read of it.
func TestProfile(t *testing.T) {
	w := newWorld(t)
	png := "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	vcard := stanza.New("", "item").Set("id", "current").Add(stanza.New(stanza.NSVCard4, "vcard").Add(
		stanza.New("", "fn").Add(stanza.Text("", "text", "Louise M.")), stanza.New("", "note").Add(stanza.Text("", "text", "I grow ferns.")),
		stanza.New("", "url").Add(stanza.Text("", "uri", "https://ferns.example/"))))
	w.xmpp.node(louise, stanza.NodeVCard4, nodeOpen, vcard)
	w.xmpp.node(louise, stanza.NSAvatarMeta, nodeOpen, stanza.New("", "item").Set("id", "abc").Add(
		stanza.New(stanza.NSAvatarMeta, "metadata").Add(stanza.New("", "info").Set("id", "abc").Set("type", "image/png").Set("bytes", "70"))))
	w.xmpp.node(louise, stanza.NSAvatarData, nodeOpen, stanza.New("", "item").Set("id", "abc").Add(stanza.Text(stanza.NSAvatarData, "data", png)))
	w.linkUser(louise)
	a, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	if a.Name != "Louise M." || a.Summary != "<p>I grow ferns.</p>" || a.IconType != "image/png" || len(a.Fields) != 1 {
		t.Errorf("read %q, %q, %s, %v", a.Name, a.Summary, a.IconType, a.Fields)
	}
	ref, err := w.addr.ParseURL(a.IconURL)
	if err != nil || ref.Kind != translate.URLMedia {
		t.Fatalf("the picture is at %s: %v", a.IconURL, err)
	}
	w.view(func(tx *cache.Tx) error {
		_, err := tx.Media(ref.ID, cache.Viewer{})
		return err
	})
	jobs := func() (n int) {
		w.view(func(tx *cache.Tx) error {
			list, err := tx.Jobs(cache.JobQuery{Kind: jobProfile, Limit: 10})
			n = len(list)
			return err
		})
		return n
	}
	if n := jobs(); n != 1 {
		t.Errorf("%d updates of the profile wait", n)
	}
	w.access(louise, stanza.NSAvatarMeta, nodeAway)
	w.event(louise, louise, stanza.NSNick, stanza.New("", "item").Set("id", "current").Add(stanza.Text(stanza.NSNick, "nick", "Lou")))
	if now, _ := w.accountOf(t.Context(), louise, ""); now.IconURL != a.IconURL {
		t.Error("a server that does not answer takes the picture away")
	}
	w.access(louise, stanza.NSAvatarMeta, nodeClosed) // only contacts see it now
	w.event(louise, louise, stanza.NSAvatarMeta, stanza.New("", "item").Set("id", "abc"))
	if now, _ := w.accountOf(t.Context(), louise, ""); now.IconURL != "" || now.Name != "Louise M." {
		t.Errorf("what only contacts may see is shown: %s, %s", now.IconURL, now.Name)
	}
	if n := jobs(); n != 1 {
		t.Errorf("%d updates of the profile wait after several changes", n)
	}
}
