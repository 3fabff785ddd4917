package gateway

import (
	"context"
	"errors"

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
	return out, storeError(err)
}
