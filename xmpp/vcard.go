package xmpp

import (
	"context"

	"isthmus/xmpp/stanza"
)

// VCard tells who an address of ours is.
type VCard interface {
	VCard(ctx context.Context, r Request) (Profile, error)
}

// Profile is what vcard-temp (XEP-0054), vCard4 (XEP-0292), avatars (XEP-0084),
// nicknames (XEP-0172) and banners say about a person.
type Profile struct {
	Name, Nick, Note string
	URLs             []string
	Fields           []ProfileField
	Pronouns         string
	JID              stanza.JID
	Handle           string // user@host of the other world, shown as a field

	Photo         []byte
	PhotoType     string // media type
	PhotoSHA1     string // hex; computed from Photo when empty
	PhotoURL      string // where the bytes are, when they are not here
	Width, Height int
	BannerURL     string
}

// ProfileField is a named line of a profile.
type ProfileField struct{ Name, Value string }

// PhotoID is the hex SHA-1 of the photo, "" without one.
func (p Profile) PhotoID() string { panic("body follows") }

// VCardTemp is the profile in vcard-temp.
func (p Profile) VCardTemp() *stanza.Element { panic("body follows") }

// VCard4 is the profile as the payload of the node urn:xmpp:vcard4.
func (p Profile) VCard4() *stanza.Element { panic("body follows") }

// AvatarMetadata is the payload of the node urn:xmpp:avatar:metadata; without
// a photo it says that there is none.
func (p Profile) AvatarMetadata() *stanza.Element { panic("body follows") }

// AvatarData is the payload of the node urn:xmpp:avatar:data; nil without photo.
func (p Profile) AvatarData() *stanza.Element { panic("body follows") }

// NickElement is the payload of the node http://jabber.org/protocol/nick.
func (p Profile) NickElement() *stanza.Element { panic("body follows") }

// Banner is the payload of the node urn:xmpp:movim-banner:0; nil without one.
func (p Profile) Banner() *stanza.Element { panic("body follows") }

// VCardIQ asks for vcard-temp.
func VCardIQ(from, to stanza.JID) *stanza.Element { panic("body follows") }

// ParseVCard reads a vCard, in vcard-temp or vCard4.
func ParseVCard(el *stanza.Element) (Profile, bool) { panic("body follows") }

// Avatar is one entry of avatar metadata.
type Avatar struct {
	ID, MediaType, URL string
	Bytes              int64
	Width, Height      int
}

// ParseAvatarMetadata reads the payload of the avatar metadata node, or of the
// banner node; an empty list means that the avatar was removed.
func ParseAvatarMetadata(el *stanza.Element) []Avatar { panic("body follows") }

// ParseAvatarData reads the payload of the avatar data node.
func ParseAvatarData(el *stanza.Element) ([]byte, error) { panic("body follows") }

// ParseNick reads the payload of the nick node.
func ParseNick(el *stanza.Element) string { panic("body follows") }
