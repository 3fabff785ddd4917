package xmpp

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

// answer does what the component does with a request: one answer, whatever
// happens.
func answer(t testing.TB, r *Router, req *stanza.Element) *stanza.Element {
	t.Helper()
	iq := iqFrom(req)
	res := stanza.New("", "iq").Set("type", "result").Set("from", string(iq.To)).Set("to", string(iq.From)).Set("id", iq.ID)
	payload, err := r.HandleIQ(t.Context(), iq)
	if err == nil {
		return res.Add(payload)
	}
	var e *stanza.Error
	if !errors.As(err, &e) {
		e = stanza.NewError("internal-server-error", "")
	}
	return res.Set("type", "error").Add(e.Element())
}

func iqFrom(req *stanza.Element) IQ {
	return IQ{
		From: stanza.JID(cmp.Or(req.Get("from"), string(louise))), To: stanza.JID(cmp.Or(req.Get("to"), string(alice))),
		ID: req.Get("id"), Type: req.Get("type"), Payload: req.Child("", ""), Lang: req.Lang(),
	}
}

// TestAnswers has a request and its answer in each file.
func TestAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/iq/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no requests in testdata/iq", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".xml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request, _, _ := strings.Cut(string(text), "\n\n")
			request = strings.TrimSpace(request)
			w := newWorld(5)
			w.result = CommandResult{Note: "Done."}
			el := answer(t, w.router(t), parse(t, request))
			// Session ids are random.
			if c := el.Child(stanza.NSCommands, "command"); c != nil {
				c.Set("sessionid", "SESSION")
			}
			golden(t, "iq/"+name, request+"\n\n"+pretty(reparse(t, el), stanza.NSComponent, ""))
		})
	}
}

func TestUnservedIsUnavailable(t *testing.T) {
	bare := NewRouter(domain, Services{}, nil)
	for _, xml := range []string{
		`<iq type='get'><query xmlns='urn:unknown'/></iq>`,
		`<iq type='set'><ping xmlns='urn:xmpp:ping'/></iq>`,
		`<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
		`<iq type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
		`<iq type='get'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></pubsub></iq>`,
		`<iq type='get'><vCard xmlns='vcard-temp'/></iq>`,
		`<iq type='set'><command xmlns='http://jabber.org/protocol/commands' node='n'/></iq>`,
		`<iq type='get'><query xmlns='jabber:iq:gateway'/></iq>`,
		`<iq type='get'><query xmlns='jabber:iq:register'/></iq>`,
		`<iq type='get'><query xmlns='jabber:iq:search'/></iq>`,
		`<iq type='get'><query xmlns='jabber:iq:version'/></iq>`,
		`<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>`,
	} {
		_, err := bare.HandleIQ(t.Context(), iqFrom(parse(t, xml)))
		if !stanza.IsCondition(err, "service-unavailable") {
			t.Errorf("%s: %v, want service-unavailable", xml, err)
		}
	}
	// The domain itself is there without any service.
	if _, err := bare.HandleIQ(t.Context(), iqFrom(parse(t, `<iq type='get' to='ap.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`))); err != nil {
		t.Errorf("ping of the domain: %v", err)
	}
	bare.HandleMessage(t.Context(), parse(t, `<message/>`))
	bare.HandlePresence(t.Context(), parse(t, `<presence/>`))
	if _, err := bare.HandleIQ(t.Context(), IQ{Type: "get"}); !stanza.IsCondition(err, "bad-request") {
		t.Errorf("a request without payload: %v, want bad-request", err)
	}
	if n := len(bare.ActorFeatures()); n != 7 {
		t.Errorf("%d features without services", n)
	}
	if all := newWorld(0).router(t).ActorFeatures(); !slices.Contains(all, stanza.NSSocialFeed) || slices.Contains(all, stanza.NSGateway) {
		t.Errorf("features of an actor: %v", all)
	}
}

func TestHandOn(t *testing.T) {
	w := newWorld(0)
	r := w.router(t)
	connected := false
	r.services.Connected = func(context.Context) { connected = true }
	r.HandleConnected(t.Context())
	if !connected {
		t.Error("Connected was not called")
	}
	r.HandleMessage(t.Context(), parse(t, `<message from='a@b'><body>hi</body></message>`))
	r.HandleMessage(t.Context(), parse(t, `<message from='a@b' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='n'/></event></message>`))
	r.HandleMessage(t.Context(), parse(t, `<message from='a@b' type='error'><event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='n'/></event><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`))
	r.HandlePresence(t.Context(), parse(t, `<presence from='a@b' type='probe'/>`))
	var got []string
	for _, x := range w.said {
		switch x := x.(type) {
		case Message:
			got = append(got, "message "+x.Type)
		case Event:
			got = append(got, "event "+x.Node)
		case Presence:
			got = append(got, "presence "+x.Type)
		}
	}
	if diff := gocmp.Diff([]string{"message ", "event n", "message error", "presence probe"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRequests looks at what services are asked, where the answer does not
// show it.
func TestRequests(t *testing.T) {
	ask := func(xml string) any {
		w := newWorld(0)
		answer(t, w.router(t), parse(t, xml))
		if len(w.asked) != 1 {
			t.Fatalf("%s: asked %d times", xml, len(w.asked))
		}
		return w.asked[0]
	}
	const ps = `<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>`
	node := NodeRequest{Request: Request{From: louise, To: alice}, Node: "n"}
	tests := []struct {
		name, xml string
		want      any
	}{
		{"subscribe bare in another case", ps + `<subscribe node='n' jid='Louise@EXAMPLE.org'/></pubsub></iq>`,
			SubscribeRequest{NodeRequest: node, JID: louise.Bare()}},
		{"subscribe full and public", ps + `<subscribe node='n' jid='louise@example.org/phone'><public xmlns='urn:xmpp:pps:0'/></subscribe></pubsub></iq>`,
			SubscribeRequest{NodeRequest: node, JID: louise, Public: true}},
		{"retract quietly", ps + `<retract node='n'><item id='i'/></retract></pubsub></iq>`, RetractRequest{NodeRequest: node, ID: "i"}},
		{"retract with notice", ps + `<retract node='n' notify='1'><item id='i'/></retract></pubsub></iq>`, RetractRequest{NodeRequest: node, ID: "i", Notify: true}},
		{"publish with options", ps + `<publish node='n'><item id='i'><e xmlns='urn:e'/></item></publish><publish-options>` +
			`<x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>`,
			PublishRequest{NodeRequest: node, Item: Item{ID: "i", Payload: stanza.New("urn:e", "e")},
				Options: &Form{Type: "submit", Fields: []Field{{Var: "pubsub#access_model", Values: []string{"open"}}}}}},
		{"register by form", `<iq type='set' to='ap.example.org'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='a'><value>b</value></field></x></query></iq>`,
			&Form{Type: "submit", Fields: []Field{{Var: "a", Values: []string{"b"}}}}},
		{"register by elements", `<iq type='set' to='ap.example.org'><query xmlns='jabber:iq:register'><nick>b</nick></query></iq>`,
			&Form{Type: "submit", Fields: []Field{{Var: "nick", Values: []string{"b"}}}}},
		{"register with nothing", `<iq type='set' to='ap.example.org'><query xmlns='jabber:iq:register'/></iq>`, (*Form)(nil)},
		{"unregister", `<iq type='set' to='ap.example.org'><query xmlns='jabber:iq:register'><remove/></query></iq>`, "unregister"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := gocmp.Diff(tt.want, ask(tt.xml), elements); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// elements compares elements by their XML.
var elements = gocmp.Transformer("xml", func(e *stanza.Element) string {
	if e == nil {
		return ""
	}
	return e.String()
})
