package gateway

import (
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestShown reads a feed from memory, after all that can change it: the answer
// is the one of a gateway that remembers nothing.
func TestShown(t *testing.T) {
	w := newWorld(t)
	w.update(func(tx *cache.Tx) error { return tx.SetMeta("outbox "+aliceURI, w.clock().Format(time.RFC3339)) })
	request, err := stanza.Parse([]byte(`<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:microblog:0'/></pubsub>`), stanza.NSComponent, stanza.Limits{})
	w.must(err)
	page := func(from string) string {
		answer, err := w.router.HandleIQ(t.Context(), xmpp.IQ{From: stanza.JID(from), To: aliceJID, ID: "1", Type: "get", Payload: request})
		w.must(err)
		return answer.String()
	}
	reader, err := w.ensureAccount(t.Context(), louise)
	w.must(err)
	posts := map[string]string{}
	edit := func(name string, change func(p *translate.Post)) func() {
		return func() {
			w.update(func(tx *cache.Tx) error {
				s, err := tx.PostByURI(posts[name], operator)
				w.must(err)
				change(&s.Post)
				_, _, err = tx.PutPost(s.Post, nil, cache.PutOptions{Received: w.clock()})
				return err
			})
		}
	}
	post := func(name, fields string) func() {
		return func() { posts[name] = w.remotePost(aliceURI, name, "public", fields) }
	}
	for _, step := range []struct {
		name    string
		do      func()
		has     string // in the answer to Louise
		without string
	}{
		{"a post", post("one", ""), "one", "two"},
		{"another", post("two", `,"sensitive":true`), ">two<", "three"},
		{"a boost", func() {
			w.remotePost(bobURI, "boosted", "public", "")
			w.update(func(tx *cache.Tx) error {
				who := translate.Actor{URI: aliceURI, JID: aliceJID}
				_, _, err := tx.PutPost(translate.Post{URI: aliceURI + "/boost", Kind: translate.KindBoost, Origin: translate.OriginAP, Owner: who, Author: translate.Actor{URI: bobURI},
					Boost: bobURI + "/boosted", Visibility: translate.Public, Item: &translate.Item{Service: aliceJID, Node: stanza.NSMicroblog, ID: "boost"},
				}, nil, cache.PutOptions{Received: w.clock()})
				return err
			})
		}, ">boosted<", ""},
		{"an edit of what is boosted", func() {
			w.update(func(tx *cache.Tx) error {
				s, err := tx.PostByURI(bobURI+"/boosted", operator)
				w.must(err)
				s.Post.Text, s.Post.HTML, s.Post.Updated = "repeated", "<p>repeated</p>", w.clock()
				_, _, err = tx.PutPost(s.Post, nil, cache.PutOptions{Received: w.clock()})
				return err
			})
		}, ">repeated<", ">boosted<"},
		{"an answer to oneself, to what is not known", func() {
			w.update(func(tx *cache.Tx) error {
				who := translate.Actor{URI: aliceURI, JID: aliceJID}
				_, _, err := tx.PutPost(translate.Post{URI: aliceURI + "/more", Kind: translate.KindNote, Origin: translate.OriginAP, Owner: who, Author: who, Text: "more",
					ReplyTo: aliceURI + "/thread", Visibility: translate.Public, Item: &translate.Item{Service: aliceJID, Node: stanza.NSMicroblog, ID: "more"},
				}, nil, cache.PutOptions{Received: w.clock()})
				return err
			})
		}, "in-reply-to", ""},
		{"which comes", post("thread", ""), ">thread<", ""},
		{"an edit", edit("one", func(p *translate.Post) { p.Text, p.HTML, p.Updated = "uno", "<p>uno</p>", w.clock() }), ">uno<", ">one<"},
		{"another name", edit("one", func(p *translate.Post) { p.Owner.Name, p.Author.Name = "Alicia", "Alicia" }), "Alicia", ""},
		{"narrower", edit("two", func(p *translate.Post) { p.Visibility, p.Updated = translate.Direct, w.clock().Add(time.Second) }), ">uno<", ">two<"},
		{"and back", edit("two", func(p *translate.Post) { p.Visibility, p.Updated = translate.Public, w.clock().Add(2*time.Second) }), ">two<", ""},
		{"a block", func() {
			w.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: aliceURI, Target: reader.URI, CreatedAt: w.clock()})
			})
		}, "", "<entry"},
		{"none", func() {
			w.update(func(tx *cache.Tx) error {
				_, err := tx.DeleteBlock(aliceURI, reader.URI)
				return err
			})
		}, ">uno<", ""},
		{"a retract", func() {
			w.update(func(tx *cache.Tx) error {
				s, err := tx.PostByURI(posts["two"], operator)
				w.must(err)
				_, err = tx.RetractItem(aliceJID, stanza.NSMicroblog, s.Post.Item.ID, w.clock())
				return err
			})
		}, ">uno<", ">two<"},
		{"a delete", func() {
			w.update(func(tx *cache.Tx) error { _, err := tx.DeletePost(posts["one"], aliceURI, w.clock()); return err })
		}, "", ">uno<"},
	} {
		step.do()
		w.pass(time.Second)
		for _, from := range []string{louise, pierre} {
			first, second := page(from), page(from)
			w.shown = newShown()
			fresh := page(from)
			if first != fresh || second != fresh {
				t.Errorf("after %s, for %s:\n%s\n%s\nand from the store\n%s", step.name, from, first, second, fresh)
			}
			if from == louise && (!strings.Contains(fresh, step.has) || step.without != "" && strings.Contains(fresh, step.without)) {
				t.Errorf("after %s: %s", step.name, fresh)
			}
		}
	}
}
