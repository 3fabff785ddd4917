package gateway

import (
	"context"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// disco tells what the addresses of the gateway are (XEP-0030).
type disco struct{ g *Gateway }

// setCaps computes what presences announce: one set for all actors, one for the
// gateway itself, which asks for its users' news (XEP-0163 §4).
func (g *Gateway) setCaps() {
	const node = "https://isthmus.invalid/caps"
	g.caps = xmpp.NewCaps(node, g.actorInfo("a fediverse actor"))
	info := g.domainInfo()
	info.Features = append(info.Features, xmpp.NotifyFeatures()...)
	g.domain = xmpp.NewCaps(node, info)
	g.router.Announce(g.caps, g.domain)
}

// domainInfo is what the component's own address is.
func (g *Gateway) domainInfo() xmpp.DiscoInfo {
	info := xmpp.DiscoInfo{
		Identities: []xmpp.Identity{
			{Category: "gateway", Type: "activitypub", Name: "Fediverse gateway"},
			{Category: "pubsub", Type: "service", Name: "Fediverse gateway"},
		},
		Features: g.router.DomainFeatures(),
	}
	var contacts xmpp.Contacts
	for _, admin := range g.cfg.XMPP.Admins {
		contacts.Admin = append(contacts.Admin, translate.JIDURI(admin))
		contacts.Abuse = append(contacts.Abuse, translate.JIDURI(admin))
	}
	if len(contacts.Admin) > 0 {
		info.Forms = append(info.Forms, contacts.Form()) // XEP-0157
	}
	return info
}

func (g *Gateway) actorInfo(name string) xmpp.DiscoInfo {
	return xmpp.DiscoInfo{
		Identities: []xmpp.Identity{
			{Category: "account", Type: "registered", Name: name},
			{Category: "pubsub", Type: "pep", Name: name},
		},
		Features: g.router.ActorFeatures(),
	}
}

// actorNodes are the nodes that every actor has.
func actorNodes() []string {
	return []string{
		stanza.NSMicroblog, NodeReplies, stanza.NodeVCard4, stanza.NSNick, stanza.NSAvatarMeta, stanza.NSAvatarData, stanza.NodeBanner,
	}
}

// feedMeta describes the feed of an actor.
func feedMeta(a cache.Actor) xmpp.NodeMeta {
	m := xmpp.NodeMeta{
		Type: stanza.NSSocialFeed, Title: a.Name, Subscribers: -1,
		AccessModel: "open", PublishModel: "publishers", ItemReply: "publisher",
	}
	if a.JID != "" {
		m.Owners = []string{a.JID}
		m.Description = "Posts of " + handleOf(a)
	}
	if !a.Published.IsZero() {
		m.Created = a.Published.UTC().Format("2006-01-02T15:04:05Z")
	}
	return m
}

// Info answers disco#info.
func (d *disco) Info(ctx context.Context, r xmpp.DiscoRequest) (xmpp.DiscoInfo, error) {
	if r.To.Local() == "" {
		if r.Node != "" {
			return d.g.listInfo(ctx, r)
		}
		return d.g.domainInfo(), nil
	}
	p := &pubsub{d.g}
	a, err := p.actor(ctx, r.Request)
	if err != nil {
		return xmpp.DiscoInfo{}, err
	}
	if r.Node == "" {
		return d.g.actorInfo(nameAndHandle(a)), nil
	}
	if err := p.known(ctx, a, xmpp.NodeRequest{Request: r.Request, Node: r.Node}); err != nil {
		return xmpp.DiscoInfo{}, err
	}
	m := feedMeta(a)
	switch {
	case isComments(r.Node):
		m.Title, m.Description, m.PublishModel = "Comments", "Replies to a post of "+handleOf(a), "open"
	case strings.HasPrefix(r.Node, stanza.NSAttachments+"/"):
		m.Type, m.Title, m.Description, m.PublishModel = "", "Reactions", "Reactions to a post of "+handleOf(a), "open"
	case strings.HasPrefix(r.Node, NodePrivatePrefix):
		m.Title, m.Description, m.AccessModel = "For you", "Posts of "+handleOf(a)+" that are not for everybody", modelWhitelist
	case r.Node != stanza.NSMicroblog && r.Node != NodeReplies:
		m.Type, m.Title = "", r.Node
	case r.Node == NodeReplies:
		m.Title = "Replies of " + a.Name
	}
	return xmpp.NodeInfo(m), nil
}

// Items answers disco#items: the nodes of an actor, the items of a node.
func (d *disco) Items(ctx context.Context, r xmpp.DiscoRequest) (xmpp.DiscoItems, error) {
	p := &pubsub{d.g}
	if r.To.Local() == "" {
		if r.Node != "" {
			return p.discoItems(ctx, r)
		}
		items, err := d.g.lists(ctx, r.From)
		return xmpp.DiscoItems{Items: items}, err
	}
	a, err := p.actor(ctx, r.Request)
	if err != nil {
		return xmpp.DiscoItems{}, err
	}
	var out xmpp.DiscoItems
	if r.Node == "" {
		for _, n := range actorNodes() {
			out.Items = append(out.Items, xmpp.DiscoItem{JID: stanza.JID(a.JID), Node: n, Name: nodeTitle(n)})
		}
		private := NodePrivatePrefix + string(r.From.Bare())
		err := p.knownPrivate(ctx, a, xmpp.NodeRequest{Request: r.Request, Node: private})
		if err == nil {
			out.Items = append(out.Items, xmpp.DiscoItem{JID: stanza.JID(a.JID), Node: private, Name: "For you"})
		} else if !isKind(err, NotFound) {
			return out, err
		}
		return out, nil
	}
	return p.discoItems(ctx, r)
}

// discoItems lists the items of a node by their ids (XEP-0060 §5.5).
func (s *pubsub) discoItems(ctx context.Context, r xmpp.DiscoRequest) (xmpp.DiscoItems, error) {
	var out xmpp.DiscoItems
	result, err := s.Items(ctx, xmpp.ItemsRequest{NodeRequest: xmpp.NodeRequest{Request: r.Request, Node: r.Node}, Page: r.Page})
	if err != nil {
		return out, err
	}
	out.Paged, out.Count, out.Index = true, result.Count, result.Index
	for _, it := range result.Items {
		out.Items = append(out.Items, xmpp.DiscoItem{JID: r.To.Bare(), Name: it.ID, ID: it.ID})
	}
	return out, nil
}

func nodeTitle(node string) string {
	switch node {
	case stanza.NSMicroblog:
		return "Posts"
	case NodeReplies:
		return "Replies"
	}
	return node[strings.LastIndexByte(node, '/')+1:]
}
