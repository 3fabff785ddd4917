package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// printSearch prints what was found in the form that was asked for.
func printSearch(a *app, c *searchCmd, text string, found searchReport) (err error) {
	out := a.stdout
	if a.terminal() {
		out = safe{a.stdout}
	}
	switch c.Output {
	case "json":
		return found.printJSON(out, c)
	case "ndjson":
		err = found.printJSON(out, c)
	case "xml":
		err = found.printXML(out, text)
	default:
		found.tellBehind(a)
		err = found.print(a, c)
	}
	if err == nil && found.Cursor != "" { // not among the posts, which programs read
		_, err = fmt.Fprintf(a.stderr, "isthmus: there are more; go on with --cursor %s\n", found.Cursor)
	}
	return err
}

// tellBehind says how many posts could not be found yet.
func (f searchReport) tellBehind(a *app) {
	switch {
	case f.Behind == 1:
		fmt.Fprintln(a.stderr, "isthmus: one post is not in the index yet")
	case f.Behind > 1:
		fmt.Fprintf(a.stderr, "isthmus: %d posts are not in the index yet\n", f.Behind)
	}
}

// print writes hits for people: as a list on a terminal, else as a table.
func (f searchReport) print(a *app, c *searchCmd) error {
	if a.terminal() && len(c.Key) == 0 && len(f.Hits) > 0 {
		return f.printList(a.stdout, a.screen(), a.bold())
	}
	t := table{Name: "posts", Columns: []string{"published", "author", "text", "url"}}
	if len(c.Key) > 0 {
		t.Columns = c.Key
	}
	for _, h := range f.Hits {
		if len(c.Key) == 0 {
			t.Rows = append(t.Rows, []any{stamp(h.Post.Published), h.author(), cmp.Or(h.Post.Cover(), h.Snippet), h.url()})
			continue
		}
		values, err := h.values(c)
		if err != nil {
			return err
		}
		row := make([]any, len(c.Key))
		for i, k := range c.Key {
			row[i] = flat(values[k])
		}
		t.Rows = append(t.Rows, row)
	}
	return t.print(a.stdout)
}

// printList writes each hit on lines of its own, with what matched in bold. The
// address is never broken, so that it can be opened.
func (f searchReport) printList(w io.Writer, screen int, bold bool) error {
	for i, h := range f.Hits {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s  %s\n", h.Post.Published.UTC().Format("2006-01-02 15:04"), printable(h.author()))
		for _, line := range wrap(h.marked(bold), screen-2) {
			fmt.Fprintln(w, "  "+ink(line))
		}
		if _, err := fmt.Fprintln(w, "  "+printable(h.url())); err != nil {
			return err
		}
	}
	return nil
}

// marked is the snippet for a terminal, or the warning before it: only our own
// signs steer it.
func (h searchHit) marked(bold bool) []inked {
	out := make([]inked, 0, len(h.Snippet))
	add := func(text string, bold bool) {
		for _, r := range printable(text) {
			out = append(out, inked{r, bold})
		}
	}
	if cover := h.Post.Cover(); cover != "" {
		add(cover, false)
		return out
	}
	at := 0
	for _, m := range h.Marks {
		if !bold || m[0] < at || m[1] < m[0] || m[1] > len(h.Snippet) {
			continue
		}
		add(h.Snippet[at:m[0]], false)
		add(h.Snippet[m[0]:m[1]], true)
		at = m[1]
	}
	add(h.Snippet[at:], false)
	return out
}

func (h searchHit) author() string {
	return cmp.Or(h.Post.Author.Handle, h.Post.Owner.Handle, h.Post.Author.URI, h.Post.Owner.URI)
}

func (h searchHit) url() string { return cmp.Or(h.Post.URL, h.Post.URI) }

// members is a hit as one object: the post's own fields, and what is known
// besides.
func (h searchHit) members() (map[string]any, error) {
	b, err := json.Marshal(h.Post, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", h.Post.URI, err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("write %s: %w", h.Post.URI, err)
	}
	m["received"], m["snippet"], m["items"] = h.Received.Format(time.RFC3339Nano), h.Snippet, h.Items
	if len(h.Items) > 0 { // the names that Libervia gives them
		m["pubsub_service"], m["pubsub_node"] = h.Items[0].Service, h.Items[0].Node
	}
	if h.Payload != "" {
		m["item_payload"] = h.Payload
	}
	return m, nil
}

// values are the members of a hit that were asked for, under their paths.
func (h searchHit) values(c *searchCmd) (map[string]any, error) {
	m, err := h.members()
	if err != nil || len(c.Key) == 0 {
		return m, err
	}
	if m["items"], err = plain(h.Items); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(c.Key))
	for _, k := range c.Key {
		out[k] = below(m, steps(k))
	}
	if c.Payload {
		out["item_payload"] = h.Payload
	}
	return out, nil
}

// plain is a value as JSON has it.
func plain(v any) (out any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// checkKey tells whether a path is one of what is known of a hit.
func checkKey(path string) error {
	first, _, _ := strings.Cut(path, ".")
	first, _, _ = strings.Cut(first, "[")
	switch first {
	case "snippet", "items", "pubsub_service", "pubsub_node", "item_payload":
		return nil
	}
	return cache.CheckPath(path)
}

// steps are the parts of a path: names, and places in lists.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// below finds what is at a path; of a list it is what each element has there,
// unless the path says which.
func below(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return below(v[path[0]], path[1:])
	case []any:
		if n, err := strconv.ParseUint(path[0], 10, 16); err == nil {
			if int(n) >= len(v) {
				return nil
			}
			return below(v[n], path[1:])
		}
		var list []any
		for _, e := range v {
			if got := below(e, path); got != nil {
				list = append(list, got)
			}
		}
		return list
	}
	return nil
}

// flat writes what is not one value as JSON, for a cell.
func flat(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		if b, err := json.Marshal(v, json.Deterministic(true)); err == nil {
			return string(b)
		}
	}
	return v
}

func (f searchReport) printJSON(w io.Writer, c *searchCmd) error {
	posts := make([]map[string]any, 0, len(f.Hits))
	for _, h := range f.Hits {
		m, err := h.values(c)
		if err != nil {
			return err
		}
		if c.Output == "ndjson" {
			if err := json.MarshalWrite(w, m, json.Deterministic(true)); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		posts = append(posts, m)
	}
	if c.Output == "ndjson" {
		return nil
	}
	out := map[string]any{"posts": posts}
	if f.Cursor != "" {
		out["cursor"] = f.Cursor
	}
	if f.Behind > 0 {
		out["behind"] = f.Behind
	}
	return writeJSON(w, out)
}

// printXML writes the entries as one feed (RFC 4287 §4.1.1). The same search is
// the same feed.
func (f searchReport) printXML(w io.Writer, text string) error {
	var latest time.Time
	for _, h := range f.Hits {
		for _, at := range []time.Time{h.Post.Published, h.Post.Updated} {
			if at.After(latest) {
				latest = at
			}
		}
	}
	if latest.IsZero() {
		latest = time.Now()
	}
	id := sha256.Sum256([]byte(text))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562 §5.8
	feed := stanza.New(stanza.NSAtom, "feed").Add(
		stanza.Text("", "id", fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])),
		stanza.Text("", "title", strings.TrimSpace("Search "+text)), stanza.Text("", "updated", latest.UTC().Format(time.RFC3339)),
		stanza.New("", "author").Add(stanza.Text("", "name", "Isthmus")))
	head, ok := strings.CutSuffix(feed.String(), "</feed>")
	if !ok {
		return errors.New("write the feed: it has no end")
	}
	fmt.Fprintln(w, head)
	for _, h := range f.Hits {
		if _, err := fmt.Fprintln(w, h.Payload); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, "</feed>")
	return err
}

// safe keeps what strangers wrote from steering a terminal, in what has lines.
type safe struct{ w io.Writer }

func (s safe) Write(b []byte) (int, error) {
	for i, line := range bytes.SplitAfter(b, []byte("\n")) {
		body, end := bytes.CutSuffix(line, []byte("\n"))
		text := printable(string(body))
		if end {
			text += "\n"
		}
		if _, err := io.WriteString(s.w, text); err != nil {
			return i, err
		}
	}
	return len(b), nil
}
