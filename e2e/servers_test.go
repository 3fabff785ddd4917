package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestServers shows that both XMPP servers run with the configurations of
// docker/ and that clients can keep a microblog there, before any gateway.
func TestServers(t *testing.T) {
	for _, kind := range []lab.Kind{lab.Prosody, lab.Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			louise := lab.Account{User: "louise", Domain: l.Names.Domains[0], Password: "moss-and-fern"}
			pierre := lab.Account{User: "pierre", Domain: l.Names.Domains[1], Password: "stone-and-reed"}
			s, err := l.StartServer(within(t, patience*2), kind, louise, pierre)
			if err != nil {
				t.Fatal(err)
			}
			a, b := connect(t, l, s, louise), connect(t, l, s, pierre)
			ctx := within(t, patience)
			entry := lab.Entry{ID: "tag:louise,1", Title: "Morning, " + string(kind), Author: louise.JID(),
				Published: "2026-11-21T08:00:00Z", Updated: "2026-11-21T08:00:00Z"}
			id, err := a.Publish(ctx, "", lab.Microblog, "first-of-all", entry.XML(), lab.OpenNode())
			if err != nil {
				t.Fatalf("publish: %v", err)
			}
			items, err := b.Items(ctx, louise.JID(), lab.Microblog, lab.Page{MaxItems: 5})
			if err != nil {
				t.Fatalf("items: %v", err)
			}
			if len(items.List) != 1 || items.List[0].Attr("id") != id || items.List[0].Body(lab.NSAtom, "title") != entry.Title {
				t.Errorf("pierre reads %v, want the one item %s", items.List, id)
			}
			x, err := l.StartSlix(ctx, s, pierre)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := x.Items(ctx, louise.JID(), lab.Microblog, 5); err != nil || len(got) != 1 || got[0].Title != entry.Title {
				t.Errorf("with slixmpp pierre reads %+v, %v", got, err)
			}
			if err := a.OpenComments(ctx, id); err != nil {
				t.Fatalf("make a comments node: %v", err)
			}
			if _, err := b.Publish(ctx, louise.JID(), lab.Comments+id, "c1", entry.XML(), nil); err != nil {
				t.Errorf("pierre comments: %v", err)
			}
			if err := a.Retract(ctx, "", lab.Microblog, id); err != nil {
				t.Errorf("retract: %v", err)
			}
			// A stranger with an address that not every library reads.
			snow := lab.Account{User: "☃", Domain: louise.Domain, Password: "snow-and-ice"}
			if err := s.AddUser(ctx, snow); err != nil {
				t.Fatal(err)
			}
			raw, err := lab.DialRaw(ctx, s, snow, l.CA.Pool(), "№1 \"'<&>")
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			if err := raw.Write("<message type='chat' to='" + louise.JID() + "'><body>brr</body></message>"); err != nil {
				t.Fatal(err)
			}
			// Generic pubsub nodes, of the domain's service.
			if err := a.CreateNode(ctx, l.Names.PubSub, "news", map[string]string{"pubsub#access_model": "open"}); err != nil {
				t.Fatalf("create a node on %s: %v", l.Names.PubSub, err)
			}
			if state, err := b.Subscribe(ctx, l.Names.PubSub, "news"); err != nil || state != "subscribed" {
				t.Fatalf("subscribe: %q, %v", state, err)
			}
			if _, err := a.Publish(ctx, l.Names.PubSub, "news", "n1", entry.XML(), nil); err != nil {
				t.Fatalf("publish news: %v", err)
			}
			if _, err := b.Inbox.Await(ctx, "the news", func(n *lab.Node) bool {
				return n.Attr("from") == l.Names.PubSub && n.Find(lab.NSAtom, "entry") != nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFronts shows that the configurations of docker/ pass requests on as
// signatures need them: path, query and host as they came.
func TestFronts(t *testing.T) {
	t.Parallel()
	for _, front := range lab.Fronts {
		t.Run(string(front), func(t *testing.T) {
			t.Parallel()
			passesOn(t, front)
		})
	}
}

func passesOn(t *testing.T, front lab.Front) {
	l := newLab(t)
	got := make(chan string, 1)
	listener, err := net.Listen("tcp", l.Names.Back+":8480")
	if err != nil {
		t.Fatal(err)
	}
	backend := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Host + r.RequestURI + " " + r.Header.Get("X-Forwarded-Proto") + " " + r.Header.Get("X-Forwarded-For")
	})}
	go backend.Serve(listener)
	defer backend.Close()
	ctx := within(t, patience)
	if err := l.StartFront(ctx, front, listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	for _, host := range l.Names.Domains {
		for _, uri := range []string{
			"/.well-known/webfinger?resource=acct%3Alouise%40xmpp.test&x",
			"/.well-known/host-meta", "/.well-known/host-meta.json", "/.well-known/nodeinfo",
			"/_ap/actor/louise%40" + host, "/_ap/item/j%C3%B8rgen%40" + host + "/%2F%25a%c3%b8?", "/_ap/a//b/../c",
		} {
			d, err := l.Get(ctx, "https://"+host+uri, "*/*")
			if err != nil || d.Status != http.StatusOK {
				t.Fatalf("%s: %d, %v", uri, d.Status, err)
			}
			arrived, want := <-got, host+uri+" https 127."
			if !strings.HasPrefix(arrived, want) {
				t.Errorf("behind %s arrives %s, want %s", front, arrived, want)
			}
		}
		if d, err := l.Get(ctx, "https://"+host+"/_apart", "*/*"); err != nil || len(got) > 0 {
			t.Errorf("/_apart: %d, %v, want the website's answer", d.Status, err)
		}
	}
}
