package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/ap/as2"
	"isthmus/xmpp/stanza"
)

// TestMisspelt names the address that works to who writes one as other gateways
// have it, in stanza errors and in what the bot says. It is made of the address
// alone: whether there is such an account makes no difference (SEC-30).
func TestMisspelt(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	for i, c := range []struct{ odd, right, uri string }{
		{"alice%mast.social", aliceJID, "xmpp:alice%5C40mast.social@ap.example.org"},
		{`\40alice\40mast.social`, aliceJID, "xmpp:alice%5C40mast.social@ap.example.org"},
		{`acct\3aalice\40mast.social`, aliceJID, "xmpp:alice%5C40mast.social@ap.example.org"},
		{`alice\5c40mast.social`, aliceJID, "xmpp:alice%5C40mast.social@ap.example.org"},
		{`https___mast.social_\40alice`, aliceJID, "xmpp:alice%5C40mast.social@ap.example.org"},
		{"louise%example.org", louise, "xmpp:louise@example.org"},
		{`louise\40example.org`, louise, "xmpp:louise@example.org"},
		{`\40pierre\40example.net`, pierre, "xmpp:pierre@example.net"},
		{`\40somebody\40example.net`, "somebody@example.net", "xmpp:somebody@example.net"},
		{"nobody%nowhere.example", `nobody\40nowhere.example@ap.example.org`, `xmpp:nobody%5C40nowhere.example@ap.example.org`},
		{"%nowhere.example", "", ""},
		{"x%ap.example.org", "", ""},
		{"___not.zz.a%example.org", "", ""},
		{`https\3a\2f\2fmast.social\2f`, "", ""},
	} {
		odd, id := c.odd+"@"+ourComponent, fmt.Sprint("m", i)
		w.chat(phone, odd, id, "hello")
		answers := []*stanza.Element{
			w.xmpp.await("the error for "+odd, func(el *stanza.Element) bool { return el.Name == "message" && el.Get("id") == id }),
			w.xmpp.ask("get", phone, odd, stanza.New(stanza.NSDiscoInfo, "query")),
			w.xmpp.ask("get", phone, odd, stanza.New(stanza.NSVCardTemp, "vCard")),
			w.xmpp.ask("get", phone, odd, stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "items").Set("node", feed))),
		}
		for _, answer := range answers {
			e := stanza.ParseError(answer)
			if c.right == "" {
				if e.Condition != "item-not-found" {
					t.Errorf("%s is answered with %s", odd, answer)
				}
				continue
			}
			if e.Condition != "redirect" || e.Type != "modify" || e.To != c.uri || !strings.Contains(e.Text, c.right) {
				t.Errorf("%s is answered with %s", odd, answer)
			}
		}
		w.presenceFrom(louise, odd, "subscribe")
		said := w.xmpp.said(louise)
		if c.right != "" && !strings.Contains(said, "the right address is "+c.right) || c.right == "" && !strings.Contains(said, "no such actor") {
			t.Errorf("who adds %s is told %q", odd, said)
		}
	}
	w.expect("")
	for _, odd := range []string{"alice%mast.social@ap.example.org", `\40alice\40mast.social@ap.example.org`, "xmpp:alice%25mast.social@ap.example.org"} {
		if a, err := w.findActor(t.Context(), odd); err != nil || a.URI != aliceURI {
			t.Errorf("a command does not take %s: %s, %v", odd, a.URI, err)
		}
	}
}

// TestLooseWebFinger takes accounts whose server does not name them as it has to,
// if host and user agree both ways (W2, W4).
func TestLooseWebFinger(t *testing.T) {
	f := newFediverse(t)
	blog, other := f.mast.Actor("blog"), f.mast.Actor("other")
	answer := func(subject, aliases, self string) {
		f.finger.Forget(blog.Handle)
		f.recent.forget("handle " + blog.Handle)
		f.mast.Script("/.well-known/webfinger", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/jrd+json")
			if resource := r.URL.Query().Get("resource"); resource != "acct:"+blog.Handle {
				_, _ = fmt.Fprintf(w, `{"subject":%q,"links":[{"rel":"self","type":%q,"href":%q}]}`, resource, as2.MediaType, other.ID)
				return
			}
			_, _ = fmt.Fprintf(w, `{"subject":%q,"aliases":[%s],"links":[{"rel":"self","type":%q,"href":%q}]}`, subject, aliases, as2.MediaType, self)
		}))
	}
	for _, c := range []struct {
		name, subject, aliases, self, want string
	}{
		{"another actor of the host", blog.Handle, "", other.ID, ""},
		{"an actor of another host", blog.Handle, "", f.mal.ID, ""},
		{"an alias that leads to another host", f.mast.URL + "/author/blog", fmt.Sprintf("%q", "acct:"+blog.Handle), f.mal.ID, ""},
		{"another subject", other.Handle, "", blog.ID, ""},
		{"no such alias", f.mast.URL + "/author/blog", fmt.Sprintf("%q", "acct:"+other.Handle), blog.ID, ""},
		{"a subject without acct:", blog.Handle, "", blog.ID, blog.ID},
		{"an alias", f.mast.URL + "/author/blog", fmt.Sprintf("%q,%q", "acct:"+blog.Handle, f.mast.URL+"/?author=1"), blog.ID, blog.ID},
	} {
		answer(c.subject, c.aliases, c.self)
		a, err := f.remoteByHandle(t.Context(), blog.Handle)
		if a.URI != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %s, %v", c.name, a.URI, err)
		}
		if err == nil && a.Acct != blog.Handle {
			t.Errorf("%s: has the handle %q", c.name, a.Acct)
		}
	}
}
