package xmpp

import (
	"cmp"
	"crypto/sha1" // prescribed by XEP-0115 §5.1; Prosody knows no other
	"slices"

	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/disco/info"
	"mellium.im/xmpp/form"

	"isthmus/xmpp/stanza"
)

// Caps are the capabilities that presences of ours announce (XEP-0115). All
// actors share one, so that servers ask for them once.
type Caps struct {
	Node string // a URI that names the software
	Info DiscoInfo
	ver  string
}

// NewCaps computes the verification string of what is announced.
func NewCaps(node string, info DiscoInfo) *Caps {
	return &Caps{Node: node, Info: info, ver: info.Ver()}
}

// Ver is the verification string.
func (c *Caps) Ver() string { return c.ver }

// Element is the <c/> of a presence.
func (c *Caps) Element() *stanza.Element {
	return stanza.New(stanza.NSCaps, "c").Set("hash", "sha-1").Set("node", c.Node).Set("ver", c.ver)
}

// node is the node at which servers ask for the capabilities (XEP-0115 §6.2).
func (c *Caps) node() string { return c.Node + "#" + c.ver }

// Ver is the verification string of the info (XEP-0115 §5.1). ejabberd ignores
// whoever announces a wrong one.
func (i DiscoInfo) Ver() string {
	d := disco.Info{}
	for _, x := range i.Identities {
		d.Identity = append(d.Identity, info.Identity{Category: x.Category, Type: x.Type, Name: x.Name, Lang: x.Lang})
	}
	features := slices.Clone(i.Features)
	slices.Sort(features)
	for _, f := range slices.Compact(features) {
		d.Features = append(d.Features, info.Feature{Var: f})
	}
	forms := slices.Clone(i.Forms)
	// Step 7: forms go by their FORM_TYPE, and those without are left out.
	slices.SortFunc(forms, func(a, b *Form) int { return cmp.Compare(a.FormType(), b.FormType()) })
	for _, f := range forms {
		if f.FormType() != "" {
			d.Form = append(d.Form, *f.hashed())
		}
	}
	return d.Hash(sha1.New())
}

// hashed is the form as the type whose hash is computed.
func (f *Form) hashed() *form.Data {
	var fields []form.Field
	for _, x := range f.Fields {
		var values []form.Option
		for _, v := range slices.Sorted(slices.Values(x.Values)) {
			values = append(values, form.Value(v))
		}
		if x.Var == "FORM_TYPE" {
			fields = append(fields, form.Hidden(x.Var, values...))
		} else {
			fields = append(fields, form.ListMulti(x.Var, values...))
		}
	}
	return form.New(fields...)
}

// NotifyFeatures are the interests by which the servers of those who have us
// in their roster send us what they publish (XEP-0163 §4.3).
func NotifyFeatures() []string {
	nodes := []string{
		stanza.NSMicroblog, "urn:xmpp:pubsub-social-feed:stories:0", stanza.NSAvatarMeta, stanza.NodeVCard4,
		stanza.NSNick, stanza.NodeBanner, "urn:xmpp:pubsub:subscription",
	}
	for i := range nodes {
		nodes[i] += "+notify"
	}
	return nodes
}

// PresenceWithCaps announces one of our addresses. photo is the SHA-1 of its
// avatar, "" if it has none (XEP-0153).
func PresenceWithCaps(from, to stanza.JID, c *Caps, photo string) *stanza.Element {
	p := Presence{Request: Request{From: from, To: to}, Photo: &photo}
	return p.Element().Add(c.Element())
}
