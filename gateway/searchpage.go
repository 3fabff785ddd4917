package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/cache"
	"isthmus/web"
)

// Searcher is what the search page asks.
func (g *Gateway) Searcher() web.Searcher { return &pages{g} }

// Search finds public posts of authors who want to be found, as a stranger.
func (pg *pages) Search(ctx context.Context, q web.SearchQuery) (web.SearchPage, error) {
	var out web.SearchPage
	query := cache.SearchQuery{Text: q.Text, Cursor: q.Cursor}
	if q.Best {
		query.Order = []cache.Order{{By: "relevance", Desc: true}}
	}
	err := pg.g.search(ctx, "", func(tx *cache.Tx) error {
		res, err := tx.Search(query)
		if err != nil {
			return err
		}
		out.Next = res.Cursor
		for _, hit := range res.Hits {
			e, err := pg.g.entry(tx, hit.Post)
			switch {
			case err == nil:
				out.Found = append(out.Found, web.Found{Entry: e, Snippet: hit.Snippet, Marks: hit.Marks})
			case ignoreMissing(err) != nil:
				return err
			}
		}
		return nil
	})
	if wrong := (*cache.QueryError)(nil); errors.As(err, &wrong) {
		return web.SearchPage{Mistake: &web.Mistake{Pos: wrong.Pos, Len: wrong.Len, Problem: wrong.Problem, Hint: wrong.Hint}}, nil
	}
	if err == nil && q.Count {
		out.Total, out.More = pg.count(ctx, query, out)
	}
	return out, storeError(err)
}

// A page says how many posts there are if that is soon counted.
const (
	pageCount     = 1000
	pageCountTime = 150 * time.Millisecond
)

// count counts what is on all pages, of which the first is known.
func (pg *pages) count(ctx context.Context, q cache.SearchQuery, first web.SearchPage) (n int, more bool) {
	if first.Next == "" {
		return len(first.Found), false
	}
	ctx, cancel := context.WithTimeout(ctx, pageCountTime)
	defer cancel()
	err := pg.g.store.View(ctx, func(tx *cache.Tx) error {
		c, err := tx.Count(q, pageCount)
		n, more = c.Posts, c.More
		return err
	})
	if err != nil {
		return 0, false
	}
	return n, more
}
