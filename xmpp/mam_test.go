package xmpp

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

// shelf is an archive of numbered items, one an hour, and what was sent of it.
type shelf struct {
	n     int
	bytes int // of an item
	asked ArchiveQuery
	sent  []*stanza.Element
}

func (s *shelf) router() *Router {
	return NewRouter(domain, Services{Archive: s, Deliver: func(_ context.Context, els ...*stanza.Element) error {
		s.sent = append(s.sent, els...)
		return nil
	}}, nil)
}

func (s *shelf) Archive(_ context.Context, q ArchiveQuery) (page ArchivePage, err error) {
	s.asked = q
	at, step := 0, 1
	switch p := q.Page; p.Kind {
	case Newest:
		at, step = s.n-1, -1
	case After:
		_, err = fmt.Sscan(p.Cursor, &at)
		at++
	case Before:
		_, err = fmt.Sscan(p.Cursor, &at)
		at, step = at-1, -1
	case CountOnly, ByID:
		return page, nil
	}
	if err != nil {
		return page, stanza.NewError("item-not-found", "")
	}
	for ; at >= 0 && at < s.n && len(page.Items) <= q.Page.Max; at += step {
		stamp := time.Date(2026, 11, 21, at, 0, 0, 0, time.UTC)
		payload := stanza.Text("urn:example", "entry", strings.Repeat("x", s.bytes))
		page.Items = append(page.Items, Archived{ID: fmt.Sprint(at), Stamp: stamp, Service: alice, Node: "n", Item: Item{ID: fmt.Sprint("i", at), Payload: payload}})
	}
	return page, nil
}

// ask sends a query and gives the ids that came, and the end.
func (s *shelf) ask(t *testing.T, query string) (ids []string, fin *stanza.Element) {
	t.Helper()
	s.sent = nil
	el := answer(t, s.router(), parse(t, `<iq type='set' id='1'>`+query+`</iq>`))
	for _, m := range s.sent {
		ids = append(ids, reparse(t, m).Child(stanza.NSMAM, "result").Get("id"))
	}
	if fin = el.Child(stanza.NSMAM, "fin"); fin == nil {
		fin = el.Child("", "error")
	}
	return ids, fin
}

func mam(attrs, inside string) string {
	return `<query xmlns='urn:xmpp:mam:2' ` + attrs + `>` + inside + `</query>`
}

func set(inside string) string {
	return `<set xmlns='http://jabber.org/protocol/rsm'>` + inside + `</set>`
}

// TestArchivePages shows the pages of XEP-0313 §4.3: in the order of time
// whichever way they are taken, and complete at their end.
func TestArchivePages(t *testing.T) {
	for _, c := range []struct{ name, query, want, complete string }{
		{"all", mam("", ""), "0 1 2 3 4", "true"},
		{"the first", mam("", set("<max>2</max>")), "0 1", ""},
		{"the next", mam("", set("<max>2</max><after>1</after>")), "2 3", ""},
		{"the last one forward", mam("", set("<max>2</max><after>3</after>")), "4", "true"},
		{"the end", mam("", set("<max>2</max><before/>")), "3 4", ""},
		{"before", mam("", set("<max>2</max><before>3</before>")), "1 2", ""},
		{"the last one backward", mam("", set("<max>2</max><before>1</before>")), "0", "true"},
		{"flipped", mam("", set("<max>2</max><before/>")+"<flip-page/>"), "4 3", ""},
		{"flipped forward", mam("", set("<max>2</max>")+"<flip-page/>"), "1 0", ""},
		{"none", mam("", set("<max>0</max>")), "", "true"},
		{"an unknown place", mam("", set("<after>?</after>")), "", ""},
		{"an index", mam("", set("<index>1</index>")), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shelf{n: 5}
			ids, fin := s.ask(t, c.query)
			if got := strings.Join(ids, " "); got != c.want || fin.Get("complete") != c.complete {
				t.Errorf("got %s, %s", got, fin)
			}
			if len(ids) > 0 {
				rs := ParseResultSet(fin.Child(stanza.NSRSM, "set"))
				if rs == nil || rs.First != ids[0] || rs.Last != ids[len(ids)-1] {
					t.Errorf("the set says %+v", rs)
				}
			}
		})
	}
}

// TestArchiveResult shows what a result looks like (XEP-0313 §4.2, XEP-0442).
func TestArchiveResult(t *testing.T) {
	s := &shelf{n: 1, bytes: 1}
	s.ask(t, mam("node='n' queryid='q'", ""))
	el := reparse(t, s.sent[0])
	result := el.Child(stanza.NSMAM, "result")
	forwarded := result.Child(stanza.NSForward, "forwarded")
	inner := forwarded.Child("jabber:client", "message")
	item := inner.Child(stanza.NSPubSubEvent, "event").Child("", "items").Child("", "item")
	got := []string{
		el.Get("from"), el.Get("to"), result.Get("queryid"), result.Get("id"),
		forwarded.Child(stanza.NSDelay, "delay").Get("stamp"), inner.Get("from"), item.Get("id"), item.ChildContent("urn:example", "entry"),
	}
	want := []string{string(alice), string(louise), "q", "0", "2026-11-21T00:00:00Z", string(alice), "i0", "x"}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("%s\n%s", el, d)
	}
}

// TestArchiveBudget shows that no page grows without bound, and that what is too
// big for a stanza comes without its payload.
func TestArchiveBudget(t *testing.T) {
	s := &shelf{n: 60, bytes: 50 << 10}
	ids, fin := s.ask(t, mam("", ""))
	if len(ids) < 10 || len(ids) > 21 || fin.Get("complete") != "" {
		t.Errorf("%d results, %s", len(ids), fin)
	}
	s = &shelf{n: 1, bytes: 300 << 10}
	if ids, _ := s.ask(t, mam("", "")); len(ids) != 1 || len(stanza.Append(nil, s.sent[0], "")) > 4096 {
		t.Errorf("%d results", len(ids))
	}
}

// TestArchiveForm shows which fields are read, and that no unknown one is passed
// over.
func TestArchiveForm(t *testing.T) {
	form := func(fields string) string {
		return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>` + fields + `</x>`
	}
	field := func(name, value string) string {
		return `<field var='` + name + `'><value>` + value + `</value></field>`
	}
	s := &shelf{n: 3}
	s.ask(t, mam("", form(field("{urn:xmpp:fulltext:0}fulltext", "moss -fern")+field("start", "2026-11-21T08:00:00Z")+
		field("end", "2026-11-21T09:00:00+01:00")+field("with", "a@b")+field("after-id", "1"))))
	q := s.asked
	if q.Text != "moss -fern" || q.Start.Hour() != 8 || q.End.Hour() != 8 || q.With != "a@b" || q.Page.Kind != After || q.Page.Cursor != "1" {
		t.Errorf("read %+v", q)
	}
	s.ask(t, mam("", form(`<field var='ids'><value>1</value><value>2</value></field>`)))
	if p := s.asked.Page; p.Kind != ByID || len(p.IDs) != 2 {
		t.Errorf("read %+v", p)
	}
	for name, want := range map[string]string{
		form(field("colour", "green")): "feature-not-implemented",
		form(field("start", "noon")):   "bad-request",
		`<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>other</value></field></x>`:     "bad-request",
		form(field("{urn:xmpp:fulltext:0}fulltext", strings.Repeat("x", 5000))):                              "not-acceptable",
		form(field("before-id", "1")) + `<set xmlns='http://jabber.org/protocol/rsm'><after>2</after></set>`: "feature-not-implemented",
	} {
		if _, e := s.ask(t, mam("", name)); e.Child("", want) == nil {
			t.Errorf("%s: %s, want %s", name, e, want)
		}
	}
	el := answer(t, s.router(), parse(t, `<iq type='get'><query xmlns='urn:xmpp:mam:2'/></iq>`))
	if f := formIn(el.Child(stanza.NSMAM, "query")); f == nil || f.FormType() != "urn:xmpp:mam:2" {
		t.Errorf("the form is %s", el)
	}
	if got := NewRouter(domain, Services{Archive: s}, nil).DomainFeatures(); !strings.Contains(strings.Join(got, " "), "urn:xmpp:fulltext:0") {
		t.Errorf("features %v", got)
	}
}

// FuzzArchive has every query be answered once, with results that can be sent.
func FuzzArchive(f *testing.F) {
	f.Add([]byte(`<iq type='set'>` + mam("node='n' queryid='q'", set("<max>2</max><before>3</before>")) + `</iq>`))
	f.Add([]byte(`<iq type='set'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='start'><value>2026-11-21T08:00:00Z</value></field></x></query></iq>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &shelf{n: 5, bytes: 10}
		el := answer(t, s.router(), foreign(t, b))
		if el.Get("type") == "error" && len(s.sent) > 0 {
			t.Errorf("results, and then an error: %s", el)
		}
		for _, m := range s.sent {
			reparse(t, m)
		}
	})
}
