package translate

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"isthmus/xmpp/stanza"
)

// MaxReactions is how many emojis of one person for one post are taken; what
// comes after them is left out.
const MaxReactions = 16

// longestEmoji bounds an emoji, in bytes: the longest that Unicode has, the flag of
// a subdivision or a family, take less than half.
const longestEmoji = 64

// ErrNotAttachments refuses a payload that is not what XEP-0470 attaches.
var ErrNotAttachments = errors.New("not an attachments element")

// Attachments is what one person attached to an item (XEP-0470).
type Attachments struct {
	Noticed   bool // a like
	NoticedAt time.Time
	Reactions []string // emojis, each once
	ReactedAt time.Time
}

// Empty tells whether nothing is attached.
func (a Attachments) Empty() bool { return !a.Noticed && len(a.Reactions) == 0 }

// ParseAttachments reads the payload of an item of an attachments node. The
// examples of XEP-0470 leave the namespace out, so that it is the one around;
// what has another one is an extension, and is not read.
func ParseAttachments(el *stanza.Element) (Attachments, error) {
	var a Attachments
	if !el.Is("", "attachments") || !attachmentsSpace(el.Space) {
		return a, ErrNotAttachments
	}
	for c := range el.Elements() {
		switch {
		case !attachmentsSpace(c.Space):
		case c.Name == "noticed":
			a.Noticed, a.NoticedAt = true, stampOf(c)
		case c.Name == "reactions":
			a.ReactedAt = stampOf(c)
			for r := range c.Children("", "reaction") {
				emoji := strings.TrimSpace(r.Content())
				if len(a.Reactions) < MaxReactions && IsEmoji(emoji) && !slices.Contains(a.Reactions, emoji) {
					a.Reactions = append(a.Reactions, emoji)
				}
			}
		}
	}
	return a, nil
}

func attachmentsSpace(space string) bool {
	switch space {
	case stanza.NSAttachments, stanza.NSPubSub, stanza.NSPubSubEvent, "":
		return true
	}
	return false
}

// stampOf is the date of an attachment (XEP-0082), zero if it has none.
func stampOf(el *stanza.Element) time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(el.Get("timestamp")))
	if t = t.UTC(); err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// Element renders the payload of the item of one person.
func (a Attachments) Element() *stanza.Element {
	el := stanza.New(stanza.NSAttachments, "attachments")
	if a.Noticed {
		el.Add(stamped("noticed", a.NoticedAt))
	}
	if len(a.Reactions) > 0 {
		list := stamped("reactions", a.ReactedAt)
		for _, emoji := range a.Reactions {
			list.Add(stanza.Text(stanza.NSAttachments, "reaction", emoji))
		}
		el.Add(list)
	}
	return el
}

func stamped(name string, t time.Time) *stanza.Element {
	el := stanza.New(stanza.NSAttachments, name)
	if !t.IsZero() {
		el.Set("timestamp", t.UTC().Truncate(time.Second).Format(time.RFC3339))
	}
	return el
}

// EmojiCount is how many people attached an emoji.
type EmojiCount struct {
	Emoji string
	Count int
}

// Summary is what all people together attached to an item (XEP-0470, summary
// node).
type Summary struct {
	Noticed   int
	Reactions []EmojiCount
}

// Element renders the payload of an item of a summary node. An emoji of one
// person comes without a count.
func (s Summary) Element() *stanza.Element {
	el := stanza.New(stanza.NSSummary, "summary")
	if s.Noticed > 0 {
		el.Add(stanza.New(stanza.NSSummary, "noticed").Set("count", strconv.Itoa(s.Noticed)))
	}
	if len(s.Reactions) > 0 {
		list := stanza.New(stanza.NSSummary, "reactions")
		for _, r := range s.Reactions {
			reaction := stanza.Text(stanza.NSSummary, "reaction", r.Emoji)
			if r.Count > 1 {
				reaction.Set("count", strconv.Itoa(r.Count))
			}
			list.Add(reaction)
		}
		el.Add(list)
	}
	return el
}

// AttachmentsNode is the node for what is attached to an item, at the item's
// own service.
func AttachmentsNode(it Item) string {
	return stanza.NSAttachments + "/" + PubSubURI(it.Service, it.Node, it.ID)
}

// ParseAttachmentsNode gives the item that an attachments node is for, in every
// spelling of its URI. What is attached cannot have attachments itself.
func ParseAttachmentsNode(node string) (Item, bool) {
	uri, ok := strings.CutPrefix(node, stanza.NSAttachments+"/")
	if !ok {
		return Item{}, false
	}
	it, err := ParsePubSubURI(uri)
	return it, err == nil && it.ID != "" && !strings.HasPrefix(it.Node, "urn:xmpp:pubsub-attachments:")
}

// SummaryNode is the node that sums up what is attached to the items of a node.
func SummaryNode(node string) string { return stanza.NSSummary + "/" + node }

// ParseSummaryNode gives the node that a summary node is for.
func ParseSummaryNode(node string) (string, bool) {
	of, ok := strings.CutPrefix(node, stanza.NSSummary+"/")
	return of, ok && of != "" && !strings.HasPrefix(of, "urn:xmpp:pubsub-attachments:")
}

// IsLike tells whether an emoji says no more than a like: hearts and thumbs.
func IsLike(emoji string) bool {
	switch strings.TrimSuffix(emoji, "\ufe0f") {
	case "❤", "♥", "👍":
		return true
	}
	return false
}

// IsEmoji tells whether a text can be one emoji (XEP-0444 §5): symbols, with
// what joins and colours them, and no words.
func IsEmoji(s string) bool {
	if s == "" || len(s) > longestEmoji {
		return false
	}
	symbols := 0
	for _, r := range s {
		switch {
		case r >= 0x1F3FB && r <= 0x1F3FF, r == 0x200D, r == 0xFE0E, r == 0xFE0F: // skin, joiner, presentation
		case r >= 0xE0020 && r <= 0xE007F: // tags, in flags
		case r == 0x20E3: // a keycap
			symbols++
		case r >= '0' && r <= '9', r == '#', r == '*': // what it is put on
		case r == unicode.ReplacementChar:
			return false
		case r > 0x7F && unicode.Is(unicode.S, r), r == '‼', r == '⁉', r == '〰', r == '〽':
			symbols++
		default:
			return false
		}
	}
	return symbols > 0
}
