package lab

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// OpenNode are the publish-options of a microblog that the world may read, as
// far as every server knows them.
func OpenNode() map[string]string {
	return map[string]string{"pubsub#access_model": "open"}
}

// OpenMicroblog makes one's microblog, open to the world and keeping its items.
// One that is there already is left as it is.
func (c *Client) OpenMicroblog(ctx context.Context) error {
	err := c.CreateNode(ctx, "", Microblog, map[string]string{
		"pubsub#access_model": "open", "pubsub#persist_items": "true", "pubsub#max_items": "200",
	})
	if err != nil && strings.HasPrefix(err.Error(), "conflict") {
		return nil
	}
	return err
}

// OpenComments makes the node where the world comments on an item.
func (c *Client) OpenComments(ctx context.Context, item string) error {
	return c.CreateNode(ctx, "", Comments+item, map[string]string{
		"pubsub#access_model": "open", "pubsub#publish_model": "open",
		"pubsub#persist_items": "true", "pubsub#max_items": "200",
	})
}

// Publish puts an item into a node ("" as to: one's own) and returns its id.
func (c *Client) Publish(ctx context.Context, to, node, id, payload string, options map[string]string) (string, error) {
	item := "<item>"
	if id != "" {
		item = "<item id='" + Escape(id) + "'>"
	}
	text := "<pubsub xmlns='" + nsPubSub + "'><publish node='" + Escape(node) + "'>" + item + payload + "</item></publish>"
	if options != nil {
		text += "<publish-options>" + submitForm(nsOptions, options) + "</publish-options>"
	}
	answer, err := c.IQ(ctx, "set", to, text+"</pubsub>")
	if err != nil {
		return "", err
	}
	if got := answer.Find(nsPubSub, "item").Attr("id"); got != "" {
		return got, nil
	}
	return id, nil
}

// Retract removes an item and has subscribers told.
func (c *Client) Retract(ctx context.Context, to, node, id string) error {
	_, err := c.IQ(ctx, "set", to, "<pubsub xmlns='"+nsPubSub+"'><retract notify='true' node='"+Escape(node)+
		"'><item id='"+Escape(id)+"'/></retract></pubsub>")
	return err
}

// CreateNode makes a node with a configuration.
func (c *Client) CreateNode(ctx context.Context, to, node string, config map[string]string) error {
	_, err := c.IQ(ctx, "set", to, "<pubsub xmlns='"+nsPubSub+"'><create node='"+Escape(node)+"'/><configure>"+
		submitForm(nsConfig, config)+"</configure></pubsub>")
	return err
}

// Configure changes the configuration of a node.
func (c *Client) Configure(ctx context.Context, to, node string, config map[string]string) error {
	_, err := c.IQ(ctx, "set", to, "<pubsub xmlns='"+nsOwner+"'><configure node='"+Escape(node)+"'>"+
		submitForm(nsConfig, config)+"</configure></pubsub>")
	return err
}

// Subscribe subscribes one's bare address to a node and returns the state.
func (c *Client) Subscribe(ctx context.Context, to, node string) (string, error) {
	answer, err := c.IQ(ctx, "set", to, "<pubsub xmlns='"+nsPubSub+"'><subscribe node='"+Escape(node)+
		"' jid='"+Escape(c.Account.JID())+"'/></pubsub>")
	return answer.Find(nsPubSub, "subscription").Attr("subscription"), err
}

// Unsubscribe ends a subscription.
func (c *Client) Unsubscribe(ctx context.Context, to, node string) error {
	_, err := c.IQ(ctx, "set", to, "<pubsub xmlns='"+nsPubSub+"'><unsubscribe node='"+Escape(node)+
		"' jid='"+Escape(c.Account.JID())+"'/></pubsub>")
	return err
}

// Page says which items are wanted. Before and After are sent when not nil.
type Page struct {
	MaxItems      int // the attribute of XEP-0060; 0: none
	Max           int // of XEP-0059; 0: none
	Before, After *string
	IDs           []string
}

// Items is an answer to a request for items.
type Items struct {
	List        []*Node
	First, Last string
	Count       int
	Set         bool // a set came with the answer
}

// IDs are the item ids in order.
func (i Items) IDs() []string {
	ids := make([]string, 0, len(i.List))
	for _, n := range i.List {
		ids = append(ids, n.Attr("id"))
	}
	return ids
}

// Items fetches items of a node.
func (c *Client) Items(ctx context.Context, to, node string, p Page) (Items, error) {
	text := "<pubsub xmlns='" + nsPubSub + "'><items node='" + Escape(node) + "'"
	if p.MaxItems > 0 {
		text += fmt.Sprintf(" max_items='%d'", p.MaxItems)
	}
	text += ">"
	for _, id := range p.IDs {
		text += "<item id='" + Escape(id) + "'/>"
	}
	text += "</items>"
	if p.Max > 0 || p.Before != nil || p.After != nil {
		text += "<set xmlns='" + nsRSM + "'>"
		if p.Max > 0 {
			text += fmt.Sprintf("<max>%d</max>", p.Max)
		}
		if p.Before != nil {
			text += "<before>" + Escape(*p.Before) + "</before>"
		}
		if p.After != nil {
			text += "<after>" + Escape(*p.After) + "</after>"
		}
		text += "</set>"
	}
	answer, err := c.IQ(ctx, "get", to, text+"</pubsub>")
	if err != nil {
		return Items{}, err
	}
	set := answer.Find(nsRSM, "set")
	count, _ := strconv.Atoi(set.Body("", "count"))
	return Items{
		List: answer.All(nsPubSub, "item"), Set: set != nil, Count: count,
		First: set.Body("", "first"), Last: set.Body("", "last"),
	}, nil
}

// Presence sends presence of a type ("": available) to somebody.
func (c *Client) Presence(ctx context.Context, to, kind string) error {
	text := "<presence to='" + Escape(to) + "'"
	if kind != "" {
		text += " type='" + kind + "'"
	}
	return c.Send(ctx, text+"/>")
}

// Message sends a chat message, with more XML beside the body if wanted.
func (c *Client) Message(ctx context.Context, to, id, body, more string) error {
	return c.Send(ctx, "<message type='chat' to='"+Escape(to)+"' id='"+Escape(id)+"'><body>"+Escape(body)+
		"</body>"+more+"</message>")
}

// Info asks for disco#info.
func (c *Client) Info(ctx context.Context, to, node string) (*Node, error) {
	return c.IQ(ctx, "get", to, "<query xmlns='"+nsInfo+"'"+nodeAttr(node)+"/>")
}

// Disco asks for disco#items.
func (c *Client) Disco(ctx context.Context, to, node string) (*Node, error) {
	return c.IQ(ctx, "get", to, "<query xmlns='"+nsItems+"'"+nodeAttr(node)+"/>")
}

func nodeAttr(node string) string {
	if node == "" {
		return ""
	}
	return " node='" + Escape(node) + "'"
}

// Command runs an ad-hoc command (XEP-0050) to its end: the first answer's form
// is sent back with the given fields. It returns the last answer.
func (c *Client) Command(ctx context.Context, to, node string, fields map[string]string) (*Node, error) {
	answer, err := c.IQ(ctx, "set", to, "<command xmlns='"+nsCommand+"' node='"+Escape(node)+"' action='execute'/>")
	if err != nil {
		return nil, err
	}
	command := answer.Find(nsCommand, "command")
	if command.Attr("status") != "executing" {
		return command, nil
	}
	answer, err = c.IQ(ctx, "set", to, "<command xmlns='"+nsCommand+"' node='"+Escape(node)+"' sessionid='"+
		Escape(command.Attr("sessionid"))+"' action='complete'>"+submitForm("", fields)+"</command>")
	if err != nil {
		return nil, err
	}
	return answer.Find(nsCommand, "command"), nil
}

// submitForm writes a form of XEP-0004.
func submitForm(kind string, fields map[string]string) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("<x xmlns='" + nsData + "' type='submit'>")
	if kind != "" {
		b.WriteString("<field var='FORM_TYPE' type='hidden'><value>" + kind + "</value></field>")
	}
	for _, name := range names {
		b.WriteString("<field var='" + Escape(name) + "'><value>" + Escape(fields[name]) + "</value></field>")
	}
	return b.String() + "</x>"
}

// Entry writes a plain Atom entry of a microblog. Its parts that are empty are
// left out.
type Entry struct {
	ID, Title, Text, XHTML string
	Author                 string // bare address
	Published, Updated     string // RFC 3339
	CommentsOf             string // bare address whose comments node it announces
	CommentsNode           string
	InReplyTo              string // xmpp: URI
	InReplyToRef           string // Atom id
	Categories, Extra      []string
}

// XML is the entry as text.
func (e Entry) XML() string {
	var b strings.Builder
	el := func(name, text string) {
		if text != "" {
			b.WriteString("<" + name + ">" + Escape(text) + "</" + name + ">")
		}
	}
	b.WriteString("<entry xmlns='" + NSAtom + "'>")
	b.WriteString("<title type='text'>" + Escape(e.Title) + "</title>")
	el("id", e.ID)
	el("published", e.Published)
	el("updated", e.Updated)
	if e.Author != "" {
		name, _, _ := strings.Cut(e.Author, "@")
		b.WriteString("<author><name>" + Escape(name) + "</name><uri>xmpp:" + Escape(e.Author) + "</uri></author>")
	}
	if e.Text != "" {
		b.WriteString("<content type='text'>" + Escape(e.Text) + "</content>")
	}
	if e.XHTML != "" {
		b.WriteString("<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>" + e.XHTML + "</div></content>")
	}
	if e.CommentsNode != "" {
		b.WriteString("<link rel='replies' title='comments' href='xmpp:" + Escape(e.CommentsOf) + "?;node=" + Escape(escapeNode(e.CommentsNode)) + "'/>")
	}
	if e.InReplyTo != "" {
		b.WriteString("<in-reply-to xmlns='" + NSThread + "' href='" + Escape(e.InReplyTo) + "'")
		if e.InReplyToRef != "" {
			b.WriteString(" ref='" + Escape(e.InReplyToRef) + "'")
		}
		b.WriteString("/>")
	}
	for _, term := range e.Categories {
		b.WriteString("<category term='" + Escape(term) + "'/>")
	}
	b.WriteString(strings.Join(e.Extra, ""))
	return b.String() + "</entry>"
}

// escapeNode percent-encodes a node as clients do inside a query.
func escapeNode(node string) string {
	return strings.NewReplacer("%", "%25", ":", "%3A", "/", "%2F", ";", "%3B", "&", "%26", "=", "%3D", " ", "%20").Replace(node)
}
