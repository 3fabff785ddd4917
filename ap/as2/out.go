package as2

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The documents that we send. Their members have one fixed order, @context
// comes first (A4), and what peers expect as a list is a list even when it is
// empty or has one member (activitypub.md 1.5): to, cc, tag and attachment.
// Single values (inReplyTo, attributedTo, the object of a Like or an Announce)
// are one string (N1, N3, V7, V8). @context is set on the outermost document
// only.

// Actor is one of our actors (A5-A14).
type Actor struct {
	Context                   Context         `json:"@context,omitzero"`
	ID                        string          `json:"id"`
	Type                      string          `json:"type"`
	PreferredUsername         string          `json:"preferredUsername"`
	Webfinger                 string          `json:"webfinger,omitzero"` // FEP-2c59: user@host
	Name                      string          `json:"name"`
	Summary                   string          `json:"summary"` // HTML
	URL                       string          `json:"url,omitzero"`
	Published                 Time            `json:"published,omitzero"`
	Updated                   Time            `json:"updated,omitzero"`
	Inbox                     string          `json:"inbox"`
	Outbox                    string          `json:"outbox"`
	Followers                 string          `json:"followers,omitzero"`
	Following                 string          `json:"following,omitzero"`
	Featured                  string          `json:"featured,omitzero"`
	Endpoints                 *Endpoints      `json:"endpoints,omitzero"`
	ManuallyApprovesFollowers bool            `json:"manuallyApprovesFollowers"`
	Discoverable              bool            `json:"discoverable"`
	Indexable                 bool            `json:"indexable"`
	Icon                      *Image          `json:"icon,omitzero"`
	Image                     *Image          `json:"image,omitzero"`
	Tag                       []Tag           `json:"tag"`
	Attachment                []PropertyValue `json:"attachment"`
	AlsoKnownAs               []string        `json:"alsoKnownAs,omitempty"`
	MovedTo                   string          `json:"movedTo,omitzero"`
	PublicKey                 *Key            `json:"publicKey,omitzero"`
}

// Endpoints are the addresses of the server that an actor lives on (A7).
type Endpoints struct {
	SharedInbox string `json:"sharedInbox"`
}

// Key is an actor's public key (A6): SPKI PEM, id = actor id + #main-key.
type Key struct {
	ID           string `json:"id"`
	Owner        string `json:"owner"`
	PublicKeyPEM string `json:"publicKeyPem"`
}

// Image is an avatar, a banner, or an emoji's picture (A8).
type Image struct {
	Type      string `json:"type"` // always Image
	MediaType string `json:"mediaType,omitzero"`
	URL       string `json:"url"`
	Name      string `json:"name,omitzero"`
}

// PropertyValue is a field of a profile (A9).
type PropertyValue struct {
	Type  string `json:"type"` // always PropertyValue
	Name  string `json:"name"`
	Value string `json:"value"` // HTML
}

// Note is a post of any kind: Note, Article, Question, Event (N1-N20).
type Note struct {
	Context      Context           `json:"@context,omitzero"`
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	AttributedTo string            `json:"attributedTo"`
	InReplyTo    NullString        `json:"inReplyTo"`
	Published    Time              `json:"published,omitzero"`
	Updated      Time              `json:"updated,omitzero"`
	URL          Links             `json:"url,omitempty"`
	To           []string          `json:"to"`
	Cc           []string          `json:"cc"`
	Name         string            `json:"name,omitzero"`
	Summary      string            `json:"summary,omitzero"`
	Sensitive    bool              `json:"sensitive"`
	Content      string            `json:"content,omitzero"`
	ContentMap   map[string]string `json:"contentMap,omitempty"`
	MediaType    string            `json:"mediaType,omitzero"`
	Source       *OutSource        `json:"source,omitzero"`
	Tag          []Tag             `json:"tag"`
	Attachment   []Attachment      `json:"attachment"`
	Image        *Image            `json:"image,omitzero"`
	Preview      *Preview          `json:"preview,omitzero"`      // FEP-b2b8
	Conversation string            `json:"conversation,omitzero"` // N10
	Thread       string            `json:"context,omitzero"`      // the member context, not @context
	Quote        string            `json:"quote,omitzero"`        // N12
	MisskeyQuote string            `json:"_misskey_quote,omitzero"`
	QuoteURL     string            `json:"quoteUrl,omitzero"`
	QuoteURI     string            `json:"quoteUri,omitzero"`
	StartTime    Time              `json:"startTime,omitzero"` // N18
	EndTime      Time              `json:"endTime,omitzero"`
	Timezone     string            `json:"timezone,omitzero"`
	Location     Places            `json:"location,omitempty"`
	OneOf        []Option          `json:"oneOf,omitempty"` // V14
	AnyOf        []Option          `json:"anyOf,omitempty"`
	Closed       Time              `json:"closed,omitzero"`
	VotersCount  *int64            `json:"votersCount,omitzero"`
	Replies      any               `json:"replies,omitzero"` // id, or a *Collection
	Likes        any               `json:"likes,omitzero"`
	Shares       any               `json:"shares,omitzero"`
}

// OutSource is the text that a post was written as (N7).
type OutSource struct {
	Content   string `json:"content"`
	MediaType string `json:"mediaType"`
}

// Preview stands for an Article where only Notes are shown (FEP-b2b8).
type Preview struct {
	Type         string `json:"type"`
	AttributedTo string `json:"attributedTo,omitzero"`
	Content      string `json:"content"`
}

// Place is where an Event happens.
type Place struct {
	Type    string `json:"type"`
	Name    string `json:"name,omitzero"`
	Address string `json:"address,omitzero"`
	URL     string `json:"url,omitzero"` // of a VirtualLocation
}

// Places are where an event is. One is written as an object, which every peer
// reads.
type Places []Place

// MarshalJSONTo writes an object or a list.
func (p Places) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(p) == 1 {
		return json.MarshalEncode(enc, p[0])
	}
	return json.MarshalEncode(enc, []Place(p))
}

// Option is a choice of a Question.
type Option struct {
	Type    string      `json:"type"` // always Note
	Name    string      `json:"name"`
	Replies *Collection `json:"replies,omitzero"`
}

// Tag is a Mention, a Hashtag, an Emoji or a Link of an object (N4).
type Tag struct {
	ID        string `json:"id,omitzero"`
	Type      string `json:"type"`
	Href      string `json:"href,omitzero"`
	Name      string `json:"name,omitzero"`
	MediaType string `json:"mediaType,omitzero"`
	Rel       string `json:"rel,omitzero"`
	Updated   Time   `json:"updated,omitzero"`
	Icon      *Image `json:"icon,omitzero"`
}

// Attachment is a file or a link that belongs to a post (N9).
type Attachment struct {
	Type       string      `json:"type"`
	MediaType  string      `json:"mediaType,omitzero"`
	URL        string      `json:"url,omitzero"`
	Href       string      `json:"href,omitzero"` // of a Link
	Name       string      `json:"name,omitzero"` // the description
	Width      int         `json:"width,omitzero"`
	Height     int         `json:"height,omitzero"`
	Blurhash   string      `json:"blurhash,omitzero"`
	FocalPoint *[2]float64 `json:"focalPoint,omitzero"`
	Duration   string      `json:"duration,omitzero"`
	Size       int64       `json:"size,omitzero"` // FEP-1311
}

// Activity is something that an actor of ours did.
type Activity struct {
	Context    Context  `json:"@context,omitzero"`
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Actor      string   `json:"actor"`
	Published  Time     `json:"published,omitzero"`
	Updated    Time     `json:"updated,omitzero"`
	To         []string `json:"to"`
	Cc         []string `json:"cc"`
	Object     any      `json:"object,omitzero"` // a string, one of these documents, a list, or jsontext.Value
	Target     string   `json:"target,omitzero"`
	Result     string   `json:"result,omitzero"`
	Instrument string   `json:"instrument,omitzero"`
	Content    string   `json:"content,omitzero"` // of an EmojiReact, a Flag
	Tag        []Tag    `json:"tag,omitempty"`
}

// Tombstone is what is left of a deleted object (V4, A15).
type Tombstone struct {
	Context    Context `json:"@context,omitzero"`
	ID         string  `json:"id"`
	Type       string  `json:"type"` // always Tombstone
	FormerType string  `json:"formerType,omitzero"`
	Deleted    Time    `json:"deleted,omitzero"`
}

// Collection is a collection or a page of one, ordered or not.
type Collection struct {
	Context      Context `json:"@context,omitzero"`
	ID           string  `json:"id,omitzero"`
	Type         string  `json:"type"`
	AttributedTo string  `json:"attributedTo,omitzero"`
	PartOf       string  `json:"partOf,omitzero"`
	TotalItems   *int64  `json:"totalItems,omitzero"`
	First        any     `json:"first,omitzero"` // id, or a *Collection
	Last         string  `json:"last,omitzero"`
	Next         string  `json:"next,omitzero"`
	Prev         string  `json:"prev,omitzero"`
	// Items and OrderedItems hold ids or documents; nil leaves the member out.
	Items        []any `json:"items,omitzero"`
	OrderedItems []any `json:"orderedItems,omitzero"`
}

// Time is an instant as we write it: RFC 3339, UTC, at most milliseconds (N15).
type Time struct{ time.Time }

// MarshalJSONTo writes the time.
func (t Time) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(t.UTC().Format("2006-01-02T15:04:05.999Z07:00")))
}

// NullString is a string that is null when it is empty.
type NullString string

// MarshalJSONTo writes the string, or null.
func (s NullString) MarshalJSONTo(enc *jsontext.Encoder) error {
	if s == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteToken(jsontext.String(string(s)))
}

// Links are the ways to reach an object, the page for people first (N2). One
// link without a relation is written as a string, which every peer reads.
type Links []Link

// MarshalJSONTo writes a string or a list of Link objects.
func (l Links) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(l) == 1 && l[0].Rel == "" {
		return enc.WriteToken(jsontext.String(l[0].Href))
	}
	out := make([]Tag, len(l))
	for i, link := range l {
		out[i] = Tag{Type: TypeLink, Href: link.Href, MediaType: link.MediaType, Rel: link.Rel}
	}
	return json.MarshalEncode(enc, out)
}

// Marshal writes a document that we send.
func Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write %T: %w", v, err)
	}
	return b, nil
}
