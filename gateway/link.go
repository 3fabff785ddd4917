package gateway

import (
	"context"
	"fmt"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Link makes a user, or a node, an actor whose posts from now on are federated
// (design: consent). It says what happened.
func (g *Gateway) Link(ctx context.Context, jid stanza.JID, node string) (string, error) {
	jid = jid.Bare()
	if !g.mayLink(jid, node) {
		return "", g.cannotLink(jid)
	}
	a, err := g.accountOf(ctx, jid, node)
	if err != nil && !isKind(err, NotFound) {
		return "", err
	}
	if err == nil && a.State == cache.Linked {
		_, v, _ := g.peruse(ctx, jid, feedNode(a), xmpp.ItemsQuery{MaxItems: 1})
		return g.welcome(ctx, a, v, "You are linked already as"), nil
	}
	known := err == nil && a.State != cache.Unlinked
	v, cause := g.rememberBefore(ctx, jid, node)
	if !known && node != "" && v != readable { // a slip, such as "link please", must not make an actor
		return "", because(BadRequest, cause, "strangers cannot read a node %s of %s (%s). Make it open to everybody first, then link it", node, jid, condition(cause))
	}
	if known {
		a, err = g.relink(ctx, a)
	} else {
		a, err = g.makeAccount(ctx, jid, node, cache.Linked)
	}
	if err != nil {
		return "", err
	}
	if g.roster(ctx, jid) == rosterRefused { // another chance, now that they want it
		g.setRoster(ctx, jid, "")
	}
	g.aside("begin with "+a.URI, func() {
		ctx := context.WithoutCancel(ctx)
		g.reach(ctx, a)
		g.readProfile(ctx, a)
	})
	return g.welcome(ctx, a, v, "Linked. You are"), nil
}

// cannotLink refuses who cannot be an actor here.
func (g *Gateway) cannotLink(jid stanza.JID) error {
	return fail(Forbidden, "%s cannot be linked here: only users of %s, and nodes of configured services", jid, g.domainNames())
}

// welcome tells who has linked their address, what is missing until their posts
// go out, and how to go on, a line each. The rest is for status and help.
func (g *Gateway) welcome(ctx context.Context, a cache.Account, v verdict, begin string) string {
	lines := []string{fmt.Sprintf("%s @%s on the fediverse.", begin, a.Acct)}
	contact := a.Node == "" && g.roster(ctx, stanza.JID(a.JID)) != rosterGranted
	what, followersOnly := "your microblog", a.Node == "" && !a.FollowersOnly.IsZero()
	if a.Node != "" {
		what = "the node " + a.Node
	}
	switch {
	case v == readable && contact:
		lines = append(lines, "Next: accept my contact request, so that I see your posts at once.")
	case v == readable:
	case v == unproven:
		lines = append(lines, "Your server did not answer when I looked for "+what+". I keep trying.")
	case v == absent:
		lines = append(lines, "Next: publish your first post, open to everybody. "+sentence(what)+" does not exist yet.")
	case followersOnly && contact:
		lines = append(lines, "Next: accept my contact request, so that I can pass your posts on to your approved followers.")
	case followersOnly:
		lines = append(lines, "Your posts go to the followers whom you approved.")
	default:
		next := "Not publishing yet: " + what + " is not public. Make it public in your client"
		if a.Node == "" {
			next += ", or send: followers-only on"
		}
		lines = append(lines, next)
	}
	if v == readable {
		return strings.Join(append(lines, "New posts are published from now on. For older posts send: import. To see how it goes, send: status"), "\n")
	}
	return strings.Join(append(lines, "To see how it goes, send: status. For what to do here, send: help"), "\n")
}

// rememberBefore keeps which items a node holds now: they are from before the
// link.
func (g *Gateway) rememberBefore(ctx context.Context, jid stanza.JID, node string) (verdict, error) {
	feed := node
	if feed == "" {
		feed = stanza.NSMicroblog
	}
	ids, v, cause := g.holds(ctx, jid, feed)
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		return tx.SetMeta(beforeKey(string(jid), node), string(payload(ids)))
	})
	if err != nil {
		g.log.Error("note what a node held before the link", "jid", jid, "error", err)
	}
	return v, cause
}

// holds lists what a node holds, as far as the gateway is shown it, and says what
// strangers are.
func (g *Gateway) holds(ctx context.Context, jid stanza.JID, node string) ([]string, verdict, error) {
	q := xmpp.ItemsQuery{MaxItems: importMost}
	items, v, cause := g.peruse(ctx, jid, node, q)
	if v == refused {
		items, _, _ = g.readAs(ctx, stanza.JID(g.addr.Component()), jid, node, q)
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.ID
	}
	return ids, v, cause
}

// mayLink tells whether a JID can be an actor: a user of a configured domain, or
// a node of theirs or of a configured service.
func (g *Gateway) mayLink(jid stanza.JID, node string) bool {
	if isComments(node) || strings.HasPrefix(node, stanza.NSAttachments) {
		return false
	}
	if g.addr.IsService(jid.Domain()) {
		return personNode(node) != ""
	}
	return jid.Local() != "" && !g.ours(jid) && g.addr.IsUserDomain(jid.Domain())
}

func (g *Gateway) domainNames() string {
	names := make([]string, len(g.cfg.Domains))
	for i, d := range g.cfg.Domains {
		names[i] = d.Name
	}
	return strings.Join(names, ", ")
}

// relink has a paused or following account publish. What was written before is
// not caught up on.
func (g *Gateway) relink(ctx context.Context, a cache.Account) (cache.Account, error) {
	now := g.now()
	a.Discoverable = a.Discoverable || a.State == cache.FollowerOnly
	a.State, a.LinkedAt, a.UpdatedAt = cache.Linked, now, now
	return a, g.store.Update(ctx, func(tx *cache.Tx) error { return tx.PutAccount(a) })
}

// linked gives the account of a user who has one, whatever it may do.
func (g *Gateway) linked(ctx context.Context, jid stanza.JID, node string) (cache.Account, error) {
	a, err := g.accountOf(ctx, jid, node)
	if isKind(err, NotFound) || err == nil && a.State == cache.Unlinked {
		return a, fail(NotFound, "%s is not linked", jid.Bare())
	}
	return a, err
}

// joined is linked for what only those can do who have linked.
func (g *Gateway) joined(ctx context.Context, jid stanza.JID, node string) (cache.Account, error) {
	a, err := g.linked(ctx, jid, node)
	if isKind(err, NotFound) {
		return a, fail(NotFound, "%s is not linked. First send: link", jid.Bare())
	}
	return a, err
}

// Pause hides an account until it is linked again.
func (g *Gateway) Pause(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	if a.State == cache.FollowerOnly {
		return "", fail(NotFound, "%s is not linked, so there is nothing to pause", jid.Bare())
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetAccountState(a.URI, cache.Paused, g.now()) })
	return "Paused: nothing is federated, and your address does not answer, until you send: resume", err
}

// Resume ends a pause.
func (g *Gateway) Resume(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	if a.State != cache.Paused {
		return "", fail(Conflict, "you are not paused")
	}
	if _, err := g.Link(ctx, jid, node); err != nil {
		return "", err
	}
	return fmt.Sprintf("Resumed: @%s answers again, and what you publish from now on is federated.", a.Acct), nil
}

// Status is how an account is doing, for programs and people.
type Status struct {
	Handle    string             `json:"handle"`
	JID       string             `json:"jid"`
	Node      string             `json:"node"`
	Page      string             `json:"page"`
	State     cache.AccountState `json:"state"`
	Access    cache.Access       `json:"access"`
	Rung      string             `json:"rung"`
	LastEvent time.Time          `json:"last_event,omitzero"`
	LastPull  time.Time          `json:"last_pull,omitzero"`
	LastItem  string             `json:"last_item,omitempty"`
	Trouble   string             `json:"trouble,omitempty"`
	// Searchable: everybody may find the public posts.
	Searchable bool `json:"searchable"`
	Followers  int  `json:"followers"`
	Following  int  `json:"following"`
	Posts      int  `json:"posts"`
	Waiting    int  `json:"waiting"` // deliveries of the whole gateway
	// FollowersOnly: followers whom the owner approved have what is not for everybody.
	FollowersOnly  bool `json:"followers_only"`
	Admitted       int  `json:"admitted"`        // followers who have it,
	Unapproved     int  `json:"unapproved"`      // followers whom nobody let in,
	FollowersPosts int  `json:"followers_posts"` // and how many posts
}

// Status tells how an account is doing.
func (g *Gateway) Status(ctx context.Context, jid stanza.JID, node string) (Status, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return Status{}, err
	}
	r := a.Reach
	s := Status{
		Handle: a.Acct, JID: a.JID, Node: feedNode(a), Page: g.pageOf(a), State: a.State, Access: a.Access, Rung: r.Rung,
		FollowersOnly: !a.FollowersOnly.IsZero(), Searchable: a.Indexable, LastEvent: r.Event, LastPull: r.Pull, LastItem: r.Item, Trouble: r.Error,
	}
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if s.Followers, err = tx.CountFollowers(a.URI); err != nil {
			return err
		}
		if s.Following, err = tx.CountFollowing(a.URI); err != nil {
			return err
		}
		if s.Posts, err = tx.CountOutbox(a.URI, operator, cache.PublicOrUnlisted); err != nil {
			return err
		}
		if s.Admitted, s.Unapproved, err = tx.CountAdmitted(a.URI); err != nil {
			return err
		}
		if s.FollowersPosts, err = tx.CountFollowersOnly(a.URI); err != nil {
			return err
		}
		stats, err := tx.JobStats()
		for _, j := range stats {
			if j.Kind == jobDeliver && j.State != cache.JobFailed {
				s.Waiting += j.Count
			}
		}
		return err
	})
	return s, err
}
