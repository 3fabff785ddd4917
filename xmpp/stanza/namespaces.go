package stanza

// Namespaces of the protocols that the gateway speaks.
const (
	NSXML          = "http://www.w3.org/XML/1998/namespace"
	NSStream       = "http://etherx.jabber.org/streams"
	NSComponent    = "jabber:component:accept" // XEP-0114
	NSClient       = "jabber:client"
	NSStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
	NSStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams"

	NSDiscoInfo    = "http://jabber.org/protocol/disco#info"
	NSDiscoItems   = "http://jabber.org/protocol/disco#items"
	NSCaps         = "http://jabber.org/protocol/caps"
	NSForm         = "jabber:x:data"
	NSValidate     = "http://jabber.org/protocol/xdata-validate"
	NSRSM          = "http://jabber.org/protocol/rsm"
	NSOrderBy      = "urn:xmpp:order-by:1"
	NSPing         = "urn:xmpp:ping"
	NSVersion      = "jabber:iq:version"
	NSTime         = "urn:xmpp:time"
	NSLast         = "jabber:iq:last"
	NSGateway      = "jabber:iq:gateway"
	NSRegister     = "jabber:iq:register"
	NSSearch       = "jabber:iq:search"
	NSMAM          = "urn:xmpp:mam:2"
	NSFullText     = "urn:xmpp:fulltext:0" // XEP-0431
	NSForward      = "urn:xmpp:forward:0"
	NSCommands     = "http://jabber.org/protocol/commands"
	NSPubSub       = "http://jabber.org/protocol/pubsub"
	NSPubSubOwner  = "http://jabber.org/protocol/pubsub#owner"
	NSPubSubEvent  = "http://jabber.org/protocol/pubsub#event"
	NSPubSubErrors = "http://jabber.org/protocol/pubsub#errors"

	NSMicroblog        = "urn:xmpp:microblog:0" // XEP-0277, also the node's name
	NSSocialFeed       = "urn:xmpp:pubsub-social-feed:1"
	NSAttachments      = "urn:xmpp:pubsub-attachments:1" // XEP-0470
	NSSummary          = "urn:xmpp:pubsub-attachments:summary:1"
	NSAtom             = "http://www.w3.org/2005/Atom"
	NSThread           = "http://purl.org/syndication/thread/1.0"
	NSXHTML            = "http://www.w3.org/1999/xhtml"
	NSVCard4           = "urn:ietf:params:xml:ns:vcard-4.0"
	NodeVCard4         = "urn:xmpp:vcard4"
	NSVCardTemp        = "vcard-temp"
	NSVCardUpdate      = "vcard-temp:x:update"
	NSNick             = "http://jabber.org/protocol/nick"
	NSAvatarMeta       = "urn:xmpp:avatar:metadata"
	NSAvatarData       = "urn:xmpp:avatar:data"
	NodeBanner         = "urn:xmpp:movim-banner:0"
	CommentsNodePrefix = "urn:xmpp:microblog:0:comments/"

	NSDelay     = "urn:xmpp:delay"
	NSStanzaID  = "urn:xmpp:sid:0"
	NSHints     = "urn:xmpp:hints"
	NSReply     = "urn:xmpp:reply:0"           // XEP-0461
	NSFallback  = "urn:xmpp:fallback:0"        // XEP-0428
	NSReactions = "urn:xmpp:reactions:0"       // XEP-0444
	NSCorrect   = "urn:xmpp:message-correct:0" // XEP-0308
	NSRetract   = "urn:xmpp:message-retract:1" // XEP-0424
	NSReference = "urn:xmpp:reference:0"       // XEP-0372
	NSOOB       = "jabber:x:oob"               // XEP-0066
	NSSFS       = "urn:xmpp:sfs:0"             // XEP-0447
	NSFileMeta  = "urn:xmpp:file:metadata:0"   // XEP-0446
	NSSpoiler   = "urn:xmpp:spoiler:0"         // XEP-0382
	NSReceipts  = "urn:xmpp:receipts"          // XEP-0184
	NSEME       = "urn:xmpp:eme:0"             // XEP-0380
)
