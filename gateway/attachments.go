package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// isAttachments tells whether a node is for what is attached to an item, or
// sums that up (XEP-0470).
func isAttachments(node string) bool {
	return strings.HasPrefix(node, stanza.NSAttachments+"/") || strings.HasPrefix(node, stanza.NSSummary+"/")
}

// attachedTo finds the post that an attachments node of an actor is for, and
// the item by its name here. What is attached to a boost is meant for the post.
func (g *Gateway) attachedTo(tx *cache.Tx, a cache.Actor, node string, v cache.Viewer) (cache.Stored, translate.Item, error) {
	it, ok := translate.ParseAttachmentsNode(node)
	if !ok || it.Service != a.JID {
		return cache.Stored{}, it, cache.ErrNotFound
	}
	stored, err := tx.PostByItem(it.Service, it.Node, it.ID, v)
	if errors.Is(err, cache.ErrNotFound) {
		stored, it.ID, err = g.otherwise(tx, it, v)
	}
	if err == nil && stored.Post.Kind == translate.KindBoost {
		stored, err = tx.PostByURI(stored.Post.Boost, v)
	}
	return stored, it, err
}

// otherwise finds an item that is no placement: a comment in a thread, or a
// post by the id of its object.
func (g *Gateway) otherwise(tx *cache.Tx, it translate.Item, v cache.Viewer) (cache.Stored, string, error) {
	if isComments(it.Node) {
		root, err := g.root(tx, it.Service, it.Node, v)
		if err != nil {
			return root, it.ID, err
		}
		stored, err := g.inThread(tx, root, it.ID, v)
		return stored, it.ID, err
	}
	ids, err := itemIDs(tx, []string{it.ID}, it.Service, it.Node, v)
	if err != nil || ids[0] == it.ID {
		return cache.Stored{}, it.ID, cmp.Or(err, cache.ErrNotFound)
	}
	stored, err := tx.PostByItem(it.Service, it.Node, ids[0], v)
	return stored, ids[0], err
}

// attachmentsName is the one name of an attachments node, which subscriptions
// are kept under: URIs can be written in many ways.
func (s *pubsub) attachmentsName(ctx context.Context, a cache.Actor, r xmpp.NodeRequest) string {
	it, ok := translate.ParseAttachmentsNode(r.Node)
	if !ok {
		return r.Node
	}
	v := s.g.viewer(ctx, r.From)
	_ = s.g.store.View(ctx, func(tx *cache.Tx) error {
		if _, known, err := s.g.attachedTo(tx, a, r.Node, v); err == nil {
			it = known
		}
		return nil
	})
	return translate.AttachmentsNode(it)
}

// attachmentsKnown refuses attachments and summaries of what does not exist.
func (s *pubsub) attachmentsKnown(ctx context.Context, a cache.Actor, r xmpp.NodeRequest) error {
	if of, ok := translate.ParseSummaryNode(r.Node); ok {
		if r.Node = of; of != stanza.NSMicroblog && of != NodeReplies && !isComments(of) {
			return fail(NotFound, "there is no such node")
		}
		return s.known(ctx, a, r)
	}
	v := s.g.viewer(ctx, r.From)
	return itemsError(s.g.store.View(ctx, func(tx *cache.Tx) error {
		_, _, err := s.g.attachedTo(tx, a, r.Node, v)
		return err
	}))
}

// attachments answers for both kinds of nodes.
func (s *pubsub) attachments(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (xmpp.ItemsResult, error) {
	if _, ok := translate.ParseSummaryNode(r.Node); ok {
		return s.summary(ctx, a, r, v)
	}
	var items []xmpp.Item
	err := s.g.store.View(ctx, func(tx *cache.Tx) error {
		stored, _, err := s.g.attachedTo(tx, a, r.Node, v)
		if err != nil {
			return err
		}
		who := []string{""}
		if r.Page.Kind == xmpp.ByID { // however many came before them
			who = r.Page.IDs[:min(len(r.Page.IDs), itemsMost)]
		}
		for _, jid := range who {
			list, err := tx.Reactors(stored.Post.URI, jid, v, threadMost)
			if err != nil {
				return err
			}
			for _, x := range list {
				if said := attached(x.Reactions); !said.Empty() {
					items = append(items, attachmentsItem(x.JID, said))
				}
			}
		}
		return nil
	})
	if err != nil {
		return xmpp.ItemsResult{}, itemsError(err)
	}
	return window(items, r.Page)
}

func attachmentsItem(jid string, said translate.Attachments) xmpp.Item {
	return xmpp.Item{ID: jid, Publisher: stanza.JID(jid), Payload: said.Element()}
}

// attached are reactions as attachments. Pictures that only one server has, of
// which there is the :name: alone, are not among them.
func attached(reactions []cache.Reaction) translate.Attachments {
	var a translate.Attachments
	for _, r := range reactions {
		switch {
		case r.Kind == cache.Like:
			a.Noticed, a.NoticedAt = true, r.CreatedAt
		case translate.IsEmoji(r.Content) && len(a.Reactions) < translate.MaxReactions:
			a.Reactions, a.ReactedAt = append(a.Reactions, r.Content), r.CreatedAt
		}
	}
	return a
}

// summary answers for a summary node: the sums of the items of a node that have
// attachments, under the same ids, in pages of the same order.
func (s *pubsub) summary(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (out xmpp.ItemsResult, err error) {
	of, _ := translate.ParseSummaryNode(r.Node)
	inner := r
	inner.Node = of
	if isComments(of) {
		return s.threadSummary(ctx, a, inner, v)
	}
	if of != stanza.NSMicroblog && of != NodeReplies {
		return out, fail(NotFound, "there is no such node")
	}
	q := itemQuery(a.JID, inner, v)
	q.Reacted = true
	err = s.g.store.View(ctx, func(tx *cache.Tx) error {
		page, err := itemPage(tx, q, inner)
		if err != nil {
			return err
		}
		out.Count, out.Index = page.Count, page.Index
		for _, stored := range page.Items {
			item, err := summaryItem(tx, stored.Post.URI, stored.Item.ItemID)
			if err != nil {
				return err
			}
			out.Items = append(out.Items, item)
		}
		return nil
	})
	return out, itemsError(err)
}

// threadSummary is summary for the comments of a post.
func (s *pubsub) threadSummary(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (xmpp.ItemsResult, error) {
	var items []xmpp.Item
	err := s.g.store.View(ctx, func(tx *cache.Tx) error {
		_, posts, err := s.g.commentPosts(tx, a.JID, r.Node, v)
		if err != nil {
			return err
		}
		for _, stored := range posts {
			item, err := summaryItem(tx, stored.Post.URI, stored.Post.Item.ID)
			if err != nil {
				return err
			}
			if item.Payload.Child("", "") != nil {
				items = append(items, item)
			}
		}
		return nil
	})
	if err != nil {
		return xmpp.ItemsResult{}, itemsError(err)
	}
	return window(items, r.Page)
}

// summaryItem is the item that sums up what is attached to a post; without
// children if nothing is.
func summaryItem(tx *cache.Tx, uri, id string) (xmpp.Item, error) {
	counts, err := tx.ReactionCounts(uri, itemsMost)
	if err != nil {
		return xmpp.Item{}, err
	}
	var sum translate.Summary
	for _, c := range counts {
		if c.Kind == cache.Like {
			sum.Noticed += c.Count
		} else if translate.IsEmoji(c.Content) {
			sum.Reactions = append(sum.Reactions, translate.EmojiCount{Emoji: c.Content, Count: c.Count})
		}
	}
	return xmpp.Item{ID: id, Payload: sum.Element()}, nil
}

// attach takes what a user attaches to an item of an actor: the set of
// reactions as it is now, of which the difference is sent. XEP-0470 wants bad
// requests for an item that is not the publisher's own, or no attachments.
func (s *pubsub) attach(ctx context.Context, a cache.Actor, r xmpp.PublishRequest) (string, error) {
	said, err := translate.ParseAttachments(r.Item.Payload)
	if err != nil {
		return "", &Error{Kind: BadRequest, Text: "this node takes attachments (XEP-0470)", PubSub: "invalid-payload", Err: err}
	}
	if r.Item.ID != string(r.From.Bare()) {
		return "", fail(BadRequest, "the id of what you attach is your own address, %s", r.From.Bare())
	}
	return r.Item.ID, s.setAttachments(ctx, a, r.NodeRequest, said)
}

// detach takes all that a user attached away.
func (s *pubsub) detach(ctx context.Context, a cache.Actor, r xmpp.RetractRequest) error {
	if r.ID != string(r.From.Bare()) {
		return fail(Forbidden, "this is somebody else's")
	}
	return s.setAttachments(ctx, a, r.NodeRequest, translate.Attachments{})
}

func (s *pubsub) setAttachments(ctx context.Context, a cache.Actor, r xmpp.NodeRequest, said translate.Attachments) error {
	account, err := s.g.author(ctx, r.From)
	if err != nil {
		return err
	}
	return itemsError(s.g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, _, err := s.g.attachedTo(tx, a, r.Node, cache.Viewer{Actor: account.URI})
		if err != nil {
			return err
		}
		return s.g.setReactions(tx, account, stored.Post, reactionsOf(said))
	}))
}

// reactionsOf are attachments as reactions. A heart or a thumb says no more than
// a like, of which there is one for each person and post.
func reactionsOf(a translate.Attachments) map[string]cache.ReactionKind {
	want := map[string]cache.ReactionKind{}
	if a.Noticed {
		want[""] = cache.Like
	}
	for _, emoji := range a.Reactions {
		kind, content := reactionTo(emoji)
		want[content] = kind
	}
	return want
}

// reactionTo is the reaction that an emoji makes, "" for a plain like.
func reactionTo(emoji string) (cache.ReactionKind, string) {
	if emoji == "" || translate.IsLike(emoji) {
		return cache.Like, ""
	}
	return cache.Emoji, emoji
}

// setReactions makes the reactions of an account to a post the wanted ones.
func (g *Gateway) setReactions(tx *cache.Tx, account cache.Account, p translate.Post, want map[string]cache.ReactionKind) error {
	have, err := tx.ReactionsBy(account.URI, p.URI)
	if err != nil {
		return err
	}
	w := attachWork{URI: p.URI, Actor: account.URI}
	changed := false
	for _, r := range have {
		if kind, keep := want[r.Content]; keep && kind == r.Kind {
			delete(want, r.Content)
			continue
		}
		if err := g.takeBack(tx, account, r); err != nil {
			return err
		}
		if changed = true; r.Kind == cache.Like {
			w.Like, w.Heart = true, g.heartOf(r)
		}
	}
	emojis := make([]string, 0, len(want))
	for e := range want {
		emojis = append(emojis, e)
	}
	slices.Sort(emojis)
	for _, e := range emojis {
		if err := g.react(tx, account, p, want[e], e, ""); err != nil {
			return err
		}
		changed, w.Like = true, w.Like || want[e] == cache.Like
	}
	if !changed {
		return nil
	}
	return tx.Enqueue(g.attachJob(w))
}
