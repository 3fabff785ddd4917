package xmpp

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"isthmus/xmpp/stanza"
)

// Commands lists the ad-hoc commands that an address of ours offers to the
// requester (XEP-0050).
type Commands interface {
	Commands(ctx context.Context, r Request) ([]Command, error)
}

// Command is a command that asks a form, or none, and gives a result, which may
// ask another one.
type Command struct {
	Node, Name string
	// Form makes the form to fill in; nil when the command needs none. It may
	// give none too, when there is nothing to ask of this requester.
	Form func(ctx context.Context, r Request) (*Form, error)
	// GoesOn: another form may follow the first.
	GoesOn bool
	// Run does it; values is nil when there was no form.
	Run func(ctx context.Context, r Request, values *Form) (CommandResult, error)
}

// CommandResult is what the user sees when a command has run.
type CommandResult struct {
	Note     string
	NoteType string // info (the default), warn or error
	Form     *Form  // of type result, or of type form with Submit, or nil
	Retry    bool   // show the first form again as it was filled in, with Note
	// Submit takes the values of Form, which is then one more to fill in. With
	// GoesOn, yet another may follow it.
	Submit func(ctx context.Context, r Request, values *Form) (CommandResult, error)
	GoesOn bool
	// Prev and Next give the pages around this one of a result that goes on;
	// Prev also the form before one to fill in.
	Prev, Next func(ctx context.Context, r Request) (CommandResult, error)
}

// Sessions are kept until a form is answered: this long, so many in all, and so
// many for each requester, so that a stranger cannot push out those of others.
const (
	sessionAge   = 10 * time.Minute
	sessionsAll  = 1000
	sessionsEach = 5
)

// session is a form that a requester has not answered yet, or a page that may be
// turned, or a further form.
type session struct {
	id, node string
	page     *CommandResult // nil: the command's own form
	from, to stanza.JID
	expires  time.Time
}

// sessions are the forms that wait for answers, oldest first.
type sessions struct {
	mu   sync.Mutex
	list []session
}

// add remembers a form, in place of the oldest ones if there are too many.
func (s *sessions) add(x session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(o session) bool {
		// An hour longer, to tell expired from unknown.
		return now.After(o.expires.Add(time.Hour))
	})
	theirs := 0
	for _, o := range s.list {
		if o.from.Bare() == x.from.Bare() {
			theirs++
		}
	}
	for i := 0; theirs >= sessionsEach && i < len(s.list); {
		if s.list[i].from.Bare() != x.from.Bare() {
			i++
			continue
		}
		s.list = slices.Delete(s.list, i, i+1)
		theirs--
	}
	if len(s.list) >= sessionsAll {
		s.list = slices.Delete(s.list, 0, len(s.list)-sessionsAll+1)
	}
	s.list = append(s.list, x)
}

// take removes the form that an answer is for, so that it is answered once.
func (s *sessions) take(id string, r Request, node string, now time.Time) (session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.list {
		if x.id != id || x.from != r.From || x.to != r.To || x.node != node {
			continue
		}
		s.list = slices.Delete(s.list, i, i+1)
		if now.After(x.expires) {
			return x, stanza.NewError("not-allowed", "this form has expired").With(stanza.NSCommands, "session-expired")
		}
		return x, nil
	}
	return session{}, commandError("bad-sessionid")
}

// commandError is one of the errors of XEP-0050 §4.4 that are bad requests.
func commandError(name string) error {
	return stanza.NewError("bad-request", "").With(stanza.NSCommands, name)
}

// findCommand is the command that an address offers to the requester.
func (r *Router) findCommand(ctx context.Context, req Request, node string) (Command, error) {
	if r.services.Commands == nil {
		return Command{}, errUnavailable()
	}
	list, err := r.services.Commands.Commands(ctx, req)
	if err != nil {
		return Command{}, err
	}
	for _, c := range list {
		if c.Node == node {
			return c, nil
		}
	}
	return Command{}, stanza.NewError("item-not-found", "")
}

// command takes a step in a command: it shows its form, runs it or gives it up
// (XEP-0050 §3).
func (r *Router) command(ctx context.Context, iq IQ) (*stanza.Element, error) {
	req, el := iq.request(), iq.Payload
	if req.Lang == "" {
		req.Lang = el.Lang()
	}
	c, err := r.findCommand(ctx, req, el.Get("node"))
	if err != nil {
		return nil, err
	}
	action := el.Get("action")
	if !slices.Contains([]string{"", "execute", "complete", "next", "prev", "cancel"}, action) {
		return nil, commandError("malformed-action")
	}
	if action == "prev" && c.Form == nil && el.Get("sessionid") == "" {
		return nil, commandError("bad-action")
	}
	values, id := formIn(el), el.Get("sessionid")
	if values != nil && values.Type == FormCancel {
		action = "cancel"
	}
	if id == "" {
		if action == "prev" || action == "cancel" {
			return nil, commandError("bad-sessionid")
		}
		id = rand.Text()
	} else {
		x, err := r.sessions.take(id, req, c.Node, r.now())
		if err != nil && action == "prev" && c.Form == nil {
			return nil, commandError("bad-action")
		}
		if err != nil {
			return nil, err
		}
		if x.page != nil && action != "cancel" {
			return r.turn(ctx, x, action, req, values)
		}
		if action == "prev" && c.Form == nil {
			r.sessions.add(x, r.now())
			return nil, commandError("bad-action")
		}
		if values == nil && action != "prev" && action != "cancel" {
			r.sessions.add(x, r.now())
			return nil, commandError("bad-payload")
		}
	}
	switch {
	case action == "cancel":
		return commandAnswer(c.Node, id, "canceled"), nil
	case action == "prev" || c.Form != nil && values == nil:
		return r.askForm(ctx, c, id, req, nil)
	}
	return r.runCommand(ctx, c, id, req, values)
}

// askForm shows the form of a command, filled in as it was before, and waits for
// the answer. Without a form to show the command runs.
func (r *Router) askForm(ctx context.Context, c Command, id string, req Request, filled *Form) (*stanza.Element, error) {
	form, err := c.Form(ctx, req)
	if err != nil {
		return nil, err
	}
	if form == nil {
		res, err := c.Run(ctx, req, nil)
		if err != nil {
			return nil, err
		}
		return r.showResult(session{id: id, node: c.Node, from: req.From, to: req.To}, res), nil
	}
	now := r.now()
	r.sessions.add(session{id: id, node: c.Node, from: req.From, to: req.To, expires: now.Add(sessionAge)}, now)
	return commandAnswer(c.Node, id, "executing").Add(formActions(c.GoesOn, false), form.Fill(filled).Element()), nil
}

// formActions are the ways out of a form (XEP-0050 §3.4): the first is what the
// client's default button does.
func formActions(goesOn, prev bool) *stanza.Element {
	way := "complete"
	if goesOn {
		way = "next"
	}
	actions := stanza.New("", "actions").Set("execute", way)
	if prev {
		actions.Add(stanza.New("", "prev"))
	}
	return actions.Add(stanza.New("", way))
}

// runCommand runs a command and shows what came of it.
func (r *Router) runCommand(ctx context.Context, c Command, id string, req Request, values *Form) (*stanza.Element, error) {
	res, err := c.Run(ctx, req, values)
	if err != nil {
		return nil, err
	}
	if res.Retry && c.Form != nil {
		answer, err := r.askForm(ctx, c, id, req, values)
		if err != nil {
			return nil, err
		}
		return res.note(answer), nil
	}
	return r.showResult(session{id: id, node: c.Node, from: req.From, to: req.To}, res), nil
}

// turn shows another page of a result, or ends it (XEP-0050 §3.4). A further
// form is answered, or left for the one before.
func (r *Router) turn(ctx context.Context, x session, action string, req Request, values *Form) (*stanza.Element, error) {
	page := x.page.Next
	switch {
	case x.page.Submit != nil && action != "prev":
		if values == nil {
			r.sessions.add(x, r.now())
			return nil, commandError("bad-payload")
		}
		page = func(ctx context.Context, req Request) (CommandResult, error) { return x.page.Submit(ctx, req, values) }
	case action == "complete" || page == nil && (action == "" || action == "execute"):
		return commandAnswer(x.node, x.id, "completed"), nil
	case action == "prev":
		page = x.page.Prev
	}
	if page == nil {
		r.sessions.add(x, r.now())
		return nil, commandError("bad-action")
	}
	res, err := page(ctx, req)
	if err != nil {
		r.sessions.add(x, r.now())
		return nil, err
	}
	return r.showResult(x, res), nil
}

// showResult shows a result. One that goes on waits to be turned, or filled in.
func (r *Router) showResult(x session, res CommandResult) *stanza.Element {
	if res.Prev == nil && res.Next == nil && res.Submit == nil {
		return res.note(commandAnswer(x.node, x.id, "completed").Add(res.Form.Element()))
	}
	now := r.now()
	x.page, x.expires = &res, now.Add(sessionAge)
	r.sessions.add(x, now)
	if res.Submit != nil {
		return res.note(commandAnswer(x.node, x.id, "executing").Add(formActions(res.GoesOn, res.Prev != nil), res.Form.Element()))
	}
	actions := stanza.New("", "actions").Set("execute", "complete")
	if res.Prev != nil {
		actions.Add(stanza.New("", "prev"))
	}
	if res.Next != nil {
		actions.Set("execute", "next").Add(stanza.New("", "next"))
	}
	actions.Add(stanza.New("", "complete"))
	return res.note(commandAnswer(x.node, x.id, "executing").Add(actions, res.Form.Element()))
}

// note adds the note of a result to its answer.
func (res CommandResult) note(answer *stanza.Element) *stanza.Element {
	if res.Note != "" {
		kind := res.NoteType
		if kind == "" {
			kind = "info"
		}
		answer.Add(stanza.Text("", "note", res.Note).Set("type", kind))
	}
	return answer
}

func commandAnswer(node, id, status string) *stanza.Element {
	return stanza.New(stanza.NSCommands, "command").
		Set("node", node).Set("sessionid", id).Set("status", status)
}

// commandInfo is the disco#info of the list of commands or of a command; false
// if the node is neither (XEP-0050 §2.2).
func (r *Router) commandInfo(ctx context.Context, q DiscoRequest) (DiscoInfo, bool) {
	if r.services.Commands == nil || q.Node == "" {
		return DiscoInfo{}, false
	}
	if q.Node == stanza.NSCommands {
		return DiscoInfo{
			Identities: []Identity{{Category: "automation", Type: "command-list"}},
			Features:   []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSCommands},
		}, true
	}
	c, err := r.findCommand(ctx, q.Request, q.Node)
	if err != nil {
		return DiscoInfo{}, false
	}
	return DiscoInfo{
		Identities: []Identity{{Category: "automation", Type: "command-node", Name: c.Name}},
		Features:   []string{stanza.NSDiscoInfo, stanza.NSCommands, stanza.NSForm},
	}, true
}

// commandItems lists the commands (XEP-0050 §2.3).
func (r *Router) commandItems(ctx context.Context, q DiscoRequest) (DiscoItems, error) {
	if r.services.Commands == nil {
		return DiscoItems{}, errUnavailable()
	}
	list, err := r.services.Commands.Commands(ctx, q.Request)
	if err != nil {
		return DiscoItems{}, err
	}
	var items DiscoItems
	for _, c := range list {
		items.Items = append(items.Items, DiscoItem{JID: q.To, Node: c.Node, Name: c.Name})
	}
	return items, nil
}
