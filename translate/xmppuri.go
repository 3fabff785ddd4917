package translate

// JIDURI is the xmpp: URI of a JID, which is written raw.
func JIDURI(jid string) string { return "" }

// ParseJIDURI gives the bare JID of any xmpp: URI.
func ParseJIDURI(uri string) (string, error) { return "", nil }

// PubSubURI is the xmpp: URI of an item, or of a node when item is "", with
// the values percent-encoded: for links and replies hrefs.
func PubSubURI(service, node, item string) string { return "" }

// InReplyToURI is PubSubURI as Movim wants it in in-reply-to: the : and / of
// the values are not encoded.
func InReplyToURI(service, node, item string) string { return "" }

// ParsePubSubURI reads the xmpp: URI of an item, or of a node (ID ""), in
// every spelling that is in use.
func ParsePubSubURI(uri string) (Item, error) { return Item{}, nil }
