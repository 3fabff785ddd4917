package xmpp

import (
	"context"
	"crypto/sha1" // prescribed by XEP-0084 §4.2 and XEP-0153
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

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
	Handle           string // user@host of an address outside of XMPP

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
func (p Profile) PhotoID() string {
	if p.PhotoSHA1 == "" && len(p.Photo) > 0 {
		return sha1Hex(p.Photo)
	}
	return p.PhotoSHA1
}

func sha1Hex(b []byte) string {
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// VCardTemp is the profile in vcard-temp.
func (p Profile) VCardTemp() *stanza.Element {
	el := stanza.New(stanza.NSVCardTemp, "vCard")
	addText(el, "FN", p.Name)
	addText(el, "NICKNAME", p.Nick)
	if len(p.Photo) > 0 {
		photo := stanza.New("", "PHOTO")
		addText(photo, "TYPE", p.PhotoType)
		el.Add(photo.Add(stanza.Text("", "BINVAL", base64.StdEncoding.EncodeToString(p.Photo))))
	}
	for _, u := range p.URLs {
		addText(el, "URL", u)
	}
	addText(el, "JABBERID", string(p.JID))
	// One DESC is all that clients show, so it holds the fields too.
	lines := p.lines()
	if p.Note != "" {
		lines = append([]string{p.Note}, lines...)
	}
	addText(el, "DESC", strings.Join(lines, "\n"))
	return el
}

// lines are the fields, one a line.
func (p Profile) lines() []string {
	var lines []string
	for _, f := range p.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	return lines
}

// VCard4 is the profile as the payload of the node urn:xmpp:vcard4.
func (p Profile) VCard4() *stanza.Element {
	el := stanza.New(stanza.NSVCard4, "vcard")
	add := func(name, kind, value string) {
		if value != "" {
			el.Add(stanza.New("", name).Add(stanza.Text("", kind, value)))
		}
	}
	add("fn", "text", p.Name)
	add("nickname", "text", p.Nick)
	add("note", "text", p.Note)
	add("pronouns", "text", p.Pronouns)
	for _, u := range p.URLs {
		add("url", "uri", u)
	}
	if p.JID != "" {
		add("impp", "uri", "xmpp:"+string(p.JID))
	}
	if p.Handle != "" {
		add("impp", "uri", "acct:"+p.Handle)
	}
	for _, f := range p.Fields {
		if isWeb(f.Value) {
			add("url", "uri", f.Value)
		} else {
			add("note", "text", f.Name+": "+f.Value)
		}
	}
	return el
}

func isWeb(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// AvatarMetadata is the payload of the node urn:xmpp:avatar:metadata; without
// a photo it says that there is none (XEP-0084 §4.2.2). It has no url: Movim
// looks only at avatars that are in the data node.
func (p Profile) AvatarMetadata() *stanza.Element {
	el := stanza.New(stanza.NSAvatarMeta, "metadata")
	if len(p.Photo) == 0 {
		return el
	}
	info := stanza.New("", "info").Set("id", p.PhotoID()).Set("type", p.PhotoType).
		Set("bytes", strconv.Itoa(len(p.Photo)))
	if p.Width > 0 && p.Height > 0 {
		info.Set("width", strconv.Itoa(p.Width)).Set("height", strconv.Itoa(p.Height))
	}
	return el.Add(info)
}

// AvatarData is the payload of the node urn:xmpp:avatar:data; nil without photo.
func (p Profile) AvatarData() *stanza.Element {
	if len(p.Photo) == 0 {
		return nil
	}
	return stanza.Text(stanza.NSAvatarData, "data", base64.StdEncoding.EncodeToString(p.Photo))
}

// NickElement is the payload of the node http://jabber.org/protocol/nick.
func (p Profile) NickElement() *stanza.Element {
	nick := p.Nick
	if p.Name != "" {
		nick = p.Name
	}
	return stanza.Text(stanza.NSNick, "nick", nick)
}

// Banner is the payload of the node urn:xmpp:movim-banner:0; nil without one.
func (p Profile) Banner() *stanza.Element {
	if p.BannerURL == "" {
		return nil
	}
	info := stanza.New("", "info").Set("id", sha1Hex([]byte(p.BannerURL))).Set("url", p.BannerURL)
	return stanza.New(stanza.NSAvatarMeta, "metadata").Add(info)
}

// VCardIQ asks for vcard-temp.
func VCardIQ(from, to stanza.JID) *stanza.Element {
	return iqOf("get", from, to, stanza.New(stanza.NSVCardTemp, "vCard"))
}

// ParseVCard reads a vCard, in vcard-temp or vCard4; false if it is neither.
func ParseVCard(el *stanza.Element) (Profile, bool) {
	switch {
	case el.Is(stanza.NSVCardTemp, "vCard"):
		return parseVCardTemp(el), true
	case el.Is(stanza.NSVCard4, "vcard"):
		return parseVCard4(el), true
	}
	return Profile{}, false
}

func parseVCardTemp(el *stanza.Element) Profile {
	p := Profile{
		Name: trimmed(el.Child("", "FN")), Nick: trimmed(el.Child("", "NICKNAME")),
		Note: trimmed(el.Child("", "DESC")), JID: stanza.JID(trimmed(el.Child("", "JABBERID"))),
	}
	if n := el.Child("", "N"); p.Name == "" && n != nil {
		p.Name = strings.TrimSpace(trimmed(n.Child("", "GIVEN")) + " " + trimmed(n.Child("", "FAMILY")))
	}
	if p.Note == "" {
		p.Note = trimmed(el.Child("", "NOTE"))
	}
	for c := range el.Children("", "URL") {
		if u := trimmed(c); u != "" {
			p.URLs = append(p.URLs, u)
		}
	}
	photo := el.Child("", "PHOTO")
	p.PhotoURL = trimmed(photo.Child("", "EXTVAL"))
	if b, err := decodeBase64(photo.ChildContent("", "BINVAL")); err == nil && len(b) > 0 {
		p.setPhoto(b, trimmed(photo.Child("", "TYPE")))
	}
	return p
}

func (p *Profile) setPhoto(b []byte, mediaType string) {
	p.Photo, p.PhotoType, p.PhotoSHA1 = b, mediaType, sha1Hex(b)
}

func parseVCard4(el *stanza.Element) Profile {
	var p Profile
	for c := range el.Elements() {
		text, uri := trimmed(c.Child("", "text")), trimmed(c.Child("", "uri"))
		switch c.Name {
		case "fn":
			first(&p.Name, text)
		case "nickname":
			first(&p.Nick, text)
		case "pronouns":
			first(&p.Pronouns, text)
		case "note":
			if p.Note == "" {
				p.Note = text
			} else if text != "" {
				p.Note += "\n" + text
			}
		case "url":
			if uri != "" {
				p.URLs = append(p.URLs, uri)
			}
		case "impp":
			if jid, ok := strings.CutPrefix(uri, "xmpp:"); ok {
				first((*string)(&p.JID), jid)
			}
			if handle, ok := strings.CutPrefix(uri, "acct:"); ok {
				first(&p.Handle, handle)
			}
		case "photo":
			p.readPhoto(uri)
		}
	}
	return p
}

// first sets a value that is not set yet: of several, the first counts.
func first(dst *string, value string) {
	if *dst == "" {
		*dst = value
	}
}

// readPhoto reads the photo of a vCard4: its bytes in a data: URI, or a URL.
func (p *Profile) readPhoto(uri string) {
	data, ok := strings.CutPrefix(uri, "data:")
	if !ok {
		first(&p.PhotoURL, uri)
		return
	}
	mediaType, content, ok := strings.Cut(data, ";base64,")
	if b, err := decodeBase64(content); ok && err == nil && len(b) > 0 && p.Photo == nil {
		p.setPhoto(b, mediaType)
	}
}

// trimmed is the text of an element without the spaces of pretty printing.
func trimmed(el *stanza.Element) string { return strings.TrimSpace(el.Content()) }

// decodeBase64 reads base64 that may be broken into lines.
func decodeBase64(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
}

// Avatar is one entry of avatar metadata.
type Avatar struct {
	ID, MediaType, URL string
	Bytes              int
	Width, Height      int
}

// ParseAvatarMetadata reads the payload of the avatar metadata node, or of the
// banner node; an empty list means that there is none any more.
func ParseAvatarMetadata(el *stanza.Element) []Avatar {
	if !el.Is(stanza.NSAvatarMeta, "metadata") {
		return nil
	}
	var all []Avatar
	for c := range el.Children("", "info") {
		a := Avatar{ID: c.Get("id"), MediaType: c.Get("type"), URL: c.Get("url")}
		a.Bytes, _ = parseCount(c.Get("bytes"))
		a.Width, _ = parseCount(c.Get("width"))
		a.Height, _ = parseCount(c.Get("height"))
		all = append(all, a)
	}
	return all
}

// ParseAvatarData reads the payload of the avatar data node.
func ParseAvatarData(el *stanza.Element) ([]byte, error) {
	if !el.Is(stanza.NSAvatarData, "data") {
		return nil, errNoAnswer
	}
	b, err := decodeBase64(el.Content())
	if err != nil {
		return nil, fmt.Errorf("decode avatar: %w", err)
	}
	return b, nil
}

// ParseNick reads the payload of the nick node.
func ParseNick(el *stanza.Element) string {
	if !el.Is(stanza.NSNick, "nick") {
		return ""
	}
	return trimmed(el)
}
