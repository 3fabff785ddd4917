package stanza

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"testing"
)

// eventElement is the notification of a post, about 2.4 KB for n = 1.
func eventElement(n int) *Element {
	text := strings.Repeat("Il pleut sur l’été & la mer est <calme>. ", 12)
	entry := New(NSAtom, "entry").Add(
		Text("", "title", "Une journée au bord de l’eau").Set("type", "text"),
		Text("", "id", "xmpp:alice\\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=abcdefghijklmnopqrstuvwxyz"),
		Text("", "published", "2026-11-21T10:00:00Z"), Text("", "updated", "2026-11-21T10:00:00Z"),
		New("", "author").Add(Text("", "name", "Alice"), Text("", "uri", `xmpp:alice\40mast.social@ap.example.org`)),
		New("", "content").Set("type", "xhtml").Add(New(NSXHTML, "div").Add(
			New("", "p").AddText(text).Add(New("", "br")).AddText(text),
			New("", "p").AddText("avec ").Add(Text("", "a", "#mer").Set("href", "https://mast.social/tags/mer").Set("class", "mention hashtag")))),
		New("", "link").Set("rel", "alternate").Set("type", "text/html").Set("href", "https://mast.social/@alice/112345678901234567"),
		New("", "link").Set("rel", "replies").Set("title", "comments").Set("href", `xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments/abcdefghijklmnopqrstuvwxyz`),
		New("", "category").Set("term", "mer"))
	items := New("", "items").Set("node", NSMicroblog)
	for i := range n {
		items.Add(New("", "item").Set("id", "abcdefghijklmnopqrstuvwxyz"+strconv.Itoa(i)).Add(entry))
	}
	return New(NSComponent, "message").Set("type", "headline").Set("from", `alice\40mast.social@ap.example.org`).Set("to", "louise@example.org").
		Set("id", "abcdefghijklmnop").Add(New(NSPubSubEvent, "event").Add(items))
}

func event(n int) []byte { return Append(nil, eventElement(n), NSComponent) }

func BenchmarkAppend(b *testing.B) {
	e := eventElement(1)
	buf := Append(nil, e, NSComponent)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], e, NSComponent)
	}
}

func BenchmarkAppendPrerendered(b *testing.B) {
	e := eventElement(1)
	payload := Prerender(e.Child(NSPubSubEvent, "event"))
	buf := Append(nil, e, NSComponent)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		m := New(NSComponent, "message").Set("to", "louise@example.org").Set("from", `alice\40mast.social@ap.example.org`).Add(payload)
		buf = Append(buf[:0], m, NSComponent)
	}
}

func BenchmarkParse(b *testing.B) {
	frame := event(1)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(frame, NSComponent, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseStart(b *testing.B) {
	frame := event(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseStart(frame, NSComponent, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodingXML is what the standard library takes only to read the
// tokens of the same bytes.
func BenchmarkEncodingXML(b *testing.B) {
	frame := event(1)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		d := xml.NewDecoder(bytes.NewReader(frame))
		for {
			if _, err := d.RawToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkCopy is the bare limit: the same bytes copied.
func BenchmarkCopy(b *testing.B) {
	frame := event(1)
	buf := make([]byte, len(frame))
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		copy(buf, frame)
	}
}
