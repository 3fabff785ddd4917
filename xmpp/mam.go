package xmpp

import (
	"context"
	"slices"
	"strings"
	"time"

	"isthmus/xmpp/stanza"
)

// Archive is the history of nodes, and of the domain (XEP-0313, XEP-0442).
type Archive interface {
	// Archive gives a page of what was published, in the order of the walk.
	Archive(ctx context.Context, q ArchiveQuery) (ArchivePage, error)
}

// ArchiveQuery asks for a part of an archive. Without Node it is all that the
// address has.
type ArchiveQuery struct {
	NodeRequest
	Page       Page       // of kind Oldest, Newest, After, Before, CountOnly or ByID
	Start, End time.Time  // zero: open
	With       stanza.JID // the publisher, or ""
	Text       string     // words to find (XEP-0431), or ""
}

// ArchivePage is a page of an archive.
type ArchivePage struct {
	Items []Archived
	More  bool // there is more in the direction of the walk
}

// Archived is an item as it was published.
type Archived struct {
	ID      string // in the archive
	Stamp   time.Time
	Service stanza.JID // that published it, at Node
	Node    string
	Item    Item
}

// The fields of the form of XEP-0313 §4.1 and XEP-0431.
const (
	fieldText     = "{" + stanza.NSFullText + "}fulltext"
	fieldStart    = "start"
	fieldEnd      = "end"
	fieldWith     = "with"
	fieldBeforeID = "before-id"
	fieldAfterID  = "after-id"
	fieldIDs      = "ids"
)

// What one answer of an archive may have.
const (
	archiveMost  = 100     // items
	archiveBytes = 1 << 20 // in all; what is left comes with the next page
	maxText      = 4 << 10
)

// archiveForm is the form of what can be asked.
func archiveForm() *Form {
	return NewForm(FormForm, stanza.NSMAM).Add(
		Field{Var: fieldWith, Type: "jid-single", Label: "Published by"},
		Field{Var: fieldStart, Type: "text-single", Label: "From this time on"},
		Field{Var: fieldEnd, Type: "text-single", Label: "Up to this time"},
		Field{Var: fieldText, Type: "text-single", Label: "Words"},
		Field{Var: fieldBeforeID, Type: "text-single"},
		Field{Var: fieldAfterID, Type: "text-single"},
		Field{Var: fieldIDs, Type: "list-multi"},
	)
}

// archive answers the form, or sends what was found and then says so
// (XEP-0313 §4). The results are on their way before the answer is.
func (r *Router) archive(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if r.services.Archive == nil || r.services.Deliver == nil {
		return nil, errUnavailable()
	}
	if iq.Type == "get" {
		return stanza.New(stanza.NSMAM, "query").Add(archiveForm().Element()), nil
	}
	q, err := parseArchive(iq)
	if err != nil {
		return nil, err
	}
	page, err := r.services.Archive.Archive(ctx, q)
	if err != nil {
		return nil, err
	}
	messages, fin := archiveAnswer(q, page, iq.Payload.Get("queryid"), r.budget())
	if len(messages) > 0 {
		if err := r.services.Deliver(ctx, messages...); err != nil {
			return nil, err
		}
	}
	return fin, nil
}

// archiveAnswer renders a page as the messages of XEP-0313 §4.2, one for each
// item, and the end of §4.4.
func archiveAnswer(q ArchiveQuery, page ArchivePage, queryID string, budget int) ([]*stanza.Element, *stanza.Element) {
	limit := len(page.Items)
	if q.Page.Max >= 0 && q.Page.Kind != ByID {
		limit = min(limit, q.Page.Max)
	}
	more := page.More || limit < len(page.Items)
	var messages []*stanza.Element
	set := ResultSet{Count: -1, Index: -1}
	used := 0
	for _, it := range page.Items[:limit] {
		event := EventItems(it.Node, it.Item)
		size := len(stanza.Append(nil, event, ""))
		if size > budget { // it could never be sent
			it.Item.Payload = nil
			event = EventItems(it.Node, it.Item)
			size = len(stanza.Append(nil, event, ""))
		}
		if used += size; used > archiveBytes {
			more = true
			break
		}
		messages = append(messages, archiveMessage(q, it, queryID, event))
		set.Last = it.ID
		if set.First == "" {
			set.First = it.ID
		}
	}
	if q.Page.Reverse {
		slices.Reverse(messages)
		set.First, set.Last = set.Last, set.First
	}
	fin := stanza.New(stanza.NSMAM, "fin")
	if !more {
		fin.Set("complete", "true")
	}
	return messages, fin.Add(set.Element())
}

func archiveMessage(q ArchiveQuery, it Archived, queryID string, event *stanza.Element) *stanza.Element {
	inner := stanza.New("jabber:client", "message").Set("type", "headline").
		Set("from", string(it.Service)).Set("to", string(q.From.Bare())).Add(event)
	forwarded := stanza.New(stanza.NSForward, "forwarded").Add(Delay("", it.Stamp), inner)
	result := stanza.New(stanza.NSMAM, "result").Set("queryid", queryID).Set("id", it.ID).Add(forwarded)
	return stanza.New("", "message").Set("from", string(q.To)).Set("to", string(q.From)).Add(result)
}

// parseArchive reads a query (XEP-0313 §4.1, §4.3).
func parseArchive(iq IQ) (ArchiveQuery, error) {
	q := ArchiveQuery{NodeRequest: NodeRequest{Request: iq.request(), Node: iq.Payload.Get("node")}, Page: Page{Max: -1, Kind: Oldest}}
	if len(q.Node) > maxName || len(iq.Payload.Get("queryid")) > maxName {
		return q, stanza.NewError("not-acceptable", "the name of the node or of the query is too long")
	}
	if err := q.Page.parseSet(iq.Payload.Child(stanza.NSRSM, "set"), false); err != nil {
		return q, err
	}
	if form := formIn(iq.Payload); form != nil {
		if err := q.read(form); err != nil {
			return q, err
		}
	}
	if q.Page.Kind == AtIndex {
		return q, stanza.NewError("feature-not-implemented", "an archive has no index") // XEP-0059 §2.6
	}
	switch {
	case q.Page.Kind == ByID:
	case q.Page.Max == 0:
		q.Page.Kind = CountOnly
	case q.Page.Max < 0 || q.Page.Max > archiveMost:
		q.Page.Max = archiveMost
	}
	// A page is in the order of time, also when it is the last one, unless it
	// is to be flipped.
	backwards := q.Page.Kind == Before || q.Page.Kind == Newest
	q.Page.Reverse = backwards != (iq.Payload.Child("", "flip-page") != nil)
	return q, nil
}

// read takes the fields of a form.
func (q *ArchiveQuery) read(form *Form) error {
	if t := form.FormType(); t != stanza.NSMAM {
		return stanza.NewError("bad-request", "the form is of another type than "+stanza.NSMAM)
	}
	for _, f := range form.Fields {
		value := strings.TrimSpace(form.Value(f.Var))
		if value == "" && f.Var != "FORM_TYPE" && len(f.Values) < 2 {
			continue
		}
		var err error
		switch f.Var {
		case "FORM_TYPE":
		case fieldStart:
			q.Start, err = archiveTime(value)
		case fieldEnd:
			q.End, err = archiveTime(value)
		case fieldWith:
			q.With = stanza.JID(value)
		case fieldText:
			if q.Text = value; len(value) > maxText {
				err = stanza.NewError("not-acceptable", "this is too much text to search for")
			}
		case fieldIDs:
			q.Page.Kind, q.Page.IDs = ByID, f.Values[:min(len(f.Values), archiveMost)]
		case fieldBeforeID:
			err = q.from(Before, value)
		case fieldAfterID:
			err = q.from(After, value)
		default: // XEP-0313 §4.1: what is not known must not be passed over
			err = stanza.NewError("feature-not-implemented", "the field "+f.Var+" is not known here")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// from starts the page at an item that the form names.
func (q *ArchiveQuery) from(kind PageKind, id string) error {
	if q.Page.Cursor != "" || q.Page.Kind == ByID {
		return stanza.NewError("feature-not-implemented", "a page starts at one place")
	}
	q.Page.Kind, q.Page.Cursor = kind, id
	return nil
}

// archiveTime reads a time of XEP-0082.
func archiveTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, stanza.NewError("bad-request", "a time is written like 2026-11-21T08:00:00Z")
	}
	return t.UTC(), nil
}
