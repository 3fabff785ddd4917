package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"isthmus/e2e/lab"
)

// patience bounds every wait of the story.
const patience = 45 * time.Second

// story runs all chapters in order.
func (d *demo) story(ctx context.Context) error {
	for _, chapter := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"The machines", d.machines},
		{"Louise, on XMPP, becomes reachable", d.link},
		{"Alice, on the fediverse, follows Louise", d.followed},
		{"Alice answers, likes and boosts", d.reactions},
		{"Louise follows Alice", d.follow},
		{"Louise answers Alice, edits and deletes", d.reply},
	} {
		d.chapter(chapter.title)
		if err := chapter.play(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) machines(ctx context.Context) (err error) {
	louise := lab.Account{User: "louise", Domain: d.Names.Domains[0], Password: "moss-and-fern"}
	pierre := lab.Account{User: "pierre", Domain: d.Names.Domains[1], Password: "stone-and-reed"}
	d.done("A certificate authority of our own signs every host's certificate", "file", d.CA.File())
	if d.server, err = d.StartServer(ctx, lab.Prosody, louise, pierre); err != nil {
		return err
	}
	d.done("Prosody, an XMPP server, runs with two domains and an account on each",
		"listens on", d.server.C2S, "accounts", louise.JID()+", "+pierre.JID())
	bin, err := lab.BuildGateway(ctx, d.Dir)
	if err != nil {
		return err
	}
	if d.gateway, err = d.StartGateway(ctx, d.server, lab.GatewayOptions{Bin: bin, Front: lab.Direct, Admins: []string{louise.JID()}}); err != nil {
		return err
	}
	d.done("Isthmus, the gateway, is connected to Prosody as a component and serves https",
		"component", d.Names.Component, "https", "https://"+d.Names.Domains[0]+", https://"+d.Names.Domains[1],
		"cache", filepath.Join(d.Dir, "gateway", "isthmus.db"))
	if d.peer, err = d.StartPeer(ctx, 0, "alice", "amos"); err != nil {
		return err
	}
	d.done("A fediverse server that is not our code runs: Fedify, on Node",
		"https", "https://"+d.peer.Host, "users", d.peer.Handle("alice")+", "+d.peer.Handle("amos"))
	options := lab.ClientOptions{Address: d.server.C2S, Roots: d.CA.Pool(), Approve: true}
	if d.louise, err = lab.Connect(ctx, louise, options); err != nil {
		return err
	}
	if d.pierre, err = lab.Connect(ctx, pierre, options); err != nil {
		return err
	}
	d.done("Louise and Pierre log in with an XMPP client each", "addresses", d.louise.JID()+", "+d.pierre.JID())
	_, err = d.peer.Post(ctx, "alice", lab.Note{HTML: "<p>I wrote this before anyone on XMPP knew me.</p>"})
	return err
}

func (d *demo) link(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	jid := d.louise.Account.JID()
	if err := d.louise.OpenMicroblog(ctx); err != nil {
		return fmt.Errorf("open Louise's microblog: %w", err)
	}
	d.done("Louise's microblog is open for everyone to read", "node", lab.Microblog+" at "+jid)
	if err := d.louise.Message(ctx, d.Names.Component, "demo-link", "link", ""); err != nil {
		return err
	}
	answer, err := d.louise.Inbox.Await(ctx, "the gateway's answer to link", func(n *lab.Node) bool {
		return strings.HasPrefix(n.Attr("from"), d.Names.Component) && n.Find("", "body") != nil
	})
	if err != nil {
		return err
	}
	d.done("She says “link” to the gateway, which answers:", "says", firstLine(answer.Body("", "body")))
	finger := "https://" + d.louise.Account.Domain + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+jid)
	err = lab.Eventually(ctx, "Louise's WebFinger", func() error {
		doc, err := d.Get(ctx, finger, "application/jrd+json")
		if err == nil && doc.Status != http.StatusOK {
			err = fmt.Errorf("%s: status %d", finger, doc.Status)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.done("From now on the fediverse finds her", "handle", "@"+jid, "WebFinger", finger)
	return nil
}

func (d *demo) followed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	handle := "@" + d.louise.Account.JID()
	follow, err := d.peer.Follow(ctx, "alice", handle)
	if err != nil {
		return err
	}
	if _, err := d.peer.Await(ctx, "the Accept of the Follow", func(a lab.Activity) bool {
		return a.Type == "Accept" && (a.Object == follow || a.Object == "")
	}); err != nil {
		return err
	}
	d.done(d.peer.Handle("alice")+" follows "+handle+", and the gateway accepts for her", "Follow", follow)
	if err := d.louise.Blog(ctx, "demo-fern", "The first fern of the year uncurls."); err != nil {
		return err
	}
	d.done("Louise publishes a post on her XMPP microblog", "text", "The first fern of the year uncurls.", "item", "demo-fern")
	arrived, err := d.peer.Await(ctx, "Louise's post", func(a lab.Activity) bool {
		return a.Type == "Create" && strings.Contains(a.Text(), "first fern")
	})
	if err != nil {
		return err
	}
	d.done(d.peer.Handle("alice")+" has the post", "object", arrived.Object, "activity", arrived.ID)
	return nil
}

// postURL is the id under which the peer knows Louise's post.
func (d *demo) postURL(ctx context.Context) (string, error) {
	a, err := d.peer.Await(ctx, "Louise's post", func(a lab.Activity) bool {
		return a.Type == "Create" && strings.Contains(a.Text(), "first fern")
	})
	return a.Object, err
}

func (d *demo) reactions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	post, err := d.postURL(ctx)
	if err != nil {
		return err
	}
	jid, alice := d.louise.Account.JID(), d.Names.ActorJID("alice", d.peer.Host)
	answer, err := d.peer.Post(ctx, "alice", lab.Note{HTML: "<p>Which wood is that?</p>", InReplyTo: post})
	if err != nil {
		return err
	}
	if _, err := d.louise.FindItem(ctx, jid, lab.Comments+"demo-fern", "the answer", lab.Says("Which wood is that?")); err != nil {
		return err
	}
	d.done("Alice answers; Louise's client shows it as a comment", "text", "Which wood is that?", "from", alice, "note", answer)
	like, err := d.peer.Like(ctx, "alice", post)
	if err != nil {
		return err
	}
	if _, err := d.louise.FindItem(ctx, jid, lab.Comments+"demo-fern", "the like", lab.Says("♥")); err != nil {
		return err
	}
	d.done("Alice likes the post; Louise's client shows a ♥ from her", "Like", like)
	boost, err := d.peer.Boost(ctx, "alice", post)
	if err != nil {
		return err
	}
	if _, err := d.louise.FindItem(ctx, alice, lab.Microblog, "the boost", func(n *lab.Node) bool {
		return isRepost(n) && lab.Says("first fern")(n)
	}); err != nil {
		return err
	}
	notice, err := d.louise.Inbox.Await(ctx, "word of the boost", func(n *lab.Node) bool {
		return strings.HasPrefix(n.Attr("from"), d.Names.Component) && strings.Contains(n.Body("", "body"), "boost")
	})
	if err != nil {
		return err
	}
	d.done("Alice boosts the post; Louise is told, and her client shows it on Alice's page, with Louise as author",
		"says", firstLine(notice.Body("", "body")), "Announce", boost, "page", alice)
	return nil
}

// isRepost tells whether an item says that it is somebody else's post
// (XEP-0277 §4.5).
func isRepost(n *lab.Node) bool {
	for _, link := range n.All(lab.NSAtom, "link") {
		if link.Attr("rel") == "via" {
			return true
		}
	}
	return false
}

func (d *demo) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	alice := d.Names.ActorJID("alice", d.peer.Host)
	state, err := d.louise.Subscribe(ctx, alice, lab.Microblog)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", alice, err)
	}
	d.done("Louise subscribes to Alice, who is an XMPP address to her", "address", alice, "state", state)
	if state != "subscribed" {
		if _, err := d.louise.Inbox.Await(ctx, "the subscription to be accepted", func(n *lab.Node) bool {
			return n.Attr("from") == alice && n.Find("", "subscription").Attr("subscription") == "subscribed"
		}); err != nil {
			return err
		}
		d.done("Alice's server accepts, and the subscription with it", "state", "subscribed")
	}
	if _, err := d.louise.FindItem(ctx, alice, lab.Microblog, "Alice's earlier post", lab.Says("before anyone on XMPP knew me")); err != nil {
		return err
	}
	d.done("Louise reads what Alice wrote before", "text", "I wrote this before anyone on XMPP knew me.")
	note, err := d.peer.Post(ctx, "alice", lab.Note{HTML: "<p>A <strong>new</strong> day, dear followers!</p>"})
	if err != nil {
		return err
	}
	event, err := d.louise.Inbox.Await(ctx, "Alice's new post", func(n *lab.Node) bool {
		return n.Attr("from") == alice && strings.Contains(n.Content(), "dear followers")
	})
	if err != nil {
		return err
	}
	d.done("Alice posts; Louise's client is told at once", "text", "A new day, dear followers!", "note", note, "item", event.Find("", "item").Attr("id"))
	return nil
}

func (d *demo) reply(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	alice := d.Names.ActorJID("alice", d.peer.Host)
	item, err := d.louise.FindItem(ctx, alice, lab.Microblog, "Alice's new post", lab.Says("dear followers"))
	if err != nil {
		return err
	}
	id := item.Attr("id")
	arrives := func(kind, text string) (lab.Activity, error) {
		return d.peer.Await(ctx, "Louise's "+kind, func(a lab.Activity) bool {
			return a.Type == kind && strings.Contains(a.Text(), text)
		})
	}
	if err := d.louise.Comment(ctx, alice, id, "demo-answer", "Good moring, Alice.", ""); err != nil {
		return fmt.Errorf("comment on Alice's post: %w", err)
	}
	made, err := arrives("Create", "Good moring")
	if err != nil {
		return err
	}
	d.done("Louise comments on it; Alice's server has the answer", "text", "Good moring, Alice.", "object", made.Object)
	if err := d.louise.Comment(ctx, alice, id, "demo-answer", "Good morning, Alice.", ""); err != nil {
		return fmt.Errorf("edit the comment: %w", err)
	}
	if _, err := arrives("Update", "Good morning"); err != nil {
		return err
	}
	d.done("She mends a slip of the pen; Alice's server has the edit", "text", "Good morning, Alice.")
	if err := d.louise.Retract(ctx, alice, lab.Comments+id, "demo-answer"); err != nil {
		return fmt.Errorf("retract the comment: %w", err)
	}
	if _, err := d.peer.Await(ctx, "Louise's Delete", func(a lab.Activity) bool {
		return a.Type == "Delete" && a.Object == made.Object
	}); err != nil {
		return err
	}
	doc, err := d.Get(ctx, made.Object, lab.ActivityJSON)
	if err != nil {
		return err
	}
	if doc.Status != http.StatusGone {
		return fmt.Errorf("the deleted answer %s is still there: status %d, not 410", made.Object, doc.Status)
	}
	d.done("She takes it back; Alice's server drops it, and its address says 410 Gone", "object", made.Object)
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
