package as2

import (
	"mime"
	"slices"
	"strings"

	vocab "github.com/go-ap/activitypub"
)

// Public is the address of everyone. It is also met as as:Public and Public;
// Parse makes those this one.
const Public = string(vocab.PublicNS)

// MediaType is the type of the documents that we send (A2).
const MediaType = "application/activity+json"

// MediaTypeLD is the other type that AS2 documents travel as.
const MediaTypeLD = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`

// The types of objects that we know.
const (
	TypeArticle  = string(vocab.ArticleType)
	TypeAudio    = string(vocab.AudioType)
	TypeDocument = string(vocab.DocumentType)
	TypeEvent    = string(vocab.EventType)
	TypeImage    = string(vocab.ImageType)
	TypeNote     = string(vocab.NoteType)
	TypePage     = string(vocab.PageType)
	TypePlace    = string(vocab.PlaceType)

	TypeVirtualLocation = "VirtualLocation" // FEP-8a8e
	TypeProfile         = string(vocab.ProfileType)
	TypeQuestion        = string(vocab.QuestionType)
	TypeTombstone       = string(vocab.TombstoneType)
	TypeVideo           = string(vocab.VideoType)

	TypeLink          = string(vocab.LinkType)
	TypeMention       = string(vocab.MentionType)
	TypeHashtag       = "Hashtag"       // toot
	TypeEmoji         = "Emoji"         // toot
	TypePropertyValue = "PropertyValue" // schema.org
	TypeKey           = "Key"           // security/v1
	TypeMultikey      = "Multikey"      // FEP-521a
	TypeChatMessage   = "ChatMessage"   // litepub

	TypeCollection            = string(vocab.CollectionType)
	TypeCollectionPage        = string(vocab.CollectionPageType)
	TypeOrderedCollection     = string(vocab.OrderedCollectionType)
	TypeOrderedCollectionPage = string(vocab.OrderedCollectionPageType)
)

// The types of actors.
const (
	TypeApplication  = string(vocab.ApplicationType)
	TypeGroup        = string(vocab.GroupType)
	TypeOrganization = string(vocab.OrganizationType)
	TypePerson       = string(vocab.PersonType)
	TypeService      = string(vocab.ServiceType)
)

// The types of activities that have an effect here.
const (
	TypeAccept       = string(vocab.AcceptType)
	TypeAdd          = string(vocab.AddType)
	TypeAnnounce     = string(vocab.AnnounceType)
	TypeBlock        = string(vocab.BlockType)
	TypeCreate       = string(vocab.CreateType)
	TypeDelete       = string(vocab.DeleteType)
	TypeDislike      = string(vocab.DislikeType)
	TypeFlag         = string(vocab.FlagType)
	TypeFollow       = string(vocab.FollowType)
	TypeJoin         = string(vocab.JoinType)
	TypeLeave        = string(vocab.LeaveType)
	TypeLike         = string(vocab.LikeType)
	TypeMove         = string(vocab.MoveType)
	TypeReject       = string(vocab.RejectType)
	TypeRemove       = string(vocab.RemoveType)
	TypeUndo         = string(vocab.UndoType)
	TypeUpdate       = string(vocab.UpdateType)
	TypeEmojiReact   = "EmojiReact"   // litepub
	TypeQuoteRequest = "QuoteRequest" // FEP-044f
)

// group is what kind of thing a type names.
type group uint8

const (
	groupObject group = iota + 1
	groupLink
	groupActor
	groupActivity
	groupCollection
)

// groups tells the group of every type that we know. It is filled once and
// never changed.
var groups = func() map[string]group {
	m := map[string]group{
		string(vocab.ObjectType): groupObject, string(vocab.ActivityType): groupActivity,
		string(vocab.IntransitiveActivityType): groupActivity,
		TypeHashtag:                            groupLink, TypeEmoji: groupObject, TypePropertyValue: groupObject,
		TypeKey: groupObject, TypeMultikey: groupObject, TypeChatMessage: groupObject,
		TypeEmojiReact: groupActivity, TypeQuoteRequest: groupActivity,
	}
	add := func(types vocab.ActivityVocabularyTypes, g group) {
		for _, t := range types {
			m[string(t)] = g
		}
	}
	add(vocab.ObjectTypes, groupObject)
	add(vocab.LinkTypes, groupLink)
	add(vocab.CollectionTypes, groupCollection)
	add(vocab.ActivityTypes, groupActivity)
	add(vocab.IntransitiveActivityTypes, groupActivity)
	add(vocab.ActorTypes, groupActor)
	m[TypeQuestion] = groupObject // an activity by the vocabulary, an object on the wire (V14)
	return m
}()

// Type is the first type that we know (V21); else the first; else empty.
func (o *Object) Type() string {
	for _, t := range o.Types {
		if groups[t] != 0 {
			return t
		}
	}
	if len(o.Types) > 0 {
		return o.Types[0]
	}
	return ""
}

// is tells whether any of the types is of the group.
func (o *Object) is(g group) bool {
	return slices.ContainsFunc(o.Types, func(t string) bool { return groups[t] == g })
}

// IsActor tells whether this is an actor.
func (o *Object) IsActor() bool { return o.is(groupActor) }

// IsActivity tells whether this is an activity that we know.
func (o *Object) IsActivity() bool { return o.is(groupActivity) }

// IsCollection tells whether this is a collection or a page of one.
func (o *Object) IsCollection() bool { return o.is(groupCollection) }

// IsMediaType tells whether a Content-Type is one that AS2 documents have (A1,
// L10): activity+json, or ld+json with the profile.
func IsMediaType(contentType string) bool {
	t, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	profile := strings.TrimSuffix(namespace, "#")
	return t == MediaType || t == "application/ld+json" && slices.Contains(strings.Fields(params["profile"]), profile)
}
