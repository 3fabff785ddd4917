package as2

import "github.com/go-json-experiment/json/jsontext"

// Context is the text of an @context member. Its first entry is the literal
// AS2 address, which peers look for (A4); extension terms follow.
type Context string

// The contexts of our documents. They name every term that we write and no
// context is ever fetched (L11).
const (
	// ContextAS2 is for documents without extensions.
	ContextAS2 Context = `"https://www.w3.org/ns/activitystreams"`
	// ContextActor is for actors.
	ContextActor Context = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` +
		`{"toot":"http://joinmastodon.org/ns#","schema":"http://schema.org#",` +
		`"PropertyValue":"schema:PropertyValue","value":"schema:value",` +
		`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers","discoverable":"toot:discoverable","indexable":"toot:indexable",` +
		`"featured":{"@id":"toot:featured","@type":"@id"},"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},` +
		`"movedTo":{"@id":"as:movedTo","@type":"@id"},"Emoji":"toot:Emoji","Hashtag":"as:Hashtag",` +
		`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger"}]`
	// ContextNote is for posts and the activities that carry them.
	ContextNote Context = `["https://www.w3.org/ns/activitystreams",` +
		`{"Hashtag":"as:Hashtag","sensitive":"as:sensitive","toot":"http://joinmastodon.org/ns#","Emoji":"toot:Emoji",` +
		`"blurhash":"toot:blurhash","focalPoint":{"@container":"@list","@id":"toot:focalPoint"},"votersCount":"toot:votersCount",` +
		`"ostatus":"http://ostatus.org#","conversation":"ostatus:conversation",` +
		`"quote":{"@id":"https://w3id.org/fep/044f#quote","@type":"@id"},` +
		`"quoteUrl":"as:quoteUrl","quoteUri":"http://fedibird.com/ns#quoteUri",` +
		`"misskey":"https://misskey-hub.net/ns#","_misskey_quote":"misskey:_misskey_quote",` +
		`"litepub":"http://litepub.social/ns#","EmojiReact":"litepub:EmojiReact",` +
		`"timezone":"https://joinmobilizon.org/ns#timezone","address":"http://schema.org#address",` +
		`"size":"https://joinpeertube.org/ns#size"}]`
)

// MarshalJSONTo writes the context as it stands.
func (c Context) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(jsontext.Value(c))
}
