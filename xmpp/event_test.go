package xmpp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

func TestParseEvent(t *testing.T) {
	const ev = `<event xmlns='http://jabber.org/protocol/pubsub#event'>`
	head := func(from string) string {
		return `<message from='` + from + `' to='ap.example.org' id='e1' type='headline'>`
	}
	from := func(jid stanza.JID) Event {
		return Event{Request: Request{From: jid, To: domain}, ID: "e1", Service: jid.Bare()}
	}
	entry := stanza.New(stanza.NSAtom, "entry")
	tests := []struct {
		name, xml string
		want      func(*Event)
	}{
		{"Prosody, with the publisher", head("louise@example.org") + ev + `<items node='urn:xmpp:microblog:0'><item id='i' publisher='louise@example.org'><entry xmlns='http://www.w3.org/2005/Atom'/></item></items></event></message>`,
			func(e *Event) {
				e.Node, e.Items = stanza.NSMicroblog, []Item{{"i", louise.Bare(), entry}}
			}},
		{"ejabberd, the publisher with a resource", head("louise@example.org") + ev + `<items node='n'><item id='i' publisher='louise@example.org/phone'><entry xmlns='http://www.w3.org/2005/Atom'/></item></items></event></message>`,
			func(e *Event) { e.Node, e.Items = "n", []Item{{"i", louise, entry}} }},
		{"Movim's comments, without payload", head("comments.example.org") + ev + `<items node='n'><item id='i'/></items></event></message>`,
			func(e *Event) { e.Node, e.Items = "n", []Item{{ID: "i"}} }},
		{"pretty printed", head("louise@example.org") + "\n" + ev + "\n <items node='n'>\n <item id='i'>\n <entry xmlns='http://www.w3.org/2005/Atom'/>\n </item>\n </items>\n</event></message>",
			func(e *Event) { e.Node, e.Items = "n", []Item{{"i", "", entry}} }},
		{"retract and publish", head("louise@example.org/x") + ev + `<items node='n'><retract id='a'/><item id='b'/><retract id='c'/></items></event></message>`,
			func(e *Event) {
				e.Node, e.Items, e.Retracted = "n", []Item{{ID: "b"}}, []string{"a", "c"}
			}},
		{"a second node is left out", head("louise@example.org") + ev + `<items node='n'><item id='a'/></items><items node='m'><item id='b'/></items><purge node='m'/></event></message>`,
			func(e *Event) { e.Node, e.Items = "n", []Item{{ID: "a"}} }},
		{"purge", head("louise@example.org") + ev + `<purge node='n'/></event></message>`, func(e *Event) { e.Node, e.Purged = "n", true }},
		{"delete", head("louise@example.org") + ev + `<delete node='n'/></event></message>`, func(e *Event) { e.Node, e.Deleted = "n", true }},
		{"delete with redirect", head("louise@example.org") + ev + `<delete node='n'><redirect uri='xmpp:a@b?;node=c'/></delete></event></message>`,
			func(e *Event) { e.Node, e.Deleted, e.Redirect = "n", true, "xmpp:a@b?;node=c" }},
		{"configuration", head("louise@example.org") + ev + `<configuration node='n'><x xmlns='jabber:x:data' type='result'><field var='pubsub#access_model'><value>open</value></field></x></configuration></event></message>`,
			func(e *Event) {
				e.Node, e.Configured = "n", true
				e.Configuration = &Form{Type: "result", Fields: []Field{{Var: "pubsub#access_model", Values: []string{"open"}}}}
			}},
		{"configuration, without saying", head("louise@example.org") + ev + `<configuration node='n'/></event></message>`, func(e *Event) { e.Node, e.Configured = "n", true }},
		{"subscription", head("louise@example.org") + ev + `<subscription node='n' jid='ap.example.org' subscription='none' subid='s'/></event></message>`,
			func(e *Event) { e.Node, e.Subscription = "n", &Subscription{"n", domain, SubNone, "s"} }},
		{"late", head("louise@example.org") + ev + `<items node='n'><item id='i'/></items></event><delay xmlns='urn:xmpp:delay' stamp='2026-11-20T10:00:00Z'/></message>`,
			func(e *Event) {
				e.Node, e.Items, e.Delayed = "n", []Item{{ID: "i"}}, time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
			}},
		{"late, nobody knows when", head("louise@example.org") + ev + `<purge node='n'/></event><delay xmlns='urn:xmpp:delay' stamp='yesterday'/></message>`, func(e *Event) { e.Node, e.Purged = "n", true }},
		{"empty", head("louise@example.org") + ev + `</event></message>`, func(*Event) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			el := parse(t, tt.xml)
			got, ok := ParseEvent(el)
			if !ok {
				t.Fatal("taken for no event")
			}
			want := from(stanza.JID(el.Get("from")))
			tt.want(&want)
			if diff := cmp.Diff(want, got, elements); diff != "" {
				t.Error(diff)
			}
			for _, i := range got.Items {
				if i.NeedsFetch() != (i.Payload == nil) {
					t.Errorf("item %s: NeedsFetch %v", i.ID, i.NeedsFetch())
				}
			}
		})
	}
	for _, xml := range []string{
		`<message from='a@b'><body>no</body></message>`,
		`<message from='a@b' type='error'>` + ev + `<purge node='n'/></event></message>`,
		`<message from='a@b'><x><event xmlns='http://jabber.org/protocol/pubsub#event'/></x></message>`,
		`<presence from='a@b'>` + ev + `</event></presence>`,
	} {
		if e, ok := ParseEvent(parse(t, xml)); ok {
			t.Errorf("%s is taken for event %+v", xml, e)
		}
	}
}

// TestEventMessages has what we send be what we would read.
func TestEventMessages(t *testing.T) {
	entry := stanza.New(stanza.NSAtom, "entry").Add(stanza.Text("", "title", "Hi & bye"))
	config := NewForm(FormResult, FormNodeConfig).AddText("pubsub#access_model", "open")
	tests := []struct {
		name  string
		event *stanza.Element
		want  Event
	}{
		{"items", EventItems(stanza.NSMicroblog, Item{"i1", alice, entry}), Event{Node: stanza.NSMicroblog, Items: []Item{{"i1", alice, entry}}}},
		{"retract", EventRetract("n", "i1", "i2"), Event{Node: "n", Retracted: []string{"i1", "i2"}}},
		{"delete", EventDelete("n", ""), Event{Node: "n", Deleted: true}},
		{"delete-redirect", EventDelete("n", "xmpp:a@b"), Event{Node: "n", Deleted: true, Redirect: "xmpp:a@b"}},
		{"purge", EventPurge("n"), Event{Node: "n", Purged: true}},
		{"subscription", EventSubscription(Subscription{"n", louise.Bare(), SubSubscribed, ""}), Event{Node: "n", Subscription: &Subscription{"n", louise.Bare(), SubSubscribed, ""}}},
		{"configuration", EventConfiguration("n", config), Event{Node: "n", Configured: true, Configuration: config}},
		{"configuration-changed", EventConfiguration("n", nil), Event{Node: "n", Configured: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := EventMessage(alice+"/resource", louise, "e1", tt.event)
			el := reparse(t, m)
			golden(t, "event/"+tt.name+".xml", pretty(el, stanza.NSComponent, ""))
			got, ok := ParseEvent(el)
			if !ok {
				t.Fatal("no event")
			}
			tt.want.Request, tt.want.ID, tt.want.Service = Request{From: alice, To: louise}, "e1", alice
			// Parsed elements name their namespace each; the XML is the same.
			xml := cmp.Transformer("xml", func(e *stanza.Element) string {
				if e == nil {
					return ""
				}
				return reparse(t, e).String()
			})
			if diff := cmp.Diff(tt.want, got, xml); diff != "" {
				t.Error(diff)
			}
			// The same event goes to many.
			other := reparse(t, EventMessage(alice, "pierre@example.net", "e2", tt.event).Add(Delay(domain, epoch)))
			if e, _ := ParseEvent(other); e.Node != got.Node || e.To != "pierre@example.net" || !e.Delayed.Equal(epoch) {
				t.Errorf("the second recipient got %s", other)
			}
		})
	}
}
