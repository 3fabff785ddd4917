package xmpp

import (
	"strconv"

	"isthmus/xmpp/stanza"
)

// The FORM_TYPEs that describe nodes and servers.
const (
	FormNodeMeta   = stanza.NSPubSub + "#meta-data"       // XEP-0060 §5.4
	FormNodeConfig = stanza.NSPubSub + "#node_config"     // XEP-0060 §8.2
	FormPublish    = stanza.NSPubSub + "#publish-options" // XEP-0060 §7.1.5
	FormServerInfo = "http://jabber.org/network/serverinfo"
)

// NodeMeta describes a node. Empty values are left out.
type NodeMeta struct {
	Type, Title, Description  string
	Created                   string // XEP-0082
	Subscribers               int    // -1: not told
	AccessModel, PublishModel string
	Owners                    []string
	Language                  string
	Contact                   string
	ItemReply                 string // owner or publisher
	MaxItems                  string // a number or max
}

// fields are those that the two forms share.
func (m NodeMeta) fields(f *Form) *Form {
	return f.
		AddText("pubsub#type", m.Type).
		AddText("pubsub#title", m.Title).
		AddText("pubsub#description", m.Description).
		AddText("pubsub#access_model", m.AccessModel).
		AddText("pubsub#publish_model", m.PublishModel).
		AddText("pubsub#language", m.Language).
		AddText("pubsub#contact", m.Contact).
		AddText("pubsub#itemreply", m.ItemReply).
		AddText("pubsub#max_items", m.MaxItems)
}

// Form is the meta-data as the form that disco#info of a node carries
// (XEP-0060 §5.4).
func (m NodeMeta) Form() *Form {
	f := m.fields(NewForm(FormResult, FormNodeMeta)).AddText("pubsub#creation_date", m.Created)
	if m.Subscribers >= 0 {
		f.AddText("pubsub#num_subscribers", strconv.Itoa(m.Subscribers))
	}
	if len(m.Owners) > 0 {
		f.Add(Field{Var: "pubsub#owner", Values: m.Owners})
	}
	return f
}

// Config is the same as the form that #owner configure answers (XEP-0060 §8.2).
func (m NodeMeta) Config() *Form {
	f := m.fields(NewForm(FormForm, FormNodeConfig))
	for _, on := range []string{
		"deliver_notifications", "deliver_payloads", "persist_items", "notify_retract", "notify_delete", "subscribe",
	} {
		f.Add(Field{Var: "pubsub#" + on, Type: "boolean", Values: []string{"1"}})
	}
	return f.
		Add(Field{Var: "pubsub#presence_based_delivery", Type: "boolean", Values: []string{"0"}}).
		AddText("pubsub#notification_type", "headline").
		AddText("pubsub#send_last_published_item", "never")
}

// NodeInfo is the disco#info of a leaf node.
func NodeInfo(m NodeMeta) DiscoInfo {
	return DiscoInfo{
		Identities: []Identity{{Category: "pubsub", Type: "leaf", Name: m.Title}},
		Features:   []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSPubSub, stanza.NSRSM, stanza.NSOrderBy},
		Forms:      []*Form{m.Form()},
	}
}

// ParseNodeMeta reads a meta-data form or a node configuration form; nil gives
// nothing known.
func ParseNodeMeta(f *Form) NodeMeta {
	m := NodeMeta{
		Type: f.Value("pubsub#type"), Title: f.Value("pubsub#title"), Description: f.Text("pubsub#description"),
		Created: f.Value("pubsub#creation_date"), Subscribers: -1,
		AccessModel: f.Value("pubsub#access_model"), PublishModel: f.Value("pubsub#publish_model"),
		Owners: f.Values("pubsub#owner"), Language: f.Value("pubsub#language"),
		Contact: f.Value("pubsub#contact"), ItemReply: f.Value("pubsub#itemreply"),
		MaxItems: f.Value("pubsub#max_items"),
	}
	if n, ok := parseCount(f.Value("pubsub#num_subscribers")); ok {
		m.Subscribers = n
	}
	return m
}

// Contacts are the addresses of those who run the service, as URIs (XEP-0157).
type Contacts struct{ Abuse, Admin, Support, Feedback, Security, Status []string }

// Form is the contacts as the form that disco#info of the domain carries.
func (c Contacts) Form() *Form {
	f := NewForm(FormResult, FormServerInfo)
	for _, x := range []struct {
		name string
		uris []string
	}{
		{"abuse", c.Abuse}, {"admin", c.Admin}, {"feedback", c.Feedback},
		{"security", c.Security}, {"status", c.Status}, {"support", c.Support},
	} {
		if len(x.uris) > 0 {
			f.Add(Field{Var: x.name + "-addresses", Type: "list-multi", Values: x.uris})
		}
	}
	return f
}
