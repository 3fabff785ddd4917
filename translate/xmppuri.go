package translate

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// errURI is wrapped by the errors of the parsers of xmpp: URIs (RFC 5122).
var errURI = errors.New("not an xmpp: URI that we can use")

// maxURI bounds what is read. Nodes can be long: they hold URIs themselves.
const maxURI = 8192

// JIDURI is the xmpp: URI of a JID, which is written raw: clients compare it
// byte by byte and do not decode it. Only what would be read as another JID is
// percent-encoded.
func JIDURI(jid string) string {
	if decoded, err := url.PathUnescape(jid); (err != nil || decoded == jid) && !strings.ContainsAny(jid, "?#") {
		return "xmpp:" + jid
	}
	return "xmpp:" + strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(jid)
}

// PlainURI is the xmpp: URI of a JID as RFC 5122 §2.2 has it, for programs that
// read it as a URI and nothing else.
func PlainURI(jid string) string {
	local, domain, found := strings.Cut(jid, "@")
	if !found {
		return "xmpp:" + encodeValue(jid, "")
	}
	return "xmpp:" + encodeValue(local, "!$&'()*+,;=") + "@" + encodeValue(domain, "")
}

// ParseJIDURI gives the bare JID of any xmpp: URI.
func ParseJIDURI(uri string) (string, error) {
	jid, _, err := cutURI(uri)
	return jid, err
}

// PubSubURI is the xmpp: URI of an item, or of a node when item is "", with
// the values percent-encoded: for links and replies hrefs (XEP-0060 §12.22).
func PubSubURI(service, node, item string) string {
	return pubSubURI(service, encodeValue(node, ""), encodeValue(item, ""))
}

// InReplyToURI is PubSubURI as Movim wants it in in-reply-to: it does not
// decode there, so the : and / of the values are not encoded.
func InReplyToURI(service, node, item string) string {
	return pubSubURI(service, encodeValue(node, ":/"), encodeValue(item, ":/"))
}

func pubSubURI(service, node, item string) string {
	uri := JIDURI(service) + "?;node=" + node
	if item != "" {
		uri += ";item=" + item
	}
	return uri
}

// ParsePubSubURI reads the xmpp: URI of an item, or of a node (ID ""), in
// every spelling that is in use: with or without query type, action and
// percent-encoding, in any order.
func ParsePubSubURI(uri string) (Item, error) {
	jid, query, err := cutURI(uri)
	if err != nil {
		return Item{}, err
	}
	item := Item{Service: jid}
	values := map[string]*string{"node": &item.Node, "item": &item.ID, "action": new(string)}
	for i, pair := range strings.Split(query, ";") {
		key, value, found := strings.Cut(pair, "=")
		if i == 0 && !found {
			if key != "" && !strings.EqualFold(key, "pubsub") {
				return Item{}, fmt.Errorf("%q asks for %s: %w", uri, key, errURI)
			}
			continue
		}
		to := values[key]
		if to == nil {
			continue // RFC 5122 §2.5: unknown keys mean nothing
		}
		if *to != "" {
			return Item{}, fmt.Errorf("%q has two values for %s: %w", uri, key, errURI)
		}
		*to = decodeLenient(value)
	}
	if action := *values["action"]; action != "" && action != "retrieve" {
		return Item{}, fmt.Errorf("%q asks to %s: %w", uri, action, errURI)
	}
	if item.Node == "" || !validText(item.Node) || !validText(item.ID) {
		return Item{}, fmt.Errorf("%q names no node: %w", uri, errURI)
	}
	return item, nil
}

// cutURI gives the bare JID and the query of an xmpp: URI.
func cutURI(uri string) (jid, query string, err error) {
	if len(uri) > maxURI {
		return "", "", fmt.Errorf("URI of %d bytes: %w", len(uri), errURI)
	}
	scheme, rest, _ := strings.Cut(uri, ":")
	// With an authority it is a request to log in as somebody (RFC 5122 §2.3).
	if !strings.EqualFold(scheme, "xmpp") || strings.HasPrefix(rest, "//") {
		return "", "", fmt.Errorf("%q: %w", uri, errURI)
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	jid, _, _ = strings.Cut(foldASCII(decodeLenient(path)), "/")
	if _, _, err := splitJID(jid); err != nil {
		return "", "", fmt.Errorf("%q: %w (%w)", uri, errURI, err)
	}
	return jid, query, nil
}

// decodeLenient undoes percent-encoding; what is not encoded stays as it is.
func decodeLenient(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}

// encodeValue percent-encodes all but unreserved characters (RFC 3986 §2.3)
// and those that are kept.
func encodeValue(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if isWord(c) || 'A' <= c && c <= 'Z' || strings.IndexByte("-.~"+keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]})
	}
	return b.String()
}
