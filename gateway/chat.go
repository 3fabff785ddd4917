package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// chat takes what needs no answer: messages, presence and events.
type chat struct{ g *Gateway }

// Event takes a pubsub notification.
func (c *chat) Event(ctx context.Context, e xmpp.Event) { c.g.event(ctx, e) }

// say answers a user in the gateway's own name.
func (g *Gateway) say(ctx context.Context, to stanza.JID, text string) {
	id, err := g.newID()
	if err == nil {
		err = g.link.Send(ctx, g.botMessage(to, id, text))
	}
	if err != nil {
		g.log.Info("answer not sent", "to", to.Bare(), "error", err)
	}
}

// Message takes a chat message: a command for the gateway, or a direct message
// for an actor. Automatic traffic is ignored (xmpp.md 6, loops).
func (c *chat) Message(ctx context.Context, m xmpp.Message) {
	g := c.g
	if m.Type == "error" {
		g.bounced(ctx, m.To, m.From, m.Error)
	}
	if m.Type != "" && m.Type != "chat" && m.Type != "normal" || m.Replayed || g.ours(m.From) || m.From.Local() == "" {
		return
	}
	switch {
	case m.Encrypted != "": // XEP-0380
		g.refuse(ctx, m, &stanza.Error{Type: "modify", Condition: "not-acceptable",
			Text: "nobody can read encrypted messages here: turn encryption off for this contact"})
	case m.To.Local() == "":
		if m.ReceiptRequest && m.ID != "" && m.Text != "" { // XEP-0184
			g.received(ctx, m)
		}
		g.command(ctx, m)
	case m.Text == "" && m.Retracts == "" && m.Reactions == nil && len(m.Files) == 0:
		// chat states, markers, receipts
	default:
		if err := g.direct(ctx, m); err != nil {
			g.refuse(ctx, m, err)
		}
	}
}

// received confirms what was said to the gateway itself.
func (g *Gateway) received(ctx context.Context, m xmpp.Message) {
	receipt := xmpp.Message{ID: "r-" + m.ID, Type: "chat", Received: m.ID}
	receipt.From, receipt.To = m.To.Bare(), m.From
	if err := g.link.Send(ctx, receipt.Element()); err != nil {
		g.log.Info("receipt not sent", "to", m.From.Bare(), "error", err)
	}
}

// errUnknownCommand is for what the bot was told before and did not understand.
var errUnknownCommand = errors.New("no such command")

// command answers what is said to the gateway itself, unless it is said to a post
// that the gateway told of. What it does not know it answers once: two programs
// must not talk to each other for ever.
func (g *Gateway) command(ctx context.Context, m xmpp.Message) {
	rest, done := g.toNotice(ctx, m)
	text := strings.TrimSpace(rest)
	if done || text == "" || slices.Contains(m.Hints, "no-store") && m.Body == "" {
		return
	}
	answer, known := g.obey(ctx, m.From, text)
	if !known {
		answer = g.once(m.From, text, answer)
	}
	if answer != "" {
		g.say(ctx, m.From, answer)
	}
}

// refuse tells the sender of a message why it went nowhere.
func (g *Gateway) refuse(ctx context.Context, m xmpp.Message, err error) {
	e := stanza.NewError("internal-server-error", "the message was not delivered")
	var known interface{ StanzaError() *stanza.Error }
	var already *stanza.Error
	switch {
	case errors.As(err, &already):
		e = already
	case errors.As(err, &known):
		e = known.StanzaError()
	default:
		g.log.Error("direct message", "to", m.To.Bare(), "error", err)
	}
	el := stanza.New("", "message").Set("type", "error").Set("id", m.ID).
		Set("from", string(m.To.Bare())).Set("to", string(m.From)).Add(e.Element())
	if err := g.link.Send(ctx, el); err != nil {
		g.log.Info("error not sent", "to", m.From.Bare(), "error", err)
	}
}

// sentence begins a text with a capital letter, unless an address is first.
func sentence(text string) string {
	first, _, _ := strings.Cut(text, " ")
	r, size := utf8.DecodeRuneInString(text)
	if strings.ContainsAny(first, "@./") {
		return text
	}
	return string(unicode.ToUpper(r)) + text[size:]
}

// sayError is an error for people.
func sayError(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Text
	}
	var moved *redirect
	if errors.As(err, &moved) {
		return moved.Error()
	}
	return "something went wrong here; try again later"
}
