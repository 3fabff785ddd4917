package translate

import "isthmus/ap/as2"

// AS2Context is what the reader of an AS2 object knows besides the object.
type AS2Context struct {
	Owner        Actor                 // proven; its URI must be in attributedTo
	FollowersURL string                // of the owner
	IsActor      func(uri string) bool // tells known actors; nil: none is known
}

// FromAS2 reads an object that shows something: Note, Article, Page, Video,
// Audio, Image, Event, Question, or any other type that has text.
func FromAS2(o *as2.Object, c AS2Context) (Post, error) { return Post{}, nil }

// FromAnnounce reads a boost. Content and author are those of the boosted
// object, which the caller may not have yet: WithOriginal adds them.
func FromAnnounce(o *as2.Object, c AS2Context) (Post, error) { return Post{}, nil }

// WithOriginal shows in a boost what it boosts.
func (p Post) WithOriginal(orig Post) Post { return p }
