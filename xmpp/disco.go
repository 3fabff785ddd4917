package xmpp

import (
	"context"
	"errors"
	"slices"

	"isthmus/xmpp/stanza"
)

// Request is what all requests have in common.
type Request struct {
	From stanza.JID // as the server wrote it, with resource if it had one
	To   stanza.JID // one of our addresses
	Lang string     // xml:lang of the request, or ""
}

// DiscoRequest asks what an address, or a node of it, is (XEP-0030).
type DiscoRequest struct {
	Request
	Node string
	Page Page // of disco#items; a request without <set/> is Newest with Max -1
}

// Disco tells what our addresses are. An address or a node that does not exist
// is the error item-not-found.
type Disco interface {
	Info(ctx context.Context, r DiscoRequest) (DiscoInfo, error)
	Items(ctx context.Context, r DiscoRequest) (DiscoItems, error)
}

// Identity is a disco identity (XEP-0030 §3.1).
type Identity struct{ Category, Type, Name, Lang string }

// DiscoInfo is the answer to disco#info.
type DiscoInfo struct {
	Identities []Identity
	Features   []string
	Forms      []*Form // XEP-0128
}

// DiscoItem is one entry of disco#items. The items of a pubsub node are listed
// by their id in Name, without Node (XEP-0060 §5.5).
type DiscoItem struct {
	JID        stanza.JID
	Node, Name string
	ID         string // the cursor that pages over the list; default: the node, or the name, or the JID
}

// DiscoItems is the answer to disco#items. When Paged is false, Items is the
// whole list and the Router takes the page out of it.
type DiscoItems struct {
	Items []DiscoItem
	Paged bool
	Count int // with Paged: of the whole list; -1: not known
	Index int // with Paged: how many come before the first in the order of the walk; -1: not known
}

// Has tells whether a feature is among the features.
func (i DiscoInfo) Has(feature string) bool { return slices.Contains(i.Features, feature) }

// Is tells whether there is an identity of that category and type; an empty
// type matches any.
func (i DiscoInfo) Is(category, kind string) bool {
	return slices.ContainsFunc(i.Identities, func(x Identity) bool {
		return x.Category == category && (kind == "" || x.Type == kind)
	})
}

// Form is the extension form of that FORM_TYPE, or nil.
func (i DiscoInfo) Form(formType string) *Form {
	for _, f := range i.Forms {
		if f.FormType() == formType {
			return f
		}
	}
	return nil
}

// element is the answer about a node, which is echoed.
func (i DiscoInfo) element(node string) *stanza.Element {
	el := stanza.New(stanza.NSDiscoInfo, "query").Set("node", node)
	for _, x := range i.Identities {
		el.Add(stanza.New("", "identity").Set("category", x.Category).Set("type", x.Type).
			Set("name", x.Name).SetLang(x.Lang))
	}
	for _, f := range i.Features {
		el.Add(stanza.New("", "feature").Set("var", f))
	}
	for _, f := range i.Forms {
		el.Add(f.Element())
	}
	return el
}

// cursor is what a page of the list can start after.
func (i DiscoItem) cursor() string {
	switch {
	case i.ID != "":
		return i.ID
	case i.Node != "":
		return i.Node
	case i.Name != "":
		return i.Name
	}
	return string(i.JID)
}

func (i DiscoItem) element() *stanza.Element {
	return stanza.New("", "item").Set("jid", string(i.JID)).Set("node", i.Node).Set("name", i.Name)
}

// DiscoInfoIQ asks for disco#info.
func DiscoInfoIQ(from, to stanza.JID, node string) *stanza.Element {
	return iqOf("get", from, to, stanza.New(stanza.NSDiscoInfo, "query").Set("node", node))
}

// DiscoItemsIQ asks for disco#items, up to limit items after a cursor; 0 and ""
// leave paging out.
func DiscoItemsIQ(from, to stanza.JID, node string, limit int, after string) *stanza.Element {
	q := ItemsQuery{Max: limit}
	if after != "" {
		q.After = &after
	}
	query := stanza.New(stanza.NSDiscoItems, "query").Set("node", node).Add(q.set())
	return iqOf("get", from, to, query)
}

// errNoAnswer is wrapped when an answer lacks what was asked for.
var errNoAnswer = errors.New("the answer does not hold what was asked for")

// ParseDiscoInfo reads the answer to DiscoInfoIQ.
func ParseDiscoInfo(payload *stanza.Element) (DiscoInfo, error) {
	var info DiscoInfo
	if !payload.Is(stanza.NSDiscoInfo, "query") {
		return info, errNoAnswer
	}
	for c := range payload.Elements() {
		switch {
		case c.Name == "identity":
			info.Identities = append(info.Identities, Identity{
				Category: c.Get("category"), Type: c.Get("type"), Name: c.Get("name"), Lang: c.Lang(),
			})
		case c.Name == "feature":
			info.Features = append(info.Features, c.Get("var"))
		case c.Is(stanza.NSForm, "x"):
			info.Forms = append(info.Forms, ParseForm(c))
		}
	}
	return info, nil
}

// ParseDiscoItems reads the answer to DiscoItemsIQ. The set is nil if the
// whole list came.
func ParseDiscoItems(payload *stanza.Element) ([]DiscoItem, *ResultSet, error) {
	if !payload.Is(stanza.NSDiscoItems, "query") {
		return nil, nil, errNoAnswer
	}
	var items []DiscoItem
	for c := range payload.Children("", "item") {
		items = append(items, DiscoItem{
			JID: stanza.JID(c.Get("jid")), Node: c.Get("node"), Name: c.Get("name"),
		})
	}
	return items, ParseResultSet(payload.Child(stanza.NSRSM, "set")), nil
}

// iqOf is a request without id, which Component.Request gives it.
func iqOf(kind string, from, to stanza.JID, payload *stanza.Element) *stanza.Element {
	return stanza.New("", "iq").Set("type", kind).
		Set("from", string(from)).Set("to", string(to)).Add(payload)
}
