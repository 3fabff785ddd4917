package xmpp

import (
	"context"

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

// NodeMeta describes a node (XEP-0060 §5.4, the form pubsub#meta-data). Empty
// values are left out.
type NodeMeta struct {
	Type, Title, Description  string
	Created                   string // XEP-0082
	Subscribers               int    // -1: not told
	AccessModel, PublishModel string
	Owners                    []string
	Language                  string
	Contact                   string
	ItemReply                 string // "owner" or "publisher"
}

// Form is the meta-data as the form of type result.
func (m NodeMeta) Form() *Form { panic("body follows") }

// Config is the same as the form that #owner configure answers.
func (m NodeMeta) Config() *Form { panic("body follows") }

// NodeInfo is the disco#info of a leaf node.
func NodeInfo(m NodeMeta) DiscoInfo { panic("body follows") }

// ParseNodeMeta reads the meta-data form, or a node configuration form.
func ParseNodeMeta(f *Form) NodeMeta { panic("body follows") }

// Contacts are the addresses of XEP-0157, as URIs.
type Contacts struct{ Abuse, Admin, Support, Feedback, Security, Status []string }

// Form is the serverinfo form of XEP-0157.
func (c Contacts) Form() *Form { panic("body follows") }

// DomainFeatures are the features that the Router answers on the domain.
func (r *Router) DomainFeatures() []string { panic("body follows") }

// ActorFeatures are the features that the Router answers on every actor.
func (r *Router) ActorFeatures() []string { panic("body follows") }

// Has tells whether a feature is among the features.
func (i DiscoInfo) Has(feature string) bool { panic("body follows") }

// Is tells whether there is an identity of that category and type; an empty
// type matches any.
func (i DiscoInfo) Is(category, kind string) bool { panic("body follows") }

// Form is the extension form of that FORM_TYPE, or nil.
func (i DiscoInfo) Form(formType string) *Form { panic("body follows") }

// DiscoInfoIQ asks for disco#info.
func DiscoInfoIQ(from, to stanza.JID, node string) *stanza.Element { panic("body follows") }

// DiscoItemsIQ asks for disco#items, up to max items after a cursor; 0 and ""
// leave paging out.
func DiscoItemsIQ(from, to stanza.JID, node string, max int, after string) *stanza.Element {
	panic("body follows")
}

// ParseDiscoInfo reads the answer to DiscoInfoIQ.
func ParseDiscoInfo(payload *stanza.Element) (DiscoInfo, error) { panic("body follows") }

// ParseDiscoItems reads the answer to DiscoItemsIQ.
func ParseDiscoItems(payload *stanza.Element) ([]DiscoItem, *ResultSet, error) {
	panic("body follows")
}
