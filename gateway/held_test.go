package gateway

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// questions takes what the gateway has to tell somebody off the queue.
func (w *world) questions(jid string) (out []string) {
	w.t.Helper()
	w.update(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobMessage, Limit: 1000})
		if err != nil {
			return err
		}
		for _, j := range jobs {
			m, err := decode[messageWork](j)
			if err != nil {
				return err
			}
			if m.Notice == "" || m.User != jid {
				continue
			}
			out = append(out, m.Notice)
			if err := tx.DeleteJob(j.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return out
}

// signed is an entry that says who wrote it.
func (w *world) signed(id, by, title string) *stanza.Element {
	return w.entry(id, title, stanza.New(stanza.NSAtom, "author").Add(
		stanza.Text(stanza.NSAtom, "name", "Somebody"), stanza.Text(stanza.NSAtom, "uri", "xmpp:"+by)))
}

// TestUnstampedComment is X4: what a service does not stamp is nobody's, until
// who it claims to be of says that it is theirs.
func TestUnstampedComment(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	p := w.linkUser(pierre)
	node, post := w.commentsOf(louise, "fern")
	say := func(item *stanza.Element) {
		w.t.Helper()
		w.hold(louise, node, item)
		w.event(louise, "", node, item)
	}
	asked := func(jid, want string) {
		w.t.Helper()
		got := w.questions(jid)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			w.t.Errorf("%s is told %q, want %q", jid, got, want)
		}
	}
	answers := func(jid, says, want string) {
		w.t.Helper()
		w.chat(jid, ourComponent, "m", says)
		if got := w.xmpp.said(jid); !strings.Contains(got, want) {
			w.t.Errorf("%s: %q, want %q", says, got, want)
		}
	}
	w.questions(louise)
	w.questions(pierre)

	say(w.signed("c1", pierre, "I like ferns."))
	w.event(louise, "", node, w.signed("c1", pierre, "I like ferns.")) // once
	w.expect("")
	asked(pierre, "“I like ferns.”")
	asked(louise, "")
	answers(pierre, "mine", "1: “I like ferns.”")
	answers(louise, "mine", "No comments are waiting")
	answers(louise, "mine 1", "No comment with that number")
	answers(pierre, "mine 2", "No comment with that number")
	w.expect("")
	answers(pierre, "mine 1", "on the fediverse now")
	if made := w.expect("Create")[0]; made.Object["inReplyTo"] != post || made.Object["attributedTo"] != p.URI {
		t.Errorf("sent %+v", made)
	}
	answers(pierre, "mine 1", "No comment with that number")
	w.event(louise, "", node, w.signed("c1", pierre, "I like ferns.")) // which it is already
	asked(pierre, "")

	w.pass(1e9)
	say(w.signed("c1", louise, "I hate ferns.")) // anybody can overwrite it, in anybody's name
	w.expect("")
	asked(louise, "")
	asked(pierre, "“I hate ferns.”")
	w.hold(louise, node, w.signed("c1", pierre, "I eat ferns."))
	answers(pierre, "mine 2", "was changed since")
	asked(pierre, "“I eat ferns.”")
	answers(pierre, "mine 3", "on the fediverse now")
	w.expect("Update")
	w.retractItem(louise, node, "c1")
	w.expect("Delete")

	item := w.signed("c2", pierre, "Stamped when asked for.").Set("publisher", pierre+"/desk")
	w.hold(louise, node, item)
	w.event(louise, "", node, w.signed("c2", pierre, "Stamped when asked for."))
	w.expect("Create")

	say(w.signed("c3", pierre, "♥"))
	say(w.signed("c4", "eve@example.org", "I have not linked."))
	say(w.signed("c5", aliceJID, "I am on the fediverse."))
	say(w.entry("c6", "I say nothing of who I am."))
	say(w.signed("c7", pierre, "Gone soon."))
	asked(pierre, "“Gone soon.”")
	w.retractItem(louise, node, "c7")
	answers(pierre, "mine 4", "not there any more")
	for i := range 2 * heldMost { // nobody is asked without end
		say(w.signed(fmt.Sprintf("n%d", i), pierre, fmt.Sprintf("Number %d.", i)))
	}
	if n := len(w.questions(pierre)); n != heldMost {
		t.Errorf("asked %d times", n)
	}
	w.pass(heldLife + 1e9)
	answers(pierre, "mine", "No comments are waiting")
	w.expect("")
	asked(louise, "")
}

// TestCommentOnOurNode shows that on the gateway's own service the sender is the
// author, whatever the entry says.
func TestCommentOnOurNode(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	p := w.linkUser(pierre)
	answered := w.remotePost(aliceURI, "answered", "public", "")
	var c *translate.Node
	w.view(func(tx *cache.Tx) error {
		s, err := tx.PostByURI(answered, operator)
		c = s.Post.Comments
		return err
	})
	w.xmpp.ask("set", pierre+"/desk", c.Service, stanza.New(stanza.NSPubSub, "pubsub").Add(
		stanza.New("", "publish").Set("node", c.Name).Add(w.signed("c1", louise, "From Pierre."))))
	if made := w.expect("Create"); made[0].Object["attributedTo"] != p.URI {
		t.Errorf("sent %+v", made)
	}
}
