package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"

	"pgregory.net/rapid"
)

// replyTo is the element of an answer to a message (XEP-0461).
func replyTo(id string) *stanza.Element {
	return stanza.New(stanza.NSReply, "reply").Set("id", id).Set("to", ourComponent)
}

// reactTo is the element of reactions to a message (XEP-0444).
func reactTo(id string, emoji ...string) *stanza.Element {
	r := stanza.New(stanza.NSReactions, "reactions").Set("id", id)
	for _, e := range emoji {
		r.Add(stanza.Text("", "reaction", e))
	}
	return r
}

// answered is what the gateway says to a message of Louise's; if it is to say
// nothing, that is not waited for.
func (w *world) answered(something bool) string {
	w.t.Helper()
	says := w.botSays()
	if something && says == nil {
		w.eventually("an answer", func() bool {
			says = w.botSays()
			return says != nil
		})
	}
	return says.ChildContent("", "body")
}

// TestNoticeAnswered follows an answer to a notice through its life.
func TestNoticeAnswered(t *testing.T) {
	for _, bot := range []string{ourComponent, ourComponent + "/x"} {
		w := newWorld(t)
		w.linkUser(louise)
		post := w.comes(aliceURI, "fern", "Who is @louise?", "")
		notice := w.botSays()
		w.chat(phone, bot, "m1", "It is me. Ask @bob@pub.test.", replyTo(notice.Get("id")))
		made := w.deliveries()
		if len(made) != 2 || made[0].Object["inReplyTo"] != post || !strings.Contains(made[0].text(), "It is me.") || !slices.Contains(made[0].To, as2.Public) ||
			!slices.Contains(made[0].Cc, aliceURI) || !slices.Contains(made[0].Cc, bobURI) {
			t.Fatalf("sent %+v", made)
		}
		if got := w.answered(true); !strings.HasPrefix(got, "You answered Alice (@alice@mast.social). Everybody can read it: https://example.org/_ap/@louise@example.org/") ||
			!strings.HasSuffix(got, "\nTo take it back, retract your message or send: undo") {
			t.Errorf("told %q", got)
		}
		w.chat(phone, bot, "m1", "It is me. Ask @bob@pub.test.", replyTo(notice.Get("id"))) // sent again
		w.expect("")
		if got := w.answered(false); got != "" {
			t.Errorf("sent again: told %q", got)
		}
		node := stanza.CommentsNodePrefix + w.itemOf(post).ID
		if got := w.read(pierre+"/x", aliceJID, node); !strings.Contains(got, "It is me.") {
			t.Errorf("the comments are %q", got)
		}
		w.pass(time.Minute)
		w.chat(phone, bot, "m2", "It is I.", replyTo(notice.Get("id")), stanza.New(stanza.NSCorrect, "replace").Set("id", "m1"))
		edit := w.deliveries()
		if len(edit) == 0 || edit[0].Type != "Update" || edit[0].uri != made[0].uri || !strings.Contains(edit[0].text(), "It is I.") {
			t.Fatalf("the correction is %+v", edit)
		}
		if got := w.answered(true); !strings.HasPrefix(got, "Your answer was changed: https://") {
			t.Errorf("told %q", got)
		}
		w.linkUser(pierre)
		w.chat(pierre+"/x", bot, "m8", "", stanza.New(stanza.NSRetract, "retract").Set("id", "m1"))
		w.expect("")
		w.chat(phone, bot, "m3", "", stanza.New(stanza.NSRetract, "retract").Set("id", "m2"))
		if gone := w.deliveries(); len(gone) == 0 || gone[0].Type != "Delete" || gone[0].uri != made[0].uri {
			t.Errorf("the retraction is %+v", gone)
		}
		if got := w.answered(true); got != "Your answer was deleted: “It is I.”" {
			t.Errorf("told %q", got)
		}
		if got := w.read(pierre+"/x", aliceJID, node); strings.Contains(got, "It is") {
			t.Errorf("the comments are still %q", got)
		}
		w.chat(phone, bot, "m4", "Once more.", replyTo(notice.Get("id")))
		w.deliveries()
		w.say(louise, "undo", "Your answer was deleted: “Once more.”")
		if gone := w.deliveries(); len(gone) == 0 || gone[0].Type != "Delete" {
			t.Errorf("undo sent %+v", gone)
		}
		w.say(louise, "undo", "There is no answer of yours to take back")
		w.expect("")
	}
}

// TestNoticeReactions shows that reactions to a notice are reactions to its post,
// until they are taken back.
func TestNoticeReactions(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	post := w.comes(aliceURI, "fern", "Who is @louise?", "")
	id := w.botSays().Get("id")
	for i, c := range []struct {
		emoji       []string
		sent, wants string
	}{
		{[]string{"👍"}, "Like", "You liked the post “Who is @louise?” by Alice (@alice@mast.social). Everybody who can read the post may see that. To take it back, remove your reaction."},
		{[]string{"👍"}, "", ""},
		{[]string{"no emoji"}, "", ""},
		{[]string{"👍", "🌱"}, "Like", "You reacted 👍 🌱 to the post “Who is @louise?” by Alice (@alice@mast.social). Everybody who can read the post may see that. To take it back, remove your reaction."},
		{nil, "Undo Undo", "You took back your reaction to the post “Who is @louise?” by Alice (@alice@mast.social)."},
		{nil, "", ""},
	} {
		w.chat(phone, ourComponent, "r"+string(rune('0'+i)), "", reactTo(id, c.emoji...))
		made := w.expect(c.sent)
		if len(made) > 0 && made[0].Type == "Like" && made[0].uri != post {
			t.Errorf("%q sent %+v", c.emoji, made)
		}
		if got := w.answered(c.wants != ""); got != c.wants {
			t.Errorf("%q: told %q, want %q", c.emoji, got, c.wants)
		}
	}
	w.chat(phone, ourComponent, "r9", "", reactTo("never", "👍"))
	w.expect("")
	if got := w.answered(false); got != "" {
		t.Errorf("a reaction to something else: told %q", got)
	}
}

// TestNoticeQuoted shows which notice lines with a > answer, and what of the message
// is said.
func TestNoticeQuoted(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	first := w.comes(aliceURI, "first", "Do you like ferns, @louise?", "")
	w.botSays()
	w.pass(time.Second)
	second := w.comes(bobURI, "second", "Do you like ferns, @louise?", "")
	w.botSays()
	for i, c := range []struct{ name, body, answers, says, told string }{
		{"all of it", "> Alice (@alice@mast.social) mentioned you:\n> Do you like ferns, @louise?\n> " + first + "/page\nI do.", first, "<p>I do.</p>", "You answered Alice"},
		{"without its first line", "> Do you like ferns, @louise?\n\nYes.", second, "<p>Yes.</p>", "You answered Bob"},
		{"cut", ">Alice (@alice@mast.social) mentioned you:\n>Do you like…\nOh yes.\n> a quote", first, "<p>Oh yes.<br", "You answered Alice"},
		{"of something else", "> Do you like moss?\nI do.", "", "", "I cannot tell which post you answer"},
		{"too short", "> Do\nYes I do.", "", "", "I cannot tell which post you answer"},
		{"of something else, with a command", "> To see more, send: more\nhelp undo", "", "", "undo – "},
		{"nothing but a quote", "> Do you like ferns, @louise?", "", "", "I do not know that word"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.xmpp.t = t, t
			w.chat(phone, ourComponent, "q"+string(rune('0'+i)), c.body)
			made := w.deliveries()
			if got := w.answered(true); !strings.HasPrefix(got, c.told) {
				t.Errorf("told %q", got)
			}
			if c.answers == "" {
				if len(made) > 0 {
					t.Errorf("sent %+v", made)
				}
				return
			}
			if len(made) == 0 || made[0].Object["inReplyTo"] != c.answers || !strings.HasPrefix(made[0].text(), c.says) {
				t.Errorf("sent %+v", made)
			}
		})
	}
}

// TestNoticeNotAnswered shows what is refused, in plain words, with nothing sent.
func TestNoticeNotAnswered(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, a cache.Account, post string)
		want   string
	}{
		{"by who has paused", func(w *world, _ cache.Account, _ string) { w.say(louise, "pause", "") }, "Your account is paused. To go on, send: resume"},
		{"by who only follows", func(w *world, a cache.Account, _ string) {
			w.update(func(tx *cache.Tx) error {
				a.State = cache.FollowerOnly
				return tx.PutAccount(a)
			})
		}, "To post to the fediverse, first send the word link"},
		{"to what is gone", func(w *world, _ cache.Account, post string) { w.received(aliceURI, "Delete", post) }, "I cannot tell which post you answer"},
		{"to what is for followers now", func(w *world, _ cache.Account, post string) {
			w.saysFrom(aliceURI, `{"id":"`+post+`","type":"Note","attributedTo":"`+aliceURI+`","content":"Who?","updated":"2026-11-22T00:00:00Z","to":["`+aliceURI+`/followers","`+louiseURI+`"]}`)
		}, "That post is not for everybody any more. Nothing was sent. To write to Alice (@alice@mast.social), send a message to " + aliceJID},
		{"across a block", func(w *world, a cache.Account, _ string) {
			w.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: a.URI, Target: aliceURI, CreatedAt: w.clock()})
			})
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			post := w.comes(aliceURI, "fern", "Who is @louise?", "")
			id := w.botSays().Get("id")
			c.change(w, a, post)
			w.deliveries()
			w.chat(phone, ourComponent, "m1", "It is me.", replyTo(id))
			w.expect("")
			if got := w.answered(true); !strings.HasPrefix(got, c.want) || got == "" {
				t.Errorf("told %q, want %q", got, c.want)
			}
			w.chat(phone, ourComponent, "m2", "", reactTo(id, "👍"))
			w.expect("")
		})
	}
}

// TestNoticeWithoutPost shows what becomes of answers to notices that tell of no
// post, or of one's own, and to answers of commands.
func TestNoticeWithoutPost(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.publish(louise, feed, w.entry("one", "First."))
	uri := w.expect("Create")[0].uri
	w.update(func(tx *cache.Tx) error {
		return w.tell(tx, cache.News{User: a.JID, Kind: newsFollow, Actor: bobURI})
	})
	w.pass(newsSoon)
	w.news()
	w.reaction(aliceURI, aliceURI+"/l", uri, "")
	w.pass(newsSoon)
	w.news()
	var last []cache.Notice
	w.view(func(tx *cache.Tx) (err error) {
		last, err = tx.Notices(louise, 10)
		return err
	})
	if len(last) != 1 || last[0].Object != uri {
		t.Fatalf("noted %+v", last)
	}
	const unknown = "I cannot tell which post you answer: that message is not about one post, or the post is gone. To write to a person, send a message to their own address."
	for _, c := range []struct{ id, body, want string }{
		{"never", "Hello Bob!", unknown},
		{"never", "Hello Bob!", ""}, // once
		{"never", "help undo", "undo – "},
		{last[0].ID, "Thank you", "That notice is about your own post, so nothing was sent."},
		{"", "thanks", "I do not know that word"},
	} {
		var more []*stanza.Element
		if c.id != "" {
			more = append(more, replyTo(c.id))
		}
		w.chat(phone, ourComponent, "m", c.body, more...)
		w.expect("")
		if got := w.answered(c.want != ""); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%q to %q: told %q, want %q", c.body, c.id, got, c.want)
		}
	}
}

// TestNoticeAnswerWidth: whatever becomes of a post between the notice and the
// answer, the answer, its edits and what the gateway keeps of it are never wider than
// the post is then.
func TestNoticeAnswerWidth(t *testing.T) {
	wide := map[string]string{
		"public": `"to":["` + as2.Public + `"],"cc":["` + louiseURI + `"]`, "unlisted": `"to":["` + louiseURI + `"],"cc":["` + as2.Public + `"]`,
		"followers": `"to":["` + aliceURI + `/followers","` + louiseURI + `"]`, "direct": `"to":["` + louiseURI + `"]`,
	}
	order := []string{string(translate.Direct), string(translate.Followers), string(translate.Unlisted), string(translate.Public)}
	few(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(attempt{t, rt})
		w.linkUser(louise)
		w.comes(aliceURI, "fern", "Who is @louise?", "")
		id := w.botSays().Get("id")
		now := "public"
		says := func(v string) {
			w.pass(time.Minute)
			w.saysFrom(aliceURI, `{"id":"`+aliceURI+`/fern","type":"Note","attributedTo":"`+aliceURI+`","content":"`+v+w.clock().String()+`","updated":"`+
				w.clock().UTC().Format(time.RFC3339)+`",`+wide[v]+`}`)
			w.view(func(tx *cache.Tx) error {
				stored, err := tx.PostByURI(aliceURI+"/fern", operator)
				now = string(stored.Post.Visibility)
				return err
			})
		}
		check := func(after string) {
			for _, a := range w.deliveries() {
				public := slices.Contains(a.To, as2.Public) || slices.Contains(a.Cc, as2.Public)
				if a.Type != "Delete" && (public && slices.Index(order, now) < 2 || slices.Contains(a.To, as2.Public) && now != "public") {
					rt.Errorf("%s, to a post that is %s: %s to %v, %v", after, now, a.Type, a.To, a.Cc)
				}
			}
		}
		for i := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			m := "m" + string(rune('0'+i))
			switch rapid.SampledFrom([]string{"narrow", "answer", "edit", "quote"}).Draw(rt, "step") {
			case "narrow":
				says(rapid.SampledFrom(order).Draw(rt, "to"))
				w.deliveries()
			case "answer":
				w.chat(phone, ourComponent, m, "It is me, @bob@pub.test. "+m, replyTo(id))
				check("an answer")
			case "quote":
				w.chat(phone, ourComponent, m, "> Who is @louise?\nIt is me, @bob@pub.test. "+m)
				check("a quote")
			case "edit":
				w.chat(phone, ourComponent, m, "It is I. "+m, stanza.New(stanza.NSCorrect, "replace").Set("id", "m0"))
				check("an edit")
			}
		}
	})
}
