package translate

import (
	"fmt"
	"net/url"
	"strings"
)

// URLKind is what a URL of ours names.
type URLKind string

// The kinds of URLs (design: addresses).
const (
	URLActor       URLKind = "actor"
	URLInbox       URLKind = "inbox"
	URLOutbox      URLKind = "outbox"
	URLFollowers   URLKind = "followers"
	URLFollowing   URLKind = "following"
	URLFeatured    URLKind = "featured"
	URLItem        URLKind = "item"
	URLActivity    URLKind = "activity"
	URLMedia       URLKind = "media"
	URLSharedInbox URLKind = "shared_inbox"
	URLInstance    URLKind = "instance"
	URLPage        URLKind = "page"      // web page of an actor
	URLItemPage    URLKind = "item_page" // web page of a post
)

// The collections of an item: values of URLRef.Sub.
const (
	SubReplies = "replies"
	SubLikes   = "likes"
	SubShares  = "shares"
)

// URLRef is what a URL of ours says.
type URLRef struct {
	Kind       URLKind
	Host       string // as in handles: with the port, if there is one
	Acct       string // canonical, with its generation: user@host~2
	Handle     string // canonical, without generation
	Generation int    // 1 for the first actor of that handle
	ID         string // of an item, an activity or media
	Sub        string // of an item: SubReplies, SubLikes, SubShares
	Key        bool   // the URL had #main-key
	Canonical  bool   // spelled exactly as we spell it
}

// keyFragment is what follows an actor's id in the id of its key.
const keyFragment = "main-key"

// maxURL bounds what is read, maxID an id in a path.
const (
	maxURL = 4096
	maxID  = 128
)

// ActorURL is the id of an actor. This and the functions below give "" for a
// host that is not ours.
func (a *Addresses) ActorURL(acct string) string { return a.acctURL(URLActor, acct) }

// Inbox is an actor's inbox.
func (a *Addresses) Inbox(acct string) string { return a.acctURL(URLInbox, acct) }

// Outbox is an actor's outbox.
func (a *Addresses) Outbox(acct string) string { return a.acctURL(URLOutbox, acct) }

// Followers is the collection of an actor's followers.
func (a *Addresses) Followers(acct string) string { return a.acctURL(URLFollowers, acct) }

// Following is the collection of those whom an actor follows.
func (a *Addresses) Following(acct string) string { return a.acctURL(URLFollowing, acct) }

// Featured is the collection of an actor's pinned posts.
func (a *Addresses) Featured(acct string) string { return a.acctURL(URLFeatured, acct) }

// ItemURL is the id of an object.
func (a *Addresses) ItemURL(acct, id string) string { return a.acctURL(URLItem, acct, id) }

// ItemSubURL is a collection of an object, sub one of the Sub constants.
func (a *Addresses) ItemSubURL(acct, id, sub string) string {
	return a.acctURL(URLItem, acct, id, sub)
}

// ActivityURL is the id of an activity that we sent.
func (a *Addresses) ActivityURL(host, id string) string { return a.hostURL(host, URLActivity, id) }

// MediaURL is where media that only exists in XMPP is served.
func (a *Addresses) MediaURL(host, id string) string { return a.hostURL(host, URLMedia, id) }

// SharedInbox is the inbox that the actors of a host share.
func (a *Addresses) SharedInbox(host string) string { return a.hostURL(host, URLSharedInbox) }

// Instance is the id of the gateway's own actor on a host.
func (a *Addresses) Instance(host string) string { return a.hostURL(host, URLInstance) }

// PageURL is the web page of an actor.
func (a *Addresses) PageURL(acct string) string { return a.acctURL(URLPage, acct) }

// ItemPageURL is the web page of a post.
func (a *Addresses) ItemPageURL(acct, id string) string { return a.acctURL(URLItemPage, acct, id) }

// KeyID is the id of an actor's key.
func (a *Addresses) KeyID(actorURL string) string { return actorURL + "#" + keyFragment }

// URL writes what ParseURL read, in our spelling.
func (a *Addresses) URL(ref URLRef) string {
	var u string
	switch ref.Kind {
	case URLActivity, URLMedia:
		return a.hostURL(ref.Host, ref.Kind, ref.ID)
	case URLSharedInbox, URLInstance:
		u = a.hostURL(ref.Host, ref.Kind)
	case URLItemPage:
		return a.ItemPageURL(ref.Acct, ref.ID)
	case URLItem:
		if ref.Sub != "" {
			return a.ItemSubURL(ref.Acct, ref.ID, ref.Sub)
		}
		return a.ItemURL(ref.Acct, ref.ID)
	default:
		u = a.acctURL(ref.Kind, ref.Acct)
	}
	if ref.Key {
		u = a.KeyID(u)
	}
	return u
}

// acctURL writes a URL below an actor. The @ stays as it is: ids are compared
// byte by byte.
func (a *Addresses) acctURL(kind URLKind, acct string, rest ...string) string {
	host, _, _ := strings.Cut(acct[strings.LastIndexByte(acct, '@')+1:], "~")
	if kind == URLPage || kind == URLItemPage {
		return a.hostURL(host, "", append([]string{"@" + acct}, rest...)...)
	}
	return a.hostURL(host, kind, append([]string{acct}, rest...)...)
}

func (a *Addresses) hostURL(host string, kind URLKind, rest ...string) string {
	h, err := normalHost(host)
	s := a.byHost[h]
	if err != nil || s == nil {
		return ""
	}
	u := s.base
	if kind != "" {
		u += "/" + string(kind)
	}
	for _, segment := range rest {
		u += "/" + url.PathEscape(segment)
	}
	return u
}

// ParseURL reads a URL of ours. A query is taken on collections only, as they
// have pages. Errors: ErrNotOurs for other hosts, ErrUnknown.
func (a *Addresses) ParseURL(rawURL string) (URLRef, error) {
	if len(rawURL) > maxURL {
		return URLRef{}, fmt.Errorf("URL of %d bytes: %w", len(rawURL), ErrUnknown)
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return URLRef{}, fmt.Errorf("URL %q: %w", rawURL, ErrUnknown)
	}
	host, err := urlHost(u)
	if err != nil || !a.local(host) {
		return URLRef{}, fmt.Errorf("URL %q: %w", rawURL, ErrNotOurs)
	}
	s := a.byHost[host]
	if s == nil || u.Scheme != s.scheme || u.User != nil {
		return URLRef{}, fmt.Errorf("URL %q: %w", rawURL, ErrUnknown)
	}
	ref, err := a.ParsePath(host, u.EscapedPath())
	if err != nil {
		return URLRef{}, err
	}
	hasKey := ref.Kind == URLActor || ref.Kind == URLInstance
	ref.Key = hasKey && u.Fragment == keyFragment
	if u.RawQuery != "" && !ref.isCollection() || u.Fragment != "" && !ref.Key && !ref.isPage() {
		return URLRef{}, fmt.Errorf("URL %q: %w", rawURL, ErrUnknown)
	}
	ref.Canonical = rawURL == a.URL(ref)
	return ref, nil
}

func (r URLRef) isCollection() bool {
	switch r.Kind {
	case URLOutbox, URLFollowers, URLFollowing, URLFeatured:
		return true
	}
	return r.Sub != "" || r.isPage()
}

// isPage tells whether people read it: their browsers add what they like.
func (r URLRef) isPage() bool { return r.Kind == URLPage || r.Kind == URLItemPage }

// ParsePath reads the escaped path (url.URL.EscapedPath) of a request for one
// of our hosts. Each segment is unescaped once.
func (a *Addresses) ParsePath(host, escapedPath string) (URLRef, error) {
	h, err := normalHost(host)
	s := a.byHost[h]
	if err != nil || s == nil {
		return URLRef{}, fmt.Errorf("host %q: %w", host, ErrNotOurs)
	}
	unknown := fmt.Errorf("path %q: %w", escapedPath, ErrUnknown)
	path, found := strings.CutPrefix(escapedPath, a.path+"/")
	if !found || len(path) > maxURL {
		return URLRef{}, unknown
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if segments[i], err = url.PathUnescape(segment); err != nil {
			return URLRef{}, unknown
		}
	}
	ref, ok := a.route(s, segments)
	if !ok {
		return URLRef{}, unknown
	}
	ref.Canonical = s.scheme+"://"+s.host+escapedPath == a.URL(ref)
	return ref, nil
}

// route reads the segments below the path of a site.
func (a *Addresses) route(s *site, segments []string) (URLRef, bool) {
	ref, ok := URLRef{Kind: URLKind(segments[0]), Host: s.host}, false
	rest := segments[1:]
	if acct, isPage := strings.CutPrefix(segments[0], "@"); isPage {
		ref.Kind = URLPage
		if len(rest) == 0 {
			ok = a.routeAcct(&ref, acct)
			return ref, ok
		}
		ref.Kind = URLItemPage
		ok = a.routeItem(&ref, append([]string{acct}, rest...))
		return ref, ok
	}
	switch ref.Kind {
	case URLSharedInbox, URLInstance:
		ok = len(rest) == 0
	case URLActivity, URLMedia:
		if ok = len(rest) == 1 && validID(rest[0]); ok {
			ref.ID = rest[0]
		}
	case URLActor, URLInbox, URLOutbox, URLFollowers, URLFollowing, URLFeatured:
		ok = len(rest) == 1 && a.routeAcct(&ref, rest[0])
	case URLItem:
		ok = a.routeItem(&ref, rest)
	}
	return ref, ok
}

func (a *Addresses) routeItem(ref *URLRef, rest []string) bool {
	if len(rest) == 3 && ref.Kind == URLItem {
		switch rest[2] {
		case SubReplies, SubLikes, SubShares:
			ref.Sub = rest[2]
		default:
			return false
		}
	} else if len(rest) != 2 {
		return false
	}
	ref.ID = rest[1]
	return validID(ref.ID) && a.routeAcct(ref, rest[0])
}

// routeAcct reads an actor, who must live on the host of the URL: an actor has
// one id.
func (a *Addresses) routeAcct(ref *URLRef, acct string) bool {
	handle, generation, err := a.ParseAcct(acct)
	if err != nil || handle[strings.LastIndexByte(handle, '@')+1:] != ref.Host {
		return false
	}
	ref.Handle, ref.Generation, ref.Acct = handle, generation, Acct(handle, generation)
	return true
}

// validID takes what we mint, and what might have been minted by an importer:
// letters, digits, _ and -, with . in between.
func validID(s string) bool {
	if s == "" || len(s) > maxID || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; !isWord(s[i]) && (c < 'a' || c > 'z') && s[i] != '-' && s[i] != '.' {
			return false
		}
	}
	return true
}
