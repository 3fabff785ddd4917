package lab

import (
	"context"
	"crypto/sha1" // XEP-0115 names entity capabilities by it
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"isthmus/xmpp/stanza"
)

// Inbox keeps every stanza that arrived unasked for, also across connections.
type Inbox struct {
	mu      sync.Mutex
	list    []*Node
	changed chan struct{}
}

// NewInbox makes an empty inbox.
func NewInbox() *Inbox { return &Inbox{changed: make(chan struct{})} }

func (b *Inbox) add(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, n)
	close(b.changed)
	b.changed = make(chan struct{})
}

// All are the stanzas that match, in the order in which they came.
func (b *Inbox) All(match func(*Node) bool) []*Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []*Node
	for _, n := range b.list {
		if match(n) {
			found = append(found, n)
		}
	}
	return found
}

// Since are the stanzas after the first n.
func (b *Inbox) Since(n int) []*Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list[n:len(b.list):len(b.list)]
}

// Await waits for the first stanza that matches, from the beginning of the
// inbox on.
func (b *Inbox) Await(ctx context.Context, what string, match func(*Node) bool) (*Node, error) {
	for {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		if found := b.All(match); len(found) > 0 {
			return found[0], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("waited for %s: %w; what came:\n%s", what, ctx.Err(), b.report())
		}
	}
}

func (b *Inbox) report() string {
	all := b.All(func(*Node) bool { return true })
	if len(all) > 12 {
		all = all[len(all)-12:]
	}
	var lines []string
	for _, n := range all {
		line := n.String()
		if len(line) > 600 {
			line = line[:600] + " …"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Client is an XMPP client on mellium.im/xmpp: an implementation that shares
// nothing with the gateway's stream.
type Client struct {
	Account Account
	Inbox   *Inbox
	session *xmpp.Session
	conn    net.Conn
	work    chan string // addresses whose wish to see our presence is granted
	done    chan struct{}
	err     atomic.Pointer[error] // why the connection ended, if not by choice
	notify  []string
	approve bool
	read    func(ReadItem)
}

// ClientOptions say how a client connects.
type ClientOptions struct {
	Address string         // host:port of the server
	Roots   *x509.CertPool // who may have signed the server's certificate
	Inbox   *Inbox         // nil: a new one
	Notify  []string       // nodes of which contacts' events are wanted (+notify)
	Approve bool           // answer every presence subscription request with yes
	Read    func(ReadItem) // is told of each Atom entry that arrives; nil: nobody
}

// ReadItem is an Atom entry as somebody reads it.
type ReadItem struct {
	Service, Node, Publisher string
	Entry                    *stanza.Element
}

// Connect logs in over TLS, binds a resource and sends presence.
func Connect(ctx context.Context, a Account, o ClientOptions) (*Client, error) {
	origin, err := jid.Parse(a.JID() + "/lab")
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", a.JID(), err)
	}
	session, err := xmpp.NewClientSession(ctx, origin, conn,
		xmpp.StartTLS(&tls.Config{RootCAs: o.Roots, ServerName: a.Domain, MinVersion: tls.VersionTLS12}),
		xmpp.SASL("", a.Password, sasl.ScramSha256, sasl.ScramSha1, sasl.Plain),
		xmpp.BindResource())
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("log in as %s: %w", a.JID(), err)
	}
	if o.Inbox == nil {
		o.Inbox = NewInbox()
	}
	c := &Client{Account: a, Inbox: o.Inbox, session: session, conn: conn,
		work: make(chan string, 1024), done: make(chan struct{}), notify: o.Notify, approve: o.Approve, read: o.Read}
	go func() {
		defer close(c.done)
		defer close(c.work)
		if err := session.Serve(xmpp.HandlerFunc(c.handle)); err != nil {
			c.err.Store(&err)
		}
	}()
	go c.welcome()
	if _, err := c.IQ(ctx, "get", "", "<query xmlns='jabber:iq:roster'/>"); err != nil {
		c.Close()
		return nil, fmt.Errorf("get the roster of %s: %w", a.JID(), err)
	}
	return c, c.Send(ctx, "<presence>"+c.caps()+"</presence>")
}

// Close logs out.
func (c *Client) Close() {
	_ = c.session.Close()
	select {
	case <-c.done:
	case <-time.After(2 * time.Second):
	}
	_ = c.conn.Close()
	<-c.done
}

// Done is closed when the connection is over.
func (c *Client) Done() <-chan struct{} { return c.done }

// ended is why the connection is over.
func (c *Client) ended() error {
	if err := c.err.Load(); err != nil {
		return fmt.Errorf("the connection of %s ended: %w", c.Account.JID(), *err)
	}
	return fmt.Errorf("the connection of %s ended", c.Account.JID())
}

// JID is the full address.
func (c *Client) JID() string { return c.session.LocalAddr().String() }

// handle keeps what arrives and answers requests.
func (c *Client) handle(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	n := new(Node)
	whole := xmlstream.MultiReader(xmlstream.Token(*start), t)
	if err := xml.NewTokenDecoder(whole).Decode(n); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n.Attr("from") == "" {
		n.setAttr("from", c.Account.JID())
	}
	c.Inbox.add(n)
	c.readItems(n, n.Find(nsEvent, "items"))
	if n.Is("", "presence") && n.Attr("type") == "subscribe" && c.approve {
		c.work <- n.Attr("from")
	}
	isRequest := n.Is("", "iq") && (n.Attr("type") == "get" || n.Attr("type") == "set")
	if isRequest {
		// Answered inside the handler, or mellium would say service-unavailable.
		_, err := xmlstream.Copy(t, c.reply(n))
		return err
	}
	return nil
}

// welcome approves who asks to see our presence. mellium holds a lock on the
// stream while it hands stanzas over, so this is not done there.
func (c *Client) welcome() {
	for from := range c.work {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_ = c.Presence(ctx, from, "subscribed")
		cancel()
	}
}

// IQ sends a request and returns the whole answer, or a *StanzaError.
func (c *Client) IQ(ctx context.Context, kind, to, payload string) (*Node, error) {
	text := "<iq type='" + kind + "'"
	if to != "" {
		text += " to='" + Escape(to) + "'"
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-c.done:
			cancel(c.ended())
		case <-ctx.Done():
		}
	}()
	answer, err := c.session.SendIQ(ctx, tokens(text+">"+payload+"</iq>"))
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	defer answer.Close()
	n := new(Node)
	if err := xml.NewTokenDecoder(answer).Decode(n); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	c.readItems(n, n.Find(nsPubSub, "items"))
	return n, stanzaError(n)
}

// readItems reads the entries that came in an answer or an event.
func (c *Client) readItems(n, items *Node) {
	if c.read == nil || items == nil {
		return
	}
	for _, item := range items.Nodes {
		entry := item.Find(NSAtom, "entry")
		if entry == nil {
			continue
		}
		service, _, _ := strings.Cut(n.Attr("from"), "/")
		publisher, _, _ := strings.Cut(item.Attr("publisher"), "/")
		c.read(ReadItem{service, items.Attr("node"), publisher, entry.element()})
	}
}

// Send sends a message or presence given as XML.
func (c *Client) Send(ctx context.Context, text string) error {
	return c.session.Send(ctx, tokens(text))
}

// tokens reads XML as mellium wants it: its writer prints namespaces by itself,
// and twice where the declarations are still there.
func tokens(text string) xml.TokenReader {
	d := xml.NewDecoder(strings.NewReader(text))
	return xmlstream.RemoveAttr(func(_ xml.StartElement, a xml.Attr) bool {
		return a.Name.Local == "xmlns" || a.Name.Space == "xmlns"
	})(d)
}

// clientFeatures are what the client says it understands.
func (c *Client) clientFeatures() []string {
	features := []string{nsCaps, nsInfo, "urn:xmpp:ping"}
	for _, node := range c.notify {
		features = append(features, node+"+notify")
	}
	slices.Sort(features)
	return features
}

// caps is the capabilities element of XEP-0115 §5.
func (c *Client) caps() string {
	s := "client/pc//lab<" + strings.Join(c.clientFeatures(), "<") + "<"
	sum := sha1.Sum([]byte(s))
	return "<c xmlns='" + nsCaps + "' hash='sha-1' node='https://isthmus.test/lab' ver='" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'/>"
}

// reply is what the client answers to a request: its features, a pong,
// an empty result to roster pushes, and otherwise that it cannot.
func (c *Client) reply(n *Node) xml.TokenReader {
	head := "<iq id='" + Escape(n.Attr("id")) + "' to='" + Escape(n.Attr("from")) + "' type='"
	switch {
	case n.Find(nsInfo, "query") != nil:
		var b strings.Builder
		b.WriteString(head + "result'><query xmlns='" + nsInfo + "'" + nodeAttr(n.Find(nsInfo, "query").Attr("node")) +
			"><identity category='client' type='pc' name='lab'/>")
		for _, f := range c.clientFeatures() {
			b.WriteString("<feature var='" + Escape(f) + "'/>")
		}
		return tokens(b.String() + "</query></iq>")
	case n.Find("urn:xmpp:ping", "ping") != nil, n.Find("jabber:iq:roster", "query") != nil:
		return tokens(head + "result'/>")
	}
	return tokens(head + "error'><error type='cancel'><service-unavailable xmlns='" + nsStanzas + "'/></error></iq>")
}
