package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// Stream runs a command that reads or writes much, or takes long.
func (r reports) Stream(ctx context.Context, c call, in io.Reader, out io.Writer) (report, error) {
	switch c.Name {
	case "cache get":
		return r.writePost(ctx, c, out)
	case "cache purge":
		return r.purge(ctx, c, out)
	case "cache export":
		return r.export(ctx, c, out)
	case "cache import":
		return r.takeIn(ctx, in)
	case "cache verify":
		return r.verify(ctx, c, out)
	case "cache reindex":
		return r.reindex(ctx, out)
	case "cache vacuum":
		return r.vacuum(ctx)
	}
	return report{}, errUnknown
}

// say makes a report of one sentence.
func say(format string, args ...any) report {
	return report{Text: []string{fmt.Sprintf(format, args...)}}
}

// size writes a number of bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		n    int64
		name string
	}{{1 << 30, "GB"}, {1 << 20, "MB"}, {1 << 10, "KB"}} {
		if n >= u.n {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.n), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// every calls fn at most once in a while.
func every(d time.Duration, fn func()) func() {
	last := time.Now()
	return func() {
		if time.Since(last) >= d {
			last = time.Now()
			fn()
		}
	}
}

// progressEvery is how often a long command says how far it is.
const progressEvery = 2 * time.Second

func (r reports) stats(ctx context.Context, _ call) (report, error) {
	s, err := r.store.Stats(ctx)
	if err != nil {
		return report{}, err
	}
	b, err := r.store.Breakdown(ctx)
	if err != nil {
		return report{}, err
	}
	counts := table{Name: "store", Columns: []string{"what", "count"}, Rows: [][]any{
		{"posts", s.Posts}, {"posts not indexed yet", s.Unindexed}, {"remote actors", s.Actors}, {"accounts", s.Accounts},
		{"follows", s.Follows}, {"jobs", s.Jobs},
	}}
	posts := table{Name: "posts", Columns: []string{"by", "name", "posts"}}
	for _, h := range b.Shares {
		if h.By == "kind" {
			h.Name = translate.Kind(h.Name).Name()
		}
		posts.Rows = append(posts.Rows, []any{h.By, h.Name, h.Posts})
	}
	perPost := func(n int64) int64 { return n / int64(max(s.Posts, 1)) }
	sizes := table{Name: "sizes", Columns: []string{"what", "bytes", "bytes a post"}, Rows: [][]any{
		{"database", s.FileBytes, perPost(s.FileBytes)}, {"its log", s.WALBytes, nil}, {"free in it", s.FreeBytes, nil},
	}}
	for _, p := range b.Parts {
		sizes.Rows = append(sizes.Rows, []any{p.Name, p.Bytes, perPost(p.Bytes)})
	}
	return report{Tables: []table{counts, posts, sizes}}, nil
}

// shown finds the post of a command, and explains where there is none.
func (r reports) shown(ctx context.Context, c call, fn func(*cache.Tx, cache.Stored) error) error {
	if len(c.Args) != 1 {
		return errors.New("the URL of a post is needed")
	}
	return r.store.View(ctx, func(tx *cache.Tx) error {
		post, err := r.findPost(tx, c.Args[0])
		if err != nil {
			return err
		}
		return fn(tx, post)
	})
}

func (r reports) getPost(ctx context.Context, c call) (report, error) {
	var out report
	err := r.shown(ctx, c, func(tx *cache.Tx, s cache.Stored) error {
		p := s.Post
		t := table{Name: "post", Columns: []string{"what", "value"}}
		for _, row := range [][2]any{
			{"number", s.ID}, {"id", p.URI}, {"page", p.URL}, {"kind", p.Kind.Name()}, {"origin", string(p.Origin)}, {"audience", string(p.Visibility)},
			{"owner", p.Owner.URI}, {"handle", p.Owner.Handle}, {"published", stamp(p.Published)}, {"edited", stamp(p.Updated)},
			{"received", stamp(s.Received)}, {"answers", p.ReplyTo}, {"boosts", p.Boost}, {"language", p.Lang}, {"warning", p.Warning},
			{"tags", strings.Join(p.Tags, ", ")}, {"title", p.Title}, {"text", p.Text}, {"files", len(p.Media)},
		} {
			if row[1] != "" && row[1] != nil && row[1] != 0 {
				t.Rows = append(t.Rows, []any{row[0], row[1]})
			}
		}
		places, err := tx.Placements(p.URI)
		for _, l := range places {
			t.Rows = append(t.Rows, []any{"item", translate.PubSubURI(l.Service, l.Node, l.ItemID)})
		}
		out = report{Tables: []table{t}}
		return err
	})
	return out, err
}

// writePost writes a post in one of its forms.
func (r reports) writePost(ctx context.Context, c call, out io.Writer) (report, error) {
	return report{}, r.shown(ctx, c, func(tx *cache.Tx, s cache.Stored) error {
		switch c.Options["form"] {
		case "json":
			return writeJSON(out, s.Post)
		case "xml":
			post, err := withOriginal(tx, s.Post, cache.Viewer{Operator: true})
			if err != nil {
				return err
			}
			links := translate.AtomLinks{AuthorJID: post.Author.JID, Page: post.URL}
			if post.Item != nil {
				links.Item = *post.Item
			}
			_, err = fmt.Fprintln(out, string(stanza.Append(nil, translate.Atom(post, links), "")))
			return err
		case "raw":
			raw, _, err := tx.Raw(s.Post.URI, cache.Viewer{Operator: true})
			if errors.Is(err, cache.ErrNotFound) {
				return errors.New("no document is kept of that post: it was written here; --form json shows it")
			}
			if err == nil {
				_, err = out.Write(append(raw, '\n'))
			}
			return err
		}
		return fmt.Errorf("there is no form %q; write summary, json, xml or raw", c.Options["form"])
	})
}

// selected reads which posts a command is for.
func (r reports) selected(ctx context.Context, o map[string]string) (cache.Selection, error) {
	x := cache.Selection{
		URI: o["post"], Service: bare(o["service"]), Node: o["node"], Host: o["host"], Kind: translate.Kind(o["kind"]), Public: o["public"] == "true",
	}
	if o["older"] != "" {
		days, err := strconv.Atoi(o["older"])
		if err != nil || days < 0 {
			return x, fmt.Errorf("%q is not a number of days", o["older"])
		}
		x.Before = r.now().AddDate(0, 0, -days)
	}
	if o["larger"] != "" {
		n, err := strconv.ParseInt(o["larger"], 10, 64)
		if err != nil {
			return x, fmt.Errorf("%q is not a number of bytes", o["larger"])
		}
		x.Larger = n
	}
	if x.URI != "" {
		err := r.store.View(ctx, func(tx *cache.Tx) error {
			post, err := r.find.Post(tx, x.URI, cache.Viewer{Operator: true})
			if err == nil {
				x.URI = post.Post.URI
			}
			if isMissing(err) { // as it stands
				return nil
			}
			return err
		})
		if err != nil {
			return x, err
		}
	}
	if o["actor"] == "" {
		return x, nil
	}
	err := r.store.View(ctx, func(tx *cache.Tx) (err error) {
		x.Actor, err = r.actorURI(tx, o["actor"])
		return err
	})
	return x, err
}

// actorURI finds an actor by any address; who is not known is a node elsewhere, or
// an id as it stands.
func (r reports) actorURI(tx *cache.Tx, who string) (string, error) {
	uri, err := r.find.Actor(tx, who)
	switch {
	case !errors.Is(err, cache.ErrNotFound):
		return uri, err
	case strings.Contains(who, "://"):
		return who, nil
	}
	return translate.JIDURI(bare(who)), nil // of a node elsewhere
}

func (r reports) purge(ctx context.Context, c call, out io.Writer) (report, error) {
	x, err := r.selected(ctx, c.Options)
	if err != nil {
		return report{}, err
	}
	really := c.Options["really"] == "true"
	var sum cache.Forgotten
	tell := every(progressEvery, func() { fmt.Fprintf(out, "%d posts so far\n", sum.Posts) })
	sum, err = r.store.Forget(ctx, cache.Forgetting{Selection: x, Ours: r.ours}, !really, func(f cache.Forgotten) {
		sum = f
		tell()
	})
	if err != nil {
		return report{}, err
	}
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(sum.Kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d of kind %s", sum.Kinds[k], k.Name()))
	}
	if sum.Posts == 0 {
		some := false
		err := r.store.View(ctx, func(tx *cache.Tx) (err error) {
			some, err = tx.Selects(x)
			return err
		})
		switch {
		case err != nil:
			return report{}, err
		case !some && x == cache.Selection{}:
			return say("The store has no posts."), nil
		case !some:
			return say("There is no such post."), nil
		}
		return say("No post that is selected can be forgotten: what our users wrote, answered, liked or were sent, and what has answers, stays."), nil
	}
	if !really {
		return say("%s of %s would be forgotten: %s. All of this can be fetched again. To forget it, add --yes.",
			counted(sum.Posts, "post", "posts"), size(sum.Bytes), strings.Join(kinds, ", ")), nil
	}
	are := "are"
	if sum.Posts == 1 {
		are = "is"
	}
	return say("%s of %s %s forgotten: %s. isthmus cache vacuum, which also runs by itself in quiet hours, gives the space back.",
		counted(sum.Posts, "post", "posts"), size(sum.Bytes), are, strings.Join(kinds, ", ")), nil
}

// counted is a number with what it counts, in the singular or plural.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (r reports) export(ctx context.Context, c call, out io.Writer) (report, error) {
	x, err := r.selected(ctx, c.Options)
	if err != nil {
		return report{}, err
	}
	var rep report
	var damaged func(int64, error)
	left := 0
	if c.Options["skip"] == "true" {
		damaged = func(id int64, err error) {
			if left++; left <= 20 {
				rep.Text = append(rep.Text, fmt.Sprintf("Post %d is left out: %v.", id, err))
			}
		}
	}
	n, err := r.store.Export(ctx, out, x, r.now(), damaged)
	rep.Text = append(rep.Text, fmt.Sprintf("%s exported, %d left out.", counted(n, "post is", "posts are"), left))
	return rep, err
}

// leftOut says what an import did not take, and why.
func leftOut(got cache.Imported) string {
	said := ""
	for _, why := range []struct {
		posts int
		text  string
	}{
		{got.Unproved, "they are of our users or nodes, or of nobody who can be told, and this database has not written those lines"},
		{got.Private, "they are not for everybody, and this database has not written those lines"},
		{got.Unlinked, "they are of users who are not linked here"},
	} {
		if why.posts > 0 {
			said += fmt.Sprintf(" %d were left out: %s.", why.posts, why.text)
		}
	}
	return said
}

func (r reports) takeIn(ctx context.Context, in io.Reader) (report, error) {
	got, err := r.store.Import(ctx, in, cache.Importing{Ours: r.ours, Now: r.now()})
	if err == nil && got.New > 0 { // what is taken in is found, also where no gateway runs that would index it
		err = r.store.Index(ctx)
	}
	said := fmt.Sprintf("%d posts are new, %d were there, %d were there and differ (they stay as they were), %d were deleted here and stay so.%s",
		got.New, got.Held, got.Kept, got.Refused, leftOut(got))
	switch {
	case err != nil && got == cache.Imported{}:
		return report{}, err
	case err != nil:
		return report{}, fmt.Errorf("%w (%s)", err, said)
	}
	return say("%s", said), nil
}
