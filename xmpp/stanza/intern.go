package stanza

// known are strings that most stanzas hold, so that reading them takes no
// memory.
var known = func() map[string]string {
	m := make(map[string]string)
	for _, s := range []string{
		"iq", "message", "presence", "error", "stream", "from", "to", "id", "type", "lang",
		"get", "set", "result", "headline", "chat", "normal", "groupchat", "subscribe", "subscribed",
		"unsubscribe", "unsubscribed", "unavailable", "probe", "cancel", "wait", "modify", "auth",
		"query", "identity", "feature", "category", "name", "node", "var", "item", "items", "event",
		"pubsub", "publish", "retract", "notify", "publisher", "subscription", "subscriptions",
		"jid", "subid", "x", "field", "value", "title", "form", "submit", "command", "action", "status",
		"c", "hash", "ver", "body", "subject", "thread", "delay", "stamp", "ping", "vCard",
		"entry", "author", "uri", "published", "updated", "content", "link", "rel", "href", "summary",
		"alternate", "replies", "via", "text", "xhtml", "div", "p", "a", "br", "span", "class", "ref",
		"first", "last", "count", "index", "max", "after", "before", "origin-id", "stanza-id", "by",
		"service-unavailable", "item-not-found", "forbidden", "bad-request", "not-authorized",
		NSComponent, NSClient, NSStream, NSStanzaErrors, NSDiscoInfo, NSDiscoItems, NSCaps, NSForm, NSRSM,
		NSPing, NSVersion, NSCommands, NSPubSub, NSPubSubOwner, NSPubSubEvent, NSPubSubErrors,
		NSMicroblog, NSAttachments, NSAtom, NSThread, NSXHTML, NSVCard4, NSVCardTemp, NSVCardUpdate,
		NSNick, NSAvatarMeta, NSAvatarData, NSDelay, NSStanzaID, NSHints, NSReply, NSFallback,
		NSReactions, NSCorrect, NSRetract, NSReference, NSReceipts,
	} {
		m[s] = s
	}
	return m
}()

func intern(b []byte) string {
	if s, ok := known[string(b)]; ok {
		return s
	}
	return string(b)
}
