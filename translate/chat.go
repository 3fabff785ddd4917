package translate

import "isthmus/xmpp/stanza"

// ChatPart is one chat message of a post: its body and the elements beside it.
type ChatPart struct {
	Body    string
	Payload []*stanza.Element // spoiler, references, out-of-band data, file sharing
}

// ChatParts writes a post as chat messages: the text, with its warning first,
// then one message for each attachment whose body is the URL.
func ChatParts(p Post) []ChatPart { return nil }

// FromChat reads a chat message as a direct post of its sender to mentions.
func FromChat(message *stanza.Element, owner Actor, to []Mention) (Post, error) { return Post{}, nil }
