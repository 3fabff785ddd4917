package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// binding is a world in which the handle of Ann, whom Louise follows and who
// follows Louise, may lead to somebody else; and Carl.
type binding struct {
	*fediverse
	handle   string // Ann's at first
	jid      string // of that handle
	other    *aptest.Actor
	post     string                           // of Ann's
	leads    func(asked string, n int) string // what WebFinger says, "" for nothing; n counts
	requests int                              // of WebFinger
}

func newBinding(t *testing.T) *binding {
	b := &binding{fediverse: newFediverse(t)}
	ann := b.known(b.ann)
	b.handle, b.jid, b.other = ann.Acct, ann.JID, b.mast.Actor("other")
	b.known(b.carl)
	b.mast.Change(func() { b.other.Doc["preferredUsername"] = "ann" })
	for _, a := range []*aptest.Actor{b.ann, b.carl} {
		b.follows(b.louise, a, cache.FollowAccepted)
	}
	b.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: b.ann.ID, Followee: b.louise.URI, State: cache.FollowAccepted, ActivityID: b.ann.ID + "/f", CreatedAt: b.clock(), UpdatedAt: b.clock()})
	})
	note := b.ann.Note("Ann's.")
	b.get(b.ann, b.ann.Activity(as2.TypeCreate, note), "")
	b.post = note["id"].(string)
	b.leads = func(asked string, _ int) string {
		return map[string]string{"ann": b.ann.ID, "carl": b.carl.ID}[asked]
	}
	b.mast.Script("/.well-known/webfinger", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var name string
		resource := r.URL.Query().Get("resource")
		_, _ = fmt.Sscanf(resource, "acct:%s", &name)
		name = name[:max(0, len(name)-len("@"+b.mast.Host))]
		b.mast.Change(func() { b.requests++ })
		id := b.leads(name, b.requests)
		switch id {
		case "":
			http.NotFound(w, r)
			return
		case "away":
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = fmt.Fprintf(w, `{"subject":%q,"links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, resource, id)
	}))
	b.settle()
	b.asked()
	return b
}

// settle forgets what WebFinger said, and how often it was asked.
func (b *binding) settle() {
	b.pass(time.Second)
	b.finger.Forget(b.handle)
	b.finger.Forget("carl@" + b.mast.Host)
	b.recent.failures.InvalidateAll()
	b.mast.Change(func() { b.requests = 0 })
}

// to has WebFinger lead Ann's handle to somebody.
func (b *binding) to(ids ...string) {
	b.leads = func(asked string, n int) string {
		if asked == "ann" {
			return ids[min(n, len(ids))-1]
		}
		return map[string]string{"carl": b.carl.ID}[asked]
	}
}

// has is whom an address leads to, and what its feed holds.
func (b *binding) has(jid string) string {
	b.t.Helper()
	who, err := b.remoteByJID(b.t.Context(), stanza.JID(jid))
	var moved *redirect
	switch {
	case errors.As(err, &moved):
		return "redirect " + moved.to
	case err != nil:
		return sayError(err)
	}
	n := 0
	b.view(func(tx *cache.Tx) error {
		page, err := tx.Items(cache.ItemQuery{Service: jid, Node: feed, Viewer: operator})
		n = len(page.Items)
		return err
	})
	return fmt.Sprintf("%s %d", who.URI[len(b.mast.URL+"/users/"):], n)
}

func (b *binding) both() string {
	return b.follow(b.louise.URI, b.ann.ID) + " " + b.follow(b.ann.ID, b.louise.URI)
}

// TestBinding is the rule of the design for addresses: JID and actor are bound at
// first sight; a rename changes the nick only; a handle that leads to another
// actor, both ways and twice, is that actor's, and nothing of the old one is.
func TestBinding(t *testing.T) {
	const old, stay, ended = "ann 1", "accepted accepted", "none none"
	for _, c := range []struct {
		name    string
		do      func(b *binding)
		jid     string // whom the address leads to then
		follows string
		asks    string
	}{
		{"nothing happens", func(b *binding) { b.known(b.ann) }, old, stay, ""},
		{"the handle leads nowhere", func(b *binding) { b.to(""); b.known(b.ann) }, old, stay, ""},
		{"its server does not answer", func(b *binding) {
			b.to("away")
			if _, err := b.fetchActor(b.t.Context(), b.ann.ID); !isKind(err, Temporary) {
				b.t.Errorf("stored without an answer: %v", err)
			}
		}, old, stay, ""},
		{"a rename", func(b *binding) {
			b.mast.Change(func() { b.ann.Doc["preferredUsername"] = "anna" })
			b.leads = func(asked string, _ int) string { return map[string]string{"anna": b.ann.ID}[asked] }
			if a := b.known(b.ann); a.Acct != "anna@"+b.mast.Host {
				b.t.Errorf("the handle is %s", a.Acct)
			}
			anna, _ := b.addr.ActorJID("anna@" + b.mast.Host)
			if got := b.has(anna); got != "redirect "+b.jid {
				b.t.Errorf("the new name's address: %s", got)
			}
		}, old, stay, ""},
		{"two swap their names", func(b *binding) {
			b.mast.Change(func() { b.ann.Doc["preferredUsername"], b.carl.Doc["preferredUsername"] = "carl", "ann" })
			b.leads = func(asked string, _ int) string { return map[string]string{"carl": b.ann.ID, "ann": b.carl.ID}[asked] }
			b.known(b.ann)
			b.known(b.carl)
			carl, _ := b.addr.ActorJID("carl@" + b.mast.Host)
			if got := b.has(carl) + " " + b.follow(b.louise.URI, b.carl.ID); got != "carl 0 accepted" {
				b.t.Errorf("Carl is %s", got)
			}
		}, old, stay, ""},
		{"another claims the handle, which does not agree", func(b *binding) { b.known(b.other) }, old, stay, ""},
		{"it agrees once", func(b *binding) { b.to(b.other.ID, b.ann.ID); b.known(b.other) }, old, stay, ""},
		{"it agrees once, and is away then", func(b *binding) { b.to(b.other.ID, "away"); b.known(b.other) }, old, stay, ""},
		{"it leads to another who does not claim it", func(b *binding) {
			b.mast.Change(func() { b.other.Doc["preferredUsername"] = "other" })
			b.to(b.other.ID)
			b.known(b.other)
		}, old, stay, ""},
		{"it leads to us", func(b *binding) {
			b.to(b.louise.URI)
			if _, err := b.remoteByHandle(b.t.Context(), "ann@"+b.mast.Host); err != nil {
				b.t.Error(err) // from the store
			}
			b.known(b.ann)
		}, old, stay, ""},
		{"it agrees twice", func(b *binding) { b.to(b.other.ID); b.known(b.other) }, "other 0", ended, "send Reject, send Undo, state rejected"},
		{"it agrees twice, the second time later", func(b *binding) {
			b.to(b.other.ID, "away")
			b.known(b.other)
			b.settle()
			b.to(b.other.ID)
			b.known(b.other)
		}, "other 0", ended, "send Reject, send Undo, state rejected"},
		{"of an actor who left", func(b *binding) {
			b.get(b.ann, b.ann.Activity(as2.TypeDelete, b.ann.ID), "")
			b.to(b.other.ID)
		}, "other 0", ended, ""},
		{"of an actor who left, and nobody came", func(b *binding) {
			b.get(b.ann, b.ann.Activity(as2.TypeDelete, b.ann.ID), "")
			b.to("")
		}, "this actor is gone", ended, ""},
		{"of an actor who left and is back", func(b *binding) {
			b.get(b.ann, b.ann.Activity(as2.TypeDelete, b.ann.ID), "")
		}, "ann 0", ended, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBinding(t)
			c.do(b)
			asks := b.asked()
			b.settle()
			if got := b.has(b.jid); got != c.jid || b.both() != c.follows || asks != c.asks {
				t.Errorf("%s is %q, follows %q, asks for %q; want %q, %q, %q", b.jid, got, b.both(), asks, c.jid, c.follows, c.asks)
			}
		})
	}
}

// TestOldActorOfAHandle shows what becomes of an actor whose handle is another's,
// and of one who is known here under another address before it gets the handle.
func TestOldActorOfAHandle(t *testing.T) {
	b := newBinding(t)
	hashed := func(a *aptest.Actor) string { return b.addr.ActorJIDHashed(a.ID, b.mast.Host) }
	b.to(b.other.ID, b.ann.ID)
	b.known(b.other) // not for sure yet, and followed meanwhile
	b.follows(b.louise, b.other, cache.FollowAccepted)
	note := b.other.Note("Other's.")
	b.get(b.other, b.other.Activity(as2.TypeCreate, note), "")
	b.settle()
	b.to(b.other.ID)
	if a := b.known(b.other); a.JID != hashed(b.other) {
		t.Errorf("the address of somebody who is followed changed to %s", a.JID)
	}
	if got := b.has(b.jid); got != "redirect "+hashed(b.other) {
		t.Errorf("the handle's address: %s", got)
	}
	if got := b.has(hashed(b.other)) + ", " + b.both() + ", " + b.follow(b.louise.URI, b.other.ID); got != "other 1, none none, accepted" {
		t.Errorf("there is %s", got)
	}
	// The old one is alive, and answers Louise.
	uri := b.ourPost("fern", "A fern.")
	b.leads = func(asked string, _ int) string { return map[string]string{"ann": b.other.ID}[asked] }
	reply := with(b.ann.Note("Re: fern."), aptest.Doc{"inReplyTo": uri, "cc": many(b.louise.URI)})
	b.get(b.ann, b.ann.Activity(as2.TypeCreate, reply), "")
	b.view(func(tx *cache.Tx) error {
		s, err := tx.PostByURI(reply["id"].(string), operator)
		if s.Post.Item == nil || s.Post.Item.Service != hashed(b.ann) {
			t.Errorf("the answer stands at %+v", s.Post.Item)
		}
		return err
	})
	b.pass(actorLife + time.Hour)
	for range 2 {
		b.known(b.ann)
		b.known(b.other)
		b.settle()
	}
	if got := b.has(hashed(b.ann)) + ", " + b.has(hashed(b.other)); got != "ann 0, other 1" {
		t.Errorf("later there is %s", got)
	}
}

// TestWhyFollowsEnd shows what followers are told when a follow ends.
func TestWhyFollowsEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(b *binding)
		says string
	}{
		{"refused", func(b *binding) {
			b.update(func(tx *cache.Tx) error {
				f, err := tx.Follow(b.louise.URI, b.ann.ID)
				if f.State = cache.FollowPending; err == nil {
					err = tx.PutFollow(f)
				}
				return err
			})
			b.comes(b.ann, b.ann.Activity(as2.TypeReject, aptest.Doc{"type": "Follow", "actor": b.louise.URI, "object": b.ann.ID}))
		}, "ann (@ann@HOST) refused your request to follow."},
		{"removed", func(b *binding) {
			b.comes(b.ann, b.ann.Activity(as2.TypeReject, aptest.Doc{"type": "Follow", "actor": b.louise.URI, "object": b.ann.ID}))
		}, "ann (@ann@HOST) removed you from their followers."},
		{"blocked, which is not told", func(b *binding) { b.comes(b.ann, b.ann.Activity(as2.TypeBlock, b.louise.URI)) },
			"ann (@ann@HOST) removed you from their followers."},
		{"left", func(b *binding) { b.comes(b.ann, b.ann.Activity(as2.TypeDelete, b.ann.ID)) },
			"The account of ann (@ann@HOST) was deleted, so you no longer follow it."},
		{"another has the name", func(b *binding) { b.to(b.other.ID); b.known(b.other) },
			"@ann@HOST now belongs to a different account; you no longer follow the old one. To follow the new one, send: follow ann@HOST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBinding(t)
			c.do(b)
			b.run(jobState)
			event := b.xmpp.await("the end of the subscription", func(el *stanza.Element) bool {
				sub := el.Child(stanza.NSPubSubEvent, "event").Child("", "subscription")
				return sub != nil && sub.Get("subscription") == "none" && el.Get("to") == louise
			})
			if event.Get("from") != b.jid {
				t.Errorf("told by %s", event.Get("from"))
			}
			if got, want := b.xmpp.said(louise), strings.ReplaceAll(c.says, "HOST", b.mast.Host); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}
