package translate

// Audience is what to and cc say of who may read an object.
type Audience struct {
	To, Cc []string
}

// AudienceOf addresses a post of ours: mentions are added to cc, or make up
// the whole of a direct post.
func AudienceOf(v Visibility, followersURL string, mentions []Mention) Audience { return Audience{} }

// Visibility reads an audience. followersURL is the followers collection of
// the owner, isActor tells known actors; an addressee that is neither makes the
// post limited, so that the doubt narrows it.
func (a Audience) Visibility(followersURL string, isActor func(uri string) bool) Visibility {
	return Direct
}

// WiderThan tells whether a reaches people whom b does not (a reply is never
// wider than its parent).
func (v Visibility) WiderThan(w Visibility) bool { return false }
