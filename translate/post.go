// Package translate turns posts of one world into posts of the other: AS2
// objects, Atom entries, chat messages and web pages all become, or come from,
// a Post. It also maps addresses. Its functions are pure: no I/O, no clock and
// no randomness.
package translate

import "time"

// Kind is what a post is. It is fixed when the post is first published.
type Kind string

// The kinds of posts.
const (
	KindNote     Kind = "note"
	KindArticle  Kind = "article"
	KindEvent    Kind = "event"
	KindQuestion Kind = "question"
	KindBoost    Kind = "boost"
)

// Origin is the world that a post was born in. A post never goes back to it.
type Origin string

// The two worlds.
const (
	OriginAP   Origin = "ap"
	OriginXMPP Origin = "xmpp"
)

// Visibility is who a post is for, read from its audience.
type Visibility string

// The audiences of a post, widest first (design: audience).
const (
	Public    Visibility = "public"    // Public in to
	Unlisted  Visibility = "unlisted"  // Public in cc
	Followers Visibility = "followers" // the owner's followers collection
	Limited   Visibility = "limited"   // a collection that we do not know
	Direct    Visibility = "direct"    // every addressee is an actor
)

// Post is what both worlds mean by a post. Its JSON is what search filters on:
// a member that is left out is empty, false or 0.
type Post struct {
	URI    string `json:"uri"` // the object's id; for a boost the Announce's id
	Kind   Kind   `json:"kind"`
	Origin Origin `json:"origin"`

	Owner  Actor `json:"owner"`  // proven; may edit and delete
	Author Actor `json:"author"` // shown; differs from the owner in a boost

	Title   string `json:"title,omitempty"` // plain text
	HTML    string `json:"html,omitempty"`  // sanitised XHTML fragment, well-formed
	Text    string `json:"text,omitempty"`  // readable text of the content
	Lang    string `json:"lang,omitempty"`  // BCP 47, of Title, HTML and Text
	Summary string `json:"summary,omitempty"`
	// Translations hold the content in further languages.
	Translations []Translation `json:"translations,omitempty"`
	// Source is the text as it was written, when it was given besides the HTML.
	Source *Source `json:"source,omitempty"`

	Warning   string `json:"warning,omitempty"` // content warning, plain text
	Sensitive bool   `json:"sensitive,omitzero"`

	Tags     []string  `json:"tags,omitempty"` // without #, as written
	Mentions []Mention `json:"mentions,omitempty"`
	Emoji    []Emoji   `json:"emoji,omitempty"`
	Media    []Media   `json:"media,omitempty"`
	Links    []Link    `json:"links,omitempty"` // link cards
	Event    *Event    `json:"event,omitempty"` // of an event
	Poll     *Poll     `json:"poll,omitempty"`  // of a question; Text has the options too

	URL      string `json:"url,omitempty"`       // the page for people
	ReplyTo  string `json:"reply_to,omitempty"`  // URI of the post that this answers
	ReplyRef *Item  `json:"reply_ref,omitempty"` // the same as an XMPP item, while its URI is not known
	Quote    string `json:"quote,omitempty"`
	Boost    string `json:"boost,omitempty"` // URI of the post that is boosted
	BoostRef *Item  `json:"boost_ref,omitempty"`
	Thread   string `json:"thread,omitempty"` // context or conversation as it came

	Visibility Visibility `json:"visibility"`
	To         []string   `json:"to,omitempty"` // as they came
	Cc         []string   `json:"cc,omitempty"`

	EntryID  string `json:"entry_id,omitempty"` // atom:id of an entry: a claim
	Item     *Item  `json:"item,omitempty"`     // where XMPP first saw it
	Comments *Node  `json:"comments,omitempty"` // its comments node

	Published time.Time `json:"published,omitzero"`
	Updated   time.Time `json:"updated,omitzero"` // last edit, zero if none
}

// Cover is what is shown in place of the text of a post with a warning, where
// there is nothing to fold the text away with; "" if there is none.
func (p Post) Cover() string {
	if p.Warning == "" {
		return ""
	}
	return "[" + p.Warning + "]"
}

// Actor names a person or a node in both worlds; what is not known is empty.
type Actor struct {
	URI    string `json:"uri,omitempty"`    // the actor's id
	Handle string `json:"handle,omitempty"` // user@host
	JID    string `json:"jid,omitempty"`    // bare
	Name   string `json:"name,omitempty"`   // display name
}

// Mention is an actor named in a post.
type Mention struct {
	Actor
	Text string `json:"text,omitempty"` // as it stands in the content, such as @bob
}

// Translation is the content in one more language.
type Translation struct {
	Lang  string `json:"lang"`
	Title string `json:"title,omitempty"`
	HTML  string `json:"html,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Source is the text that a post was written as.
type Source struct {
	Content   string `json:"content"`
	MediaType string `json:"media_type"`
}

// Emoji is a custom emoji: its shortcode without colons and its picture.
type Emoji struct {
	Shortcode string `json:"shortcode"`
	URL       string `json:"url"`
	MediaType string `json:"media_type,omitempty"`
	ID        string `json:"id,omitempty"`
}

// Media is an attached file.
type Media struct {
	URL       string      `json:"url"`
	MediaType string      `json:"media_type,omitempty"`
	Alt       string      `json:"alt,omitempty"` // description for those who cannot see it
	Size      int64       `json:"size,omitzero"`
	Width     int         `json:"width,omitzero"`
	Height    int         `json:"height,omitzero"`
	Duration  string      `json:"duration,omitempty"` // xsd:duration
	Blurhash  string      `json:"blurhash,omitempty"`
	Focus     *[2]float64 `json:"focus,omitempty"`
}

// Link is a link that belongs to a post, such as the page it talks about.
type Link struct {
	URL       string `json:"url"`
	Title     string `json:"title,omitempty"`
	MediaType string `json:"media_type,omitempty"`
}

// Event is when and where something happens.
type Event struct {
	Start   time.Time `json:"start,omitzero"`
	End     time.Time `json:"end,omitzero"`
	Zone    string    `json:"zone,omitempty"` // IANA name, or offset such as +01:00, in which people there tell the time
	Place   string    `json:"place,omitempty"`
	Address string    `json:"address,omitempty"` // postal, in one line
	Online  string    `json:"online,omitempty"`  // where it can be joined from afar
}

// Poll is what a question asks.
type Poll struct {
	Options  []Option  `json:"options"`
	Multiple bool      `json:"multiple,omitzero"` // several may be chosen
	Ends     time.Time `json:"ends,omitzero"`
	Closed   time.Time `json:"closed,omitzero"`
	Voters   int64     `json:"voters,omitzero"`
}

// Option is a choice of a poll.
type Option struct {
	Text  string `json:"text"`
	Votes int64  `json:"votes,omitzero"`
}

// Node is a pubsub node.
type Node struct {
	Service string `json:"service"` // bare JID
	Name    string `json:"name"`
}

// Item is a pubsub item.
type Item struct {
	Service string `json:"service"` // bare JID
	Node    string `json:"node"`
	ID      string `json:"id"`
}
