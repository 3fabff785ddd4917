package webfinger

import (
	"fmt"
	"mime"
	"strings"

	"github.com/go-json-experiment/json"
)

// jrd is a JSON resource descriptor (RFC 7033 §4.4).
type jrd struct {
	Subject string   `json:"subject,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	Links   []link   `json:"links,omitempty"`
}

type link struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// maxLinks bounds what is looked at in a foreign document.
const maxLinks = 100

// parseJRD reads a foreign descriptor. Duplicate names, names in another case
// and bad UTF-8 are refused by the decoder; what we do not use may have any shape.
func parseJRD(body []byte) (jrd, error) {
	if len(body) > MaxDocument {
		return jrd{}, fmt.Errorf("document of %d bytes is over the limit", len(body))
	}
	var d jrd
	var seen struct {
		Subject string `json:"subject"`
		Aliases any    `json:"aliases"`
		Links   []struct {
			Rel      any `json:"rel"`
			Type     any `json:"type"`
			Href     any `json:"href"`
			Template any `json:"template"`
		} `json:"links"`
	}
	if err := json.Unmarshal(body, &seen); err != nil {
		return jrd{}, fmt.Errorf("read descriptor: %w", err)
	}
	if len(seen.Links) > maxLinks {
		return jrd{}, fmt.Errorf("descriptor of %d links is over the limit", len(seen.Links))
	}
	d.Subject = seen.Subject
	aliases, _ := seen.Aliases.([]any)
	for _, a := range aliases[:min(len(aliases), maxLinks)] {
		if alias, ok := a.(string); ok {
			d.Aliases = append(d.Aliases, alias)
		}
	}
	for _, l := range seen.Links {
		rel, _ := l.Rel.(string)
		typ, _ := l.Type.(string)
		href, _ := l.Href.(string)
		template, _ := l.Template.(string)
		d.Links = append(d.Links, link{Rel: rel, Type: typ, Href: href, Template: template})
	}
	return d, nil
}

// handle is whose account a descriptor says that it is of (W2). WordPress leaves
// acct: away, and others name the profile and have the account among the aliases:
// such an answer is loose, and counts for nobody but who was asked for.
func (d *jrd) handle(asked string) (handle string, loose, ok bool) {
	if strings.HasPrefix(d.Subject, "acct:") {
		handle, err := ParseHandle(d.Subject)
		return handle, false, err == nil
	}
	names := []string{d.Subject}
	if isHTTPS(d.Subject) {
		names = d.Aliases
	}
	for _, name := range names {
		if handle, err := ParseHandle(name); err == nil && strings.EqualFold(handle, asked) {
			return handle, true, true
		}
	}
	return "", false, false
}

// self is the id of the actor: the first self link of an ActivityStreams type (W3).
func (d *jrd) self() string {
	for _, l := range d.Links {
		if l.Rel == RelSelf && isActivityType(l.Type) && l.Href != "" {
			return l.Href
		}
	}
	return ""
}

func (d *jrd) href(rel string) string {
	for _, l := range d.Links {
		if l.Rel == rel && l.Href != "" {
			return l.Href
		}
	}
	return ""
}

// isActivityType tells whether a media type is one of the two of ActivityPub.
func isActivityType(s string) bool {
	typ, params, err := mime.ParseMediaType(s)
	if err != nil {
		return false
	}
	switch typ {
	case TypeActivity:
		return true
	case "application/ld+json":
		for _, p := range strings.Fields(params["profile"]) {
			if p == "https://www.w3.org/ns/activitystreams" {
				return true
			}
		}
	}
	return false
}

// isJSONType tells whether a descriptor may come as this media type (W1, W11).
func isJSONType(s string) bool {
	typ, _, err := mime.ParseMediaType(s)
	return err == nil && (typ == TypeJRD || typ == "application/json")
}
