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
		return "", fail(Forbidden, "%s cannot be linked here: only users of %s, and nodes of configured services", jid, g.domainNames())
	}
	a, err := g.accountOf(ctx, jid, node)
	if err != nil && !isKind(err, NotFound) {
		return "", err
	}
	if err == nil && a.State == cache.Linked {
		return fmt.Sprintf("You are linked already: your fediverse address is @%s", a.Acct), nil
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
	return g.welcome(a, v, cause), nil
}

// welcome tells who has linked what comes next.
func (g *Gateway) welcome(a cache.Account, v verdict, cause error) string {
	lines := []string{fmt.Sprintf("Linked. Your fediverse address is @%s and your page is %s", a.Acct, g.addr.PageURL(acctOf(a)))}
	switch {
	case v == readable:
		lines = append(lines, fmt.Sprintf("What you publish from now on in %s is federated. To federate older posts too, send: import", feedNode(a)))
	case !a.FollowersOnly.IsZero() && v == refused:
		lines = append(lines, fmt.Sprintf("Your node %s is not open to everybody (%s). What you publish there from now on goes to the followers whom you approved, if it is for your contacts and I am one.", feedNode(a), condition(cause)))
	default:
		lines = append(lines, fmt.Sprintf("Nothing crosses yet: strangers cannot read your node %s (%s). Make it open in your client; what you publish there from then on is federated.", feedNode(a), condition(cause)))
		if a.Node == "" && v == refused {
			lines = append(lines, "If it shall stay for your contacts, send: followers-only on. Then it goes to the followers whom you approve, and to nobody else.")
		}
	}
	if a.Node == "" && len(g.cfg.XMPP.Services) > 0 {
		lines = append(lines, "What you post in a node that is on the fediverse too, of "+strings.Join(g.cfg.XMPP.Services, " or ")+", is yours there, if the service says who posts.")
	}
	if a.Node == "" {
		lines = append(lines, "Accept the gateway as a contact, so that it hears of your posts at once.")
	}
	if !a.Indexable {
		lines = append(lines, "Who does not follow you does not find your posts by search. If you want that, send: searchable on")
	}
	return strings.Join(lines, "\n")
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
		Handle: a.Acct, JID: a.JID, Node: feedNode(a), State: a.State, Access: a.Access, Rung: r.Rung,
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
