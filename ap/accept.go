package ap

import (
	"mime"
	"strconv"
	"strings"

	"isthmus/ap/as2"
)

// mediaRange is one entry of an Accept header (RFC 9110, 12.5.1).
type mediaRange struct {
	kind, sub string
	profile   string
	q         float64
}

// accepted is an Accept header.
type accepted []mediaRange

// maxRanges bounds how much of an Accept header is read.
const maxRanges = 32

// parseAccept reads the Accept headers of a request, of which some peers send
// several (A1). Entries that cannot be read are left out.
func parseAccept(values []string) accepted {
	var out accepted
	for _, value := range values {
		for _, part := range splitList(value) {
			t, params, err := mime.ParseMediaType(part)
			kind, sub, ok := strings.Cut(t, "/")
			if err != nil || !ok || len(out) == maxRanges {
				continue
			}
			q := 1.0
			if s, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(s, 64); err != nil || !(q >= 0 && q <= 1) {
					continue
				}
			}
			out = append(out, mediaRange{kind: kind, sub: sub, profile: params["profile"], q: q})
		}
	}
	return out
}

// splitList splits at commas that are not within quotes.
func splitList(s string) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// quality is how much a media type is wanted, by its most specific entry; 0 if
// not at all.
func (a accepted) quality(contentType string) float64 {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0
	}
	kind, sub, _ := strings.Cut(t, "/")
	best, q := -1, 0.0
	for _, r := range a {
		rank := -1
		switch {
		case r.kind == kind && r.sub == sub:
			rank = 2
		case r.kind == kind && r.sub == "*":
			rank = 1
		case r.kind == "*" && r.sub == "*":
			rank = 0
		}
		if rank > best || rank == best && rank >= 0 && r.q > q {
			best, q = rank, r.q
		}
	}
	return q
}

// want is what a GET asks for.
type want int

const (
	wantNothing want = iota // that we have
	wantDocument
	wantPage
)

// negotiate decides between the document and the page for people (A1). On a
// tie, and for who does not say, it is the document: people's browsers prefer
// HTML over everything else in so many words.
func negotiate(values []string) want {
	a := parseAccept(values)
	if len(values) == 0 || len(a) == 0 && strings.TrimSpace(strings.Join(values, "")) == "" {
		return wantDocument
	}
	document := max(a.quality(as2.MediaType), a.quality("application/ld+json"), a.quality("application/json"))
	page := max(a.quality("text/html"), a.quality("application/xhtml+xml"))
	switch {
	case page > document:
		return wantPage
	case document > 0:
		return wantDocument
	default:
		return wantNothing
	}
}
