package ap

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const ld = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`

// TestAlternate finds the document that a page says it has.
func TestAlternate(t *testing.T) {
	head := func(s string) string {
		return "<!DOCTYPE html><html><head><title>x</title>" + s + "</head><body></body></html>"
	}
	const link = `<link rel="alternate" type="application/activity+json" href="https://a.test/o/1">`
	for _, c := range []struct{ name, header, body, want string }{
		{"in the head", "", head(link), "https://a.test/o/1"},
		{"self-closing, in another case and order", "", head(`<LINK HREF='/o/1' TYPE='Application/Activity+JSON' REL='me ALTERNATE' />`), "https://a.test/o/1"},
		{"the other type", "", head(`<link rel=alternate type='` + ld + `' href="o/1">`), "https://a.test/@ada/o/1"},
		{"with entities", "", head(`<link rel="alternate" type="application/activity+json" href="https://a.test/?p=1&amp;x=2">`), "https://a.test/?p=1&x=2"},
		{"with a base", "", head(`<base href="/deep/x">` + strings.Replace(link, "https://a.test/o/1", "o/1", 1)), "https://a.test/deep/o/1"},
		{"on another host, which has to say so itself", "", head(strings.Replace(link, "a.test", "b.test", 1)), "https://b.test/o/1"},
		{"a fragment is no part of it", "", head(strings.Replace(link, "/o/1", "/o/1#x", 1)), "https://a.test/o/1"},
		{"behind other links", "", head(`<link rel="stylesheet" href="x"><link rel="alternate" type="application/atom+xml" href="feed">` + link), "https://a.test/o/1"},
		{"no head tag", "", link + "<p>x", "https://a.test/o/1"},

		{"in the body", "", "<html><head></head><body>" + link, ""},
		{"behind the head", "", "<head></head>" + link, ""},
		{"in a comment", "", head("<!-- " + link + " -->"), ""},
		{"in a script", "", head("<script>'" + link + "'</script>"), ""},
		{"in a title", "", "<head><title>" + link + "</title></head>", ""},
		{"without a type", "", head(`<link rel="alternate" href="https://a.test/o/1">`), ""},
		{"as plain JSON", "", head(`<link rel="alternate" type="application/json" href="https://a.test/o/1">`), ""},
		{"not an alternate", "", head(`<link rel="preload" type="application/activity+json" href="https://a.test/o/1">`), ""},
		{"without an address", "", head(`<link rel="alternate" type="application/activity+json">`), ""},
		{"to a script", "", head(strings.Replace(link, "https://a.test/o/1", "javascript:1", 1)), ""},
		{"without TLS", "", head(strings.Replace(link, "https:", "http:", 1)), ""},
		{"with a password", "", head(strings.Replace(link, "//a.test", "//a:b@a.test", 1)), ""},
		{"beyond what is read", "", "<head>" + strings.Repeat("<meta>", maxHead/6) + link, ""},
		{"a tag without end", "", "<head><link " + strings.Repeat("x", maxHead), ""},
		{"nothing", "", "", ""},

		{"in a header", `<https://a.test/o/1>; rel="alternate"; type="application/activity+json"`, "", "https://a.test/o/1"},
		{"in a header, bare", `</o/1>;rel=alternate;type=application/activity+json`, "", "https://a.test/o/1"},
		{"in a header with quoted quotes", `<o/1>; title="a \", b"; type="application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\""; rel="alternate me"`, "", "https://a.test/@ada/o/1"},
		{"the second of a header", `<https://a.test/x,y>; rel="self", <https://a.test/o/1>; rel="alternate"; type="application/activity+json"`, "", "https://a.test/o/1"},
		{"the header counts first", `<https://a.test/h>; rel="alternate"; type="application/activity+json"`, head(link), "https://a.test/h"},
		{"a header of another kind", `<https://a.test/h>; rel="https://api.w.org/"`, head(link), "https://a.test/o/1"},
		{"the first rel counts", `<https://a.test/h>; rel="self"; rel="alternate"; type="application/activity+json"`, "", ""},
		{"a header cut off", `<https://a.test/h`, "", ""},
		{"a header cut off in a quote", `<https://a.test/h>; rel="alternate`, "", ""},
		{"a long header", `<https://a.test/` + strings.Repeat("h", maxLinkSize) + `>; rel="alternate"; type="application/activity+json"`, "", ""},
	} {
		header := http.Header{}
		if c.header != "" {
			header.Add("Link", c.header)
		}
		if got := alternate(&url.URL{Scheme: "https", Host: "a.test", Path: "/@ada/110"}, header, []byte(c.body)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzAlternate(f *testing.F) {
	f.Add(`<https://a.test/o/1>; rel="alternate"; type="application/activity+json"`, `<head><link rel="alternate" type="application/activity+json" href="/o/1">`)
	f.Add(`</o/1>;rel=alternate;type="a\"`, `<base href="//b.test"><link`)
	f.Fuzz(func(t *testing.T, header, body string) {
		page := &url.URL{Scheme: "https", Host: "a.test", Path: "/@ada/110"}
		to := alternate(page, http.Header{"Link": {header}}, []byte(body))
		if u, err := url.Parse(to); to != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "") {
			t.Errorf("%q", to)
		}
	})
}
