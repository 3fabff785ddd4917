package xmpp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"isthmus/xmpp/stanza"
)

// seed adds the requests and messages of testdata and some odd ones.
func seed(f *testing.F, dir string, more ...string) {
	files, err := filepath.Glob("testdata/" + dir + "/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds in", dir, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		xml, _, _ := strings.Cut(string(b), "\n\n")
		f.Add([]byte(xml))
	}
	for _, xml := range more {
		f.Add([]byte(xml))
	}
}

// foreign is what a stranger sent, if the link would have let it through.
func foreign(t *testing.T, b []byte) *stanza.Element {
	el, err := stanza.Parse(b, stanza.NSComponent, stanza.Limits{})
	if err != nil {
		t.Skip()
	}
	return el
}

// FuzzPubSubRequest has every request be answered once, with something that
// can be sent and read.
func FuzzPubSubRequest(f *testing.F) {
	seed(f, "iq",
		`<iq type='get'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items/><items node=''/></pubsub></iq>`,
		`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure/></pubsub></iq>`,
		`<iq type='get'/>`)
	f.Fuzz(func(t *testing.T, b []byte) {
		req := foreign(t, b)
		iq := iqFrom(req)
		payload, err := newWorld(4).router(t).HandleIQ(t.Context(), iq)
		if err != nil {
			var e *stanza.Error
			if !errors.As(err, &e) && iq.Payload.Get("node") != "broken" {
				t.Errorf("an error that is not for the requester: %v", err)
			}
			return
		}
		el := answer(t, newWorld(4).router(t), req)
		xml := stanza.Append(nil, el, stanza.NSComponent)
		if _, err := stanza.Parse(xml, stanza.NSComponent, stanza.Limits{}); err != nil {
			t.Errorf("the answer %s cannot be read: %v", xml, err)
		}
		if _, _, err := ParseItems(payload); payload.Child("", "items") != nil && payload.Is(stanza.NSPubSub, "pubsub") && err != nil {
			t.Errorf("items %s: %v", payload, err)
		}
	})
}

// FuzzEvent has whatever is taken for an event be about one node and from its
// sender.
func FuzzEvent(f *testing.F) {
	seed(f, "event", `<message><event xmlns='http://jabber.org/protocol/pubsub#event'><items><item/><retract/></items><subscription/></event></message>`)
	f.Fuzz(func(t *testing.T, b []byte) {
		el := foreign(t, b)
		e, ok := ParseEvent(el)
		if !ok {
			return
		}
		if e.Service != e.From.Bare() {
			t.Errorf("service %q of a stanza from %q", e.Service, e.From)
		}
		for _, i := range e.Items {
			if i.NeedsFetch() != (i.Payload == nil) {
				t.Error("NeedsFetch")
			}
		}
		again, ok := ParseEvent(reparse(t, EventMessage(e.From, e.To, e.ID, EventItems(e.Node, e.Items...))))
		if !ok || len(again.Items) != len(e.Items) {
			t.Errorf("%d items became %d", len(e.Items), len(again.Items))
		}
	})
}

// FuzzMessage has the text be a part of the body, and mentions be within it.
func FuzzMessage(f *testing.F) {
	seed(f, "message",
		`<message><body>0123</body><reply xmlns='urn:xmpp:reply:0' id='m'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='1' end='2'/><body end='9'/></fallback></message>`,
		`<message type='error'><error/></message>`, `<message><x xmlns='jabber:x:data'><field/><item/></x></message>`)
	f.Fuzz(func(t *testing.T, b []byte) {
		el := foreign(t, b)
		m := ParseMessage(el)
		text, body := []rune(m.Text), []rune(m.Body)
		if len(text) > len(body) || !utf8.ValidString(m.Text) {
			t.Errorf("text %q of body %q", m.Text, m.Body)
		}
		for _, x := range m.Mentions {
			if x.Begin < 0 || x.End > len(text) || x.End < x.Begin {
				t.Errorf("mention %+v in %q", x, m.Text)
			}
		}
		for _, file := range m.Files {
			if file.URL == "" || file.Size < 0 || file.Width < 0 {
				t.Errorf("file %+v", file)
			}
		}
		reparse(t, m.Element())
		p := ParsePresence(el)
		reparse(t, p.Element())
		ParseVCard(el)
		ParseAvatarMetadata(el)
	})
}
