package gateway

import (
	"slices"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestAnswerToFollowersOnly shows that an answer to a post that is only for its
// author's followers goes to its author, not to those who follow who answers.
func TestAnswerToFollowersOnly(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.follows(bobURI, a, true)
	uri := aliceURI + "/secret"
	body := `{"id":"` + uri + `","type":"Note","attributedTo":"` + aliceURI + `","content":"<p>secret</p>",
		"published":"2026-11-21T08:00:00Z","to":["` + aliceURI + `/followers"]}`
	o, err := as2.Parse([]byte(body))
	w.must(err)
	who, err := w.remoteByURI(t.Context(), aliceURI)
	w.must(err)
	w.must(w.take(t.Context(), taken{object: o, raw: []byte(body), owner: who, wanted: true, quiet: true}))
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: a.URI, Followee: aliceURI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.publish(louise, feed, w.entry("r", "I answer, @bob@pub.test.", stanza.New(stanza.NSThread, "in-reply-to").Set("ref", uri).Set("href", uri)))
	sent := w.expect("Create")[0]
	if !slices.Equal(sent.To, []string{aliceURI}) || len(sent.Cc) != 0 {
		t.Errorf("to %v, cc %v", sent.To, sent.Cc)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("r", "I still answer, @bob@pub.test.", stanza.New(stanza.NSThread, "in-reply-to").Set("ref", uri).Set("href", uri)))
	if sent = w.expect("Update")[0]; !slices.Equal(sent.To, []string{aliceURI}) || len(sent.Cc) != 0 {
		t.Errorf("an edit goes to %v, cc %v", sent.To, sent.Cc)
	}
}
