package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"isthmus/cache"
)

// searchCmd has a flag for each option of Libervia's pubsub cache search;
// docs/search.md maps them.
type searchCmd struct {
	Words []string `arg:"" optional:"" help:"Words that the posts contain, or a search in the language of docs/search.md."`
	As    string   `short:"p" aliases:"profile" placeholder:"JID" help:"The user who searches; without it the operator does."`
	All   bool     `help:"As the operator: what is not public too."`

	FTS      []string `name:"fts" short:"f" sep:"none" placeholder:"QUERY" help:"One more search in the language, never taken as a phrase."`
	Service  []string `short:"s" sep:"none" placeholder:"JID" help:"In a node of this service; one of several."`
	Node     []string `short:"n" sep:"none" help:"In a node of this name; one of several."`
	Type     []string `short:"t" sep:"none" help:"blog, note, article, event, poll, boost or reply; one of several."`
	Subtype  []string `short:"S" sep:"none" help:"comment, or nothing for what is none."`
	Language []string `short:"L" aliases:"lang" sep:"none" help:"In this language; one of several."`
	Tag      []string `short:"T" aliases:"category" sep:"none" help:"With this tag; one of several."`
	Author   []string `short:"a" aliases:"from" sep:"none" help:"By this handle, JID, actor or host; one of several."`

	After         string `aliases:"created-after" placeholder:"DATE" help:"Published then or later: 2026, 2026-11, 2026-11-21, a time, or 7d for seven days ago."`
	Before        string `aliases:"created-before" placeholder:"DATE" help:"Published before."`
	UpdatedAfter  string `placeholder:"DATE" help:"Edited then or later."`
	UpdatedBefore string `placeholder:"DATE" help:"Edited before."`

	Field   []string `short:"F" aliases:"filter" sep:"none" placeholder:"\"PATH OP VALUE\"" help:"A condition on a field, such as \"media.width >= 1000\", in one argument or in three. All must hold."`
	OrderBy []string `short:"o" sep:"none" placeholder:"KEY" help:"relevance, published, updated, received or a field; :asc or :desc after it. Several count in turn."`

	Limit   int      `short:"l" default:"20" help:"At most so many (${default})."`
	Index   int      `short:"i" help:"Leave out so many first."`
	Cursor  string   `short:"c" help:"Go on where the last page ended."`
	Count   bool     `help:"Only say how many posts there are."`
	Payload bool     `short:"P" help:"With the post as XML."`
	Key     []string `short:"k" sep:"none" help:"Only this field of each post; several."`
	Output  string   `short:"O" enum:"table,json,ndjson,xml" default:"table" help:"table, json, ndjson (a post a line) or xml (an Atom feed)."`
	JSON    bool     `help:"The same as --output json."`
}

// searchRequest is a search as it goes to the gateway.
type searchRequest struct {
	Text    string         `json:"text"`
	Filters []cache.Filter `json:"filters,omitempty"`
	Order   []cache.Order  `json:"order,omitempty"`
	All     bool           `json:"all,omitempty"`
	Cursor  string         `json:"cursor,omitempty"`
	Limit   int            `json:"limit"`
	Payload bool           `json:"payload,omitempty"`
	Count   bool           `json:"count,omitempty"` // how many there are, and none of them
}

// searchPage is how many hits are asked for at a time.
const searchPage = 100

func (c *searchCmd) Run(ctx context.Context, a *app, root *cli) error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	if c.Index < 0 {
		return errors.New("--index must not be negative")
	}
	if c.JSON {
		c.Output = "json"
	}
	req, err := c.request()
	if err != nil {
		return err
	}
	if err := cache.CheckQuery(req.Text); err != nil {
		return wrongQuery(a.stderr, req.Text, err)
	}
	if c.Count {
		return c.count(ctx, a, root, req)
	}
	req.Payload = c.Payload || c.Output == "xml"
	var found searchReport
	for skip, left := c.Index, c.Limit; left > 0; {
		req.Limit = min(skip+left, searchPage)
		page, err := a.searched(ctx, root, c.As, req)
		if err != nil {
			return err
		}
		cut := min(skip, len(page.Hits))
		found.Hits = append(found.Hits, page.Hits[cut:]...)
		skip, left = skip-cut, left-(len(page.Hits)-cut)
		found.Behind, found.Cursor = page.Behind, page.Cursor
		if req.Cursor = page.Cursor; req.Cursor == "" {
			break
		}
	}
	return printSearch(a, c, req.Text, found)
}

// count prints how many posts there are.
func (c *searchCmd) count(ctx context.Context, a *app, root *cli, req searchRequest) error {
	if c.Output != "table" && c.Output != "json" {
		return fmt.Errorf("--count is one number; leave --output %s away, or take --json", c.Output)
	}
	if c.Cursor != "" || c.Index > 0 || len(c.Key) > 0 || c.Payload {
		return errors.New("--count is of all pages and shows no post; leave --cursor, --index, --key and --payload away")
	}
	req.Count = true
	found, err := a.searched(ctx, root, c.As, req)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		out := map[string]any{"count": found.Count}
		if found.Behind > 0 {
			out["behind"] = found.Behind
		}
		return writeJSON(a.stdout, out)
	}
	found.tellBehind(a)
	_, err = fmt.Fprintln(a.stdout, found.Count)
	return err
}

// request makes one search of all flags.
func (c *searchCmd) request() (req searchRequest, err error) {
	var parts []string
	if len(c.Words) > 0 {
		parts = append(parts, searchText(c.Words))
	}
	for _, f := range c.FTS {
		if err := cache.CheckQuery(f); err != nil {
			return req, fmt.Errorf("--fts %s: %w", f, err)
		}
		if cache.HasOrder(f) {
			return req, fmt.Errorf("--fts %s: sort: is no part of it; give the order with --order-by", f)
		}
		parts = append(parts, "("+f+")")
	}
	// A cursor belongs to the text of its search, which must not vary.
	parts = slices.Concat(parts, oneOf("lang", c.Language), oneOf("tag", c.Tag), oneOf("from", c.Author))
	parts = append(parts, c.places()...)
	kinds, err := c.kinds()
	if err != nil {
		return req, err
	}
	parts = append(parts, kinds...)
	if c.After != "" {
		parts = append(parts, "after:"+cache.Quote(c.After))
	}
	if c.Before != "" {
		parts = append(parts, "before:"+cache.Quote(c.Before))
	}
	req = searchRequest{Text: strings.Join(parts, " "), All: c.All, Cursor: c.Cursor}
	fields := c.Field
	if c.UpdatedAfter != "" {
		fields = append(fields, "updated >= "+c.UpdatedAfter)
	}
	if c.UpdatedBefore != "" {
		fields = append(fields, "updated < "+c.UpdatedBefore)
	}
	for _, text := range fields {
		f, err := cache.ParseFilter(text)
		if err != nil {
			return req, fmt.Errorf("--field %q: %w", text, err)
		}
		req.Filters = append(req.Filters, f)
	}
	for _, key := range c.Key {
		if err := checkKey(key); err != nil {
			return req, fmt.Errorf("--key %s: %w", key, err)
		}
	}
	for _, text := range c.OrderBy {
		o, err := cache.ParseOrder(orderName(text))
		if err != nil {
			return req, fmt.Errorf("--order-by %s: %w", text, err)
		}
		req.Order = append(req.Order, o)
	}
	return req, nil
}

// oneOf asks that one of several values of an operator holds.
func oneOf(op string, values []string) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = op + ":" + cache.Quote(v)
	}
	return group(list)
}

func group(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{"(" + strings.Join(list, " OR ") + ")"}
}

// places asks for nodes of services: any of the ones in any of the others.
func (c *searchCmd) places() []string {
	if len(c.Service) == 0 || len(c.Node) == 0 {
		return append(oneOf("in", c.Service), oneOf("in", c.Node)...)
	}
	var list []string
	for _, s := range c.Service {
		for _, n := range c.Node {
			list = append(list, "in:"+cache.Quote(s+"/"+n))
		}
	}
	return group(list)
}

// kinds asks for types, ours and Libervia's.
func (c *searchCmd) kinds() ([]string, error) {
	known := map[string]string{"blog": "(is:note OR is:article)", "comment": "is:reply", "question": "is:poll"}
	for _, k := range []string{"note", "article", "event", "poll", "boost", "reply"} {
		known[k] = "is:" + k
	}
	var types, subtypes []string
	for _, t := range c.Type {
		is, ok := known[t]
		if !ok {
			return nil, fmt.Errorf("--type %q is none of blog, note, article, event, poll, boost, reply", t)
		}
		types = append(types, is)
	}
	for _, s := range c.Subtype {
		switch s {
		case "comment":
			subtypes = append(subtypes, "is:reply")
		case "":
			subtypes = append(subtypes, "-is:reply")
		default:
			return nil, fmt.Errorf(`--subtype %q is neither comment nor ""`, s)
		}
	}
	return append(group(types), group(subtypes)...), nil
}

// orderName takes Libervia's names of orders too.
func orderName(text string) string {
	by, way, ok := strings.Cut(strings.Join(strings.Fields(text), ":"), ":")
	if by == "field" {
		by, way, ok = strings.Cut(way, ":")
	}
	for name, ours := range map[string]string{"creation": "published", "modification": "updated", "item_id": "item.id", "rank": "relevance"} {
		if by == name {
			by = ours
		}
	}
	if ok {
		by += ":" + way
	}
	return by
}

// wrongQuery shows the place of a mistake.
func wrongQuery(w io.Writer, text string, err error) error {
	var wrong *cache.QueryError
	if !errors.As(err, &wrong) || wrong.Len == 0 || strings.ContainsAny(text, "\n\t") {
		return err
	}
	said := *wrong
	said.Pos, said.Len = 0, 0 // the mark says it
	mark := strings.Repeat(" ", columns(text[:wrong.Pos])) + strings.Repeat("^", columns(text[wrong.Pos:wrong.Pos+wrong.Len]))
	if _, err := fmt.Fprintf(w, "isthmus: %v\n  %s\n  %s\n", printable(said.Error()), printable(text), mark); err != nil {
		return err
	}
	return errSaid
}

// searched asks the running gateway, or the file.
func (a *app) searched(ctx context.Context, root *cli, as string, req searchRequest) (searchReport, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return searchReport{}, fmt.Errorf("write the search: %w", err)
	}
	out, err := a.answer(ctx, root, call{Name: "search", As: as, Options: map[string]string{"request": string(body)}})
	if err != nil || out.Search == nil {
		return searchReport{}, err
	}
	return *out.Search, nil
}

// terminal reports whether people read what is printed.
func (a *app) terminal() bool {
	f, ok := a.stdout.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
