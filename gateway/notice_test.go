package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"

	"pgregory.net/rapid"
)

// comes has a note of Alice's or Bob's come that names Louise, and gives its URI.
func (w *world) comes(owner, id, content, fields string) string {
	w.t.Helper()
	uri := owner + "/" + id
	note := fmt.Sprintf(`{"id":%q,"type":"Note","attributedTo":%q,"url":"%s/page","content":%q,"published":%q,"to":["%s"],"cc":["%s"]%s}`,
		uri, owner, uri, content, w.clock().UTC().Format(time.RFC3339), as2.Public, louiseURI, fields)
	o, err := as2.Parse([]byte(note))
	w.must(err)
	who, err := w.remoteByURI(w.t.Context(), owner)
	w.must(err)
	a, err := w.accountByURI(w.t.Context(), louiseURI)
	w.must(err)
	w.must(w.take(w.t.Context(), taken{object: o, raw: []byte(note), owner: who, locals: []cache.Account{a}}))
	return uri
}

// botSays runs the queued messages, and gives the last that the gateway itself sends
// Louise.
func (w *world) botSays() (last *stanza.Element) {
	w.t.Helper()
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: jobMessage, Limit: 1000})
		return err
	})
	for _, j := range jobs {
		w.must(w.runMessage(w.t.Context(), j))
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
	}
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	for _, el := range w.xmpp.sent {
		if el.Name == "message" && el.Get("from") == ourComponent && string(stanza.JID(el.Get("to")).Bare()) == louise {
			last = el
		}
	}
	w.xmpp.sent = nil
	return last
}

// TestNoticesSayWhat shows what Louise is told of posts that name her.
func TestNoticesSayWhat(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("fern", "A fern in the wall behind the old mill, which nobody has looked after since the flood of last year."))
	post := w.expect("Create")[0].uri
	said := w.remotePost(bobURI, "said", "public", "")
	w.publish(louise, feed, w.entry("re", "A comment.", inReplyTo(said)))
	comment := w.expect("Create Create")[0].uri
	w.chat(phone, aliceJID, "m1", "A word with you.")
	message := w.expect("Create")[0].uri
	for i, c := range []struct{ name, content, fields, want string }{
		{"a mention", "<p>Hello @louise</p><p>and all</p>", "", "Alice (@alice@mast.social) mentioned you:\nHello @louise\nand all\n"},
		{"a reply to a post", "Where?", `,"inReplyTo":"` + post + `"`,
			"Alice (@alice@mast.social) replied to your post “A fern in the wall behind the old mill, which nobody has looked after since the…”:\nWhere?\n"},
		{"a reply to a comment", "Indeed.", `,"inReplyTo":"` + comment + `"`, "Alice (@alice@mast.social) replied to your comment “A comment.”:\nIndeed.\n"},
		{"a reply to somebody else", "Ask @louise.", `,"inReplyTo":"` + said + `"`, "Alice (@alice@mast.social) mentioned you:\nAsk @louise.\n"},
		{"a quote", "See this", `,"quoteUrl":"` + comment + `"`, "Alice (@alice@mast.social) quoted your comment “A comment.”:\nSee this"},
		{"a warned reply", "It ends well.", `,"summary":"the end","sensitive":true,"inReplyTo":"` + comment + `"`,
			"Alice (@alice@mast.social) replied to your comment “A comment.”:\nCW: the end\n"},
		{"a picture", "", `,"attachment":[{"type":"Image","url":"https://mast.social/a.png","mediaType":"image/png","name":"A wall"}]`,
			"Alice (@alice@mast.social) mentioned you:\nA wall\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.xmpp.t = t, t
			uri := w.comes(aliceURI, fmt.Sprintf("n%d", i), c.content, c.fields)
			body := w.botSays().ChildContent("", "body")
			if !strings.HasPrefix(body, c.want) || !strings.HasSuffix(body, "\n"+uri+"/page") {
				t.Errorf("told %q, want %q", body, c.want)
			}
		})
	}
	w.t, w.xmpp.t = t, t
	w.reaction(aliceURI, aliceURI+"/l1", comment, "")
	w.pass(newsSoon)
	if got := w.news(); len(got) != 1 || got[0] != "Alice (@alice@mast.social) likes your comment “A comment.”" {
		t.Errorf("told %q", got)
	}
	w.reaction(aliceURI, aliceURI+"/l2", message, "")
	w.pass(newsAgain)
	if got := w.news(); len(got) != 1 || got[0] != "Alice (@alice@mast.social) likes your message “A word with you.”" {
		t.Errorf("told %q", got)
	}
}

// TestCutWords shows where texts are cut, and that it is never within what is drawn
// as one character.
func TestCutWords(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 5, "short"},
		{"one two three", 10, "one two…"},
		{"Donaudampfschiff", 10, "Donaudamp…"},
		{"abc e\u0301e\u0301e\u0301e\u0301", 8, "abc e\u0301…"},
		{"x👨\u200d👩\u200d👧\u200d👦", 4, "x…"},
		{"ab👍🏽cd", 4, "ab…"},
	} {
		if got := cutWords(c.text, c.n); got != c.want {
			t.Errorf("%q cut to %d is %q, want %q", c.text, c.n, got, c.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		text, n := rapid.String().Draw(rt, "text"), rapid.IntRange(2, 20).Draw(rt, "n")
		got := cutWords(text, n)
		if utf8.RuneCountInString(got) > n {
			rt.Errorf("%q has more than %d characters", got, n)
		}
		kept, cut := strings.CutSuffix(got, "…")
		rest, isStart := strings.CutPrefix(text, kept)
		if r, _ := utf8.DecodeRuneInString(rest); got != text && (!cut || !isStart || len(kept) > 4 && unicode.Is(unicode.M, r)) {
			rt.Errorf("%q cut to %q", text, got)
		}
	})
}

// TestMentionAddresses shows that who is mentioned has an XMPP address, in entries,
// comments and chat.
func TestMentionAddresses(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	tags := `,"tag":[{"type":"Mention","href":"` + louiseURI + `","name":"@louise@example.org"},{"type":"Mention","href":"` + bobURI + `","name":"@bob@pub.test"},` +
		`{"type":"Mention","href":"https://far.test/u/carl","name":"@carl@far.test"},{"type":"Mention","href":"https://far.test/u/dora","name":"@dora@other.test"},` +
		`{"type":"Mention","href":"https://example.org/_ap/actor/nobody@example.org","name":"@nobody"}]`
	want := []string{`xmpp:louise@example.org`, `xmpp:bob\40pub.test@ap.example.org`, `xmpp:carl\40far.test@ap.example.org`,
		"https://far.test/u/dora", "xmpp:nobody@example.org"}
	post := w.remotePost(aliceURI, "post", "public", tags)
	comment := w.remotePost(bobURI, "comment", "public", tags+`,"inReplyTo":"`+post+`"`)
	direct := w.remotePost(aliceURI, "@louise @bob@pub.test @carl@far.test @dora@other.test @nobody", "direct", tags)
	check := func(where, xml string) {
		t.Helper()
		at := 0
		for _, uri := range want {
			i := strings.Index(xml[at:], "uri='"+uri+"'")
			if i < 0 {
				t.Errorf("%s: no %s in %s", where, uri, xml)
				continue
			}
			at += i
		}
		if strings.Contains(xml, "uri='https://example.org/_ap") || strings.Contains(xml, "uri='"+bobURI) {
			t.Errorf("%s: %s", where, xml)
		}
	}
	for _, at := range []struct{ uri, node string }{{post, feed}, {comment, stanza.CommentsNodePrefix + w.itemOf(post).ID}} {
		w.view(func(tx *cache.Tx) error {
			stored, err := tx.PostByURI(at.uri, cache.Viewer{})
			if err != nil {
				return err
			}
			it, err := w.item(tx, stored.Post, translate.Item{Service: aliceJID, Node: at.node, ID: stored.Post.Item.ID})
			check(at.node, it.Payload.String())
			return err
		})
	}
	w.must(w.privatePost(t.Context(), messageWork{URI: direct, To: louiseURI}))
	check("the message", w.xmpp.await("the message", func(el *stanza.Element) bool { return el.Get("from") == aliceJID && el.Child("", "body") != nil }).String())
	if jid, err := translate.ParseJIDURI(want[1]); err != nil || jid != bobJID {
		t.Errorf("%s is the address of %s, %v", want[1], jid, err)
	}
}

// TestGroupMessageWarned shows that a user of ours in a group is warned before the
// text.
func TestGroupMessageWarned(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	group := w.remotePost(aliceURI, "group", "", `"to":["https://example.net/_ap/actor/pierre@example.net","`+louiseURI+`"]`)
	w.update(func(tx *cache.Tx) error {
		return tx.PutMessage(cache.Message{ID: "g1", Our: aliceJID, User: pierre, Object: group, Origin: translate.OriginAP, At: w.clock()})
	})
	w.chat(pierre+"/desk", aliceJID, "m1", "He did it.", replyTo("g1"), stanza.Text(stanza.NSSpoiler, "spoiler", "the end"))
	if got, want := w.botSays().ChildContent("", "body"), ":\nCW: the end\n\nHe did it."; !strings.HasSuffix(got, want) {
		t.Errorf("told %q", got)
	}
}

// A name that is written from right to left does not change places with what
// stands beside it in a line of ours, and one that sets directions sets none.
func TestNamesFromRightToLeft(t *testing.T) {
	for name, want := range map[string]string{
		"Alice":            "Alice (@alice@mast.social)",
		"أمل":              "\u2068أمل\u2069 (@alice@mast.social)",
		"Eve\u202eecila":   "Eve\u202eecila\u202c (@alice@mast.social)", // stored before names were cleaned
		"\u2067נועה\u2069": "\u2068\u2067נועה\u2069\u2069 (@alice@mast.social)",
	} {
		if got := nameAndHandle(cache.Actor{Name: name, Acct: "alice@mast.social"}); got != want {
			t.Errorf("%+q: %+q, want %+q", name, got, want)
		}
	}
	if got := teaser(translate.Post{Text: "سلام" + strings.Repeat(" x", 100)}); !strings.HasPrefix(got, "“\u2068") || !strings.HasSuffix(got, "\u2069”") {
		t.Errorf("%+q", got)
	}
}
