package xmpp

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/xmpp/stanza"
)

// step sends one step of a command and returns the answer's command, or its
// error.
func step(t *testing.T, r *Router, from stanza.JID, attrs map[string]string, form *Form) (*stanza.Element, *stanza.Error) {
	t.Helper()
	c := stanza.New(stanza.NSCommands, "command").Add(form.Element())
	for name, value := range attrs {
		c.Set(name, value)
	}
	el := reparse(t, answer(t, r, iqOf("set", from, domain, c)))
	if el.Get("type") == "error" {
		return nil, stanza.ParseError(el)
	}
	return el.Child(stanza.NSCommands, "command"), nil
}

func filled() *Form { return NewForm(FormSubmit, "").AddText("handle", "bob@mast.social") }

func TestCommandSession(t *testing.T) {
	w := newWorld(0)
	w.result = CommandResult{Note: "No such person.", NoteType: "error", Retry: true}
	r := w.router(t)
	c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
	id := c.Get("sessionid")
	at := func(action string) map[string]string {
		return map[string]string{"node": "follow", "sessionid": id, "action": action}
	}
	refused := func(what string, from stanza.JID, attrs map[string]string, form *Form, condition string) {
		t.Helper()
		c, err := step(t, r, from, attrs, form)
		if err == nil || err.Ext == nil || err.Ext.Name != condition {
			t.Errorf("%s: %v, %v, want %s", what, c, err, condition)
		}
	}
	refused("somebody else's answer", "louise@example.org/laptop", at("complete"), filled(), "bad-sessionid")
	refused("another command", louise, map[string]string{"node": "status", "sessionid": id}, filled(), "bad-sessionid")
	refused("an answer without form", louise, at("complete"), nil, "bad-payload")
	if c, err := step(t, r, louise, at("prev"), nil); err != nil || c.Get("status") != "executing" || c.Get("sessionid") != id {
		t.Errorf("prev: %v, %v", c, err)
	}
	// A form that was filled in wrongly comes again.
	c, err := step(t, r, louise, at("complete"), filled())
	if err != nil || c.Get("status") != "executing" || formIn(c) == nil || c.Child("", "note").Get("type") != "error" {
		t.Errorf("wrong answer: %v, %v", c, err)
	}
	w.result = CommandResult{Form: NewForm(FormResult, "").AddText("followed", "bob")}
	c, err = step(t, r, louise, at(""), filled())
	if err != nil || c.Get("status") != "completed" || formIn(c).Value("followed") != "bob" {
		t.Errorf("answer: %v, %v", c, err)
	}
	if len(w.asked) != 2 || w.asked[1].(*Form).Value("handle") != "bob@mast.social" {
		t.Errorf("the command ran with %v", w.asked)
	}
	refused("a second answer", louise, at("complete"), filled(), "bad-sessionid")

	for _, cancel := range []func() (map[string]string, *Form){
		func() (map[string]string, *Form) { return at("cancel"), nil },
		func() (map[string]string, *Form) { return at("complete"), &Form{Type: FormCancel} },
	} {
		c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
		id = c.Get("sessionid")
		attrs, form := cancel()
		if c, err := step(t, r, louise, attrs, form); err != nil || c.Get("status") != "canceled" {
			t.Errorf("cancel: %v, %v", c, err)
		}
		refused("an answer after cancelling", louise, at("complete"), filled(), "bad-sessionid")
	}
	if len(w.asked) != 2 {
		t.Errorf("a cancelled command ran: %v", w.asked)
	}
	refused("going back in what has no form", louise, map[string]string{"node": "status", "action": "prev", "sessionid": "x"}, nil, "bad-action")
}

func TestCommandSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		r := w.router(t)
		r.services.Now = nil
		c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
		attrs := map[string]string{"node": "follow", "sessionid": c.Get("sessionid")}
		time.Sleep(sessionAge + 1)
		_, err := step(t, r, louise, attrs, filled())
		if err == nil || err.Condition != "not-allowed" || err.Ext.Name != "session-expired" {
			t.Errorf("an old form: %v", err)
		}
		if len(w.asked) != 0 {
			t.Error("an expired form ran the command")
		}
	})
}

func TestCommandSessionsAreBounded(t *testing.T) {
	r := newWorld(0).router(t)
	first, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
	for i := range 20 {
		if _, err := step(t, r, stanza.JID("stranger@evil.example/"+strconv.Itoa(i)), map[string]string{"node": "follow"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.sessions.list); n != 1+sessionsEach {
		t.Errorf("%d sessions of two people", n)
	}
	if c, err := step(t, r, louise, map[string]string{"node": "follow", "sessionid": first.Get("sessionid")}, filled()); err != nil {
		t.Errorf("a stranger pushed out a form: %v, %v", c, err)
	}
	for i := range sessionsAll + 5 {
		r.sessions.add(session{id: strconv.Itoa(i), from: stanza.JID(strconv.Itoa(i) + "@evil.example"), expires: epoch.Add(time.Hour)}, epoch)
	}
	if n := len(r.sessions.list); n != sessionsAll {
		t.Errorf("%d sessions, want %d", n, sessionsAll)
	}
	r.sessions.add(session{id: "late", expires: epoch.Add(9 * time.Hour)}, epoch.Add(8*time.Hour))
	if n := len(r.sessions.list); n != 1 {
		t.Errorf("%d sessions after all have expired", n)
	}
}

// TestCommandPages turns the pages of a result (XEP-0050 §3.4).
func TestCommandPages(t *testing.T) {
	w := newWorld(0)
	page := func(n string) CommandResult { return CommandResult{Note: n} }
	second := page("two")
	second.Prev = func(context.Context, Request) (CommandResult, error) { return w.result, nil }
	w.result = page("one")
	w.result.Next = func(context.Context, Request) (CommandResult, error) { return second, nil }
	r := w.router(t)
	c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
	id := c.Get("sessionid")
	for _, s := range []struct {
		action string
		form   *Form
		want   string // note and actions, or a condition
	}{
		{"complete", filled(), "one next complete"},
		{"prev", nil, "bad-action"},
		{"", nil, "two prev complete"},
		{"next", nil, "bad-action"},
		{"prev", nil, "one next complete"},
		{"next", nil, "two prev complete"},
		{"execute", nil, ""},
		{"prev", nil, "bad-sessionid"},
	} {
		c, err := step(t, r, louise, map[string]string{"node": "follow", "sessionid": id, "action": s.action}, s.form)
		got := ""
		if err != nil {
			got = err.Ext.Name
		} else if got = c.ChildContent("", "note"); c.Get("status") == "executing" {
			for a := range c.Child("", "actions").Elements() {
				got += " " + a.Name
			}
		}
		if got != s.want {
			t.Errorf("%q: %q, want %q", s.action, got, s.want)
		}
	}
}

// TestCommandStages goes through a command that asks a second form, there and
// back (XEP-0050 §3.4).
func TestCommandStages(t *testing.T) {
	w := newWorld(0)
	sure := func() *Form { return NewForm(FormForm, "").Add(Field{Var: "sure", Type: "boolean", Required: true}) }
	w.result = CommandResult{Form: sure(), Note: "Sure?", Submit: func(_ context.Context, _ Request, values *Form) (CommandResult, error) {
		if on, _ := values.Bool("sure"); !on {
			return w.result, nil
		}
		return CommandResult{Note: "Done."}, nil
	}}
	w.result.Prev = func(context.Context, Request) (CommandResult, error) {
		return CommandResult{Form: filled(), GoesOn: true, Submit: func(context.Context, Request, *Form) (CommandResult, error) { return w.result, nil }}, nil
	}
	r := w.router(t)
	c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
	id := c.Get("sessionid")
	yes := func(v string) *Form { return NewForm(FormSubmit, "").AddText("sure", v) }
	for i, s := range []struct {
		action string
		form   *Form
		want   string // note, status and actions, or a condition
	}{
		{"next", filled(), "Sure? executing prev complete"},
		{"prev", nil, " executing next"},
		{"prev", nil, "bad-action"},
		{"next", nil, "bad-payload"},
		{"next", filled(), "Sure? executing prev complete"},
		{"complete", nil, "bad-payload"},
		{"complete", yes("0"), "Sure? executing prev complete"},
		{"", yes("1"), "Done. completed"},
		{"complete", yes("1"), "bad-sessionid"},
	} {
		c, err := step(t, r, louise, map[string]string{"node": "follow", "sessionid": id, "action": s.action}, s.form)
		got := ""
		if err != nil {
			got = err.Ext.Name
		} else {
			got = c.ChildContent("", "note") + " " + c.Get("status")
			if a := c.Child("", "actions"); a != nil {
				first := ""
				for el := range a.Elements() {
					first = el.Name // the last of them is what execute names
					got += " " + el.Name
				}
				if a.Get("execute") != first {
					t.Errorf("step %d: execute is %s among %s", i+1, a.Get("execute"), a)
				}
			}
		}
		if got != s.want {
			t.Errorf("step %d, %s: %q, want %q", i+1, s.action, got, s.want)
		}
	}
}

// TestCommandFormAgain: a form that comes again is filled in as it was.
func TestCommandFormAgain(t *testing.T) {
	w := newWorld(0)
	w.result = CommandResult{Note: "No such person.", NoteType: "error", Retry: true}
	r := w.router(t)
	c, _ := step(t, r, louise, map[string]string{"node": "follow"}, nil)
	c, err := step(t, r, louise, map[string]string{"node": "follow", "sessionid": c.Get("sessionid"), "action": "complete"}, filled())
	if err != nil || formIn(c).Value("handle") != "bob@mast.social" {
		t.Errorf("the form comes again as %v, %v", c, err)
	}
}
