package gateway

import (
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// register asks for registration as a client does: a get, or a set with what it
// sends.
func (w *world) register(kind, from string, sends ...*stanza.Element) *stanza.Element {
	w.t.Helper()
	return w.xmpp.ask(kind, from, ourComponent, stanza.New(stanza.NSRegister, "query").Add(sends...))
}

// TestRegistration registers, changes and unregisters with what clients send.
func TestRegistration(t *testing.T) {
	w := newWorld(t)
	w.xmpp.node(louise, feed, nodeOpen)
	// form reads what the gateway answers, as nbxmpp, Psi and Pidgin need it.
	form := func(registered bool, searchable, lock string) *xmpp.Form {
		t.Helper()
		answer := w.register("get", phone).Child(stanza.NSRegister, "query")
		if got := answer.Child("", "registered") != nil; got != registered {
			t.Errorf("registered: %v, want %v", got, registered)
		}
		f := xmpp.ParseForm(answer.Child(stanza.NSForm, "x"))
		if f == nil || f.Type != xmpp.FormForm || f.FormType() != stanza.NSRegister {
			t.Fatalf("no form that clients take: %s", answer)
		}
		if f.Title == "" || f.Instructions == "" || answer.ChildContent("", "instructions") == "" {
			t.Errorf("without title or instructions: %s", answer)
		}
		for _, name := range []string{fieldSearchable, fieldLock} {
			field, _ := f.Field(name)
			if field.Type != "boolean" || field.Label == "" || field.Desc == "" {
				t.Errorf("the field %s is %+v", name, field)
			}
		}
		if f.Value(fieldSearchable) != searchable || f.Value(fieldLock) != lock {
			t.Errorf("searchable %s, lock %s, want %s and %s", f.Value(fieldSearchable), f.Value(fieldLock), searchable, lock)
		}
		return f
	}
	fill := func(searchable, lock string) *stanza.Element {
		return xmpp.NewForm(xmpp.FormSubmit, stanza.NSRegister).AddText(fieldSearchable, searchable).AddText(fieldLock, lock).Element()
	}
	form(false, "0", "0")
	for _, step := range []struct {
		what             string
		sends            []*stanza.Element
		searchable, lock string
	}{
		{"the form", []*stanza.Element{fill("1", "0")}, "1", "0"},
		{"again, as it is", []*stanza.Element{fill("true", "false")}, "1", "0"},
		{"other values", []*stanza.Element{fill("0", "1")}, "0", "1"},
		{"one field", []*stanza.Element{fill("1", "")}, "1", "1"},
		{"nothing", nil, "1", "1"},
		{"elements", []*stanza.Element{stanza.Text("", fieldLock, "0"), stanza.Text("", "username", "louise"), stanza.Text("", "password", "x")}, "1", "0"},
	} {
		if answer := w.register("set", phone, step.sends...); answer.Get("type") != "result" {
			t.Fatalf("%s: %s", step.what, answer)
		}
		form(true, step.searchable, step.lock)
	}
	whole := form(true, "1", "0") // Gajim sends it back with labels and all
	whole.Type = xmpp.FormSubmit
	if answer := w.register("set", phone, whole.Element()); answer.Get("type") != "result" {
		t.Errorf("the form as it came: %s", answer)
	}
	form(true, "1", "0")
	if answer := w.register("set", phone, fill("perhaps", "")); answer.Get("type") != "error" || !strings.Contains(answer.String(), "searchable can be true or false") {
		t.Errorf("a wrong value: %s", answer)
	}
	if answer := w.register("set", phone, xmpp.NewForm(xmpp.FormCancel, "").Element()); answer.Get("type") != "result" {
		t.Errorf("a form given up: %s", answer)
	}
	w.obey(t.Context(), louise, "followers-only on")
	if answer := w.register("set", phone, fill("", "0")); answer.Get("type") != "error" || !strings.Contains(answer.String(), "followers-only off") {
		t.Errorf("open to all followers, and for approved ones: %s", answer)
	}
	w.obey(t.Context(), louise, "pause")
	if f := form(true, "1", "1"); !strings.Contains(f.Instructions, "resume") {
		t.Errorf("who pauses is told %q", f.Instructions)
	}
	if answer := w.register("set", phone, fill("0", "")); answer.Get("type") != "result" {
		t.Errorf("changed in a pause: %s", answer)
	}
	if a, err := w.accountOf(t.Context(), louise, ""); err != nil || a.State != cache.Paused || a.Indexable {
		t.Errorf("a change has ended the pause, or was none: %+v, %v", a, err)
	}
	if answer := w.register("set", phone, stanza.New("", "remove")); answer.Get("type") != "result" {
		t.Errorf("unregister: %s", answer)
	}
	w.running.Wait()
	form(false, "0", "0")
	if answer := w.register("set", phone, stanza.New("", "remove")); !strings.Contains(answer.String(), "registration-required") && !strings.Contains(answer.String(), "not-authorized") {
		t.Errorf("unregister again: %s", answer)
	}
	for _, kind := range []string{"get", "set"} { // before somebody fills in a form for nothing
		if answer := w.register(kind, "eve@elsewhere.test/x"); answer.Get("type") != "error" || !strings.Contains(answer.String(), "cannot be linked here") {
			t.Errorf("%s by a stranger: %s", kind, answer)
		}
	}
}

// TestRegistrationTellsTheLoss: what unregistering ends is told before.
func TestRegistrationTellsTheLoss(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("fern", "One."), w.entry("moss", "Two."))
	w.obey(t.Context(), louise, "follow bob@pub.test")
	answer := w.register("get", phone).Child(stanza.NSRegister, "query")
	if said := answer.ChildContent("", "instructions"); !strings.Contains(said, "you leave it, and lose 2 posts, 1 follower and 1 account that you follow.") {
		t.Errorf("it says %q", said)
	}
}

// TestWelcome: the answer to link is three short lines, with what is missing
// before how to go on.
func TestWelcome(t *testing.T) {
	for _, c := range []struct {
		name    string
		access  string // of the node
		roster  string
		link    int // how often
		prepare func(w *world)
		want    []string // what the lines begin with
	}{
		{name: "open, and a contact", access: nodeOpen, roster: rosterGranted, want: []string{"Linked. You are @louise@example.org ", "New posts are published from now on. "}},
		{name: "open, not a contact", access: nodeOpen, want: []string{"Linked. You are @", "Next: accept my contact request", "New posts are published"}},
		{name: "closed", access: nodeClosed, want: []string{"Linked. You are @", "Not publishing yet: your microblog is not public. Make it public in your client, or send: followers-only on", "To see how"}},
		{name: "none yet", want: []string{"Linked. You are @", "Next: publish your first post, open to everybody.", "To see how"}},
		{name: "no answer", access: nodeAway, want: []string{"Linked. You are @", "Your server did not answer", "To see how"}},
		{name: "again, not a contact", access: nodeOpen, link: 1, want: []string{"You are linked already as @louise", "Next: accept my contact request", "New posts are"}},
		{name: "again, closed meanwhile", access: nodeClosed, link: 1, roster: rosterGranted, want: []string{"You are linked already as @", "Not publishing yet", "To see how"}},
		{name: "for approved followers", access: nodeClosed, link: 1, roster: rosterGranted, want: []string{"You are linked already as @", "Your posts go to the followers whom you approved.", "To see how"},
			prepare: func(w *world) { w.obey(w.t.Context(), louise, "followers-only on") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.access != "" {
				w.xmpp.node(louise, feed, c.access)
			}
			if c.roster != "" {
				w.setRoster(t.Context(), louise, c.roster)
			}
			for range c.link {
				w.obey(t.Context(), louise, "link")
				w.running.Wait()
			}
			if c.prepare != nil {
				c.prepare(w)
			}
			text, _ := w.obey(t.Context(), louise, "link")
			lines := strings.Split(text, "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("%d lines, want %d: %s", len(lines), len(c.want), text)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, c.want[i]) || len(line) > 140 {
					t.Errorf("line %d is %q, want %q", i+1, line, c.want[i])
				}
			}
		})
	}
}

// TestPageOutlivesTheActor: the address of a page is the same after an unlink
// and a link, and leads to who is there now.
func TestPageOutlivesTheActor(t *testing.T) {
	w := newWorld(t)
	s := w.site()
	page := "https://example.org/_ap/@louise@example.org"
	first := w.linkUser(louise)
	_, err := w.Unlink(t.Context(), louise, "")
	w.must(err)
	w.running.Wait()
	if got := s.get(page, asBrowser, ""); got.Code != 410 {
		t.Errorf("the page of nobody is answered %d", got.Code)
	}
	now := w.linkUser(louise)
	i, err := w.Identify(t.Context(), louise)
	w.must(err)
	if i.URL != page || now.URI == first.URI {
		t.Errorf("the page told is %s, of %s", i.URL, now.URI)
	}
	for _, address := range []string{page, page + "/feed.atom", page + "~2"} {
		got := s.get(address, asBrowser, "")
		if got.Code != 200 || strings.Contains(got.Body.String(), page+"~2") || !strings.Contains(got.Body.String(), now.URI) {
			t.Errorf("%s is answered %d %s", address, got.Code, got.Body)
		}
	}
	if got := s.get(page, asPeer, "").document(200); got["id"] != now.URI || got["url"] != page {
		t.Errorf("a peer finds %v at the page, whose address is %v", got["id"], got["url"])
	}
	if got := s.get(first.URI, asPeer, ""); got.Code != 410 {
		t.Errorf("the actor that left is answered %d", got.Code)
	}
}
