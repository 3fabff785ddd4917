package cache

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/ap/as2"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// judged is what became of comparing a post.
type judged struct {
	id       int64
	uri      string
	origin   translate.Origin
	indexed  int
	wrong    []string
	compared bool           // with its document
	damaged  bool           // its pages are
	post     translate.Post // as it should be; without URI if that is not known

	unsearched error // why it could not be looked up in the index
}

// verifyRow is a post's row.
type verifyRow struct {
	judged
	owner, ownerHost, author, replyTo, boost string
	kind                                     translate.Kind
	vis                                      int
	hash, parsed, raw                        []byte
	rawType                                  string
	published, updated                       time.Time
}

func scanVerifyRow(r row) (v verifyRow, err error) {
	err = r.Scan(&v.id, &v.uri, &v.owner, &v.ownerHost, &v.author, &v.kind, &v.origin, &v.vis, &v.replyTo, &v.boost, &v.hash,
		&v.indexed, &v.parsed, &v.rawType, &v.raw, when{&v.published}, when{&v.updated})
	return v, err
}

// judge compares a post's rows with each other and with its document.
func (tx *Tx) judge(id int64) (judged, error) {
	v, err := one(tx, scanVerifyRow, `SELECT p.id, p.uri, p.owner, p.owner_host, coalesce(p.author, ''), p.kind, p.origin, p.vis,
		coalesce(p.reply_to, ''), coalesce(p.boost, ''), p.hash, p.indexed, iif(json_valid(b.parsed, 8), json(b.parsed), ''),
		b.raw_type, b.raw, p.published, p.updated FROM `+postsBodies+" WHERE p.id = ?", id)
	if errors.Is(err, ErrNotFound) {
		return judged{}, nil // deleted meanwhile
	}
	if err != nil {
		return judged{}, err
	}
	var s Stored
	if err := s.decode(v.parsed); err != nil || s.Post.URI != v.uri {
		v.wrong = append(v.wrong, "its stored form cannot be read")
		if s.Post, err = tx.skeleton(v); err != nil {
			return judged{}, err
		}
	}
	v.post = s.Post
	if err := tx.compareDocument(&v); err != nil {
		return judged{}, err
	}
	if v.post.URI == "" {
		return v.judged, nil
	}
	if err := v.compareRow(); err != nil {
		return judged{}, err
	}
	for _, compare := range []func(*verifyRow) error{tx.compareSides, tx.compareText} {
		if err := compare(&v); err != nil {
			return judged{}, err
		}
	}
	return v.judged, nil
}

// skeleton is what other rows tell of a post.
func (tx *Tx) skeleton(v verifyRow) (translate.Post, error) {
	owner := translate.Actor{URI: v.owner}
	a, err := tx.ActorByURI(v.owner)
	if err == nil {
		owner.Handle, owner.JID, owner.Name = a.Acct, a.JID, a.Name
	} else if ours, e := tx.AccountByURI(v.owner); e == nil {
		owner.Handle, owner.JID, owner.Name = ours.Acct, ours.JID, ours.Name
		err = nil
	}
	p := translate.Post{URI: v.uri, Kind: v.kind, Origin: v.origin, Owner: owner, Author: owner, Visibility: visOf(v.vis),
		ReplyTo: v.replyTo, Boost: v.boost, Published: v.published, Updated: v.updated}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return p, err
	}
	places, err := tx.Placements(v.uri)
	if len(places) > 0 {
		p.Item = &translate.Item{Service: places[0].Service, Node: places[0].Node, ID: places[0].ItemID}
		if v.origin == translate.OriginAP {
			p.Comments = &translate.Node{Service: p.Item.Service, Name: stanza.CommentsNodePrefix + p.Item.ID}
		}
	}
	return p, err
}

// compareDocument compares the post with the document that it came as. Whose
// stored form cannot be read and that has no document is lost.
func (tx *Tx) compareDocument(v *verifyRow) error {
	lost := len(v.wrong) > 0
	raw, err := tx.store.packer.unpack(v.raw)
	if err != nil {
		v.wrong = append(v.wrong, "its document cannot be unpacked")
	}
	var said translate.Post
	ok := false
	if err == nil && raw != nil && v.kind != translate.KindBoost {
		if said, ok, err = tx.fromDocument(v, raw); err != nil {
			v.wrong = append(v.wrong, "its document cannot be read: "+err.Error())
		}
	}
	if !ok || err != nil {
		if lost {
			v.post = translate.Post{}
		}
		return nil
	}
	v.compared = true
	held, err := contentOf(v.post, v.origin)
	if err != nil {
		return err
	}
	want, err := contentOf(said, v.origin)
	if err != nil {
		return err
	}
	if !lost && !bytes.Equal(held, want) {
		v.wrong = append(v.wrong, "it does not say what its document says")
	}
	if v.origin == translate.OriginAP && v.post.Visibility.WiderThan(said.Visibility) {
		v.wrong = append(v.wrong, "it is wider than its document: "+string(said.Visibility))
		v.post.Visibility = said.Visibility
	}
	takeContent(&v.post, said, v.origin)
	return nil
}

// fromDocument reads a post's document again; ok is false for those of a kind
// that is not read so, such as chat messages.
func (tx *Tx) fromDocument(v *verifyRow, raw []byte) (p translate.Post, ok bool, err error) {
	switch {
	case v.origin == translate.OriginAP && v.rawType == "":
		o, err := as2.Parse(raw)
		if err != nil {
			return p, false, err
		}
		actor, err := tx.ActorByURI(v.owner)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return p, false, err
		}
		p, err = translate.FromAS2(o, translate.AS2Context{Owner: v.post.Owner, FollowersURL: actor.Followers, IsActor: tx.isActor})
		return p, err == nil, err
	case v.origin == translate.OriginXMPP && strings.HasPrefix(v.rawType, "application/atom+xml") && v.post.Item != nil:
		el, err := stanza.Parse(raw, "", stanza.Limits{})
		if err != nil {
			return p, false, err
		}
		p, err = translate.FromAtom(el, *v.post.Item, v.post.Owner)
		return p, err == nil, err
	}
	return p, false, nil
}

func (tx *Tx) isActor(uri string) bool {
	known, err := tx.exists("SELECT 1 FROM actors WHERE uri = ?1 UNION ALL SELECT 1 FROM accounts WHERE uri = ?1", uri)
	return err == nil && known
}

// takeContent takes what a document says into a post. Of a user's entry only
// the text: the gateway resolves what it refers to.
func takeContent(p *translate.Post, said translate.Post, origin translate.Origin) {
	kept := *p
	*p = said
	p.URI, p.Kind, p.Origin, p.Owner, p.Author = kept.URI, kept.Kind, kept.Origin, kept.Owner, kept.Author
	p.Visibility, p.Item, p.Comments = kept.Visibility, kept.Item, kept.Comments
	p.Published, p.Updated = kept.Published, kept.Updated
	p.Boost, p.BoostRef, p.ReplyRef = kept.Boost, kept.BoostRef, kept.ReplyRef
	if origin == translate.OriginXMPP {
		p.Mentions, p.ReplyTo, p.Thread, p.Quote, p.URL = kept.Mentions, kept.ReplyTo, kept.Thread, kept.Quote, kept.URL
		p.To, p.Cc = kept.To, kept.Cc
		return
	}
	for i, m := range p.Mentions { // how people are called was learned since
		at := slices.IndexFunc(kept.Mentions, func(k translate.Mention) bool { return k.URI == m.URI })
		if at >= 0 {
			p.Mentions[i].Actor = kept.Mentions[at].Actor
		}
	}
}

// contentOf is what a post and its document have to agree on.
func contentOf(p translate.Post, origin translate.Origin) ([]byte, error) {
	blank := translate.Post{}
	takeContent(&blank, p, origin)
	blank.Mentions = slices.Clone(blank.Mentions)
	for i, m := range blank.Mentions {
		blank.Mentions[i] = translate.Mention{Actor: translate.Actor{URI: m.URI}, Text: m.Text}
	}
	return json.Marshal(blank, lenientText, json.Deterministic(true))
}

// compareRow compares the columns with the post.
func (v *verifyRow) compareRow() error {
	p := v.post
	author := p.Author.URI
	if author == p.Owner.URI {
		author = ""
	}
	if v.owner != p.Owner.URI || v.ownerHost != hostOf(p.Owner.URI) || v.author != author || v.kind != p.Kind || v.origin != p.Origin ||
		v.vis != visCode(p.Visibility) || v.replyTo != p.ReplyTo || v.boost != p.Boost {
		v.wrong = append(v.wrong, "its row disagrees with it")
	}
	hash, err := digest(p)
	if err == nil && !bytes.Equal(hash, v.hash) {
		v.wrong = append(v.wrong, "its digest is another")
	}
	return err
}

// compareSides compares tags, mentions and addressees.
func (tx *Tx) compareSides(v *verifyRow) error {
	p := v.post
	var tags, mentions, to []string
	for _, t := range p.Tags {
		if tag := foldTag(t); tag != "" {
			tags = append(tags, tag)
		}
	}
	for _, m := range p.Mentions {
		if m.URI != "" {
			mentions = append(mentions, m.URI)
		}
	}
	if visCode(p.Visibility) > visCode(translate.Unlisted) {
		to = slices.Concat(p.To, p.Cc)
	}
	for _, side := range []struct {
		what, query string
		want        []string
	}{
		{"tags", "SELECT tag FROM tags WHERE post_id = ?", tags},
		{"mentions", "SELECT actor FROM mentions WHERE post_id = ?", mentions},
	} {
		held, err := all(tx, value[string], side.query, v.id)
		if err != nil {
			return err
		}
		if !sameSet(held, side.want) {
			v.wrong = append(v.wrong, fmt.Sprintf("its %s are %q and should be %q", side.what, held, side.want))
		}
	}
	return tx.compareAddressees(v, to)
}

// compareAddressees compares who may see a post. Those who were added besides
// to and cc are not in it.
func (tx *Tx) compareAddressees(v *verifyRow, want []string) error {
	held, err := all(tx, value[string], "SELECT actor FROM addressees WHERE post_id = ? AND extra = 0", v.id)
	if err != nil {
		return err
	}
	added, err := all(tx, value[string], "SELECT actor FROM addressees WHERE post_id = ? AND extra = 1", v.id)
	if err != nil {
		return err
	}
	for _, a := range want {
		if !slices.Contains(held, a) && !slices.Contains(added, a) {
			v.wrong = append(v.wrong, "somebody who should see it cannot: "+a)
		}
	}
	for _, a := range held {
		if !slices.Contains(want, a) {
			v.wrong = append(v.wrong, "somebody can see it who should not: "+a)
		}
	}
	return nil
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// compareText looks a post up in the index by some of its words.
func (tx *Tx) compareText(v *verifyRow) error {
	if v.indexed != indexed {
		return nil
	}
	var list []string
	building, err := tx.Reindexing()
	if err != nil {
		return err
	}
	if !building { // until then it may have none
		list = marks(v.post, !v.post.Updated.IsZero())
	}
	for _, column := range ftsRow(Stored{ID: v.id, Post: v.post}, nil)[1:] {
		if text, ok := column.(string); ok {
			if w := slices.DeleteFunc(words(text), isSign); len(w) > 0 {
				list = append(list, w[0], w[len(w)/2], w[len(w)-1])
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	found, err := tx.exists("SELECT 1 FROM posts_fts WHERE posts_fts MATCH ? AND rowid = ?", `"`+strings.Join(list, `" AND "`)+`"`, v.id)
	if errors.Is(err, ErrDamaged) {
		v.unsearched = err
		return nil
	}
	if err == nil && !found {
		v.wrong = append(v.wrong, "the search does not find it by its words")
	}
	return err
}

// mendPost writes everything that follows from a post anew.
func (tx *Tx) mendPost(j judged) error {
	p := j.post
	hash, err := digest(p)
	if err != nil {
		return err
	}
	author, authorHost, err := tx.authorOf(p)
	if err != nil {
		return err
	}
	parsed, err := formOf(p)
	if err != nil {
		return err
	}
	err = tx.run(`UPDATE posts SET owner = ?, owner_host = ?, author = ?, author_host = ?, kind = ?, origin = ?, vis = ?, reply_to = ?,
		boost = ?, hash = ?, rev = rev + 1 WHERE id = ?`,
		p.Owner.URI, hostOf(p.Owner.URI), author, authorHost, string(p.Kind), string(p.Origin), visCode(p.Visibility), orNull(p.ReplyTo),
		orNull(p.Boost), hash, j.id)
	if err == nil {
		err = tx.run("UPDATE bodies SET parsed = jsonb(?) WHERE post_id = ?", parsed, j.id)
	}
	if err == nil {
		err = tx.clearSides(j.id)
	}
	if err == nil {
		err = tx.putSides(j.id, p)
	}
	if err == nil && j.indexed == indexNever && p.Kind != translate.KindBoost {
		err = tx.run("UPDATE posts SET indexed = 0 WHERE id = ?", j.id) // it could not be read
	}
	if err == nil {
		err = tx.unindex(j.id, j.indexed)
	}
	if err != nil {
		return fmt.Errorf("mend %s: %w", j.uri, err)
	}
	return tx.noteDeleted() // what it said wrongly
}
