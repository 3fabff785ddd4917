package cache

import (
	"errors"
	"slices"
	"strings"
	"time"

	"isthmus/translate"
)

// Why a line of an export is left out.
var (
	errUnproved = errors.New("it is said to be of one of our users, and this store has not written it")
	errPrivate  = errors.New("it is not for everybody, and this store has not written it")
	errUnlinked = errors.New("nobody here is linked under that name")
)

// admit checks a line that this store has written: the user whose post it is
// has to be here still.
func (im *importer) admit(tx *Tx, x importLine) error {
	owner := x.Post.Owner.URI
	if !im.ours(owner) || x.Post.Origin == translate.OriginXMPP && strings.HasPrefix(owner, "xmpp:") {
		return nil
	}
	a, err := tx.AccountByURI(owner)
	if errors.Is(err, ErrNotFound) || err == nil && a.State != Linked && a.State != Paused {
		return errUnlinked
	}
	return err
}

// judge checks a line of which nothing is known but what it says. Of it is
// taken what a post of elsewhere shows to everybody; its places, its readers
// and what its owner is called here are for this store to say.
func (im *importer) judge(tx *Tx, x importLine) (importLine, error) {
	p := &x.Post
	for _, uri := range []string{p.URI, p.Owner.URI} {
		if im.ours(uri) {
			return x, errUnproved
		}
		if _, err := tx.AccountByURI(uri); !errors.Is(err, ErrNotFound) {
			return x, errors.Join(errUnproved, err)
		}
	}
	x.Addressees, x.Places = nil, nil
	if p.Updated.After(im.Now) { // no later edit would be one
		p.Updated = time.Time{}
	}
	if p.Origin == translate.OriginXMPP {
		return x, copyOfItem(p)
	}
	if said := (translate.Audience{To: p.To, Cc: p.Cc}).Visibility("", nil); p.Visibility.WiderThan(said) {
		p.Visibility = said
	}
	if p.Visibility.WiderThan(translate.Followers) {
		return x, im.nameOwner(tx, p)
	}
	return x, errPrivate
}

// copyOfItem checks that a post is the copy of an item of a node elsewhere that
// everybody can read. Of XMPP nothing else is known from other stores.
func copyOfItem(p *translate.Post) error {
	it, err := translate.ParsePubSubURI(p.URI)
	owner := translate.Actor{URI: translate.JIDURI(it.Service), JID: it.Service}
	switch {
	case err != nil || it.ID == "" || p.URI != translate.PubSubURI(it.Service, it.Node, it.ID) || p.Owner.URI != owner.URI:
		return errUnproved
	case p.Visibility != translate.Public:
		return errPrivate
	case p.Kind == translate.KindBoost:
		return errUnproved
	}
	owner.Name = p.Owner.Name
	author := owner
	author.Name = p.Author.Name
	p.Item, p.Owner, p.Author, p.Comments, p.To, p.Cc = &it, owner, author, nil, nil, nil
	return nil
}

// nameOwner calls the owner of a post as they are called here. A post has no
// place then until it comes from its origin.
func (im *importer) nameOwner(tx *Tx, p *translate.Post) error {
	p.Item, p.Comments = nil, nil
	p.Owner.JID = ""
	if _, host, _ := strings.Cut(p.Owner.Handle, "@"); im.oursHost(host) {
		p.Owner.Handle = ""
	}
	a, err := tx.ActorByURI(p.Owner.URI)
	if err == nil {
		p.Owner = translate.Actor{URI: a.URI, Handle: a.Acct, JID: a.JID, Name: a.Name}
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	if p.Author = p.Owner; p.Kind == translate.KindBoost {
		p.Author = translate.Actor{} // the owner of what is boosted, wherever it is shown
	}
	return nil
}

// ours tells whether what a URI names would be on this server, or cannot be
// told.
func (im *importer) ours(uri string) bool { return im.oursHost(hostOf(uri)) }

func (im *importer) oursHost(host string) bool {
	host, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), ":")
	foreign := func(r rune) bool { return r > 0x7f } // the spelling of an A-label that no id has
	return host == "" || strings.ContainsFunc(host, foreign) || slices.Contains(im.Ours, host)
}
