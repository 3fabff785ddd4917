package gateway

import (
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestFind searches for people with a form and without (XEP-0055).
func TestFind(t *testing.T) {
	w := newWorld(t)
	w.update(func(tx *cache.Tx) error {
		a, err := tx.ActorByURI(aliceURI)
		if err != nil {
			return err
		}
		a.Discoverable, a.Summary = true, "<p>I grow ferns.</p>"
		return tx.PutActor(a)
	})
	w.linkUser(louise)
	ask := func(kind string, children ...*stanza.Element) *stanza.Element {
		return w.xmpp.ask(kind, pierre+"/desk", ourComponent, stanza.New(stanza.NSSearch, "query").Add(children...))
	}
	form := ask("get").Child(stanza.NSSearch, "query")
	if f := xmpp.ParseForm(form.Child(stanza.NSForm, "x")); f == nil || f.FormType() != stanza.NSSearch || form.Child("", "nick") == nil {
		t.Errorf("the form is %s", form)
	}
	for _, c := range []struct{ name, value, want string }{
		{"text", "ferns", aliceJID},
		{"nick", "Ali", aliceJID},
		{"email", "alice@mast.social", aliceJID},
		{"text", "bob", ""},
		{"nick", "Louise", louise},
		{"tag", "moss", ""},
		{"text", "", "bad-request"},
		{"text", strings.Repeat("x", 201), "bad-request"},
	} {
		query := xmpp.NewForm(xmpp.FormSubmit, stanza.NSSearch)
		query.Add(xmpp.Field{Var: c.name, Values: []string{c.value}})
		answer := ask("set", query.Element())
		got := ""
		if f := xmpp.ParseForm(answer.Child(stanza.NSSearch, "query").Child(stanza.NSForm, "x")); f != nil {
			for _, row := range f.Items {
				got += (&xmpp.Form{Fields: row}).Value("jid")
			}
		} else {
			got = answer.Child("", "error").String()
		}
		if got != c.want && !(c.want == "bad-request" && strings.Contains(got, c.want)) {
			t.Errorf("%s %q: %s, want %s", c.name, c.value, got, c.want)
		}
	}
	old := ask("set", stanza.Text("", "nick", "alice")).Child(stanza.NSSearch, "query").Child("", "item")
	if old.Get("jid") != aliceJID || old.ChildContent("", "nick") != "Alice" || old.ChildContent("", "email") != "alice@mast.social" {
		t.Errorf("a client without forms is told %s", old)
	}
	info := w.xmpp.ask("get", pierre, ourComponent, stanza.New(stanza.NSDiscoInfo, "query")).String()
	if !strings.Contains(info, stanza.NSSearch) {
		t.Errorf("disco#info says %s", info)
	}
}
