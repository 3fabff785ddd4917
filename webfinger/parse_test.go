package webfinger

import (
	"strings"
	"testing"
)

const xrdOpen = `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">`

func TestParseXRD(t *testing.T) {
	const template = "https://m.example/.well-known/webfinger?resource={uri}"
	const wanted = `<Link rel="lrdd" template="` + template + `"/>`
	tests := []struct {
		name, body, want string
		bad              bool
	}{
		{"plain", `<?xml version="1.0" encoding="UTF-8"?>` + xrdOpen + wanted + `</XRD>`, template, false},
		{"prefix", `<x:XRD xmlns:x="http://docs.oasis-open.org/ns/xri/xrd-1.0"><x:Link rel="lrdd" template="` + template + `"/></x:XRD>`, template, false},
		{"first of two", xrdOpen + `<Link rel="other" template="https://o.example/"/>` + wanted + `<Link rel="lrdd" template="https://b.example/{uri}"/></XRD>`, template, false},
		{"foreign elements", xrdOpen + `<!-- c --><hm:Host xmlns:hm="http://host-meta.net/xrd/1.0">m</hm:Host><Link rel="urn:xmpp:alt-connections:websocket" href="wss://m.example/"/>` + wanted + `</XRD>`, template, false},
		{"none", xrdOpen + `</XRD>`, "", false},
		{"link of another namespace", xrdOpen + `<Link xmlns="urn:x" rel="lrdd" template="https://evil.example/{uri}"/></XRD>`, "", false},
		{"link too deep", xrdOpen + `<a>` + wanted + `</a></XRD>`, "", false},
		{"DTD", `<!DOCTYPE XRD [<!ENTITY a "b">]>` + xrdOpen + wanted + `</XRD>`, "", true},
		{"entity", xrdOpen + `<Link rel="lrdd" template="&a;"/></XRD>`, "", true},
		{"processing instruction", xrdOpen + `<?php 1 ?>` + wanted + `</XRD>`, "", true},
		{"other root", `<html><Link rel="lrdd" template="https://evil.example/{uri}"/></html>`, "", true},
		{"other encoding", `<?xml version="1.0" encoding="UTF-7"?>` + xrdOpen + wanted + `</XRD>`, "", true},
		{"cut off", xrdOpen + wanted, "", true},
		{"deep", xrdOpen + strings.Repeat("<a>", 5000), "", true},
		{"long", xrdOpen + strings.Repeat("<a/>", 5000) + "</XRD>", "", true},
		{"huge", xrdOpen + strings.Repeat(" ", MaxDocument) + "</XRD>", "", true},
	}
	for _, tt := range tests {
		got, err := parseXRD([]byte(tt.body))
		if (err != nil) != tt.bad || got != tt.want {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

func FuzzXRD(f *testing.F) {
	f.Add([]byte(xrdOpen + `<Link rel="lrdd" template="https://m.example/{uri}"/></XRD>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><XRD/>`))
	f.Add([]byte(`<?xml version="1.0"?><x:XRD xmlns:x="http://docs.oasis-open.org/ns/xri/xrd-1.0"><x:Link/></x:XRD>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		template, err := parseXRD(body)
		if err != nil && template != "" {
			t.Errorf("refused, yet %q came out", template)
		}
	})
}

func FuzzJRD(f *testing.F) {
	f.Add([]byte(answer("acct:alice@mast.social", "https://mast.social/a").body))
	f.Add([]byte(`{"subject":"acct:a@b","links":[{"rel":"self","type":"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"","href":"https://b/a"}]}`))
	f.Add([]byte(`{"links":[{"rel":[],"href":{"a":1}}]}`))
	f.Add([]byte(`{"software":{"name":"x","version":"1"},"protocols":["xmpp"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if d, err := parseJRD(body); err == nil {
			if len(d.Links) > maxLinks {
				t.Errorf("%d links", len(d.Links))
			}
			_, _ = d.self(), d.href(RelProfilePage)
		}
		_, _ = parseNodeInfo(body)
	})
}

// Whatever is accepted as a resource has to be stable: read again it is itself.
func FuzzResource(f *testing.F) {
	for _, s := range []string{
		"acct:louise@example.org", "acct%3Alouise%40example.org", "@a@b.example:8480", "https://example.org/_ap/actor/a%40b",
		"acct:___j.c3.b8rgen@example.org", "a@bücher.example", "HTTP://X", "acct:acct:a@b", "%2540@a", "a@１２７.1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseResource(s)
		if err != nil {
			return
		}
		if (r.Handle == "") == (r.URL == "") {
			t.Fatalf("%q: %+v", s, r)
		}
		if r.Handle != "" {
			again, err := ParseHandle("acct:" + r.Handle)
			if err != nil || again != r.Handle {
				t.Errorf("%q: %q became %q, %v", s, r.Handle, again, err)
			}
			return
		}
		again, err := ParseResource(r.URL)
		if err != nil || again.URL != r.URL {
			t.Errorf("%q: %q became %+v, %v", s, r.URL, again, err)
		}
	})
}
