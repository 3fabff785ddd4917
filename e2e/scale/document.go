package main

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"isthmus/ap/as2"
	"isthmus/translate"
)

// document is a post as its server sends it, with what servers add.
type document struct {
	Context      jsontext.Value    `json:"@context"`
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Name         string            `json:"name,omitempty"`
	Summary      string            `json:"summary,omitempty"`
	Published    time.Time         `json:"published"`
	URL          string            `json:"url"`
	AttributedTo string            `json:"attributedTo"`
	To           []string          `json:"to"`
	Cc           []string          `json:"cc"`
	Sensitive    bool              `json:"sensitive"`
	AtomURI      string            `json:"atomUri"`
	Conversation string            `json:"conversation"`
	Content      string            `json:"content"`
	ContentMap   map[string]string `json:"contentMap"`
	Attachment   []picture         `json:"attachment"`
	Tag          []hashtag         `json:"tag"`
	Replies      collection        `json:"replies"`
}

type hashtag struct {
	Type string `json:"type"`
	Href string `json:"href"`
	Name string `json:"name"`
}

type picture struct {
	Type      string `json:"type"`
	MediaType string `json:"mediaType"`
	URL       string `json:"url"`
	Name      string `json:"name"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
}

// collection are answers, of which there are none.
type collection struct {
	ID    string      `json:"id,omitempty"`
	Type  string      `json:"type"`
	First *collection `json:"first,omitempty"`
	Next  string      `json:"next,omitempty"`
	Part  string      `json:"partOf,omitempty"`
	Items []string    `json:"items,omitzero"`
}

const contexts = `["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#","atomUri":"ostatus:atomUri",` +
	`"conversation":"ostatus:conversation","sensitive":"as:sensitive","toot":"http://joinmastodon.org/ns#"}]`

// read writes a document, and reads it as the gateway does, so that the store
// holds what it would of these posts.
func (d document) read(owner translate.Actor) (translate.Post, []byte, error) {
	replies := d.ID + "/replies"
	d.Context = jsontext.Value(contexts)
	d.Replies = collection{ID: replies, Type: "Collection", First: &collection{
		Type: "CollectionPage", Next: replies + "?only_other_accounts=true&page=true", Part: replies, Items: []string{},
	}}
	raw, err := json.Marshal(d)
	if err != nil {
		return translate.Post{}, nil, fmt.Errorf("write %s: %w", d.ID, err)
	}
	o, err := as2.Parse(raw)
	if err != nil {
		return translate.Post{}, nil, fmt.Errorf("read %s: %w", d.ID, err)
	}
	p, err := translate.FromAS2(o, translate.AS2Context{Owner: owner, FollowersURL: owner.URI + "/followers"})
	if err != nil {
		return translate.Post{}, nil, fmt.Errorf("read %s: %w", d.ID, err)
	}
	p.Item = &translate.Item{Service: owner.JID, Node: "urn:xmpp:microblog:0", ID: translate.MintItemID([]byte("scale"), p.URI)}
	p.Comments = &translate.Node{Service: owner.JID, Name: "urn:xmpp:microblog:0:comments/" + p.Item.ID}
	return p, raw, nil
}
