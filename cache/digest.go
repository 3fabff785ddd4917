package cache

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"isthmus/translate"
)

// digest says what a post is, without what changes although nobody edited it:
// how people are called, where XMPP shows it, dates.
//
// Digests are stored, and a post with another digest was edited: what is
// written here must stay, byte for byte, whatever form posts are stored in. A
// new field of a post is written only where it is not zero.
func digest(p translate.Post) ([]byte, error) {
	d := digester{make([]byte, 0, 512+len(p.HTML)+len(p.Text)+len(p.Summary))}
	if err := d.post(p); err != nil {
		return nil, fmt.Errorf("digest of %s: %w", p.URI, err)
	}
	h := sha256.Sum256(d.b)
	return h[:16], nil
}

// digester writes JSON: members in a fixed order, empty texts and lists left
// out, numbers and false written.
type digester struct{ b []byte }

func (d *digester) post(p translate.Post) error {
	d.open('{')
	d.text("uri", p.URI)
	d.text("kind", string(p.Kind))
	d.text("origin", string(p.Origin))
	d.object("owner", func() { d.some("uri", p.Owner.URI) })
	d.object("author", func() { d.some("uri", p.Author.URI) })
	d.some("title", p.Title)
	d.some("html", p.HTML)
	d.some("text", p.Text)
	d.some("lang", p.Lang)
	d.some("summary", p.Summary)
	objects(d, "translations", p.Translations, func(t translate.Translation) {
		d.text("lang", t.Lang)
		d.some("title", t.Title)
		d.some("html", t.HTML)
		d.some("text", t.Text)
	})
	if p.Source != nil {
		d.object("source", func() {
			d.text("content", p.Source.Content)
			d.text("media_type", p.Source.MediaType)
		})
	}
	d.some("warning", p.Warning)
	d.flag("sensitive", p.Sensitive)
	d.texts("tags", p.Tags)
	objects(d, "mentions", p.Mentions, func(m translate.Mention) {
		d.some("uri", m.URI)
		d.some("text", m.Text)
	})
	objects(d, "emoji", p.Emoji, d.emoji)
	objects(d, "media", p.Media, d.media)
	objects(d, "links", p.Links, func(l translate.Link) {
		d.text("url", l.URL)
		d.some("title", l.Title)
		d.some("media_type", l.MediaType)
	})
	err := d.event(p.Event)
	if err == nil {
		err = d.poll(p.Poll)
	}
	d.some("url", p.URL)
	d.some("reply_to", p.ReplyTo)
	d.some("quote", p.Quote)
	d.some("boost", p.Boost)
	d.some("thread", p.Thread)
	d.text("visibility", string(p.Visibility))
	d.texts("to", slices.Sorted(slices.Values(p.To)))
	d.texts("cc", slices.Sorted(slices.Values(p.Cc)))
	d.some("entry_id", p.EntryID)
	d.close('}')
	return err
}

func (d *digester) emoji(e translate.Emoji) {
	d.text("shortcode", e.Shortcode)
	d.text("url", e.URL)
	d.some("media_type", e.MediaType)
	d.some("id", e.ID)
}

func (d *digester) media(m translate.Media) {
	d.text("url", m.URL)
	d.some("media_type", m.MediaType)
	d.some("alt", m.Alt)
	d.number("size", m.Size)
	d.number("width", int64(m.Width))
	d.number("height", int64(m.Height))
	d.some("duration", m.Duration)
	d.some("blurhash", m.Blurhash)
	if m.Focus != nil {
		d.name("focus")
		d.open('[')
		for _, f := range m.Focus {
			d.item()
			d.b = append(d.b, jsontext.Float(f).String()...)
		}
		d.close(']')
	}
}

// event writes nothing of an event of which nothing is known.
func (d *digester) event(e *translate.Event) (err error) {
	if e == nil || *e == (translate.Event{Zone: e.Zone}) {
		return nil
	}
	d.object("event", func() {
		if err = d.date("start", e.Start); err == nil {
			err = d.date("end", e.End)
		}
		d.some("zone", e.Zone)
		d.some("place", e.Place)
		d.some("address", e.Address)
		d.some("online", e.Online)
	})
	return err
}

func (d *digester) poll(p *translate.Poll) (err error) {
	if p == nil {
		return nil
	}
	d.object("poll", func() {
		d.name("options")
		d.open('[')
		for _, o := range p.Options {
			d.item()
			d.open('{')
			d.text("text", o.Text)
			d.number("votes", o.Votes)
			d.close('}')
		}
		d.close(']')
		d.flag("multiple", p.Multiple)
		if err = d.date("ends", p.Ends); err == nil {
			err = d.date("closed", p.Closed)
		}
		d.number("voters", p.Voters)
	})
	return err
}

func (d *digester) open(bracket byte) { d.b = append(d.b, bracket) }

func (d *digester) close(bracket byte) { d.b = append(d.b, bracket) }

// item begins what is in a list or an object.
func (d *digester) item() {
	if last := d.b[len(d.b)-1]; last != '{' && last != '[' {
		d.b = append(d.b, ',')
	}
}

func (d *digester) quote(s string) {
	d.b, _ = jsontext.AppendQuote(d.b, s) // its error is of text that is not UTF-8, which it repairs
}

func (d *digester) name(name string) {
	d.item()
	d.quote(name)
	d.b = append(d.b, ':')
}

func (d *digester) text(name, value string) {
	d.name(name)
	d.quote(value)
}

// some writes a text that is not empty.
func (d *digester) some(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

func (d *digester) flag(name string, value bool) {
	d.name(name)
	d.b = strconv.AppendBool(d.b, value)
}

func (d *digester) number(name string, value int64) {
	d.name(name)
	d.b = strconv.AppendInt(d.b, value, 10)
}

// date writes an instant that is known.
func (d *digester) date(name string, at time.Time) (err error) {
	if at.IsZero() {
		return nil
	}
	d.name(name)
	d.open('"')
	d.b, err = at.AppendText(d.b)
	d.close('"')
	return err
}

func (d *digester) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	d.name(name)
	d.open('[')
	for _, s := range list {
		d.item()
		d.quote(s)
	}
	d.close(']')
}

func (d *digester) object(name string, write func()) {
	d.name(name)
	d.open('{')
	write()
	d.close('}')
}

// objects writes a list of objects, if there are any.
func objects[T any](d *digester, name string, list []T, write func(T)) {
	if len(list) == 0 {
		return
	}
	d.name(name)
	d.open('[')
	for _, v := range list {
		d.item()
		d.open('{')
		write(v)
		d.close('}')
	}
	d.close(']')
}
