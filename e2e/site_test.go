package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"isthmus/e2e/lab"
)

// setup is what a test runs over.
type setup struct {
	kind  lab.Kind
	front lab.Front
}

func (s setup) String() string { return string(s.kind) + "," + string(s.front) }

// everySetup has each server and each front; mainSetups are enough where only
// one of the two matters.
var (
	everySetup = []setup{{lab.Prosody, lab.Direct}, {lab.Prosody, lab.Nginx}, {lab.Ejabberd, lab.Direct}, {lab.Ejabberd, lab.Nginx},
		{lab.Prosody, lab.Apache}, {lab.Ejabberd, lab.Caddy}}
	mainSetups = []setup{{lab.Prosody, lab.Direct}, {lab.Ejabberd, lab.Nginx}}
)

// over runs a test over setups, side by side.
func over(t *testing.T, setups []setup, test func(*testing.T, *site)) {
	t.Helper()
	for _, on := range setups {
		t.Run(on.String(), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, on))
		})
	}
}

// site is a running world: two XMPP domains with two users on the first and one
// on the second, the gateway, and two fediverse servers with two users each.
// Zoe of the second approves her followers by hand.
type site struct {
	*lab.Lab
	t              *testing.T
	server         *lab.Server
	gateway        *lab.Gateway
	fedi, social   *lab.Peer
	louise, pierre *lab.Client
	jules          lab.Account // for slixmpp, or whoever else
}

func newSite(t *testing.T, on setup) *site {
	t.Helper()
	s := &site{Lab: newLab(t), t: t}
	louise := lab.Account{User: "louise", Domain: s.Names.Domains[0], Password: "moss-and-fern"}
	pierre := lab.Account{User: "pierre", Domain: s.Names.Domains[1], Password: "stone-and-reed"}
	s.jules = lab.Account{User: "jules", Domain: s.Names.Domains[0], Password: "leaf-and-bark"}
	ctx := within(t, 3*patience)
	var err error
	if s.server, err = s.StartServer(ctx, on.kind, louise, pierre, s.jules); err != nil {
		t.Fatal(err)
	}
	if s.gateway, err = s.StartGateway(ctx, s.server, lab.GatewayOptions{Bin: gatewayBinary(), Front: on.front, Admins: []string{louise.JID()}, Search: true}); err != nil {
		t.Fatal(err)
	}
	if s.fedi, err = s.StartPeer(ctx, 0, "alice", "amos"); err != nil {
		t.Fatal(err)
	}
	if s.social, err = s.StartPeer(ctx, 1, "-zoe", "zeno"); err != nil {
		t.Fatal(err)
	}
	s.louise = connect(t, s.Lab, s.server, louise)
	s.pierre = connect(t, s.Lab, s.server, pierre)
	t.Cleanup(s.checkTraffic)
	return s
}

// must ends the test over an error.
func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// jidOf is the XMPP address of a peer's user.
func (s *site) jidOf(p *lab.Peer, user string) string { return s.Names.ActorJID(user, p.Host) }

// link makes a user's open microblog an actor.
func (s *site) link(c *lab.Client) {
	s.t.Helper()
	ctx := within(s.t, patience)
	s.must(c.OpenMicroblog(ctx))
	s.must(c.Message(ctx, s.Names.Component, "link-"+c.Account.User, "link", ""))
	s.must(lab.Eventually(ctx, "WebFinger of "+c.Account.JID(), func() error {
		if status := s.finger(c.Account.JID()).Status; status != http.StatusOK {
			return fmt.Errorf("status %d", status)
		}
		return nil
	}))
}

// finger asks WebFinger about a handle.
func (s *site) finger(handle string) lab.Document {
	s.t.Helper()
	_, host, _ := strings.Cut(handle, "@")
	doc, err := s.Get(within(s.t, patience), "https://"+host+"/.well-known/webfinger?resource="+url.QueryEscape("acct:"+handle), "application/jrd+json")
	s.must(err)
	return doc
}

// actorURL is the actor id of an XMPP user, as WebFinger names it.
func (s *site) actorURL(jid string) string {
	s.t.Helper()
	doc := s.finger(jid)
	var answer struct {
		Links []struct{ Rel, Type, Href string }
	}
	s.must(json.Unmarshal(doc.Body, &answer))
	for _, l := range answer.Links {
		if l.Rel == "self" && l.Type == lab.ActivityJSON {
			return l.Href
		}
	}
	s.t.Fatalf("WebFinger of %s names no actor: %s", jid, doc.Body)
	return ""
}

// followedBy has a peer's user follow an XMPP user, to the Accept.
func (s *site) followedBy(p *lab.Peer, user string, c *lab.Client) {
	s.t.Helper()
	ctx := within(s.t, patience)
	_, err := p.Follow(ctx, user, "@"+c.Account.JID())
	s.must(err)
	actor := s.actorURL(c.Account.JID())
	s.must(lab.Eventually(ctx, user+" to follow "+c.Account.JID(), func() error {
		_, following, _, err := p.People(ctx, user)
		if err != nil {
			return err
		}
		for _, id := range following {
			if id == actor {
				return nil
			}
		}
		return fmt.Errorf("%s follows %v, not %s", user, following, actor)
	}))
}

// follow subscribes an XMPP user to a peer's user, to the Accept.
func (s *site) follow(c *lab.Client, p *lab.Peer, user string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	jid := s.jidOf(p, user)
	state, err := c.Subscribe(ctx, jid, lab.Microblog)
	s.must(err)
	if state == "subscribed" {
		return
	}
	if state != "pending" {
		s.t.Fatalf("a subscription to %s is %q, want pending", jid, state)
	}
	_, err = c.Inbox.Await(ctx, "the subscription to "+jid, isSubscription(jid, "subscribed"))
	s.must(err)
}

// isSubscription matches the event of a changed subscription.
func isSubscription(jid, state string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Is("", "message") && n.Attr("from") == jid && n.Find("", "subscription").Attr("subscription") == state
	}
}

// isEvent matches a notification of a published item.
func isEvent(jid, text string) func(*lab.Node) bool {
	return func(n *lab.Node) bool {
		return n.Is("", "message") && n.Attr("from") == jid && n.Find("", "item") != nil && strings.Contains(n.Content(), text)
	}
}

// is matches an activity of a kind whose object has a text, or is one.
func is(kind, text string) func(lab.Activity) bool {
	return func(a lab.Activity) bool {
		return a.Type == kind && (a.Object == text || strings.Contains(a.Text(), text))
	}
}

// count says how many activities match that arrived at a peer.
func (s *site) count(p *lab.Peer, match func(lab.Activity) bool) int {
	s.t.Helper()
	all, err := p.Arrived(within(s.t, patience))
	s.must(err)
	n := 0
	for _, a := range all {
		if match(a) {
			n++
		}
	}
	return n
}

// quiet waits until what was under way has surely arrived: a marker is sent the
// same way and awaited. It takes no clock to see that something did not come.
func (s *site) quiet(c *lab.Client, p *lab.Peer) {
	s.t.Helper()
	ctx := within(s.t, patience)
	mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
	s.must(c.Blog(ctx, mark, mark))
	_, err := p.Await(ctx, "the marker", is("Create", mark))
	s.must(err)
}

// object fetches one of our objects as somebody who signs nothing.
func (s *site) object(id string) (map[string]any, int) {
	s.t.Helper()
	doc, err := s.Get(within(s.t, patience), id, lab.ActivityJSON)
	s.must(err)
	object, err := doc.JSON()
	if doc.Status == http.StatusOK {
		s.must(err)
	}
	return object, doc.Status
}

// checkTraffic looks at everything that the peers were sent: an id of ours is
// https, without a port.
func (s *site) checkTraffic() {
	if s.t.Failed() {
		return
	}
	hosts := regexp.QuoteMeta(s.Names.Domains[0]) + "|" + regexp.QuoteMeta(s.Names.Domains[1])
	wrong := regexp.MustCompile(`http://(` + hosts + `)[^"]*|https://(` + hosts + `):[^"]*`)
	for _, p := range []*lab.Peer{s.fedi, s.social} {
		all, err := p.Deliveries(within(s.t, patience))
		if err != nil {
			continue // a peer that a test has left dead
		}
		for _, d := range all {
			if bad := wrong.FindString(d.Body); bad != "" {
				s.t.Errorf("%s was sent %s in %s", p.Host, bad, d.Body)
			}
			if d.Status >= 400 && d.Status != http.StatusUnauthorized {
				s.t.Errorf("%s answered %d to %s", p.Host, d.Status, d.Body)
			}
		}
	}
	for _, c := range []*lab.Client{s.louise, s.pierre} {
		for _, n := range c.Inbox.All(func(*lab.Node) bool { return true }) {
			if bad := wrong.FindString(n.String()); bad != "" {
				s.t.Errorf("%s was sent %s in %s", c.Account.JID(), bad, n)
			}
		}
	}
}
