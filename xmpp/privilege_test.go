package xmpp

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

func TestParsePrivileges(t *testing.T) {
	tests := []struct {
		name, xml string
		want      Privileges
	}{
		{"all", `<message from='example.org'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/><perm access='message' type='outgoing'/>` +
			`<perm access='presence' type='managed_entity'/><perm access='iq'><namespace ns='a' type='both'/><namespace ns='b' type='get'/></perm></privilege></message>`,
			Privileges{"urn:xmpp:privilege:2", "both", "outgoing", "managed_entity", map[string]string{"a": "both", "b": "get"}}},
		{"Prosody, which nests", `<message from='example.org'><privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'><namespace ns='a' type='both'><namespace ns='b' type='set'/></namespace></perm></privilege></message>`,
			Privileges{Namespace: "urn:xmpp:privilege:2", IQ: map[string]string{"a": "both", "b": "set"}}},
		{"old ejabberd", `<message from='example.org'><privilege xmlns='urn:xmpp:privilege:1'><perm access='message' type='none'/></privilege></message>`,
			Privileges{Namespace: "urn:xmpp:privilege:1", Message: "none", IQ: map[string]string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParsePrivileges(parse(t, tt.xml))
			if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
				t.Error(ok, diff)
			}
		})
	}
	p := Privileges{IQ: map[string]string{"a": "both", "b": "get", "c": ""}}
	for ns, want := range map[string]bool{"a": true, "b": false, "c": false, "d": false} {
		if p.MayIQ(ns, "set") != want {
			t.Errorf("MayIQ(%s, set) = %v", ns, !want)
		}
	}
	for _, xml := range []string{`<message/>`, `<message><privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'/></privilege></message>`} {
		if _, ok := ParsePrivileges(parse(t, xml)); ok {
			t.Errorf("%s is taken for privileges", xml)
		}
	}
}

func TestPrivileged(t *testing.T) {
	iq := ItemsIQ(louise.Bare(), louise.Bare(), "n", ItemsQuery{MaxItems: 1})
	golden(t, "request/privileged.xml", pretty(reparse(t, PrivilegedIQ(domain, iq)), stanza.NSComponent, ""))
	if iq.Space != "" || iq.Get("id") != "" {
		t.Error("the request was changed")
	}
	p := Privileges{Namespace: nsPrivilege}
	m := Message{Request: Request{From: louise.Bare(), To: "a@b"}, Body: "x"}
	golden(t, "message/privileged.xml", pretty(reparse(t, p.PrivilegedMessage(domain, m.Element())), stanza.NSComponent, ""))

	wrap := func(iq string) *stanza.Element {
		return parse(t, `<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>`+iq+`</forwarded></privilege>`)
	}
	got, err := ParsePrivileged(wrap(`<iq xmlns='jabber:client' type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></pubsub></iq>`))
	if err != nil || !got.Is(stanza.NSPubSub, "pubsub") {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ParsePrivileged(wrap(`<iq xmlns='jabber:client' type='result'/>`)); got != nil || err != nil {
		t.Errorf("an empty result: %v, %v", got, err)
	}
	_, err = ParsePrivileged(wrap(`<iq xmlns='jabber:client' type='error'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`))
	if !stanza.IsCondition(err, "forbidden") {
		t.Errorf("an error inside: %v", err)
	}
	for _, p := range []*stanza.Element{nil, wrap("")} {
		if _, err := ParsePrivileged(p); !errors.Is(err, errNoAnswer) {
			t.Errorf("%v: %v", p, err)
		}
	}
}
