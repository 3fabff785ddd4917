package gateway

import (
	"errors"
	"net/url"
	"strings"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/config"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// Resolver finds what the store holds by any address that is written or shown
// anywhere: ids, web pages, xmpp: URIs, handles. It fetches nothing.
type Resolver struct{ Addr *translate.Addresses }

// NewResolver makes a Resolver for the addresses of a configuration.
func NewResolver(cfg config.Config) (Resolver, error) {
	domains := make([]translate.Domain, len(cfg.Domains))
	for i, d := range cfg.Domains {
		domains[i] = translate.Domain{Name: d.Name, URL: d.URL.String()}
	}
	addr, err := translate.NewAddresses(domains, cfg.XMPP.Component, cfg.XMPP.Services, cfg.HTTP.Path)
	return Resolver{addr}, err
}

func (g *Gateway) resolver() Resolver { return Resolver{g.addr} }

// Post finds a post by its id, that of the activity that brought it, its web page,
// or its place in XMPP: the URI of an item, or of the comments on it.
func (r Resolver) Post(tx *cache.Tx, address string, v cache.Viewer) (cache.Stored, error) {
	address = trimAddress(address)
	if it, err := translate.ParsePubSubURI(address); err == nil {
		return r.item(tx, it, v)
	}
	for _, s := range spellings(address) {
		found, err := r.postAt(tx, s, v)
		if !errors.Is(err, cache.ErrNotFound) {
			return found, err
		}
	}
	return cache.Stored{}, cache.ErrNotFound
}

// postAt finds a post by one spelling of its address on the web.
func (r Resolver) postAt(tx *cache.Tx, address string, v cache.Viewer) (cache.Stored, error) {
	found, err := tx.PostByURI(address, v)
	if !errors.Is(err, cache.ErrNotFound) {
		return found, err
	}
	if ref, err := r.Addr.ParseURL(address); err == nil {
		return r.ownPost(tx, ref, v)
	}
	pages, err := tx.PostsByPage(address, v)
	if err != nil {
		return found, err
	}
	if len(pages) == 1 && r.vouches(pages[0].Post) { // of two, nobody knows which is meant
		return pages[0], nil
	}
	act, err := tx.Activity(address)
	if err == nil && act.Object != "" {
		return tx.PostByURI(act.Object, v)
	}
	return found, errOr(err, cache.ErrNotFound)
}

// vouches tells whether a post may claim its page: it is on its own host (SEC-3),
// or its author is ours.
func (r Resolver) vouches(p translate.Post) bool {
	return p.Origin == translate.OriginXMPP && r.Addr.IsLocalURL(p.URI) || as2.SameOrigin(p.URI, p.URL)
}

// ownPost finds a post of ours by an address of ours. What people are shown does
// not say which of several actors with a name, one after the other, it is of.
func (r Resolver) ownPost(tx *cache.Tx, ref translate.URLRef, v cache.Viewer) (cache.Stored, error) {
	switch ref.Kind {
	case translate.URLActivity:
		act, err := tx.Activity(r.Addr.ActivityURL(ref.Host, ref.ID))
		if err != nil {
			return cache.Stored{}, err
		}
		return tx.PostByURI(act.Object, v)
	case translate.URLItem, translate.URLItemPage:
	default:
		return cache.Stored{}, cache.ErrNotFound
	}
	found, err := tx.PostByURI(r.Addr.ItemURL(ref.Acct, ref.ID), v)
	if !errors.Is(err, cache.ErrNotFound) || ref.Generation > 1 {
		return found, err
	}
	last, err := tx.AccountByAcct(ref.Handle)
	for n := last.Generation; err == nil && n > 0; n-- {
		found, err := tx.PostByURI(r.Addr.ItemURL(translate.Acct(ref.Handle, n), ref.ID), v)
		if !errors.Is(err, cache.ErrNotFound) {
			return found, err
		}
	}
	return cache.Stored{}, errOr(err, cache.ErrNotFound)
}

// Deleted tells when the post at an address was deleted, if that is known.
func (r Resolver) Deleted(tx *cache.Tx, address string) (cache.Tombstone, error) {
	for _, s := range spellings(trimAddress(address)) {
		if ref, err := r.Addr.ParseURL(s); err == nil && ref.Kind == translate.URLItemPage {
			s = r.Addr.ItemURL(ref.Acct, ref.ID)
		}
		t, err := tx.Tombstone(s)
		if !errors.Is(err, cache.ErrNotFound) {
			return t, err
		}
	}
	return cache.Tombstone{}, cache.ErrNotFound
}

// Account finds an actor of ours by any address of theirs.
func (r Resolver) Account(tx *cache.Tx, who string) (cache.Account, error) {
	uri, err := r.Actor(tx, who)
	if err != nil {
		return cache.Account{}, err
	}
	return tx.AccountByURI(uri)
}

// item finds a post by the address of an item, or of the node of its comments.
func (r Resolver) item(tx *cache.Tx, it translate.Item, v cache.Viewer) (cache.Stored, error) {
	if it.ID != "" {
		found, err := tx.PostByItem(it.Service, it.Node, it.ID, v)
		if !errors.Is(err, cache.ErrNotFound) {
			return found, err
		}
		if strings.HasPrefix(it.ID, "http") { // Libervia's item ids are object ids
			return r.postAt(tx, it.ID, v)
		}
	}
	if stanza.JID(it.Service).Domain() != r.Addr.Component() {
		return cache.Stored{}, cache.ErrNotFound
	}
	if id, ok := parseListID(it.ID); ok && isList(it.Node) {
		return tx.PostByID(id, v)
	}
	root, isComments := strings.CutPrefix(it.Node, stanza.CommentsNodePrefix)
	if strings.HasPrefix(it.Node, NodePrivatePrefix) {
		return r.private(tx, it, v)
	}
	if !isComments {
		return cache.Stored{}, cache.ErrNotFound
	}
	var found cache.Stored
	err := error(cache.ErrNotFound)
	for _, node := range []string{stanza.NSMicroblog, NodeReplies} {
		if errors.Is(err, cache.ErrNotFound) {
			found, err = tx.PostByItem(it.Service, node, root, v)
		}
	}
	if err != nil || it.ID == "" {
		return found, err
	}
	thread, err := tx.Thread(found.Post.URI, v, cache.Page{Limit: threadMost, Ascending: true})
	for _, s := range thread {
		if s.Post.Item != nil && s.Post.Item.ID == it.ID {
			return s, nil
		}
	}
	return cache.Stored{}, errOr(err, cache.ErrNotFound)
}

// private finds a post by the address that it has in the node of one reader.
func (r Resolver) private(tx *cache.Tx, it translate.Item, v cache.Viewer) (cache.Stored, error) {
	key, err := tx.Meta(cache.SecretKey(cache.SecretIDs))
	if err != nil {
		return cache.Stored{}, err
	}
	actor, err := tx.ActorByJID(it.Service)
	if err != nil {
		return cache.Stored{}, err
	}
	posts, err := tx.Outbox(actor.URI, v, cache.Page{Limit: threadMost, Width: cache.OnlyPrivate})
	for _, s := range posts {
		if translate.ItemIDForRemote([]byte(key), s.Post.URI) == it.ID {
			return s, nil
		}
	}
	return cache.Stored{}, errOr(err, cache.ErrNotFound)
}

// isList tells whether a node of the gateway's own address lists posts.
func isList(node string) bool {
	return strings.HasPrefix(node, NodeTagPrefix) || strings.HasPrefix(node, NodeSearchPrefix)
}

// Actor gives the id of somebody, of ours or remote, by handle, JID, id, or page.
func (r Resolver) Actor(tx *cache.Tx, who string) (uri string, err error) {
	who = cleanHandle(who)
	if !strings.Contains(who, "://") {
		return r.named(tx, who)
	}
	for _, s := range spellings(who) {
		if ref, err := r.Addr.ParseURL(s); err == nil {
			return r.ownActor(tx, ref)
		}
		a, err := tx.ActorByURI(s)
		if !errors.Is(err, cache.ErrNotFound) {
			return a.URI, err
		}
		pages, err := tx.ActorsByPage(s)
		if err != nil {
			return "", err
		}
		if len(pages) == 1 && as2.SameOrigin(pages[0], s) {
			return pages[0], nil
		}
	}
	return "", cache.ErrNotFound
}

// ownActor finds an actor of ours by an address of ours.
func (r Resolver) ownActor(tx *cache.Tx, ref translate.URLRef) (string, error) {
	if ref.Acct == "" {
		return "", cache.ErrNotFound
	}
	a, err := tx.AccountByURI(r.Addr.ActorURL(ref.Acct))
	if ref.Kind == translate.URLPage && ref.Generation == 1 { // the plain page is that of the last of them
		a, err = tx.AccountByAcct(ref.Handle)
	}
	return a.URI, err
}

// named finds somebody by handle or JID.
func (r Resolver) named(tx *cache.Tx, who string) (string, error) {
	if a, err := tx.AccountByAcct(who); !errors.Is(err, cache.ErrNotFound) {
		return a.URI, err
	}
	if jid, node, err := tx.Handle(who); err == nil {
		a, err := tx.AccountByJID(jid, node)
		return a.URI, err
	}
	if a, err := tx.AccountByJID(string(stanza.JID(who).Bare()), ""); !errors.Is(err, cache.ErrNotFound) {
		return a.URI, err
	}
	if a, err := tx.ActorByAcct(who); !errors.Is(err, cache.ErrNotFound) {
		return a.URI, err
	}
	a, err := tx.ActorByJID(string(stanza.JID(who).Bare()))
	if errors.Is(err, cache.ErrNotFound) {
		if handle, ok := r.Addr.MeantActor(who); ok {
			a, err = tx.ActorByAcct(handle)
		}
	}
	return a.URI, err
}

// trimAddress takes off what is around an address in a text.
func trimAddress(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
}

// spellings are an address on the web as it is written, and as it is mostly held:
// in normal spelling, and with and without a slash at its end.
func spellings(address string) []string {
	out := []string{address}
	u := normalURL(address)
	if u == nil {
		return out
	}
	if normal := u.String(); normal != address {
		out = append(out, normal)
	}
	if path, found := strings.CutSuffix(u.Path, "/"); found {
		u.Path, u.RawPath = path, strings.TrimSuffix(u.RawPath, "/")
		return append(out, u.String())
	}
	if u.RawQuery == "" {
		out = append(out, u.String()+"/")
	}
	return out
}

// normalURL is an address on the web with https, the host in lower case, and
// without what browsers keep to themselves; nil if it is none.
func normalURL(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Scheme == "http" && as2.CheckURL("http://"+u.Host+"/") != nil { // on loopback, where it is right, nobody but development is
		u.Scheme = "https"
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "https" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return u
}
