package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// bounced is the condition and text of the error that answers a message.
func (s *fakeXMPP) bounced(id string) (condition, text string) {
	s.t.Helper()
	el := s.await("the error for "+id, func(el *stanza.Element) bool {
		return el.Name == "message" && el.Get("type") == "error" && el.Get("id") == id
	})
	e := stanza.ParseError(el)
	return e.Condition, e.Text
}

const phone = louise + "/phone"

// TestDirectRefused shows which messages come back, and what they say.
func TestDirectRefused(t *testing.T) {
	w := newWorld(t)
	w.chat(phone, aliceJID, "m1", "hello?")
	if condition, text := w.xmpp.bounced("m1"); condition != "registration-required" || !strings.Contains(text, "link") {
		t.Errorf("who has not linked gets %s: %s", condition, text)
	}
	a := w.linkUser(louise)
	for _, c := range []struct {
		name, to, want string
		more           []*stanza.Element
		before         func()
	}{
		{name: "encrypted", to: aliceJID, want: "not-acceptable", more: []*stanza.Element{stanza.New("eu.siacs.conversations.axolotl", "encrypted")}},
		{name: "to one of ours", to: `pierre\40example.net@ap.example.org`, want: "redirect"},
		{name: "to nobody", to: "nobody@ap.example.org", want: "item-not-found"},
		{name: "a correction of nothing", to: aliceJID, want: "item-not-found", more: []*stanza.Element{stanza.New(stanza.NSCorrect, "replace").Set("id", "never")}},
		{name: "blocked by the actor", to: aliceJID, want: "forbidden", before: func() {
			w.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: aliceURI, Target: a.URI, CreatedAt: w.clock()})
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.xmpp.t = t, t
			if c.before != nil {
				c.before()
			}
			w.chat(phone, c.to, "m2", "hello?", c.more...)
			if condition, _ := w.xmpp.bounced("m2"); condition != c.want {
				t.Errorf("answered %s, want %s", condition, c.want)
			}
			w.expect("")
		})
	}
	w.t, w.xmpp.t = t, t
	for _, kind := range []string{"error", "headline", "groupchat"} {
		w.xmpp.send(stanza.New("", "message").Set("type", kind).Set("id", "m3").Set("from", phone).Set("to", bobJID).
			Add(stanza.Text(stanza.NSComponent, "body", "hello?")))
	}
	w.chat(phone, bobJID, "m4", "") // a marker, a receipt
	w.expect("")
}

// TestDirectMessage follows a message through its life.
func TestDirectMessage(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.chat(phone, aliceJID, "m1", "I wil.", stanza.New(stanza.NSReceipts, "request"))
	made := w.expect("Create")[0]
	if made.inbox != aliceURI+"/inbox" || !slices.Equal(made.To, []string{aliceURI}) || len(made.Cc) > 0 {
		t.Errorf("delivered to %s, addressed to %v, copied to %v", made.inbox, made.To, made.Cc)
	}
	w.chat(phone, aliceJID, "m1", "I wil.") // sent again
	w.expect("")
	w.pass(time.Second)
	w.chat(phone, aliceJID, "m2", "I will.", stanza.New(stanza.NSCorrect, "replace").Set("id", "m1"))
	edit := w.expect("Update")[0]
	if edit.uri != made.uri || !strings.Contains(edit.text(), "I will.") || !edit.time("updated").After(made.time("published")) {
		t.Errorf("the correction is %+v", edit)
	}
	w.view(func(tx *cache.Tx) error {
		if _, err := tx.PostByURI(made.uri, cache.Viewer{}); err == nil {
			t.Error("strangers see a direct message")
		}
		_, err := tx.PostByURI(made.uri, cache.Viewer{Actor: aliceURI})
		return err
	})
	w.linkUser(pierre)
	w.chat(pierre+"/desk", aliceJID, "m9", "", stanza.New(stanza.NSRetract, "retract").Set("id", "m1"))
	w.expect("")
	w.chat(phone, aliceJID, "m3", "", stanza.New(stanza.NSRetract, "retract").Set("id", "m2")) // by the correction's id too
	if gone := w.expect("Delete")[0]; gone.uri != made.uri || gone.inbox != made.inbox {       // where it went, in the same lane
		t.Errorf("the retraction is %+v", gone)
	}
}

// TestDeleteWhereItWent shows that a Delete goes to the inboxes that got what is
// deleted, once; and to another one only on a host where none of them is left.
func TestDeleteWhereItWent(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.actor("https://mast.social/users/zoe", "zoe@mast.social", `zoe\40mast.social@ap.example.org`)
	inboxes := func(list []sentActivity) (out []string) {
		for _, d := range list {
			out = append(out, d.inbox)
		}
		slices.Sort(out)
		return out
	}
	group := w.remotePost(aliceURI, "group", "direct", `,"cc":["`+bobURI+`","https://mast.social/users/zoe"]`)
	w.update(func(tx *cache.Tx) error {
		return tx.PutMessage(cache.Message{ID: "g", Our: aliceJID, User: louise, Object: group, Origin: translate.OriginAP, At: w.clock()})
	})
	w.chat(phone, aliceJID, "m1", "To all.", stanza.New(stanza.NSReply, "reply").Set("id", "g").Set("to", aliceJID))
	made := inboxes(w.expect("Create Create Create"))
	if want := []string{aliceURI + "/inbox", "https://mast.social/users/zoe/inbox", bobURI + "/inbox"}; !slices.Equal(made, want) {
		t.Errorf("delivered to %q", made)
	}
	w.chat(phone, aliceJID, "m2", "", stanza.New(stanza.NSRetract, "retract").Set("id", "m1"))
	if gone := inboxes(w.expect("Delete Delete Delete")); !slices.Equal(gone, made) {
		t.Errorf("deleted at %q, was at %q", gone, made)
	}

	w.publish(louise, feed, w.entry("fern", "A fern."))
	w.expect("Create")
	w.update(func(tx *cache.Tx) error {
		_, err := tx.DeleteFollow(aliceURI, a.URI)
		return err
	})
	w.retractItem(louise, feed, "fern")
	if gone := inboxes(w.expect("Delete")); !slices.Equal(gone, []string{"https://mast.social/inbox"}) {
		t.Errorf("deleted at %q", gone)
	}
}

// TestConversation shows who reads an answer.
func TestConversation(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	group := w.remotePost(aliceURI, "group", "direct", `,"cc":["`+bobURI+`"],"tag":[{"type":"Mention","href":"`+bobURI+`","name":"@bob@pub.test"}]`)
	pair := w.remotePost(bobURI, "pair", "direct", "")
	w.update(func(tx *cache.Tx) error {
		err := tx.PutMessage(cache.Message{ID: "g1", Our: aliceJID, User: a.JID, Object: group, Origin: translate.OriginAP, At: w.clock()})
		if err != nil {
			return err
		}
		return tx.PutMessage(cache.Message{ID: "p1", Our: bobJID, User: a.JID, Object: pair, Origin: translate.OriginAP, At: w.clock()})
	})
	reply := func(id string) *stanza.Element { return stanza.New(stanza.NSReply, "reply").Set("id", id) }
	for _, c := range []struct {
		name, to string
		more     []*stanza.Element
		want     []string
		answers  any
	}{
		{"a threaded reply reaches all", aliceJID, []*stanza.Element{reply("g1")}, []string{aliceURI, bobURI}, group},
		{"an unthreaded one only the actor, and names no group", aliceJID, nil, []string{aliceURI}, nil},
		{"between two it goes on from the last", bobJID, nil, []string{bobURI}, pair},
		{"a reply to what is not known", bobJID, []*stanza.Element{reply("never")}, []string{bobURI}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.pass(time.Second)
			w.chat(phone, c.to, "m "+c.name, "Well.", c.more...)
			made := w.deliveries()
			if len(made) != len(c.want) {
				t.Fatalf("sent %+v", made)
			}
			to := slices.Sorted(slices.Values(made[0].To))
			if !slices.Equal(to, slices.Sorted(slices.Values(c.want))) || made[0].Object["inReplyTo"] != c.answers {
				t.Errorf("addressed to %v, in reply to %v; want %v, %v", to, made[0].Object["inReplyTo"], c.want, c.answers)
			}
		})
	}
}

// TestDirectReactions shows that reactions are a set (XEP-0444).
func TestDirectReactions(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	note := w.remotePost(aliceURI, "pair", "direct", "")
	w.update(func(tx *cache.Tx) error {
		return tx.PutMessage(cache.Message{ID: "p1", Our: aliceJID, User: a.JID, Object: note, Origin: translate.OriginAP, At: w.clock()})
	})
	for i, c := range []struct{ emoji, want string }{
		{"❤️", "Like"}, {"❤️", ""}, {"❤️ 🦔", "Like"}, {"🦔", "Undo"}, {"", "Undo"},
	} {
		r := stanza.New(stanza.NSReactions, "reactions").Set("id", "p1")
		for _, e := range strings.Fields(c.emoji) {
			r.Add(stanza.Text("", "reaction", e))
		}
		w.chat(phone, aliceJID, "r"+string(rune('a'+i)), "", r)
		w.expect(c.want)
	}
}

// TestWrittenOffline shows that what a client had kept back while it was offline
// (Conversations and Dino say so with a delay of their own) arrives, and what a
// room or an archive shows again does not.
func TestWrittenOffline(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	late := func(by string) *stanza.Element {
		return stanza.New(stanza.NSDelay, "delay").Set("from", by).Set("stamp", "2026-11-21T07:00:00Z")
	}
	for i, c := range []struct{ by, want string }{{"", "Create"}, {louise, "Create"}, {phone, "Create"}, {"example.org", ""}, {"room@conference.example.org", ""}} {
		w.chat(phone, aliceJID, "late"+string(rune('a'+i)), "From the tunnel.", late(c.by))
		w.expect(c.want)
	}
	w.chat(phone, aliceJID, "latea", "From the tunnel.", late("")) // sent again: nobody had confirmed it
	w.expect("")
	w.chat(phone, ourComponent, "cmd", "status", late(""), stanza.New(stanza.NSReceipts, "request"))
	w.xmpp.await("the receipt of the gateway", func(el *stanza.Element) bool {
		return el.Get("to") == phone && el.Get("from") == ourComponent && el.Child(stanza.NSReceipts, "received").Get("id") == "cmd"
	})
	if got := w.xmpp.said(louise); !strings.Contains(got, "is linked") {
		t.Errorf("the gateway says %q", got)
	}
}

// TestPicturesOfMessage shows that the pictures of a message, which are messages
// of their own, can be reacted to and are taken back with it.
func TestPicturesOfMessage(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	note := w.remotePost(aliceURI, "pair", "direct", `,"attachment":[{"type":"Document","mediaType":"image/png","url":"https://mast.social/1.png"},{"type":"Document","mediaType":"image/png","url":"https://mast.social/2.png"}]`)
	w.must(w.runMessage(t.Context(), w.messageJob(messageWork{URI: note, To: a.URI})))
	sent := func() (ids []string) {
		for range 3 {
			el := w.xmpp.await("a message of Alice", func(el *stanza.Element) bool { return el.Name == "message" && el.Get("from") == aliceJID })
			if r := el.Child(stanza.NSRetract, "retract"); r != nil {
				ids = append(ids, r.Get("id"))
			} else {
				ids = append(ids, el.Get("id"))
			}
		}
		slices.Sort(ids)
		return ids
	}
	ids := sent()
	for i, id := range ids {
		w.chat(phone, aliceJID, "r"+id, "", stanza.New(stanza.NSReactions, "reactions").Set("id", id).Add(stanza.Text("", "reaction", "❤️")))
		w.expect([]string{"Like", "", ""}[i])
	}
	w.update(func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(note, operator)
		if err != nil {
			return err
		}
		return w.remove(tx, stored, aliceURI)
	})
	for _, j := range w.jobs(jobMessage) {
		w.must(w.runMessage(t.Context(), j))
	}
	if gone := sent(); !slices.Equal(gone, ids) {
		t.Errorf("taken back %q, sent %q", gone, ids)
	}
}

// TestEditedMessage shows that an edit corrects the text once, brings what pictures
// it adds, and comes whole to who had nothing before.
func TestEditedMessage(t *testing.T) {
	w := newWorld(t)
	a, b := w.linkUser(louise), w.linkUser(pierre)
	edit := func(text string, pictures ...string) {
		p := translate.Post{
			URI: aliceURI + "/note", Kind: translate.KindNote, Origin: translate.OriginAP, Visibility: translate.Direct, HTML: "<p>" + text + "</p>", Text: text,
			Owner: translate.Actor{URI: aliceURI, JID: aliceJID, Name: "Alice"}, Published: w.clock(), Updated: w.clock(), To: []string{a.URI, b.URI},
		}
		p.Author = p.Owner
		for _, url := range pictures {
			p.Media = append(p.Media, translate.Media{URL: "https://mast.social/" + url, MediaType: "image/png"})
		}
		w.update(func(tx *cache.Tx) error {
			_, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: w.clock()})
			return err
		})
	}
	sent := func(to cache.Account, edited bool) (out []string) {
		w.t.Helper()
		w.must(w.runMessage(t.Context(), w.messageJob(messageWork{URI: aliceURI + "/note", To: to.URI, Edit: edited})))
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		for _, el := range w.xmpp.sent {
			if el.Name == "message" && el.Get("from") == aliceJID {
				body, _, _ := strings.Cut(el.ChildContent("", "body"), "\n")
				if el.Child(stanza.NSCorrect, "replace") != nil {
					body += " (corrected)"
				}
				out = append(out, body)
			}
		}
		w.xmpp.sent = nil
		return out
	}
	for i, c := range []struct {
		text     string
		pictures []string
		to       cache.Account
		want     []string
	}{
		{"One.", []string{"1.png"}, a, []string{"One.", "https://mast.social/1.png"}},
		{"Two.", []string{"1.png", "2.png"}, a, []string{"Two. (corrected)", "https://mast.social/2.png"}},
		{"Three.", []string{"2.png"}, a, []string{"Three. (corrected)"}},
		{"Three.", []string{"2.png"}, b, []string{"Three.", "https://mast.social/2.png"}},
	} {
		w.pass(time.Second)
		edit(c.text, c.pictures...)
		if got := sent(c.to, i > 0); !slices.Equal(got, c.want) {
			t.Errorf("%s: sent %q, want %q", c.text, got, c.want)
		}
	}
}
