package gateway

import (
	"context"
	"strings"

	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// commands offers the commands by XEP-0050.
type commands struct{ g *Gateway }

// fieldWhat is the one field of a command's form.
const fieldWhat = "what"

// Commands lists the ad-hoc commands of the gateway's own address.
func (c *commands) Commands(_ context.Context, r xmpp.Request) ([]xmpp.Command, error) {
	if r.To.Local() != "" {
		return nil, nil
	}
	list := table()
	out := make([]xmpp.Command, len(list))
	for i, cmd := range list {
		out[i] = c.adHoc(cmd)
	}
	return out, nil
}

// adHoc is a command as ad-hoc: with a form if it needs to know something.
func (c *commands) adHoc(cmd command) xmpp.Command {
	x := xmpp.Command{Node: cmd.name, Name: strings.ToUpper(cmd.name[:1]) + cmd.name[1:] + ": " + cmd.help}
	if cmd.arg != "" && !cmd.maybe {
		x.Form = func(context.Context, xmpp.Request) (*xmpp.Form, error) {
			f := xmpp.NewForm(xmpp.FormForm, "")
			f.Title = cmd.help
			return f.Add(xmpp.Field{Var: fieldWhat, Type: "text-single", Label: "For example: " + cmd.arg, Required: true}), nil
		}
	}
	x.Run = func(ctx context.Context, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
		if cmd.pages != nil && strings.TrimSpace(values.Value(fieldWhat)) != "" {
			return c.paged(ctx, cmd, r.From, values.Value(fieldWhat), []string{""})
		}
		answer, err := c.g.carryOut(ctx, cmd, r.From, values.Value(fieldWhat))
		if err != nil {
			return xmpp.CommandResult{Note: sentence(sayError(err)), NoteType: "error", Retry: isKind(err, BadRequest)}, nil
		}
		return xmpp.CommandResult{Note: answer}, nil
	}
	return x
}

// prompt turns a handle into an address (XEP-0100 §6).
type prompt struct{ g *Gateway }

// Prompt explains what to type.
func (p *prompt) Prompt(context.Context, xmpp.Request) (desc, name string, err error) {
	return "Whom do you want to add? Give a fediverse address such as " + anActor + ", or the URL of a profile.", "Fediverse address", nil
}

// Resolve gives the XMPP address of an actor.
func (p *prompt) Resolve(ctx context.Context, _ xmpp.Request, text string) (stanza.JID, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	a, err := p.g.findActor(ctx, text)
	return stanza.JID(a.JID), err
}
