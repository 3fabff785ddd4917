package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// The people of the fediverse in the walks: two on one server, one on another,
// and one on a server without a shared inbox.
const (
	daveURI = "https://mast.social/users/dave"
	carlURI = "https://lone.test/carl"
)

var (
	cast    = []string{aliceURI, daveURI, bobURI, carlURI}
	handles = []string{"alice@mast.social", "dave@mast.social", "bob@pub.test", "carl@lone.test"}
	jids    = []string{aliceJID, `dave\40mast.social@ap.example.org`, bobJID, `carl\40lone.test@ap.example.org`}
)

// inboxOwner is whose own inbox that is, "" for a shared one.
func inboxOwner(inbox string) string {
	uri := strings.TrimSuffix(inbox, "/inbox")
	if slices.Contains(cast, uri) {
		return uri
	}
	return ""
}

// reach is whom a post is for (design 3): everybody, also by search; or the
// followers of somebody; or those who are named.
type reach struct {
	all, listed bool
	followers   string   // whose; "" for nobody's
	names       []string // also of what is for followers
}

func (r reach) closed() bool { return !r.all }

func (r reach) String() string {
	switch {
	case r.listed:
		return "public"
	case r.all:
		return "unlisted"
	case r.followers != "":
		return fmt.Sprintf("followers of %s and %v", r.followers, r.names)
	}
	return fmt.Sprintf("%v", r.names)
}

// reachOf reads to and cc, of an activity of ours.
func reachOf(a sentActivity, sender string) (r reach) {
	followers := strings.Replace(sender, "/actor/", "/followers/", 1)
	r.listed = slices.Contains(a.To, as2.Public)
	r.all = r.listed || slices.Contains(a.Cc, as2.Public)
	for _, uri := range slices.Concat(a.To, a.Cc) {
		switch {
		case uri == followers:
			r.followers = sender
		case uri != as2.Public:
			r.names = append(r.names, uri)
		}
	}
	return r
}

// theirPost is a post of the fediverse that the walk made, as its author says
// it now.
type theirPost struct {
	uri, owner string
	reach      reach
	token      string
	gone       bool
}

// saying is a word that one of ours said, once: where, answering what.
type saying struct {
	by      string // bare JID
	kind    string // post, comment, dm
	place   string
	answers string // a place, or the URI of a post of theirs; "" for nothing
	to      string // of a dm
	at      time.Time
}

// object is a post of ours as it was seen to leave.
type object struct {
	uri, place, owner string
	reach             reach
	dead              bool
	sent              map[string]bool // inboxes that got it
	word              string          // that it says now
	once              []string        // whom it was ever for by name
}

// model is what the walk knows without asking the gateway.
type model struct {
	theirs   map[int]*theirPost
	byWord   map[string]*theirPost // every word they ever said
	wordWas  map[string]reach      // and whom it was for when they said it
	said     map[string]saying
	objects  map[string]*object
	lives    map[string]string // place -> URI of its last object
	wordOf   map[string]string // word of ours -> URI
	words    int
	items    map[string]time.Time // place -> when it was published first
	nodeOpen string               // access model of the feed
	letIn    bool
}

var word = regexp.MustCompile(`\bword\d+\b`)

func wordsIn(text string) []string { return word.FindAllString(text, -1) }

func (m *model) newWord() string {
	m.words++
	return fmt.Sprintf("word%d", m.words)
}

// facts are those of the store that say who is what to whom: the rules are the
// model's own.
type facts struct {
	account  map[string]cache.Account // by bare JID
	accepted map[[2]string]bool
	approved map[[2]string]bool
	blocks   map[[2]string]bool
	gone     map[string]bool
}

func (w *walk) facts() facts {
	f := facts{account: map[string]cache.Account{}, accepted: map[[2]string]bool{}, approved: map[[2]string]bool{}, blocks: map[[2]string]bool{}, gone: map[string]bool{}}
	w.view(func(tx *cache.Tx) error {
		for _, jid := range []string{louise, pierre} {
			a, err := tx.AccountByJID(jid, "")
			if err != nil {
				return err
			}
			f.account[jid] = a
			for _, uri := range cast {
				for _, pair := range [][2]string{{uri, a.URI}, {a.URI, uri}} {
					e, err := tx.Follow(pair[0], pair[1])
					f.accepted[pair], f.approved[pair] = err == nil && e.State == cache.FollowAccepted, err == nil && e.Approved
				}
			}
		}
		for _, owner := range append(slices.Clone(cast), "", f.account[louise].URI, f.account[pierre].URI) {
			list, err := tx.Blocks(owner)
			if err != nil {
				return err
			}
			for _, b := range list {
				f.blocks[[2]string{owner, b.Target}] = true
			}
		}
		for _, uri := range cast {
			a, err := tx.ActorByURI(uri)
			if err != nil {
				return err
			}
			f.gone[uri] = !a.GoneAt.IsZero()
		}
		return nil
	})
	return f
}

// hides tells whether one of them blocks the other or their server, or the
// operator the server of one.
func (f facts) hides(one, other string) bool {
	for _, pair := range [][2]string{{one, other}, {other, one}, {"", one}, {"", other}} {
		if f.blocks[pair] || f.blocks[[2]string{pair[0], hostname(pair[1])}] {
			return true
		}
	}
	return false
}

// admits tells whether a follower gets what is for followers only: they were let
// in, and so was everybody on their server who follows.
func (f facts) admits(owner, who string) bool {
	for _, uri := range cast {
		pair := [2]string{uri, owner}
		if hostname(uri) == hostname(who) && f.accepted[pair] && !f.approved[pair] {
			return false
		}
	}
	return f.accepted[[2]string{who, owner}]
}

// holds tells whether somebody may be told what is for a reach.
func (f facts) holds(r reach, owner, who string) bool {
	switch {
	case who != "" && f.hides(owner, who):
		return false
	case r.all:
		return true
	}
	return slices.Contains(r.names, who) || r.followers != "" && who != "" && f.admits(r.followers, who)
}

// limit narrows a reach to another one.
func (f facts) limit(r, to reach) reach {
	switch {
	case to.all:
		r.listed = r.listed && to.listed
		return r
	case r.all:
		return to
	case r.followers != "" && r.followers == to.followers:
		return reach{followers: r.followers}
	}
	out := reach{}
	for _, who := range slices.Concat(r.names, to.names) {
		if slices.Contains(cast, who) && (slices.Contains(r.names, who) || r.followers != "" && f.admits(r.followers, who)) &&
			(slices.Contains(to.names, who) || to.followers != "" && f.admits(to.followers, who)) {
			out.names = append(out.names, who)
		}
	}
	return out
}

// bound is the widest that something said by one of ours may go by now.
func (w *walk) bound(f facts, s saying, fresh bool) reach {
	m, a := &w.m, f.account[s.by]
	everybody, nobody := reach{all: true, listed: true}, reach{}
	if a.State != cache.Linked {
		return nobody
	}
	out := nobody
	switch s.kind {
	case "post":
		first := m.items[s.place].Truncate(time.Second)
		old := fresh && first.Before(a.LinkedAt.Truncate(time.Second))
		forFollowers := (m.nodeOpen == modelPresence || m.nodeOpen == modelAuthorize) && m.letIn && !a.FollowersOnly.IsZero()
		switch {
		case old:
		case m.nodeOpen == nodeOpen:
			out = everybody
		case forFollowers && !(fresh && first.Before(a.FollowersOnly.Truncate(time.Second))):
			out = reach{followers: a.URI}
		}
	case "comment":
		if s.at.Truncate(time.Second).Before(a.LinkedAt.Truncate(time.Second)) {
			return nobody
		}
		out = everybody
	case "dm":
		return reach{names: []string{s.to}}
	}
	return f.limit(out, w.answering(s.answers, a.URI))
}

// mayBe is bound, but for the edit of an answer to what is gone: who has that one
// may have this one too.
func (w *walk) mayBe(f facts, s saying, o *object) reach {
	widest := w.bound(f, s, o == nil || o.dead)
	if o == nil || o.dead || s.answers == "" || w.m.said[o.word].answers != s.answers {
		return widest
	}
	for _, p := range w.m.theirs {
		if p.uri == s.answers && p.gone && p.reach.closed() {
			return o.reach
		}
	}
	return widest
}

// answering is the widest that an answer to something may be.
func (w *walk) answering(what, by string) reach {
	m := &w.m
	for _, p := range m.theirs {
		if p.uri != what {
			continue
		}
		switch {
		case p.gone && p.reach.closed():
			return reach{}
		case p.gone || p.reach.all:
			return reach{all: true, listed: p.gone || p.reach.listed}
		}
		return reach{names: append(slices.Clone(p.reach.names), p.owner)}
	}
	o := m.objects[m.lives[what]]
	switch {
	case o == nil || o.dead && o.reach.all:
		return reach{all: true, listed: true}
	case o.dead:
		return reach{}
	case o.reach.all, o.owner == by:
		return o.reach
	}
	return reach{names: append(slices.Clone(o.reach.names), o.owner)}
}
