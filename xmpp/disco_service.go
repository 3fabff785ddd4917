package xmpp

import (
	"context"
	"strings"

	"isthmus/xmpp/stanza"
)

// discoInfo answers what an address or a node is. The node is echoed.
func (r *Router) discoInfo(ctx context.Context, iq IQ) (*stanza.Element, error) {
	q := DiscoRequest{Request: iq.request(), Node: iq.Payload.Get("node"), Page: Page{Max: -1}}
	if len(q.Node) > maxName {
		return nil, stanza.NewError("item-not-found", "")
	}
	if info, ok, err := r.announced(q.Node); ok || err != nil {
		return info.element(q.Node), err
	}
	if info, ok := r.commandInfo(ctx, q); ok {
		return info.element(q.Node), nil
	}
	if r.services.Disco == nil {
		return nil, errUnavailable()
	}
	info, err := r.services.Disco.Info(ctx, q)
	if err != nil {
		return nil, err
	}
	return info.element(q.Node), nil
}

// Announce tells what our presences announce: asked for by their node and hash,
// these capabilities are answered for every address of ours. It is called once,
// before the first stanza, as they are made of what the Router itself answers.
func (r *Router) Announce(caps ...*Caps) { r.caps = caps }

// announced is what our presences announce, when the node asks for that
// (XEP-0115 §6.2). An older version is not found: another answer would be taken
// for it.
func (r *Router) announced(node string) (info DiscoInfo, ok bool, err error) {
	for _, c := range r.caps {
		if node == c.node() {
			return c.Info, true, nil
		}
		if strings.HasPrefix(node, c.Node+"#") {
			err = stanza.NewError("item-not-found", "")
		}
	}
	return info, false, err
}

// discoItems lists what belongs to an address or a node.
func (r *Router) discoItems(ctx context.Context, iq IQ) (*stanza.Element, error) {
	q := DiscoRequest{Request: iq.request(), Node: iq.Payload.Get("node")}
	if len(q.Node) > maxName {
		return nil, stanza.NewError("item-not-found", "")
	}
	var err error
	if q.Page, err = parsePage(nil, iq.Payload); err != nil {
		return nil, err
	}
	var items DiscoItems
	switch {
	case q.Node == stanza.NSCommands && r.services.Commands != nil:
		items, err = r.commandItems(ctx, q)
	case r.services.Disco != nil:
		items, err = r.services.Disco.Items(ctx, q)
	default:
		err = errUnavailable()
	}
	if err != nil {
		return nil, err
	}
	return items.answer(q, r.budget())
}

// answer renders the list, or the page of it.
func (i DiscoItems) answer(q DiscoRequest, budget int) (*stanza.Element, error) {
	el := stanza.New(stanza.NSDiscoItems, "query").Set("node", q.Node)
	entries := make([]entry, 0, len(i.Items))
	for _, x := range i.Items {
		entries = append(entries, newEntry(x.cursor(), x.element()))
	}
	if !i.Paged {
		return el, answerList(el, el, entries, q.Page, budget)
	}
	w := walk{entries: entries, count: i.Count, index: i.Index}
	if q.Page.Kind == CountOnly {
		w.entries, w.index = nil, -1
	}
	entries, set, cut := w.fit(q.Page, budget)
	addEntries(el, entries)
	if q.Page.Set || cut || len(entries) < i.Count {
		el.Add(set.Element())
	}
	return el, nil
}

// common are the features of every address of ours.
func (r *Router) common() []string {
	f := []string{
		stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSCaps, stanza.NSPing,
		stanza.NSVersion, stanza.NSTime, stanza.NSLast,
	}
	if r.services.VCard != nil {
		f = append(f, stanza.NSVCardTemp, stanza.NSVCard4)
	}
	if r.services.Commands != nil {
		f = append(f, stanza.NSCommands, stanza.NSForm)
	}
	if r.services.Archive != nil {
		f = append(f, stanza.NSMAM, stanza.NSFullText)
	}
	if r.services.PubSub != nil {
		f = append(f, stanza.NSRSM, stanza.NSOrderBy, stanza.NSSocialFeed, stanza.NSPubSub)
		for _, name := range []string{
			"access-open", "access-whitelist", "item-ids", "meta-data", "multi-items", "persistent-items", "publish",
			"retract-items", "retrieve-affiliations", "retrieve-items", "retrieve-subscriptions", "rsm",
			"subscribe", "subscription-notifications",
		} {
			f = append(f, stanza.NSPubSub+"#"+name)
		}
	}
	return f
}

// DomainFeatures are the features that the Router answers on the domain.
func (r *Router) DomainFeatures() []string {
	f := r.common()
	if r.services.Gateway != nil {
		f = append(f, stanza.NSGateway)
	}
	if r.services.Register != nil {
		f = append(f, stanza.NSRegister)
	}
	if r.services.Search != nil {
		f = append(f, stanza.NSSearch)
	}
	return append(f, r.chatFeatures()...)
}

// ActorFeatures are the features that the Router answers on every actor.
func (r *Router) ActorFeatures() []string {
	f := r.common()
	if r.services.PubSub != nil {
		f = append(f, stanza.NSMicroblog, stanza.NSAttachments)
	}
	return append(f, r.chatFeatures()...)
}

// chatFeatures are what Message understands.
func (r *Router) chatFeatures() []string {
	if r.services.Chat == nil {
		return nil
	}
	return []string{
		stanza.NSReceipts, stanza.NSCorrect, stanza.NSRetract, stanza.NSReactions, stanza.NSReply,
		stanza.NSFallback, stanza.NSReference, stanza.NSOOB, stanza.NSSFS, stanza.NSSpoiler,
	}
}
