package translate

import (
	"slices"

	"isthmus/ap/as2"
)

// Audience is what to and cc say of who may read an object.
type Audience struct {
	To, Cc []string
}

// AudienceOf addresses a post of ours (activitypub.md 1.5, visibility): mentions
// are added to cc, or make up the whole of a direct post. A limited post goes
// to those whom it names.
func AudienceOf(v Visibility, followersURL string, mentions []Mention) Audience {
	var named []string
	for _, m := range mentions {
		if m.URI != "" && !slices.Contains(named, m.URI) {
			named = append(named, m.URI)
		}
	}
	var followers []string
	if followersURL != "" {
		followers = []string{followersURL}
	}
	switch v {
	case Public:
		return Audience{[]string{as2.Public}, slices.Concat(followers, named)}
	case Unlisted:
		return Audience{followers, slices.Concat([]string{as2.Public}, named)}
	case Followers:
		return Audience{followers, named}
	default:
		return Audience{To: named}
	}
}

// Visibility reads an audience. followersURL is the followers collection of
// the owner, isActor tells known actors; an addressee that is neither makes the
// post limited, so that doubt narrows it.
func (a Audience) Visibility(followersURL string, isActor func(uri string) bool) Visibility {
	switch {
	case slices.ContainsFunc(a.To, isPublic):
		return Public
	case slices.ContainsFunc(a.Cc, isPublic):
		return Unlisted
	case followersURL != "" && (slices.Contains(a.To, followersURL) || slices.Contains(a.Cc, followersURL)):
		return Followers
	}
	for _, uri := range slices.Concat(a.To, a.Cc) {
		if isActor == nil || !isActor(uri) {
			return Limited
		}
	}
	return Direct
}

// isPublic tells the address of everyone in each of its spellings.
func isPublic(uri string) bool {
	return uri == as2.Public || uri == "as:Public" || uri == "Public"
}

// width orders audiences: each is seen by all who see the ones before it.
// Followers and limited audiences are of the same kind.
func (v Visibility) width() int {
	switch v {
	case Public:
		return 4
	case Unlisted:
		return 3
	case Followers:
		return 2
	case Limited:
		return 1
	default:
		return 0
	}
}

// WiderThan tells whether v may reach people whom w does not: a reply is never
// wider than its parent, and nothing narrower than unlisted is boosted.
func (v Visibility) WiderThan(w Visibility) bool { return v.width() > w.width() }
