package ap

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"isthmus/ap/as2"
)

// What is read of a web page, and of its Link headers, to find its document.
const (
	maxHead     = 256 << 10 // bytes of the page
	maxAttr     = 64 << 10  // of one tag
	maxLinks    = 20        // headers
	maxLinkSize = 8 << 10   // bytes of a header
)

// isPage tells whether an answer is a web page.
func isPage(contentType string) bool {
	typ, _, err := mime.ParseMediaType(contentType)
	return err == nil && (typ == "text/html" || typ == "application/xhtml+xml")
}

// alternate is the address of the AS2 document that a page says it has: in a Link
// header (RFC 8288), or in its head. It is "" if there is none. What it says
// proves nothing: the document does, where its id is.
func alternate(page *url.URL, header http.Header, body []byte) string {
	list := header.Values("Link")
	for _, h := range list[:min(len(list), maxLinks)] {
		if to := linkHeader(page, h); to != "" {
			return to
		}
	}
	return linkInHead(page, body)
}

// isAlternate tells whether a link is to another form of the page that is AS2.
func isAlternate(rel, mediaType string) bool {
	if !as2.IsMediaType(mediaType) {
		return false
	}
	for _, r := range strings.Fields(rel) {
		if strings.EqualFold(r, "alternate") {
			return true
		}
	}
	return false
}

// resolved is an address as a page has it, "" if it cannot be one of a document.
func resolved(base *url.URL, href string) string {
	u, err := base.Parse(strings.TrimSpace(href))
	if err != nil || href == "" {
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	if as2.CheckURL(u.String()) != nil {
		return ""
	}
	return u.String()
}

// linkHeader reads the links of one header (RFC 8288 §3).
func linkHeader(page *url.URL, h string) string {
	if len(h) > maxLinkSize {
		return ""
	}
	for {
		_, rest, found := strings.Cut(h, "<")
		if !found {
			return ""
		}
		href, rest, found := strings.Cut(rest, ">")
		if !found {
			return ""
		}
		params := map[string]string{}
		for found = true; found; {
			var name, value string
			if name, value, rest, found = linkParameter(rest); found && params[name] == "" { // the first counts
				params[name] = value
			}
		}
		if isAlternate(params["rel"], params["type"]) {
			if to := resolved(page, href); to != "" {
				return to
			}
		}
		h = rest
	}
}

// linkParameter reads the parameter that a text begins with, ok if there is one.
func linkParameter(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	s, ok = strings.CutPrefix(s, ";")
	if !ok {
		return "", "", s, false
	}
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexAny(s, "=;,")
	if end < 0 || s[end] != '=' {
		if end < 0 {
			end = len(s)
		}
		return strings.ToLower(strings.TrimSpace(s[:end])), "", s[end:], true
	}
	name, s = strings.ToLower(strings.TrimSpace(s[:end])), strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		if end = strings.IndexAny(s, ";,"); end < 0 {
			end = len(s)
		}
		return name, strings.TrimSpace(s[:end]), s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return name, b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return name, b.String(), "", true
			}
		}
		b.WriteByte(s[i])
	}
	return name, b.String(), "", true
}

// linkInHead reads the head of a page, and no more of it.
func linkInHead(page *url.URL, body []byte) string {
	z := html.NewTokenizer(bytes.NewReader(body[:min(len(body), maxHead)]))
	z.SetMaxBuf(maxAttr)
	base := page
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "head" {
				return ""
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch string(name) {
			case "body":
				return ""
			case "base":
				if u, err := page.Parse(attributes(z, more)["href"]); err == nil {
					base = u
				}
			case "link":
				a := attributes(z, more)
				if !isAlternate(a["rel"], a["type"]) {
					continue
				}
				if to := resolved(base, a["href"]); to != "" {
					return to
				}
			}
		}
	}
}

// attributes are those of the tag that a tokenizer is at.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	out := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, twice := out[string(key)]; !twice {
			out[string(key)] = string(value)
		}
	}
	return out
}
