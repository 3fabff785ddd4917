package xmpp

import (
	"time"

	"isthmus/xmpp/stanza"
)

// Message is a message, with what the extensions of chat clients say in it.
type Message struct {
	Request
	ID, Type string // Type: "" is normal
	OriginID string // XEP-0359
	Thread   string
	Subject  string
	Body     string // as it stands in the stanza
	// Text is Body without what is there only for clients that do not know an
	// extension: quoted lines of replies, the URL of a file, the words that
	// stand in for a retraction (XEP-0428).
	Text string

	Replaces  string     // XEP-0308: id of the message that this one corrects
	Retracts  string     // XEP-0424: id of the message that is taken back
	Reply     *Reply     // XEP-0461
	Reactions *Reactions // XEP-0444
	Files     []File     // XEP-0066, XEP-0447
	Mentions  []Mention  // XEP-0372
	Spoiler   *string    // XEP-0382: the warning, which may be ""

	StanzaIDs      []StanzaID // XEP-0359
	ReceiptRequest bool       // XEP-0184
	Received       string     // XEP-0184: id of the message that arrived
	Delayed        time.Time  // zero when it is not late
	Encrypted      string     // namespace of the encryption, "" for plain text
	Hints          []string   // XEP-0334, such as no-store
	Nick           string     // XEP-0172
	Form           *Form
	Error          *stanza.Error   // of type error
	Raw            *stanza.Element // the stanza it was read from
}

// Reply names the message that is answered.
type Reply struct {
	ID string
	To stanza.JID // its author
	// Quote is set by the writer only: what others than XEP-0461 clients see
	// above the answer, without the "> ".
	Quote string
}

// Reactions are all the reactions of the sender to a message, each time anew.
type Reactions struct {
	ID    string
	Emoji []string
}

// StanzaID is an id that an archive gave.
type StanzaID struct {
	By stanza.JID
	ID string
}

// File is a file that a message brings.
type File struct {
	URL, Name, MediaType, Desc string
	Size                       int64
	Width, Height              int
}

// Mention is a stretch of the text that names somebody. Begin and End count
// code points; both are 0 when they were not given.
type Mention struct {
	Begin, End int
	URI        string
}

// ParseMessage reads a message.
func ParseMessage(el *stanza.Element) Message { panic("body follows") }

// Element is the message as XML. Body is what is written; Text is used when
// Body is empty. Fallbacks of replies, retractions and files are added.
func (m Message) Element() *stanza.Element { panic("body follows") }
