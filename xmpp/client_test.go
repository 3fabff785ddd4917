package xmpp

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

func TestRequestsWeMake(t *testing.T) {
	entry := stanza.New(stanza.NSAtom, "entry")
	options := NewForm(FormSubmit, FormPublish).AddText("pubsub#access_model", "open")
	to := stanza.JID("louise@example.org")
	requests := map[string]*stanza.Element{
		"items":           ItemsIQ(domain, to, "n", ItemsQuery{}),
		"items-max":       ItemsIQ(domain, to, "n", ItemsQuery{MaxItems: 20}),
		"items-ids":       ItemsIQ(domain, to, "n", ItemsQuery{IDs: []string{"a", "b"}}),
		"items-before":    ItemsIQ(domain, to, "n", ItemsQuery{Max: 5, Before: ptr("")}),
		"items-after":     ItemsIQ(domain, to, "n", ItemsQuery{Max: 5, After: ptr("c")}),
		"subscribe":       SubscribeIQ(domain, to, "n", domain),
		"unsubscribe":     UnsubscribeIQ(domain, to, "n", domain, ""),
		"unsubscribe-id":  UnsubscribeIQ(domain, to, "n", domain, "s"),
		"publish":         PublishIQ(alice, to, "n", Item{ID: "i", Publisher: alice, Payload: entry}, nil),
		"publish-options": PublishIQ(alice, to, "n", Item{Payload: entry}, options),
		"retract":         RetractIQ(alice, to, "n", "i"),
		"create":          CreateIQ(domain, to, "n", nil),
		"create-config":   CreateIQ(domain, to, "n", NewForm(FormSubmit, FormNodeConfig).AddText("pubsub#title", "T")),
		"config":          ConfigIQ(domain, to, "n"),
		"configure":       ConfigureIQ(domain, to, "n", NewForm(FormSubmit, FormNodeConfig).AddText("pubsub#title", "T")),
		"subscriptions":   SubscriptionsIQ(domain, to, ""),
		"affiliations":    AffiliationsIQ(domain, to, "n"),
		"owners":          OwnersIQ(domain, to, "n"),
		"disco-info":      DiscoInfoIQ(domain, to, ""),
		"disco-items":     DiscoItemsIQ(domain, to, "n", 100, "c"),
		"vcard":           VCardIQ(domain, to),
	}
	for name, el := range requests {
		t.Run(name, func(t *testing.T) {
			golden(t, "request/"+name+".xml", pretty(reparse(t, el), stanza.NSComponent, ""))
		})
	}
}

func TestParseAnswers(t *testing.T) {
	const ps = `<pubsub xmlns='http://jabber.org/protocol/pubsub'>`
	const owner = `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>`
	entry := stanza.New(stanza.NSAtom, "entry")
	items := func(p *stanza.Element) (any, error) {
		items, set, err := ParseItems(p)
		return []any{items, set}, err
	}
	sub := func(p *stanza.Element) (any, error) { return wrap(ParseSubscription(p)) }
	subs := func(p *stanza.Element) (any, error) { return wrap(ParseSubscriptions(p)) }
	affs := func(p *stanza.Element) (any, error) { return wrap(ParseAffiliations(p)) }
	config := func(p *stanza.Element) (any, error) {
		f, err := ParseConfig(p)
		return ParseNodeMeta(f), err
	}
	disco := func(p *stanza.Element) (any, error) {
		items, set, err := ParseDiscoItems(p)
		return []any{items, set}, err
	}
	tests := []struct {
		name, xml string
		parse     func(*stanza.Element) (any, error)
		want      any
		fails     bool
	}{
		{name: "Prosody's items", xml: ps + `<items node='n'><item id='a'><entry xmlns='http://www.w3.org/2005/Atom'/></item><item id='b'/></items></pubsub>`,
			parse: items, want: []any{[]Item{{"a", "", entry}, {ID: "b"}}, (*ResultSet)(nil)}},
		{name: "ejabberd's items", xml: ps + `<items node='n'><item id='a' publisher='louise@example.org/x'><entry xmlns='http://www.w3.org/2005/Atom'/></item></items><set xmlns='http://jabber.org/protocol/rsm'><count>7</count><first index='0'>2026</first><last>2025</last></set></pubsub>`,
			parse: items, want: []any{[]Item{{"a", "louise@example.org/x", entry}}, &ResultSet{First: "2026", Last: "2025", Index: 0, Count: 7}}},
		{name: "a set that says little", xml: ps + `<items node='n'/><set xmlns='http://jabber.org/protocol/rsm'><count>many</count></set></pubsub>`,
			parse: items, want: []any{[]Item(nil), &ResultSet{Index: -1, Count: -1}}},
		{name: "no items", xml: ps + `<items node='n'/></pubsub>`, parse: items, want: []any{[]Item(nil), (*ResultSet)(nil)}},
		{name: "not items", xml: ps + `</pubsub>`, parse: items, fails: true},
		{name: "nothing instead of items", parse: items, fails: true},
		{name: "subscribed", xml: ps + `<subscription node='n' jid='a@b' subid='s' subscription='pending'/></pubsub>`, parse: sub, want: Subscription{"n", "a@b", SubPending, "s"}},
		{name: "subscribed without a state", xml: ps + `<subscription node='n' jid='a@b'/></pubsub>`, parse: sub, want: Subscription{"n", "a@b", SubSubscribed, ""}},
		{name: "subscribed without a word", parse: sub, want: Subscription{State: SubSubscribed}},
		{name: "not a subscription", xml: `<x/>`, parse: sub, fails: true},
		{name: "subscriptions", xml: ps + `<subscriptions node='n'><subscription jid='a@b' subscription='none'/><subscription node='m' jid='a@b' subscription='subscribed' subid='1'/></subscriptions></pubsub>`,
			parse: subs, want: []Subscription{{"n", "a@b", SubNone, ""}, {"m", "a@b", SubSubscribed, "1"}}},
		{name: "not subscriptions", xml: ps + `</pubsub>`, parse: subs, fails: true},
		{name: "affiliations", xml: ps + `<affiliations><affiliation node='n' affiliation='owner'/></affiliations></pubsub>`, parse: affs, want: []Affiliation{{"n", "", "owner"}}},
		{name: "affiliates", xml: owner + `<affiliations node='n'><affiliation jid='a@b' affiliation='owner'/></affiliations></pubsub>`, parse: affs, want: []Affiliation{{"n", "a@b", "owner"}}},
		{name: "not affiliations", parse: affs, fails: true},
		{name: "configuration", xml: owner + `<configure node='n'><x xmlns='jabber:x:data' type='form'><field var='pubsub#access_model'><value>presence</value></field><field var='pubsub#max_items'><value>1</value></field></x></configure></pubsub>`,
			parse: config, want: NodeMeta{AccessModel: "presence", MaxItems: "1", Subscribers: -1}},
		{name: "no configuration", xml: owner + `<configure node='n'/></pubsub>`, parse: config, fails: true, want: NodeMeta{Subscribers: -1}},
		{name: "disco items", xml: `<query xmlns='http://jabber.org/protocol/disco#items'><item jid='a@b' node='n' name='N'/><set xmlns='http://jabber.org/protocol/rsm'><first index='x'>f</first><last>l</last></set></query>`,
			parse: disco, want: []any{[]DiscoItem{{JID: "a@b", Node: "n", Name: "N"}}, &ResultSet{First: "f", Last: "l", Index: -1, Count: -1}}},
		{name: "no disco items", parse: disco, fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var payload *stanza.Element
			if tt.xml != "" {
				payload = parse(t, tt.xml)
			}
			got, err := tt.parse(payload)
			if tt.fails {
				if !errors.Is(err, errNoAnswer) {
					t.Errorf("error %v, want %v", err, errNoAnswer)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, elements); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := ParsePublished(parse(t, ps+`<publish node='n'><item id='i'/></publish></pubsub>`)); got != "i" {
		t.Errorf("published %q", got)
	}
	if got := ParsePublished(nil); got != "" {
		t.Errorf("published %q without an answer", got)
	}
	if _, err := ParseDiscoInfo(nil); !errors.Is(err, errNoAnswer) {
		t.Errorf("disco#info without an answer: %v", err)
	}
}

func wrap[T any](v T, err error) (any, error) { return v, err }

// TestNodeMetaRoundTrip has both forms of a node be read as they were meant.
func TestNodeMetaRoundTrip(t *testing.T) {
	m := NodeMeta{
		Type: "t", Title: "Title", Description: "D", Created: "2026-01-02T03:04:05Z", Subscribers: 3, AccessModel: "open",
		PublishModel: "publishers", Owners: []string{"a@b", "c@d"}, Language: "en", Contact: "a@b", ItemReply: "publisher", MaxItems: "max",
	}
	if diff := cmp.Diff(m, ParseNodeMeta(ParseForm(reparse(t, m.Form().Element())))); diff != "" {
		t.Error(diff)
	}
	m.Created, m.Subscribers, m.Owners = "", -1, nil
	if diff := cmp.Diff(m, ParseNodeMeta(ParseForm(reparse(t, m.Config().Element())))); diff != "" {
		t.Error(diff)
	}
}

func TestForm(t *testing.T) {
	f := NewForm(FormForm, "urn:f").Add(
		Field{Var: "a", Type: "list-single", Label: "A", Desc: "d", Required: true, Values: []string{"1"}, Options: []Option{{"One", "1"}, {"", "2"}}},
		Field{Type: "fixed", Values: []string{"Words"}},
		Field{Var: "m", Type: "text-multi", Values: []string{"x", "", "y"}},
		Field{Var: "yes", Type: "boolean", Values: []string{"true"}}, Field{Var: "no", Values: []string{"0"}}, Field{Var: "odd", Values: []string{"TRUE"}},
	)
	f.Title, f.Instructions = "T", "one\ntwo"
	f.Reported = []Field{{Var: "c", Label: "C"}}
	f.Items = [][]Field{{{Var: "c", Values: []string{"1"}}}, {{Var: "c", Values: []string{"2"}}}}
	got := ParseForm(reparse(t, f.Element()))
	if diff := cmp.Diff(f, got); diff != "" {
		t.Error(diff)
	}
	if got.FormType() != "urn:f" || got.Text("m") != "x\n\ny" || got.Value("nope") != "" {
		t.Errorf("values of %+v", got)
	}
	for name, want := range map[string][2]bool{"yes": {true, true}, "no": {false, true}, "odd": {false, false}, "nope": {false, false}} {
		if v, ok := got.Bool(name); v != want[0] || ok != want[1] {
			t.Errorf("Bool(%s) = %v, %v", name, v, ok)
		}
	}
	var none *Form
	if none.Element() != nil || none.Value("x") != "" || ParseForm(nil) != nil || ParseForm(stanza.New("urn:x", "x")) != nil {
		t.Error("a form that is not there")
	}
}
