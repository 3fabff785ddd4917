package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// commands offers the commands by XEP-0050.
type commands struct{ g *Gateway }

// Commands lists the ad-hoc commands of the gateway's own address.
func (c *commands) Commands(_ context.Context, r xmpp.Request) ([]xmpp.Command, error) {
	if r.To.Local() != "" {
		return nil, nil
	}
	list := table()
	out := make([]xmpp.Command, 0, len(list)+1)
	for _, cmd := range list {
		out = append(out, c.adHoc(cmd))
	}
	return append(out, c.register()), nil
}

// adHoc is a command as ad-hoc: with a form if it needs to know something, and
// one more before it ends something for ever.
func (c *commands) adHoc(cmd command) xmpp.Command {
	x := xmpp.Command{Node: cmd.name, Name: title(cmd) + ": " + cmd.help, GoesOn: cmd.loses != nil}
	if len(cmd.asks) > 0 {
		x.Form = func(ctx context.Context, r xmpp.Request) (*xmpp.Form, error) { return c.form(ctx, cmd, r) }
	}
	x.Run = func(ctx context.Context, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
		return c.run(ctx, cmd, r, values, false), nil
	}
	return x
}

// register is registration (XEP-0077) as a command: Cheogram looks for it among
// the commands of a gateway.
func (c *commands) register() xmpp.Command {
	reg := &registration{c.g}
	return xmpp.Command{
		Node: stanza.NSRegister, Name: "Register: link, and choose who finds and follows you",
		Form: func(ctx context.Context, r xmpp.Request) (*xmpp.Form, error) {
			s, err := reg.Registration(ctx, r)
			return s.Form, err
		},
		Run: func(ctx context.Context, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
			if err := reg.Register(ctx, r, values); err != nil {
				return failed(err), nil
			}
			answer, err := c.g.Link(ctx, r.From.Bare(), "") // says how it goes
			if err != nil {
				return failed(err), nil
			}
			return xmpp.CommandResult{Note: answer}, nil
		},
	}
}

func title(cmd command) string { return strings.ToUpper(cmd.name[:1]) + cmd.name[1:] }

// failed is an error as the end of a command, or as a reason to fill its form in
// again.
func failed(err error) xmpp.CommandResult {
	return xmpp.CommandResult{Note: sentence(sayError(err)), NoteType: "error", Retry: isKind(err, BadRequest)}
}

// form asks what a command needs to know; nil if there is nothing to ask.
func (c *commands) form(ctx context.Context, cmd command, r xmpp.Request) (*xmpp.Form, error) {
	f := xmpp.NewForm(xmpp.FormForm, "")
	f.Title = title(cmd)
	f.Instructions = sentence(cmd.help) + "."
	for _, q := range cmd.asks {
		field, ok, err := q.field(ctx, order{c.g, r.From.Bare(), ""})
		if err != nil {
			return nil, err
		}
		if ok {
			f.Add(field)
		}
	}
	if len(f.Fields) == 0 {
		return nil, nil
	}
	return f, nil
}

// run runs a command, for each of several choices. Without sure it asks back
// before it ends something for ever.
func (c *commands) run(ctx context.Context, cmd command, r xmpp.Request, values *xmpp.Form, sure bool) xmpp.CommandResult {
	args := []string{""}
	if values != nil {
		var err error
		if args, err = cmd.arguments(values); err != nil {
			return failed(err)
		}
	} else if cmd.none != "" {
		return xmpp.CommandResult{Note: cmd.none}
	}
	if cmd.pages != nil && args[0] != "" {
		res, err := c.paged(ctx, cmd, r.From, args[0], []string{""})
		if err != nil {
			return failed(err)
		}
		return res
	}
	var said, lost []string
	for _, arg := range args {
		answer, err := c.g.carryOut(ctx, cmd, r.From, arg, sure)
		var ask *Unconfirmed
		switch {
		case errors.As(err, &ask):
			lost = append(lost, ask.Loses)
		case err != nil && len(args) == 1:
			return failed(err)
		case err != nil:
			said = append(said, sentence(sayError(err)))
		default:
			said = append(said, answer)
		}
	}
	if len(lost) > 0 {
		return c.askBack(cmd, values, strings.Join(append(said, lost...), "\n"), xmpp.CommandResult{})
	}
	return xmpp.CommandResult{Note: strings.Join(said, "\n")}
}

// askBack is the stage in which somebody says that they mean it. The one before
// can be gone back to.
func (c *commands) askBack(cmd command, values *xmpp.Form, lost string, res xmpp.CommandResult) xmpp.CommandResult {
	res.Form = xmpp.NewForm(xmpp.FormForm, "").Add(xmpp.Field{Var: fieldSure, Type: "boolean", Label: "Yes, do it", Required: true, Values: []string{"0"}})
	res.Form.Title = title(cmd) + ": are you sure?"
	res.Form.Instructions = lost
	res.Submit = func(ctx context.Context, r xmpp.Request, answer *xmpp.Form) (xmpp.CommandResult, error) {
		if sure, _ := answer.Bool(fieldSure); !sure {
			return c.askBack(cmd, values, lost, xmpp.CommandResult{Note: "Nothing was done yet. Tick the box to do it, or cancel.", NoteType: "warn"}), nil
		}
		return c.run(ctx, cmd, r, values, true), nil
	}
	if values != nil {
		res.Prev = func(ctx context.Context, r xmpp.Request) (xmpp.CommandResult, error) {
			return c.askAgain(ctx, cmd, r, values)
		}
	}
	return res
}

// askAgain is the first stage as it was filled in.
func (c *commands) askAgain(ctx context.Context, cmd command, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
	form, err := c.form(ctx, cmd, r)
	if err != nil || form == nil {
		return c.run(ctx, cmd, r, nil, false), err
	}
	return xmpp.CommandResult{Form: form.Fill(values), GoesOn: true, Submit: func(ctx context.Context, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
		res := c.run(ctx, cmd, r, values, false)
		if !res.Retry {
			return res, nil
		}
		again, err := c.askAgain(ctx, cmd, r, values)
		again.Note, again.NoteType = res.Note, res.NoteType
		return again, err
	}}, nil
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
