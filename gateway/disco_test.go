package gateway

import (
	"slices"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestCaps asks for what our presences announce, as servers do before they send
// news to the gateway (XEP-0163 §4.3): what is answered has the hash that was
// announced.
func TestCaps(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	is := func(from string) func(*stanza.Element) bool {
		return func(el *stanza.Element) bool {
			return el.Name == "presence" && el.Get("type") == "" && el.Get("from") == from
		}
	}
	w.presenceFrom(louise, aliceJID, "subscribe")
	w.presenceFrom(louise, ourComponent, "subscribed")
	for _, from := range []string{aliceJID, ourComponent} {
		c := w.xmpp.await("the presence of "+from, is(from)).Child(stanza.NSCaps, "c")
		got := w.xmpp.ask("get", "example.org", from, stanza.New(stanza.NSDiscoInfo, "query").Set("node", c.Get("node")+"#"+c.Get("ver")))
		if got.Get("type") != "result" {
			t.Fatalf("%s announces what it does not answer: %s", from, got)
		}
		info, err := xmpp.ParseDiscoInfo(got.Child(stanza.NSDiscoInfo, "query"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Ver() != c.Get("ver") {
			t.Errorf("%s announces %s and answers %s", from, c.Get("ver"), info.Ver())
		}
		wants := slices.Contains(info.Features, stanza.NSMicroblog+"+notify")
		if wants != (from == ourComponent) {
			t.Errorf("%s asks for news of microblogs: %v", from, wants)
		}
	}
}

// TestPrivateNode shows that the node of one reader is told to that reader alone,
// and only when there is something in it.
func TestPrivateNode(t *testing.T) {
	w := newWorld(t)
	me := w.linkUser(louise)
	w.linkUser(pierre)
	list := func(from string) bool {
		answer := w.xmpp.ask("get", from+"/x", aliceJID, stanza.New(stanza.NSDiscoItems, "query"))
		items, _, err := xmpp.ParseDiscoItems(answer.Child(stanza.NSDiscoItems, "query"))
		w.must(err)
		return slices.ContainsFunc(items, func(i xmpp.DiscoItem) bool { return i.Node == NodePrivatePrefix+louise })
	}
	info := func(from string) string {
		answer := w.xmpp.ask("get", from+"/x", aliceJID, stanza.New(stanza.NSDiscoInfo, "query").Set("node", NodePrivatePrefix+louise))
		if answer.Get("type") == "error" {
			return stanza.ParseError(answer).Condition
		}
		i, err := xmpp.ParseDiscoInfo(answer.Child(stanza.NSDiscoInfo, "query"))
		w.must(err)
		return i.Form(xmpp.FormNodeMeta).Value("pubsub#access_model")
	}
	if list(louise) || info(louise) != "item-not-found" {
		t.Error("there is a node for Louise, with nothing in it")
	}
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: me.URI, Followee: aliceURI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.remotePost(aliceURI, "secret", "", `"to":["`+aliceURI+`/followers"]`)
	if !list(louise) || info(louise) != modelWhitelist {
		t.Errorf("Louise's node is %q", info(louise))
	}
	if list(pierre) || info(pierre) != "item-not-found" {
		t.Error("Pierre hears of Louise's node")
	}
	answer := w.xmpp.ask("set", louise+"/x", aliceJID, stanza.New(stanza.NSPubSub, "pubsub").
		Add(stanza.New("", "subscribe").Set("node", NodePrivatePrefix+louise).Set("jid", louise)))
	if e := stanza.ParseError(answer); e.Condition != "feature-not-implemented" {
		t.Errorf("a subscription is answered %+v", e)
	}
}
