package xmpp

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	domain = stanza.JID("ap.example.org")
	alice  = stanza.JID(`alice\40mast.social@ap.example.org`)
	louise = stanza.JID("louise@example.org/phone")
)

// parse reads XML as it stands in a component stream.
func parse(t testing.TB, xml string) *stanza.Element {
	t.Helper()
	el, err := stanza.Parse([]byte(xml), stanza.NSComponent, stanza.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", xml, err)
	}
	return el
}

// reparse is an element as the other side reads it.
func reparse(t testing.TB, el *stanza.Element) *stanza.Element {
	t.Helper()
	return parse(t, string(stanza.Append(nil, el, stanza.NSComponent)))
}

// pretty is an element with one child a line.
func pretty(el *stanza.Element, outer, indent string) string {
	only := *el
	only.Nodes = nil
	tag := strings.TrimSuffix(string(stanza.Append(nil, &only, outer)), "/>")
	if el.Space != "" {
		outer = el.Space
	}
	if len(el.Nodes) == 0 {
		return indent + tag + "/>\n"
	}
	var b strings.Builder
	b.WriteString(indent + tag + ">")
	nested := el.Child("", "") != nil
	if nested {
		b.WriteString("\n")
	}
	for _, n := range el.Nodes {
		switch {
		case n.El != nil:
			b.WriteString(pretty(n.El, outer, indent+"  "))
		case strings.TrimSpace(n.Text) != "" || !nested:
			text := stanza.New("", "x").AddText(n.Text).String()
			b.WriteString(strings.TrimSuffix(strings.TrimPrefix(text, "<x>"), "</x>"))
		}
	}
	if nested {
		b.WriteString(indent)
	}
	b.WriteString("</" + el.Name + ">\n")
	return b.String()
}

// golden compares stanzas to a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// world is a gateway of one actor, Alice, whose microblog has items i1 (the
// oldest) to i5.
type world struct {
	items    []Item // oldest first
	said     []any  // what Chat was given
	asked    []any  // requests that changed something
	result   CommandResult
	resolved string
}

func newWorld(n int) *world {
	w := &world{}
	for i := range n {
		id := "i" + strconv.Itoa(i+1)
		w.items = append(w.items, Item{
			ID: id, Publisher: alice,
			Payload: stanza.New(stanza.NSAtom, "entry").Add(stanza.Text("", "title", "Post "+id)),
		})
	}
	return w
}

var epoch = time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)

func (w *world) router(t testing.TB) *Router {
	now := epoch
	s := Services{
		Disco: discoWorld{w}, PubSub: w, Owner: owner{w}, Commands: w, VCard: w, Gateway: w, Register: w, Search: w, Chat: w,
		Software: func(context.Context, Request) (Software, error) {
			return Software{Name: "Mastodon via Isthmus", Version: "4.4"}, nil
		},
		Now: func() time.Time { now = now.Add(time.Second); return now },
	}
	r := NewRouter(domain, s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	r.Announce(NewCaps("https://isthmus.example/", DiscoInfo{
		Identities: []Identity{{Category: "account", Type: "registered"}},
		Features:   []string{stanza.NSDiscoInfo, stanza.NSSocialFeed},
	}))
	return r
}

var errNotFound = stanza.NewError("item-not-found", "")

func (w *world) Info(_ context.Context, r DiscoRequest) (DiscoInfo, error) {
	switch {
	case r.To == domain && r.Node == "":
		return DiscoInfo{
			Identities: []Identity{{"gateway", "activitypub", "Isthmus", "en"}, {"pubsub", "service", "", ""}},
			Features:   []string{stanza.NSDiscoInfo},
			Forms:      []*Form{Contacts{Abuse: []string{"mailto:abuse@example.org"}, Admin: []string{"xmpp:louise@example.org"}}.Form()},
		}, nil
	case r.To != alice:
		return DiscoInfo{}, errNotFound
	case r.Node == "":
		return DiscoInfo{
			Identities: []Identity{{"account", "registered", "", ""}, {"pubsub", "pep", "", ""}},
			Features:   []string{stanza.NSDiscoInfo, stanza.NSSocialFeed},
		}, nil
	case r.Node == stanza.NSMicroblog:
		return NodeInfo(NodeMeta{
			Type: stanza.NSAtom, Title: "Alice", Created: "2026-01-02T03:04:05Z", Subscribers: 12,
			AccessModel: "open", PublishModel: "publishers", Owners: []string{string(alice)}, Language: "en",
		}), nil
	}
	return DiscoInfo{}, errNotFound
}

func (w *world) Items(_ context.Context, r ItemsRequest) (ItemsResult, error) {
	if r.To != alice || r.Node != stanza.NSMicroblog {
		return ItemsResult{}, errNotFound
	}
	return w.page(r.Page)
}

// page is the walk that a store would do.
func (w *world) page(p Page) (ItemsResult, error) {
	res := ItemsResult{Count: len(w.items), Index: 0}
	at := 0
	if p.Cursor != "" {
		at = slices.IndexFunc(w.items, func(i Item) bool { return i.ID == p.Cursor })
		if at < 0 {
			return res, errNotFound
		}
	}
	switch p.Kind {
	case Newest:
		res.Items = slices.Clone(w.items)
		slices.Reverse(res.Items)
	case Before:
		res.Items, res.Index = slices.Clone(w.items[:at]), len(w.items)-at
		slices.Reverse(res.Items)
	case After:
		res.Items, res.Index = w.items[at+1:], at+1
	case Oldest:
		res.Items = w.items
	case AtIndex:
		res.Index = min(p.Index, len(w.items))
		res.Items = w.items[res.Index:]
	case ByID:
		for _, id := range p.IDs {
			for _, item := range w.items {
				if item.ID == id {
					res.Items = append(res.Items, item)
				}
			}
		}
	case CountOnly:
	}
	return res, nil
}

// discoWorld is the world for disco, whose Items is another.
type discoWorld struct{ *world }

func (w discoWorld) Items(_ context.Context, r DiscoRequest) (DiscoItems, error) {
	switch {
	case r.To == alice && r.Node == "":
		return DiscoItems{Items: []DiscoItem{
			{JID: alice, Node: stanza.NSMicroblog, Name: "Alice"}, {JID: alice, Node: stanza.NodeVCard4},
			{JID: alice, Node: stanza.NSNick},
		}}, nil
	case r.To == alice && r.Node == stanza.NSMicroblog:
		res, err := w.page(r.Page)
		items := DiscoItems{Paged: true, Count: res.Count, Index: res.Index}
		for _, i := range res.Items {
			items.Items = append(items.Items, DiscoItem{JID: alice, Name: i.ID})
		}
		return items, err
	}
	return DiscoItems{}, errNotFound
}

func (w *world) Publish(_ context.Context, r PublishRequest) (string, error) {
	w.asked = append(w.asked, r)
	if r.Node == "closed" {
		return "", stanza.NewError("forbidden", "")
	}
	if r.Item.ID == "" {
		return "minted", nil
	}
	return r.Item.ID, nil
}

func (w *world) Retract(_ context.Context, r RetractRequest) error {
	w.asked = append(w.asked, r)
	return nil
}

func (w *world) Subscribe(_ context.Context, r SubscribeRequest) (Subscription, error) {
	w.asked = append(w.asked, r)
	return Subscription{State: SubPending}, nil
}

func (w *world) Unsubscribe(_ context.Context, r SubscribeRequest) error { return NotSubscribed() }

func (w *world) Subscriptions(_ context.Context, r NodeRequest) ([]Subscription, error) {
	return []Subscription{
		{Node: stanza.NSMicroblog, JID: r.From.Bare(), State: SubSubscribed},
		{Node: "other", JID: r.From.Bare(), State: SubPending, SubID: "x"},
	}, nil
}

func (w *world) Affiliations(_ context.Context, r NodeRequest) ([]Affiliation, error) {
	return []Affiliation{{Node: stanza.NSMicroblog, JID: r.From.Bare(), Affiliation: "none"}}, nil
}

// owner is the world for owners: Louise owns the node "hers".
type owner struct{ *world }

func (o owner) may(r NodeRequest) error {
	if r.Node != "hers" || r.From.Bare() != louise.Bare() {
		return stanza.NewError("forbidden", "")
	}
	return nil
}

func (o owner) Subscribers(_ context.Context, r NodeRequest) ([]Subscription, error) {
	return []Subscription{{Node: r.Node, JID: "a@example.org", State: SubSubscribed}}, o.may(r)
}

func (o owner) Affiliates(_ context.Context, r NodeRequest) ([]Affiliation, error) {
	return []Affiliation{{Node: r.Node, JID: louise.Bare(), Affiliation: "owner"}}, o.may(r)
}

func (o owner) Config(_ context.Context, r NodeRequest) (*Form, error) {
	if r.Node == "" {
		return NodeMeta{AccessModel: "open", MaxItems: "max"}.Config(), nil
	}
	return NodeMeta{Title: "Hers", AccessModel: "open", Subscribers: 3}.Config(), o.may(r)
}

func (o owner) Configure(_ context.Context, r ConfigRequest) error {
	o.asked = append(o.asked, r)
	return o.may(r.NodeRequest)
}

func (o owner) Create(_ context.Context, r ConfigRequest) (string, error) {
	return "instant", o.may(r.NodeRequest)
}

func (o owner) Delete(_ context.Context, r NodeRequest) error { return o.may(r) }
func (o owner) Purge(_ context.Context, r NodeRequest) error  { return o.may(r) }

func (w *world) Commands(_ context.Context, r Request) ([]Command, error) {
	run := func(_ context.Context, r Request, values *Form) (CommandResult, error) {
		w.asked = append(w.asked, values)
		return w.result, nil
	}
	fail := func(context.Context, Request, *Form) (CommandResult, error) {
		return CommandResult{}, errors.New("disk")
	}
	form := func(context.Context, Request) (*Form, error) {
		return NewForm(FormForm, "").Add(Field{Var: "handle", Type: "text-single", Label: "Whom", Required: true}), nil
	}
	return []Command{
		{Node: "follow", Name: "Follow somebody", Form: form, Run: run},
		{Node: "status", Name: "Status", Run: run},
		{Node: "broken", Name: "Broken", Run: fail},
	}, nil
}

func (w *world) VCard(_ context.Context, r Request) (Profile, error) {
	if r.To != alice {
		return Profile{}, errNotFound
	}
	return testProfile(), nil
}

func testProfile() Profile {
	return Profile{
		Name: "Alice Ö.", Nick: "alice", Note: "Likes <b>cats</b> & dogs", URLs: []string{"https://mast.social/@alice"},
		Fields: []ProfileField{{"Pronouns", "she"}, {"Web", "https://alice.example/"}}, JID: alice,
		Handle: "alice@mast.social", Photo: []byte("\x89PNG not really"), PhotoType: "image/png", Width: 96, Height: 96,
		BannerURL: "https://mast.social/banner.png",
	}
}

func (w *world) Prompt(context.Context, Request) (string, string, error) {
	return "Type an address of the fediverse.", "user@server", nil
}

func (w *world) Resolve(_ context.Context, _ Request, text string) (stanza.JID, error) {
	w.resolved = text
	return stanza.NewJID(stanza.EscapeLocal(text), string(domain)), nil
}

func (w *world) Registration(context.Context, Request) (RegistrationState, error) {
	return RegistrationState{Registered: true, Instructions: "You are linked."}, nil
}

func (w *world) Register(_ context.Context, _ Request, values *Form) error {
	w.asked = append(w.asked, values)
	return nil
}

func (w *world) Unregister(context.Context, Request) error {
	w.asked = append(w.asked, "unregister")
	return nil
}

func (w *world) SearchForm(context.Context, Request) (*Form, error) {
	f := NewForm(FormForm, stanza.NSSearch)
	f.Instructions = "Search posts."
	return f.Add(Field{Var: "q", Type: "text-single"}), nil
}

func (w *world) Search(_ context.Context, _ Request, query *Form) (*Form, error) {
	f := NewForm(FormResult, stanza.NSSearch)
	f.Reported = []Field{{Var: "jid", Type: "jid-single", Label: "Address"}}
	f.Items = [][]Field{{{Var: "jid", Values: []string{string(alice)}}}}
	return f.AddText("q", query.Value("q")), nil
}

func (w *world) Message(_ context.Context, m Message)   { w.said = append(w.said, m) }
func (w *world) Presence(_ context.Context, p Presence) { w.said = append(w.said, p) }
func (w *world) Event(_ context.Context, e Event)       { w.said = append(w.said, e) }
