package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Unconfirmed keeps a command from what nothing brings back until its user has
// said that they mean it.
type Unconfirmed struct {
	Loses string // what it would end
	Say   string // the words that do it
}

// Error asks back.
func (e *Unconfirmed) Error() string { return e.Loses + "\nTo do it, send: " + e.Say }

// cutYes takes the yes off the end of an argument. A node called yes is named
// before it.
func cutYes(arg string) (rest string, sure bool) {
	words := strings.Fields(arg)
	if len(words) == 0 || !strings.EqualFold(words[len(words)-1], "yes") {
		return arg, false
	}
	return strings.TrimSpace(arg[:len(arg)-len("yes")]), true
}

// Loses says what a command would end that nothing brings back, "" if nothing.
func (g *Gateway) Loses(ctx context.Context, user stanza.JID, name, arg string) (string, error) {
	c, ok := findCommand(name)
	if !ok || c.loses == nil {
		return "", nil
	}
	return c.loses(ctx, order{g, user.Bare(), strings.TrimSpace(arg)})
}

// unlinkLoses counts what goes with an account.
func unlinkLoses(ctx context.Context, o order) (string, error) {
	jid, node := o.target()
	a, err := o.g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	lost, err := o.g.lostWith(ctx, a)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("@%s would leave the fediverse%s. Other servers would delete what they have. This cannot be undone.", a.Acct, lost)
	if a.State == cache.Linked {
		text += " To hide for a while, send instead: " + strings.TrimSpace("pause "+o.arg)
	}
	return text, nil
}

// purgeLoses counts what the fediverse has of a node and the node has not.
func purgeLoses(ctx context.Context, o order) (string, error) {
	jid, node := o.target()
	a, err := o.g.joined(ctx, jid, node)
	if err != nil {
		return "", err
	}
	match, err := o.g.leftOver(ctx, a)
	if err != nil {
		return "", err
	}
	n, err := o.g.countIn(ctx, a, match)
	if err != nil || n == 0 {
		return "", err
	}
	return fmt.Sprintf("%s not in %s any more, and would be deleted on the fediverse too. This cannot be undone.",
		counted(n, "post is", "posts are"), shownNode(a)), nil
}

// followersOnlyLoses counts what followers would have to give back.
func followersOnlyLoses(ctx context.Context, o order) (string, error) {
	if !strings.EqualFold(o.arg, "off") {
		return "", nil
	}
	a, err := o.g.joined(ctx, o.user, "")
	if err != nil {
		return "", err
	}
	n, err := o.g.countIn(ctx, a, forFollowers(a))
	if err != nil || n == 0 {
		return "", err
	}
	return counted(n, "post") + " would be taken back from the followers who have it. This cannot be undone.", nil
}

// forFollowers are the posts of an account's own node that only followers have.
func forFollowers(a cache.Account) func(cache.Stored) bool {
	return func(p cache.Stored) bool { return inFeed(a, p.Post) && p.Post.Visibility == translate.Followers }
}

// forgetLoses names a search before it goes.
func forgetLoses(ctx context.Context, o order) (string, error) {
	key, _ := tagName(o.arg)
	var s cache.SavedSearch
	err := o.g.store.View(ctx, func(tx *cache.Tx) (err error) {
		s, err = tx.SavedSearch(string(o.user), key)
		return err
	})
	if errors.Is(err, cache.ErrNotFound) {
		return "", errNoSuchSearch()
	}
	text := fmt.Sprintf("The search %s (%s) is deleted.", s.Name, s.Query)
	if s.Watched {
		text += " You are not told of new posts any more."
	}
	return text, err
}

// blockLoses counts the follows that a block would end.
func blockLoses(ctx context.Context, o order) (string, error) {
	if o.user == "" { // the operator's own block ends no follows
		return "", nil
	}
	b, a, err := o.g.blockOf(ctx, o.user, o.arg)
	if isKind(err, NotFound) && a.URI == "" { // somebody without an account follows nobody
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var following, followers int
	who := b.Target
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		others := []string{b.Target}
		if !strings.Contains(b.Target, "/") {
			if others, err = tx.FollowsWith(a.URI, b.Target); err != nil {
				return err
			}
		} else if who, err = named(tx, b.Target); err != nil {
			return err
		}
		for _, uri := range others {
			for n, pair := range map[*int][2]string{&following: {a.URI, uri}, &followers: {uri, a.URI}} {
				_, err := tx.Follow(pair[0], pair[1])
				if gone, err := isMissing(err); err != nil {
					return err
				} else if !gone {
					*n++
				}
			}
		}
		return nil
	})
	if err != nil || following+followers == 0 {
		return "", err
	}
	var lost []string
	if followers > 0 {
		lost = append(lost, counted(followers, "follower"))
	}
	if following > 0 {
		lost = append(lost, counted(following, "account that you follow", "accounts that you follow"))
	}
	return fmt.Sprintf("If you block %s, you lose %s. Unblocking does not bring that back.", who, strings.Join(lost, " and ")), nil
}

// denyLoses asks before a follower is removed, and not before somebody who asks
// to be one is refused.
func denyLoses(ctx context.Context, o order) (string, error) {
	a, err := o.g.joined(ctx, o.user, "")
	if err != nil {
		return "", err
	}
	who, err := o.g.findActor(ctx, o.arg)
	if err != nil {
		return "", err
	}
	var f cache.Follow
	err = o.g.store.View(ctx, func(tx *cache.Tx) (err error) {
		f, err = tx.Follow(who.URI, a.URI)
		return ignoreMissing(err)
	})
	if err != nil || f.State != cache.FollowAccepted {
		return "", err
	}
	return nameAndHandle(who) + " follows you, and would have to ask again.", nil
}

// leftOver finds the posts of a node that it does not hold any more.
func (g *Gateway) leftOver(ctx context.Context, a cache.Account) (func(cache.Stored) bool, error) {
	s := g.look(ctx, a, xmpp.ItemsQuery{MaxItems: 1000})
	if s.unsure() {
		return nil, because(Temporary, s.cause, "I cannot tell what is in %s now (%s); try again later", shownNode(a), condition(s.cause))
	}
	held := map[string]bool{}
	for _, it := range s.items {
		held[it.ID] = true
	}
	return func(p cache.Stored) bool { return inFeed(a, p.Post) && !held[p.Post.Item.ID] }, nil
}

// countIn counts what retireNode would delete.
func (g *Gateway) countIn(ctx context.Context, a cache.Account, match func(cache.Stored) bool) (int, error) {
	const page = 500
	n := 0
	for at, more := (cache.Page{Limit: page}), true; more; {
		err := g.store.View(ctx, func(tx *cache.Tx) error {
			posts, err := tx.Outbox(a.URI, operator, at)
			more = len(posts) == page
			for _, p := range posts {
				if at.Before = p.ID; match(p) {
					n++
				}
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	if a.Kind != cache.Node {
		return n, nil
	}
	err := g.store.View(ctx, func(tx *cache.Tx) error { // and what others posted in it
		return eachPlaced(tx, a.JID, a.Node, func(place cache.Placement) error {
			stored, err := tx.PostByURI(place.URI, operator)
			if err != nil {
				return ignoreMissing(err)
			}
			owner, err := g.ownerIn(tx, a, stored)
			if err == nil && owner.URI != "" && owner.URI != a.URI && match(stored) {
				n++
			}
			return err
		})
	})
	return n, err
}

// shownNode is the node of an account for its owner.
func shownNode(a cache.Account) string {
	if a.Node == "" {
		return "your microblog"
	}
	return "the node " + a.Node
}

// lostWith says what goes when an account does, to be put behind a sentence.
func (g *Gateway) lostWith(ctx context.Context, a cache.Account) (string, error) {
	var posts, followers int
	var following []cache.Follow
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if posts, err = tx.CountOutbox(a.URI, operator, cache.AnyWidth); err != nil {
			return err
		}
		if followers, err = tx.CountFollowers(a.URI); err != nil {
			return err
		}
		following, err = tx.FollowingOf(a.URI, "", 0, followsMost) // those that wait for an answer too
		return err
	})
	var lost []string
	for _, l := range []struct {
		n         int
		one, many string
	}{{posts, "post", "posts"}, {followers, "follower", "followers"}, {len(following), "account that you follow", "accounts that you follow"}} {
		if l.n > 0 {
			lost = append(lost, counted(l.n, l.one, l.many))
		}
	}
	if len(lost) == 0 || err != nil {
		return "", err
	}
	last := lost[len(lost)-1]
	if len(lost) > 1 {
		last = strings.Join(lost[:len(lost)-1], ", ") + " and " + last
	}
	return ", and lose " + last, nil
}

// counted is a number of things with their name in the singular or plural, which
// ends in s unless it is given.
func counted(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}
