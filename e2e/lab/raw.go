package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net"
	"strings"
	"time"
)

// Raw is an XMPP client that sends bytes as they are given, from accounts and
// resources that a library would refuse. It is who strangers are.
type Raw struct {
	Account Account
	JID     string // the full address, as the server says it
	Inbox   *Inbox
	conn    net.Conn
	dec     *xml.Decoder
	done    chan struct{}
}

// DialRaw logs in over TLS with SASL PLAIN and binds a resource.
func DialRaw(ctx context.Context, s *Server, a Account, roots *x509.CertPool, resource string) (*Raw, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.C2S)
	if err != nil {
		return nil, err
	}
	r := &Raw{Account: a, Inbox: NewInbox(), conn: conn, done: make(chan struct{})}
	if err := r.login(ctx, roots, resource); err != nil {
		r.conn.Close()
		return nil, fmt.Errorf("log in as %q: %w", a.JID(), err)
	}
	go r.read()
	return r, r.Write("<presence/>")
}

func (r *Raw) login(ctx context.Context, roots *x509.CertPool, resource string) error {
	if deadline, ok := ctx.Deadline(); ok {
		_ = r.conn.SetDeadline(deadline)
	}
	if err := r.open("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "proceed"); err != nil {
		return err
	}
	secure := tls.Client(r.conn, &tls.Config{RootCAs: roots, ServerName: r.Account.Domain, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	r.conn = secure
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + r.Account.User + "\x00" + r.Account.Password))
	if err := r.open("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+plain+"</auth>", "success"); err != nil {
		return err
	}
	if err := r.open("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"+
		Escape(resource)+"</resource></bind></iq>", "iq"); err != nil {
		return err
	}
	return r.conn.SetDeadline(time.Time{})
}

// open starts a stream, waits for its features, and sends a request that must
// be answered with an element of the given name.
func (r *Raw) open(request, want string) error {
	r.dec = xml.NewDecoder(r.conn)
	if err := r.Write("<?xml version='1.0'?><stream:stream to='" + r.Account.Domain +
		"' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"); err != nil {
		return err
	}
	for {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "stream" {
			break
		}
	}
	if _, err := r.next(); err != nil { // the features
		return err
	}
	if err := r.Write(request); err != nil {
		return err
	}
	answer, err := r.next()
	if err != nil {
		return err
	}
	if answer.XMLName.Local != want || answer.Attr("type") == "error" {
		return fmt.Errorf("the server answers %s", answer)
	}
	if jid := answer.Find("", "jid"); jid != nil {
		r.JID = jid.Text
	}
	return nil
}

func (r *Raw) next() (*Node, error) {
	for {
		token, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			n := new(Node)
			return n, r.dec.DecodeElement(n, &start)
		}
		if _, ok := token.(xml.EndElement); ok {
			return nil, fmt.Errorf("the server closed the stream")
		}
	}
}

func (r *Raw) read() {
	defer close(r.done)
	for {
		n, err := r.next()
		if err != nil {
			return
		}
		r.Inbox.add(n)
	}
}

// Write sends bytes.
func (r *Raw) Write(text string) error {
	_, err := r.conn.Write([]byte(text))
	return err
}

// Done is closed when the connection is over.
func (r *Raw) Done() <-chan struct{} { return r.done }

// Close ends the connection.
func (r *Raw) Close() {
	_ = r.Write("</stream:stream>")
	_ = r.conn.Close()
	<-r.done
}

// Answers are the answers that came for a request.
func (r *Raw) Answers(id string) []*Node {
	return r.Inbox.All(func(n *Node) bool {
		return n.Is("", "iq") && n.Attr("id") == id && strings.Contains(" result error ", " "+n.Attr("type")+" ")
	})
}
