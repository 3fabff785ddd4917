package gateway

import (
	"errors"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestBounced: who is not there for weeks, as their server says each time, loses
// contacts, subscriptions and follows; who is there again in between keeps them, and
// so does who is only offline.
func TestBounced(t *testing.T) {
	for _, c := range []struct {
		name, condition string
		days            []int // on which something comes back
		gone            bool
	}{
		{"for weeks", "gone", []int{0, 5, 10, 15, 20, 25, 31}, true},
		{"a server that is not there", "remote-server-not-found", []int{0, 6, 12, 18, 24, 30}, true},
		{"for some days", "item-not-found", []int{0, 5, 10}, false},
		{"twice", "item-not-found", []int{0, 31}, false},
		{"offline", "service-unavailable", []int{0, 5, 10, 15, 20, 25, 31}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			const user = "zoe@elsewhere.example"
			w.linkUser(louise)
			who, err := w.remoteByURI(t.Context(), aliceURI)
			w.must(err)
			_, err = w.followActor(t.Context(), user, who)
			w.must(err)
			w.meets(t.Context(), stanza.JID(aliceJID), user)
			w.update(func(tx *cache.Tx) error {
				_, err := tx.PutSubscription(cache.Subscription{Service: aliceJID, Node: "comments", JID: user, CreatedAt: w.clock()})
				return err
			})
			begin := w.clock()
			for _, day := range c.days {
				w.pass(begin.Add(time.Duration(day) * 24 * time.Hour).Sub(w.clock()))
				for _, kind := range []string{"message", "presence", "message"} {
					w.xmpp.send(stanza.New("", kind).Set("type", "error").Set("from", user).Set("to", aliceJID).
						Add(stanza.NewError(c.condition, "").Element()))
					w.xmpp.settle(user, aliceJID)
				}
				w.xmpp.send(stanza.New("", "message").Set("type", "error").Set("from", "stranger@elsewhere.example").Set("to", aliceJID).
					Add(stanza.NewError(c.condition, "").Element()))
				w.xmpp.settle("stranger@elsewhere.example", aliceJID)
				w.prune(t.Context())
			}
			w.view(func(tx *cache.Tx) error {
				subs, err := tx.SubscriptionsOf(user, aliceJID)
				has, err2 := tx.HasContact(cache.Contact{Our: aliceJID, User: user})
				account, err3 := tx.AccountByJID(user, "")
				_, err4 := tx.Follow(account.URI, aliceURI)
				follows := !errors.Is(err4, cache.ErrNotFound)
				if len(subs) > 0 == c.gone || has == c.gone || follows == c.gone {
					t.Errorf("%d subscriptions, contact %v, follow %v", len(subs), has, follows)
				}
				marks, err5 := tx.MetaAfter(bouncePrefix, "", 100)
				if len(marks) > 1 || c.gone && len(marks) > 0 {
					t.Errorf("marks left: %v", marks)
				}
				return errors.Join(err, err2, err3, err5)
			})
		})
	}
}
