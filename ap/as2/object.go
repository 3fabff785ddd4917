// Package as2 reads Activity Streams 2.0 documents: decoded once and strictly
// (exact names, no duplicates, bounded), their shapes read leniently. The
// vocabulary comes from go-ap/activitypub, which is used nowhere else.
package as2

import "time"

// Object is a lenient view of any AS2 object, link, actor or activity. Members
// that are missing, or of a type that makes no sense, are zero.
type Object struct {
	ID    string
	Types []string // as they came; Type() is the first that we know

	// References. An entry that was a bare IRI is an Object with only ID.
	Actor        []*Object
	Object       []*Object
	Target       []*Object
	Result       []*Object
	Instrument   []*Object
	Origin       []*Object
	AttributedTo []*Object
	Tag          []*Object
	Attachment   []*Object
	Icon         []*Object
	Image        []*Object
	Location     []*Object
	Preview      []*Object
	OneOf        []*Object
	AnyOf        []*Object
	InReplyTo    string // the first, if several

	To, Cc, Bto, Bcc, Audience []string // IRIs; as:Public and Public become the full IRI

	Name, Summary, Content Text
	MediaType              string
	Source                 *Source
	URL                    []Link
	Href, Rel              string // of a Link, a Mention, a Hashtag
	Context, Conversation  string
	Quote                  string // quote, _misskey_quote, quoteUrl, quoteUri or an FEP-e232 link
	Sensitive              bool
	Published, Updated     time.Time // zero when missing or unreadable
	StartTime, EndTime     time.Time
	StartOffset            string        // of StartTime as it came, such as +01:00; none for UTC
	Timezone               string        // of an event, by its IANA name
	Address                string        // of a Place
	Postal                 PostalAddress // of an address of schema.org
	Deleted                time.Time
	Duration               string
	Width, Height          int
	Size                   int64
	Blurhash               string
	FocalPoint             *[2]float64
	FormerType             string
	Value                  string // of a PropertyValue

	// Of actors.
	PreferredUsername                              string
	Webfinger                                      string // FEP-2c59
	Inbox, Outbox, Followers, Following, Featured  string
	SharedInbox                                    string
	PublicKeys                                     []PublicKey
	ManuallyApproves, Discoverable, Indexable, Bot bool
	AlsoKnownAs                                    []string
	MovedTo                                        string

	// Of collections.
	Items      []*Object // items or orderedItems
	First      *Object
	Next, Prev string
	Last       string
	PartOf     string
	TotalItems int64 // -1 when missing

	Replies string // id of the collection
	Likes   string
	Shares  string

	Generator []*Object

	// How many replies, likes and shares the object says it has; -1 when it
	// does not. Of a poll's option, replies are its votes.
	RepliesTotal, LikesTotal, SharesTotal int64
	Closed                                time.Time // of a Question, when voting ended
	VotersCount                           int64     // -1 when missing

	// Raw is the object as it stands in the document; nil for a bare IRI.
	Raw []byte
}

// Text is a natural language value: one string, or one for each language.
type Text struct {
	Value string
	Map   map[string]string
}

// Source is what an object's content was written as.
type Source struct {
	Content, MediaType string
}

// Link is one way to reach an object.
type Link struct {
	Href, MediaType, Rel string
}

// PublicKey is a key of an actor (security/v1).
type PublicKey struct {
	ID, Owner, PEM string
}
