package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// BenchmarkItems answers requests for the newest ten items of a node of 200, for
// somebody who follows its actor.
func BenchmarkItems(b *testing.B) {
	w := newWorld(b)
	reader, err := w.ensureAccount(b.Context(), louise)
	w.must(err)
	alice, err := w.remoteByURI(b.Context(), aliceURI)
	w.must(err)
	alice.Outbox = aliceURI + "/outbox"
	alice.Raw = fmt.Appendf(nil, `{"id":%q,"type":"Person","inbox":"%[1]s/inbox","outbox":"%[1]s/outbox","name":"Alice"}`, aliceURI)
	w.update(func(tx *cache.Tx) error {
		if err := tx.PutActor(alice); err != nil {
			return err
		}
		if err := tx.SetMeta("outbox "+aliceURI, w.clock().Add(time.Hour).Format(time.RFC3339)); err != nil {
			return err
		}
		return tx.PutFollow(cache.Follow{Follower: reader.URI, Followee: aliceURI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	for i := range 200 {
		w.pass(time.Second)
		body := fmt.Appendf(nil, `{"id":"%s/%d","type":"Note","attributedTo":%q,"published":%q,"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["%[3]s/followers"],
			"content":"<p>Note number <b>%[2]d</b> of the bench, with a <a href='https://example.org/'>link</a> and %[5]s</p>"}`,
			aliceURI, i, aliceURI, w.clock().UTC().Format(time.RFC3339), strings.Repeat("some words to read. ", 20))
		o, err := as2.Parse(body)
		w.must(err)
		w.must(w.take(b.Context(), taken{object: o, raw: body, owner: alice, wanted: true, quiet: true}))
	}
	request, err := stanza.Parse([]byte(`<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:microblog:0'/>`+
		`<set xmlns='http://jabber.org/protocol/rsm'><max>10</max><before/></set></pubsub>`), stanza.NSComponent, stanza.Limits{})
	w.must(err)
	var page []byte
	for b.Loop() {
		answer, err := w.router.HandleIQ(b.Context(), xmpp.IQ{From: "louise@example.org/x", To: aliceJID, ID: "1", Type: "get", Payload: request})
		w.must(err)
		page = stanza.Append(nil, answer, stanza.NSComponent)
	}
	b.ReportMetric(float64(len(page)), "bytes/page")
	if n := strings.Count(string(page), "<entry"); n != 10 || !strings.Contains(string(page), "<count>200</count>") {
		b.Fatalf("%d items: %s", n, page)
	}
}
