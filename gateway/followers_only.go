package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// followersOnlyCommand has a user's node cross while it is not open.
func followersOnlyCommand(ctx context.Context, o order) (string, error) {
	switch strings.ToLower(o.arg) {
	case "on":
		return o.g.FollowersOnly(ctx, o.user, true)
	case "off":
		return o.g.FollowersOnly(ctx, o.user, false)
	}
	return "", fail(BadRequest, "say followers-only on or followers-only off")
}

// FollowersOnly lets what a user publishes while their node is for contacts
// only cross to the followers whom they approved, one by one, or not any more
// (design: audience). Switched off, it takes back what has crossed so.
func (g *Gateway) FollowersOnly(ctx context.Context, jid stanza.JID, on bool) (string, error) {
	a, err := g.joined(ctx, jid, "")
	if err != nil {
		return "", err
	}
	if !on {
		return g.endFollowersOnly(ctx, a)
	}
	if a.State == cache.FollowerOnly {
		return "", fail(Forbidden, "first send: link")
	}
	if a.FollowersOnly.IsZero() {
		err = g.beginFollowersOnly(ctx, a)
	}
	if err != nil {
		return "", err
	}
	g.aside("pull "+a.URI, func() { g.pull(context.WithoutCancel(ctx), a, false) })
	unapproved := 0
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		_, unapproved, err = tx.CountAdmitted(a.URI)
		return err
	})
	text := "Followers-only is on: while your microblog is for your contacts (presence) or for those you let in (authorize), your posts go to the followers you approve, and to nobody else.\n" +
		"You are asked before somebody follows you. Keep me as a contact, or let me subscribe, so that I can read your posts."
	if unapproved > 0 {
		text += "\n" + unapprovedText(unapproved)
	}
	return text, err
}

// unapprovedText says what comes of followers whom nobody let in.
func unapprovedText(n int) string {
	return counted(n, "follower is", "followers are") + " not approved. Until you approve or deny them, nobody on their servers gets these posts. To see them, send: followers"
}

func (g *Gateway) beginFollowersOnly(ctx context.Context, a cache.Account) error {
	held, v, _ := g.holds(ctx, stanza.JID(a.JID), feedNode(a))
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		before, err := itemsBefore(tx, a)
		if err != nil {
			return err
		}
		for _, id := range held { // what is there now was not meant for them
			if v != readable && !slices.Contains(before, id) {
				before = append(before, id)
			}
		}
		if err := tx.SetMeta(beforeKey(a.JID, a.Node), string(payload(before))); err != nil {
			return err
		}
		now.FollowersOnly, now.ManuallyApproves, now.UpdatedAt = g.now(), true, g.now()
		if err := tx.PutAccount(now); err != nil {
			return err
		}
		return g.profileSoon(tx, now)
	})
}

// endFollowersOnly takes back what only followers have. Should that break off,
// the next look at the node goes on with it.
func (g *Gateway) endFollowersOnly(ctx context.Context, a cache.Account) (string, error) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		now.FollowersOnly = time.Time{}
		return tx.PutAccount(now)
	})
	if err != nil {
		return "", err
	}
	n, err := g.retireNode(ctx, a, forFollowers(a))
	if err != nil {
		return "", err
	}
	if access := g.accessOf(ctx, a); access != cache.AccessOpen {
		g.setAccess(ctx, a, cache.AccessClosed)
	}
	text := "Followers-only is off. "
	if n > 0 {
		text += counted(n, "post was", "posts were") + " taken back from your followers. "
	}
	return text + "You still approve who follows you; to end that, send: lock off", nil
}
