package xmpp

import (
	"context"
	"log/slog"
	"time"

	"isthmus/xmpp/stanza"
)

// Services are what the Router asks. A nil service is answered as not there.
type Services struct {
	Disco    Disco
	PubSub   PubSub
	Owner    PubSubOwner
	Commands Commands
	VCard    VCard
	Gateway  Gateway
	Register Registration
	Search   Search
	Archive  Archive
	Chat     Chat
	// Software tells what runs behind an address (XEP-0092).
	Software func(ctx context.Context, r Request) (Software, error)
	// Deliver sends stanzas, and returns when the server has read them: what an
	// archive found has to be there before the answer that says so.
	Deliver func(ctx context.Context, els ...*stanza.Element) error
	// Connected is called after each handshake.
	Connected func(ctx context.Context)
	Now       func() time.Time // time.Now when nil
	// AnswerBytes is what a list in an answer may weigh; 184 KiB when 0.
	AnswerBytes int
}

// Chat takes what comes without asking for an answer. Messages of type error
// come too, as signs of what could not be delivered.
type Chat interface {
	Message(ctx context.Context, m Message)
	Presence(ctx context.Context, p Presence)
	Event(ctx context.Context, e Event)
}

// Gateway turns what people type into an address (XEP-0100 §6, jabber:iq:gateway).
type Gateway interface {
	// Prompt is an explanation and the name of the input.
	Prompt(ctx context.Context, r Request) (desc, prompt string, err error)
	Resolve(ctx context.Context, r Request, text string) (stanza.JID, error)
}

// Registration links and unlinks the requester (XEP-0077).
type Registration interface {
	Registration(ctx context.Context, r Request) (RegistrationState, error)
	// Register links; values is nil when no form was sent.
	Register(ctx context.Context, r Request, values *Form) error
	Unregister(ctx context.Context, r Request) error
}

// RegistrationState is what the requester sees before linking.
type RegistrationState struct {
	Registered   bool
	Instructions string
	Form         *Form // may be nil
}

// Search is the directory (XEP-0055).
type Search interface {
	SearchForm(ctx context.Context, r Request) (*Form, error)
	// Search gives a form of type result with Reported and Items.
	Search(ctx context.Context, r Request, query *Form) (*Form, error)
}

// Software is a name and a version.
type Software struct{ Name, Version, OS string }

// Router hands stanzas to services and answers every request once. It
// implements Handler.
type Router struct {
	domain   stanza.JID
	services Services
	log      *slog.Logger
	started  time.Time
	caps     []*Caps
	sessions sessions
}

var _ Handler = (*Router)(nil)

// NewRouter makes the router of a component's domain. Without log it says
// nothing.
func NewRouter(domain stanza.JID, s Services, log *slog.Logger) *Router {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Router{domain: domain, services: s, log: log}
	r.started = r.now()
	return r
}

func (r *Router) now() time.Time {
	if r.services.Now != nil {
		return r.services.Now()
	}
	return time.Now()
}

func (r *Router) budget() int {
	if r.services.AnswerBytes > 0 {
		return r.services.AnswerBytes
	}
	return maxAnswer
}

// errUnavailable is the answer to what nobody here serves (RFC 6120 §8.4).
func errUnavailable() *stanza.Error { return stanza.NewError("service-unavailable", "") }

// HandleIQ answers a request. Its payload says which service it is for.
func (r *Router) HandleIQ(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if iq.Payload == nil || iq.Type != "get" && iq.Type != "set" {
		return nil, stanza.NewError("bad-request", "") // RFC 6120 §8.2.3
	}
	if serve := r.service(iq); serve != nil {
		return serve(ctx, iq)
	}
	return nil, errUnavailable()
}

type serveIQ func(context.Context, IQ) (*stanza.Element, error)

// service is what answers a payload, nil if nothing does.
func (r *Router) service(iq IQ) serveIQ {
	key := iq.Payload.Name + " " + iq.Payload.Space
	switch key {
	case "pubsub " + stanza.NSPubSub:
		return r.pubsub
	case "pubsub " + stanza.NSPubSubOwner:
		return r.owner
	case "query " + stanza.NSGateway:
		return r.gateway
	case "query " + stanza.NSRegister:
		return r.register
	case "query " + stanza.NSSearch:
		return r.search
	case "query " + stanza.NSMAM:
		return r.archive
	case "vCard " + stanza.NSVCardTemp, "vcard " + stanza.NSVCard4:
		return r.vcard
	case "command " + stanza.NSCommands:
		if iq.Type == "set" {
			return r.command
		}
		return nil
	}
	if iq.Type != "get" {
		return nil
	}
	switch key {
	case "query " + stanza.NSDiscoInfo:
		return r.discoInfo
	case "query " + stanza.NSDiscoItems:
		return r.discoItems
	case "ping " + stanza.NSPing:
		return r.ping
	case "query " + stanza.NSVersion:
		return r.version
	case "time " + stanza.NSTime:
		return r.time
	case "query " + stanza.NSLast:
		return r.last
	}
	return nil
}

// HandleMessage hands on a notification or a message.
func (r *Router) HandleMessage(ctx context.Context, m *stanza.Element) {
	if r.services.Chat == nil {
		r.log.DebugContext(ctx, "message dropped: nobody takes it")
		return
	}
	if e, ok := ParseEvent(m); ok {
		r.services.Chat.Event(ctx, e)
		return
	}
	r.services.Chat.Message(ctx, ParseMessage(m))
}

// HandlePresence hands on a presence.
func (r *Router) HandlePresence(ctx context.Context, p *stanza.Element) {
	if r.services.Chat == nil {
		r.log.DebugContext(ctx, "presence dropped: nobody takes it")
		return
	}
	r.services.Chat.Presence(ctx, ParsePresence(p))
}

// HandleConnected tells that the link is up.
func (r *Router) HandleConnected(ctx context.Context) {
	if r.services.Connected != nil {
		r.services.Connected(ctx)
	}
}
