package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// history asks for an archive and gives the texts that came, and the answer.
func (w *world) history(from, to, node, words string, set ...*stanza.Element) ([]string, *stanza.Element) {
	w.t.Helper()
	id, err := w.newID()
	w.must(err)
	form := xmpp.NewForm(xmpp.FormSubmit, stanza.NSMAM).AddText("{urn:xmpp:fulltext:0}fulltext", words)
	query := stanza.New(stanza.NSMAM, "query").Set("node", node).Set("queryid", id).Add(form.Element()).Add(set...)
	answer := w.xmpp.ask("set", from, to, query)
	var out []string
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	for _, el := range w.xmpp.sent {
		r := el.Child(stanza.NSMAM, "result")
		if r.Get("queryid") != id {
			continue
		}
		item := r.Child(stanza.NSForward, "forwarded").Child("jabber:client", "message").Child(stanza.NSPubSubEvent, "event").Child("", "items").Child("", "item")
		out = append(out, item.Child(stanza.NSAtom, "entry").ChildContent(stanza.NSAtom, "title"))
	}
	return out, answer
}

// TestArchive asks for the history of an actor, of a hashtag and of everything,
// with words and without.
func TestArchive(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	w.update(func(tx *cache.Tx) error { return tx.SetMeta("outbox "+aliceURI, w.clock().Format(time.RFC3339)) })
	for _, id := range []string{"fern", "moss", "oak"} {
		w.remotePost(aliceURI, id, "public", "")
		w.pass(1e9)
	}
	w.publish(louise, feed, w.tagged("l1", "Louise's fern #green", "green"))
	w.must(w.store.Index(t.Context()))
	me, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: me.URI, Followee: aliceURI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	max := func(n string) *stanza.Element { return stanza.New(stanza.NSRSM, "set").Add(stanza.Text("", "max", n)) }
	for _, c := range []struct {
		name, from, to, node, words string
		set                         []*stanza.Element
		want                        string
	}{
		{"a feed", pierre, aliceJID, feed, "", nil, "fern moss oak"},
		{"a page of a feed", pierre, aliceJID, feed, "", []*stanza.Element{max("2")}, "fern moss"},
		{"words in a feed of who does not want to be found", pierre, aliceJID, feed, "moss", nil, ""},
		{"words in a feed that one follows", louise, aliceJID, feed, "moss OR oak", nil, "moss oak"},
		{"words in an empty node", louise, aliceJID, NodeReplies, "moss", nil, ""},
		{"everything", louise, ourComponent, "", "", nil, "fern moss oak Louise's fern #green"},
		{"everything of a stranger", pierre, ourComponent, "", "", nil, "Louise's fern #green"},
		{"words anywhere", louise, ourComponent, "", "fern", nil, "fern Louise's fern #green"},
		{"a hashtag", pierre, ourComponent, NodeTagPrefix + "green", "", nil, "Louise's fern #green"},
		{"words under a hashtag", pierre, ourComponent, NodeTagPrefix + "green", "moss", nil, ""},
		{"a node that is not there", pierre, ourComponent, "nowhere", "", nil, "item-not-found"},
		{"a wrong query", pierre, ourComponent, "", "is:nothing", nil, "bad-request"},
		{"a profile", pierre, aliceJID, stanza.NSNick, "", nil, "feature-not-implemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			texts, answer := w.history(c.from, c.to, c.node, c.words, c.set...)
			if e := answer.Child("", "error"); e != nil {
				if !strings.Contains(e.String(), c.want) || c.want == "" {
					t.Errorf("answered %s", e)
				}
				return
			}
			if got := strings.Join(texts, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			fin := answer.Child(stanza.NSMAM, "fin")
			if complete := len(c.set) == 0; (fin.Get("complete") == "true") != complete {
				t.Errorf("the end is %s", fin)
			}
		})
	}
}

// TestArchiveOfThreads asks for the history of comments, and of the node that one
// reader alone has.
func TestArchiveOfThreads(t *testing.T) {
	w := newWorld(t)
	me := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		return errors.Join(tx.SetMeta("outbox "+aliceURI, w.clock().Format(time.RFC3339)), tx.PutFollow(cache.Follow{
			Follower: me.URI, Followee: aliceURI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock(),
		}))
	})
	private := `,"to":["` + aliceURI + `/followers"]`
	root := w.remotePost(aliceURI, "root", "public", "")
	for _, id := range []string{"one", "two", "three"} {
		w.pass(time.Second)
		w.remotePost(aliceURI, id, "public", `,"inReplyTo":"`+root+`"`)
	}
	w.remotePost(bobURI, "bobs", "public", `,"inReplyTo":"`+root+`"`)
	for _, id := range []string{"secret", "secrets"} {
		w.pass(time.Second)
		w.remotePost(aliceURI, id, "", strings.TrimPrefix(private, ","))
	}
	w.pass(time.Second)
	w.remotePost(aliceURI, "whisper", "direct", "")
	w.remotePost(aliceURI, "quiet", "", `"to":["`+aliceURI+`/followers"],"inReplyTo":"`+root+`"`)
	w.must(w.store.Index(t.Context()))
	var comments string
	w.view(func(tx *cache.Tx) error {
		p, err := tx.PostByURI(root, operator)
		comments = p.Post.Comments.Name
		return err
	})
	max := func(n, after string) *stanza.Element {
		return stanza.New(stanza.NSRSM, "set").Add(stanza.Text("", "max", n), stanza.Text("", "before", after))
	}
	for _, c := range []struct {
		name, from, node, words string
		set                     *stanza.Element
		want                    string
	}{
		{"comments", pierre, comments, "", nil, "one two three bobs"},
		{"the last comments", pierre, comments, "", max("2", ""), "three bobs"},
		{"words in comments of who does not want to be found", pierre, comments, "two", nil, ""},
		{"words in comments that one follows", louise, comments, "two OR one OR root", nil, "one two"},
		{"comments of nothing", pierre, stanza.CommentsNodePrefix + "nothing", "", nil, "item-not-found"},
		{"what is for me", louise, NodePrivatePrefix + louise, "", nil, "secret secrets quiet"},
		{"words in what is for me", louise, NodePrivatePrefix + louise, "secret*", nil, "secret secrets"},
		{"what is for me, by another", pierre, NodePrivatePrefix + louise, "", nil, "item-not-found"},
		{"what is for nobody known", pierre, NodePrivatePrefix + pierre, "", nil, "item-not-found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			var set []*stanza.Element
			if c.set != nil {
				set = append(set, c.set)
			}
			texts, answer := w.history(c.from, aliceJID, c.node, c.words, set...)
			if e := answer.Child("", "error"); e != nil {
				if !strings.Contains(e.String(), c.want) || c.want == "" {
					t.Errorf("answered %s", e)
				}
				return
			}
			if got := strings.Join(texts, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
