package gateway

import (
	"errors"
	"slices"

	"isthmus/cache"
	"isthmus/translate"
)

// circle is whom an answer may reach: those whom what it answers is for.
type circle struct {
	post translate.Post // what is answered; of one that is gone no more than how wide it was
	own  bool           // by who answers: their followers are one circle,
	in   []string       // of whom these are, of those whom the answer names
}

// holds tells whether somebody who is named belongs to the circle.
func (c circle) holds(uri string) bool {
	p := c.post
	return open(p.Visibility) || uri != "" && (uri == p.Owner.URI || slices.Contains(slices.Concat(p.To, p.Cc, c.in), uri))
}

// circleOf is the circle of what a post answers, and everybody for what answers
// nothing that is known. before are those whom the answer named until now.
func (g *Gateway) circleOf(tx *cache.Tx, p translate.Post, before []translate.Mention) (circle, error) {
	everybody := circle{post: translate.Post{Visibility: translate.Public}}
	if p.ReplyTo == "" {
		return everybody, nil
	}
	parent, err := tx.PostByURI(p.ReplyTo, operator)
	if !errors.Is(err, cache.ErrNotFound) {
		c := circle{post: parent.Post, own: parent.Post.Owner.URI == p.Owner.URI}
		if err != nil || !c.own || c.post.Visibility != translate.Followers {
			return c, err
		}
		in, err := admittedOf(tx, p.Owner.URI, slices.Concat(p.Mentions, before))
		for _, m := range in {
			c.in = append(c.in, m.URI)
		}
		return c, err
	}
	t, err := tx.Tombstone(p.ReplyTo)
	if err == nil && !open(t.Visibility) { // nobody knows any more for whom it was
		return circle{post: translate.Post{Visibility: translate.Direct}}, nil
	}
	return everybody, ignoreMissing(err)
}

// limitReply keeps a reply from being wider than what it answers (design:
// audience), and names who is answered.
func (g *Gateway) limitReply(tx *cache.Tx, p *translate.Post, before []translate.Mention) (circle, error) {
	c, err := g.circleOf(tx, *p, before)
	if err != nil {
		return c, err
	}
	if p.Visibility.WiderThan(c.post.Visibility) {
		p.Visibility = c.post.Visibility
	}
	if c.post.URI != "" {
		p.Thread = c.post.Thread
	}
	mentions := slices.Clone(p.Mentions)
	who := c.post.Owner
	mentioned := slices.ContainsFunc(mentions, func(m translate.Mention) bool { return m.URI == who.URI })
	if who.URI != "" && !c.own && !mentioned {
		mentions = append(mentions, translate.Mention{Actor: who})
	}
	if p.Visibility == translate.Followers && c.post.Visibility == translate.Followers && !c.own {
		p.Visibility = translate.Direct // who follows the one need not follow the other
	}
	if !open(p.Visibility) {
		mentions = slices.DeleteFunc(mentions, func(m translate.Mention) bool { return !c.holds(m.URI) })
	}
	p.Mentions = mentions
	return c, nil
}

// address says whom a post is for, and gives the node of others that carries it,
// if there is one. ended means that the post as it is has reached people whom the
// edit is not for.
func (g *Gateway) address(tx *cache.Tx, s submission, p *translate.Post, before cache.Stored) (carrier cache.Account, ended bool, err error) {
	c, err := g.limitReply(tx, p, before.Post.Mentions)
	if err != nil {
		return carrier, false, err
	}
	if b := before.Post; before.ID != 0 {
		if c.shutsOut(*p, b) {
			return carrier, true, nil
		}
		if p.Visibility.WiderThan(b.Visibility) { // an edit widens nothing, also when the node has opened
			p.Visibility = b.Visibility
		}
		if byName(p.Visibility) { // it was made so for the sake of who was answered then
			p.Mentions = b.Mentions
		}
	}
	if s.narrow || p.Visibility == translate.Followers {
		if p.Mentions, err = admittedOf(tx, s.account.URI, p.Mentions); err != nil {
			return carrier, false, err
		}
	}
	if p.Mentions, err = withoutBlocks(tx, s.account, p.Mentions); err != nil {
		return carrier, false, err
	}
	a := translate.AudienceOf(p.Visibility, g.addr.Followers(acctOf(s.account)), p.Mentions)
	p.To, p.Cc = a.To, a.Cc
	if carrier, err = g.carrier(tx, *p); err == nil && carrier.URI != "" { // as peers address a group (FEP-1b12)
		p.Cc = append(p.Cc, carrier.URI, g.addr.Followers(acctOf(carrier)))
	}
	return carrier, false, err
}

// byName tells whether a post is for those alone whom it names.
func byName(v translate.Visibility) bool { return !open(v) && v != translate.Followers }

// shutsOut tells whether somebody who was given a post may not have what it is
// edited into. Of what is gone it is not known who might, but for who answered it
// before.
func (c circle) shutsOut(now, before translate.Post) bool {
	if !byName(before.Visibility) {
		return !open(now.Visibility) && before.Visibility.WiderThan(now.Visibility)
	}
	gone := c.post.Owner.URI == "" && !open(c.post.Visibility)
	if gone && now.ReplyTo == before.ReplyTo {
		return false
	}
	return slices.ContainsFunc(before.Mentions, func(m translate.Mention) bool { return !c.holds(m.URI) })
}

// admittedOf leaves out who is not to get what somebody has for followers only.
func admittedOf(tx *cache.Tx, owner string, mentions []translate.Mention) ([]translate.Mention, error) {
	var out []translate.Mention
	for _, m := range mentions {
		admitted, err := tx.Admitted(m.URI, owner)
		if err != nil {
			return nil, err
		}
		if admitted {
			out = append(out, m)
		}
	}
	return out, nil
}

// withoutBlocks leaves out those between whom and an account there is a block:
// nobody is told of what is hidden from them.
func withoutBlocks(tx *cache.Tx, account cache.Account, mentions []translate.Mention) ([]translate.Mention, error) {
	var out []translate.Mention
	for _, m := range mentions {
		blocked, err := anyBlock(tx, account.URI, m.URI)
		if err != nil {
			return nil, err
		}
		if !blocked {
			out = append(out, m)
		}
	}
	return out, nil
}
