package cache

import (
	"context"
	"fmt"
	"strings"
)

// Share is how many posts have something in common.
type Share struct {
	By, Name string // such as kind, note
	Posts    int
}

// Part is what a part of the database file takes.
type Part struct {
	Name  string
	Bytes int64
}

// Breakdown is what the store is full of.
type Breakdown struct {
	Shares []Share
	Parts  []Part
}

// shares are by what posts are counted; hosts and languages only the most
// frequent.
var shares = []struct{ by, query string }{
	{"origin", "SELECT origin, count(*) FROM posts GROUP BY 1 ORDER BY 2 DESC"},
	{"kind", "SELECT kind, count(*) FROM posts GROUP BY 1 ORDER BY 2 DESC"},
	{"audience", `SELECT CASE vis WHEN 0 THEN 'public' WHEN 1 THEN 'unlisted' WHEN 2 THEN 'followers' WHEN 3 THEN 'limited' ELSE 'direct' END,
		count(*) FROM posts GROUP BY vis ORDER BY 2 DESC`},
	{"host", "SELECT owner_host, count(*) FROM posts GROUP BY 1 ORDER BY 2 DESC LIMIT 10"},
	{"language", "SELECT coalesce(parsed ->> 'lang', ''), count(*) FROM bodies GROUP BY 1 ORDER BY 2 DESC LIMIT 10"},
}

// The parts of the file, by what the names of tables and indexes begin with.
var parts = []struct{ prefix, name string }{
	{"posts_fts", "full-text index"}, {"bodies", "posts and their documents"}, {"sqlite_", "indexes"},
	{"posts", "rows and indexes of posts"}, {"placements", "places"}, {"tags", "tags and mentions"}, {"mentions", "tags and mentions"},
	{"activities", "activities"}, {"seen", "activities"}, {"actors", "actors"}, {"jobs", "jobs"}, {"job_queues", "jobs"}, {"media", "files"},
}

// Breakdown counts posts by what they are, and measures the parts of the file.
// It reads the whole file.
func (s *Store) Breakdown(ctx context.Context) (Breakdown, error) {
	var b Breakdown
	err := s.View(ctx, func(tx *Tx) error {
		for _, x := range shares {
			list, err := all(tx, func(r row) (h Share, err error) {
				h.By = x.by
				err = r.Scan(&h.Name, &h.Posts)
				return h, err
			}, x.query)
			if err != nil {
				return err
			}
			b.Shares = append(b.Shares, list...)
		}
		tables, err := all(tx, func(r row) (p Part, err error) {
			err = r.Scan(&p.Name, &p.Bytes)
			return p, err
		}, "SELECT name, sum(pgsize) FROM dbstat WHERE aggregate = 1 GROUP BY name ORDER BY 2 DESC")
		if err != nil {
			return err
		}
		b.Parts = gather(tables)
		documents, err := one(tx, value[int64], "SELECT coalesce(sum(length(raw)), 0) FROM bodies")
		b.Parts = append(b.Parts, Part{"of which documents as they came", documents})
		return err
	})
	if err != nil {
		return b, fmt.Errorf("measure the store: %w", err)
	}
	return b, nil
}

// gather adds up tables and indexes that belong together.
func gather(tables []Part) (list []Part) {
	at := map[string]int{}
	for _, t := range tables {
		name := "everything else"
		for _, p := range parts {
			if strings.HasPrefix(t.Name, p.prefix) {
				name = p.name
				break
			}
		}
		i, ok := at[name]
		if !ok {
			i = len(list)
			at[name], list = i, append(list, Part{Name: name})
		}
		list[i].Bytes += t.Bytes
	}
	return list
}
