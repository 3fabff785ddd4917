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
	Chat     Chat
	// Caps are the capabilities that our presences announce; asked for by
	// their node and hash, they are answered for every address of ours.
	Caps []*Caps
	// Software tells what runs behind an address (XEP-0092).
	Software func(ctx context.Context, r Request) (Software, error)
	// Connected is called after each handshake.
	Connected func(ctx context.Context)
	Now       func() time.Time
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
}

// NewRouter makes the router of a component's domain.
func NewRouter(domain stanza.JID, s Services, log *slog.Logger) *Router {
	return &Router{domain: domain, services: s, log: log}
}
