package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// The answers that a fake node gives to strangers.
const (
	nodeOpen   = "open"
	nodeClosed = "closed" // as Prosody: forbidden
	nodeAway   = "away"   // its server does not answer
)

// refusals are what ejabberd tells those who may not read a node of a model.
var refusals = map[string]*stanza.Error{
	modelPresence:  stanza.NewError("not-authorized", "").PubSub("presence-subscription-required"),
	modelRoster:    stanza.NewError("not-authorized", "").PubSub("not-in-roster-group"),
	modelWhitelist: stanza.NewError("not-allowed", "").PubSub("closed-node"),
	modelAuthorize: stanza.NewError("forbidden", ""),
}

// fakeNode is a node of the fake server.
type fakeNode struct {
	access string            // one of the above, or an access model: then
	lets   map[string]bool   // who may read it
	items  []*stanza.Element // <item/>, oldest first
	tells  bool              // its model, in meta-data, as Prosody; else in refusals, as ejabberd
}

// fakeXMPP is an XMPP server with one component, which is the gateway. It
// answers for the nodes that the test gives it.
type fakeXMPP struct {
	t        testing.TB
	listener net.Listener

	mu       sync.Mutex
	conn     net.Conn
	nodes    map[string]*fakeNode
	vcards   map[string]*stanza.Element
	noVCards bool // it cannot tell now
	prosody  bool // strangers are forbidden nodes that are not there
	subs     map[string]bool
	shows    map[string]*stanza.Element // the item that who subscribes is shown, by node
	sent     []*stanza.Element          // messages and presences of the gateway
	answers  map[string]*stanza.Element
	arrived  chan struct{}
	requests int

	counting atomic.Bool // for benchmarks: see count
	counted  atomic.Int64
}

func startFakeXMPP(t testing.TB) *fakeXMPP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeXMPP{
		t: t, listener: l, nodes: map[string]*fakeNode{}, vcards: map[string]*stanza.Element{},
		subs: map[string]bool{}, answers: map[string]*stanza.Element{}, arrived: make(chan struct{}, 1),
	}
	t.Cleanup(func() { _ = l.Close() })
	go s.accept()
	return s
}

func (s *fakeXMPP) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serve(conn)
	}
}

// serve plays the server's part of XEP-0114 until the connection ends.
func (s *fakeXMPP) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 256<<10)
	d := xml.NewDecoder(in)
	if _, err := nextStart(d); err != nil {
		return
	}
	fmt.Fprintf(conn, "<stream:stream xmlns='%s' xmlns:stream='%s' id='1' from='%s'>", stanza.NSComponent, stanza.NSStream, ourComponent)
	start, err := nextStart(d)
	if err != nil || start.Name.Local != "handshake" {
		return
	}
	if err := d.Skip(); err != nil {
		return
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	fmt.Fprint(conn, "<handshake/>")
	for {
		start, err := nextStart(d)
		if err != nil {
			return
		}
		el, err := readElement(d, start)
		if err != nil {
			return
		}
		s.take(el)
		if s.counting.Load() {
			s.count(conn, in)
			return
		}
	}
}

// count is serve for benchmarks: it counts messages, and sends requests back.
func (s *fakeXMPP) count(conn io.Writer, in *bufio.Reader) {
	var iq []byte
	for {
		tag, err := in.ReadSlice('>')
		if err != nil {
			return
		}
		switch {
		case bytes.Equal(tag, []byte("</message>")) || bytes.HasSuffix(tag, []byte("></message>")):
			s.counted.Add(1)
		case len(iq) > 0 || bytes.HasPrefix(tag, []byte("<iq ")):
			if iq = append(iq, tag...); bytes.HasSuffix(iq, []byte("</iq>")) {
				_, _ = conn.Write(iq)
				iq = iq[:0]
			}
		}
	}
}

func nextStart(d *xml.Decoder) (xml.StartElement, error) {
	for {
		tok, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			return tok, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}

// readElement reads what a start tag opens.
func readElement(d *xml.Decoder, start xml.StartElement) (*stanza.Element, error) {
	el := stanza.New(start.Name.Space, start.Name.Local)
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns", a.Name.Space == "xmlns":
		case a.Name.Space == stanza.NSXML || a.Name.Space == "xml":
			el.SetLang(a.Value)
		default:
			el.Set(a.Name.Local, a.Value)
		}
	}
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			child, err := readElement(d, tok)
			if err != nil {
				return nil, err
			}
			el.Add(child)
		case xml.CharData:
			el.AddText(string(tok))
		case xml.EndElement:
			return el, nil
		}
	}
}

// take does with a stanza of the gateway what a server does.
func (s *fakeXMPP) take(el *stanza.Element) {
	to := stanza.JID(el.Get("to"))
	switch {
	case to.Domain() == ourComponent:
		s.send(el)
	case el.Name != "iq":
		s.mu.Lock()
		s.sent = append(s.sent, el)
		s.mu.Unlock()
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	case el.Get("type") == "result" || el.Get("type") == "error":
		s.mu.Lock()
		s.answers[el.Get("id")] = el
		s.mu.Unlock()
	default:
		if answer := s.answer(el); answer != nil {
			s.send(answer)
		}
		if op := el.Child(stanza.NSPubSub, "pubsub").Child("", "subscribe"); op != nil {
			s.showLast(el.Get("to"), op.Get("node"))
		}
	}
}

// answer is the server's answer to a request, nil if it gives none.
func (s *fakeXMPP) answer(iq *stanza.Element) *stanza.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	out := stanza.New(stanza.NSComponent, "iq").Set("id", iq.Get("id")).Set("from", iq.Get("to")).Set("to", iq.Get("from"))
	result := func(payload *stanza.Element) *stanza.Element { return out.Set("type", "result").Add(payload) }
	refuse := func(condition string) *stanza.Element {
		return out.Set("type", "error").Add(stanza.NewError(condition, "").Element())
	}
	if iq.Child(stanza.NSVCardTemp, "vCard") != nil {
		if v := s.vcards[iq.Get("to")]; v != nil {
			return result(v)
		}
		if s.noVCards {
			return refuse("remote-server-timeout")
		}
		return refuse("item-not-found")
	}
	if q := iq.Child(stanza.NSDiscoInfo, "query"); q != nil {
		node := s.nodes[iq.Get("to")+" "+q.Get("node")]
		if node == nil || !node.lets[iq.Get("from")] || !node.tells {
			return refuse("service-unavailable")
		}
		form := xmpp.NewForm("result", xmpp.FormNodeMeta).AddText("pubsub#access_model", node.access)
		return result(stanza.New(stanza.NSDiscoInfo, "query").Set("node", q.Get("node")).Add(form.Element()))
	}
	ps := iq.Child(stanza.NSPubSub, "pubsub")
	if ps == nil {
		return refuse("service-unavailable")
	}
	op := ps.Child("", "")
	key := iq.Get("to") + " " + op.Get("node")
	node := s.nodes[key]
	if node != nil && refusals[node.access] != nil && !node.lets[iq.Get("from")] {
		switch {
		case node.access == modelAuthorize && op.Name == "subscribe":
			return result(stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "subscription").
				Set("node", op.Get("node")).Set("jid", op.Get("jid")).Set("subscription", "pending")))
		case node.tells:
			return refuse("forbidden")
		}
		return out.Set("type", "error").Add(refusals[node.access].Element())
	}
	switch {
	case node != nil && node.access == nodeAway:
		return refuse("remote-server-timeout")
	case node == nil && s.prosody && iq.Get("from") != ourComponent:
		return refuse("forbidden")
	case node == nil:
		return refuse("item-not-found")
	case node.access == nodeClosed:
		return refuse("forbidden")
	}
	switch op.Name {
	case "subscribe":
		s.subs[key] = true
		return result(stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "subscription").
			Set("node", op.Get("node")).Set("jid", op.Get("jid")).Set("subscription", "subscribed")))
	case "subscriptions":
		list := stanza.New("", "subscriptions").Set("node", op.Get("node"))
		if s.subs[key] {
			list.Add(stanza.New("", "subscription").Set("node", op.Get("node")).Set("jid", ourComponent).Set("subscription", "subscribed"))
		}
		return result(stanza.New(stanza.NSPubSub, "pubsub").Add(list))
	case "items":
		return result(stanza.New(stanza.NSPubSub, "pubsub").Add(node.answer(op)))
	case "publish", "retract":
		node.change(op)
		return result(nil)
	case "unsubscribe":
		delete(s.subs, key)
		return result(nil)
	}
	return refuse("feature-not-implemented")
}

// showLast shows who has subscribed the last item of a node (XEP-0060 §6.1.7).
func (s *fakeXMPP) showLast(service, node string) {
	s.mu.Lock()
	item := s.shows[service+" "+node]
	s.mu.Unlock()
	if item != nil {
		s.send(stanza.New("", "message").Set("type", "headline").Set("from", service).Set("to", ourComponent).
			Add(stanza.New(stanza.NSPubSubEvent, "event").Add(stanza.New("", "items").Set("node", node).Add(item))))
	}
}

// change does what a publish or a retract says.
func (n *fakeNode) change(op *stanza.Element) {
	for it := range op.Children("", "item") {
		n.drop(it.Get("id"))
		if op.Name == "publish" {
			n.items = append(n.items, it)
		}
	}
}

// answer is the items that are asked for, without publishers, as Prosody gives
// them.
func (n *fakeNode) answer(op *stanza.Element) *stanza.Element {
	list := stanza.New("", "items").Set("node", op.Get("node"))
	want := map[string]bool{}
	for it := range op.Children("", "item") {
		want[it.Get("id")] = true
	}
	items := n.items
	var most int
	if _, err := fmt.Sscan(op.Get("max_items"), &most); err == nil && most < len(items) {
		items = items[len(items)-most:]
	}
	for _, it := range items {
		if len(want) == 0 || want[it.Get("id")] {
			list.Add(it)
		}
	}
	return list
}

// send sends a stanza to the gateway.
func (s *fakeXMPP) send(el *stanza.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		s.t.Error("the gateway is not connected")
		return
	}
	el.Space = stanza.NSComponent
	if _, err := s.conn.Write(stanza.Append(nil, el, stanza.NSComponent)); err != nil && !errors.Is(err, net.ErrClosed) {
		s.t.Logf("send: %v", err)
	}
}

// node gives a node of a user or service, made if there is none.
func (s *fakeXMPP) node(service, name, access string, items ...*stanza.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[service+" "+name] = &fakeNode{access: access, items: items}
}

func (s *fakeXMPP) remove(service, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, service+" "+name)
}

func (s *fakeXMPP) subscribed(service, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[service+" "+name]
}

// await waits until the gateway has sent a stanza that matches, and takes it.
func (s *fakeXMPP) await(what string, match func(*stanza.Element) bool) *stanza.Element {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		for i, el := range s.sent {
			if match(el) {
				s.sent = append(s.sent[:i:i], s.sent[i+1:]...)
				s.mu.Unlock()
				return el
			}
		}
		s.mu.Unlock()
		select {
		case <-s.arrived:
		case <-deadline:
			s.t.Fatalf("waited in vain for %s; there is %v", what, s.sent)
		}
	}
}

// said is the text of the gateway's next message to somebody.
func (s *fakeXMPP) said(to string) string {
	s.t.Helper()
	el := s.await("an answer to "+to, func(el *stanza.Element) bool {
		return el.Name == "message" && el.Get("type") == "chat" && el.Get("from") == ourComponent && strings.HasPrefix(el.Get("to"), to)
	})
	return el.ChildContent("", "body")
}

// settle returns when the gateway has handled everything that was sent before
// to that address from that one: a request behind it has its answer.
func (s *fakeXMPP) settle(from, to string) {
	s.t.Helper()
	s.ask("get", from, to, stanza.New("urn:example:settle", "query"))
}

// ask sends a request and returns its answer.
func (s *fakeXMPP) ask(kind, from, to string, payload *stanza.Element) *stanza.Element {
	s.t.Helper()
	s.mu.Lock()
	s.requests++
	id := fmt.Sprintf("ask-%d", s.requests)
	s.mu.Unlock()
	s.send(stanza.New("", "iq").Set("type", kind).Set("id", id).Set("from", from).Set("to", to).Add(payload))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		answer, ok := s.answers[id]
		s.mu.Unlock()
		if ok {
			return answer
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s asked %s and got no answer", from, to)
		case <-time.After(time.Millisecond):
		}
	}
}
