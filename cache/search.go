package cache

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SearchQuery is a search. Text is in the search language (docs/search.md);
// Filters narrow what it finds.
type SearchQuery struct {
	Text         string
	Filters      []Filter
	Order        []Order // none: newest first
	Viewer       Viewer
	All          bool      // for an Operator: private posts too
	Any          bool      // also authors who did not ask to be found (SEC-28)
	Cursor       string    // SearchResult.Cursor of the page before
	Limit        int       // 0: 20
	Now          time.Time // what 7d counts back from; zero: the clock's
	From         string    // actor URI or handle of the owner
	Tag          string
	Host         string // of the owner
	Kind         string
	Lang         string
	Since, Until time.Time // published from and before
}

// Hit is a post that a search found.
type Hit struct {
	Stored
	Snippet string   // plain text around the match
	Marks   [][2]int // byte ranges of Snippet that matched
}

// SearchResult is a page of hits.
type SearchResult struct {
	Hits   []Hit
	Cursor string // for the next page; "": there is none
	Behind int    // posts that wait to be indexed, counted up to 1,000
}

// conditions collects the SQL of a search; the arguments start at ?3.
type conditions struct {
	sql  strings.Builder
	args []any
}

// add adds a condition in which %d is the number of its argument.
func (c *conditions) add(cond string, arg any) {
	c.args = append(c.args, arg)
	c.sql.WriteString(" AND " + strings.ReplaceAll(cond, "%d", strconv.Itoa(len(c.args)+2)))
}

// Search finds posts by their text, newest first: public posts of authors who
// asked to be found or whom the viewer follows, the viewer's own, and what is
// not for everybody but for the viewer. Unlisted posts of others are not found.
// An Operator who asks for it finds everything.
func (tx *Tx) Search(q SearchQuery) (SearchResult, error) {
	var res SearchResult
	behind, err := tx.count("SELECT count(*) FROM (SELECT 1 FROM posts WHERE indexed = 0 LIMIT 1000)")
	if err != nil {
		return res, fmt.Errorf("search: %w", err)
	}
	res.Behind = behind
	terms := parseQuery(q.Text)
	if len(terms) == 0 && strings.TrimSpace(q.Text) != "" {
		return res, nil // nothing in it that could be found
	}
	limit := min(limitOr(q.Limit, 20), 500)
	from, order, c, err := tx.searchSQL(q, terms)
	if errors.Is(err, ErrNotFound) {
		return res, nil
	}
	if err != nil {
		return res, fmt.Errorf("search: %w", err)
	}
	v := q.Viewer
	v.Operator = v.Operator && q.All
	c.args = append(c.args, limit+1)
	found, err := tx.list(v, from+" JOIN bodies b ON b.post_id = p.id",
		fmt.Sprintf("%s ORDER BY %s DESC LIMIT ?%d + 0", c.sql.String(), order, len(c.args)+2), c.args...)
	if err != nil {
		return res, fmt.Errorf("search: %w", err)
	}
	if len(found) > limit {
		found = found[:limit]
		res.Cursor = strconv.FormatInt(found[limit-1].ID, 10)
	}
	for _, s := range found {
		h := Hit{Stored: s}
		h.Snippet, h.Marks = snippet(s.Post, terms)
		res.Hits = append(res.Hits, h)
	}
	return res, nil
}

// personal is what viewers find for themselves alone: their own posts, what
// they may read of what is not for everybody, and whom they follow.
const personal = `(p.owner = ?1 OR (p.vis > 1 AND ?1 <> '')
	OR (p.vis = 0 AND EXISTS (SELECT 1 FROM follows WHERE follower = ?1 AND followee = p.owner AND state = 'accepted')))`

// searchSQL translates a search into tables, the column to order by, which is
// walked downwards and never sorted, and conditions. ErrNotFound means that
// nothing can match.
func (tx *Tx) searchSQL(q SearchQuery, terms []term) (from, order string, c conditions, err error) {
	from, order = "posts p", "p.id"
	expr, neg := matchExpr(terms)
	if expr != "" {
		from, order = "posts_fts f CROSS JOIN posts p ON p.id = f.rowid", "f.rowid"
		c.add("f.posts_fts MATCH ?%d", expr)
	}
	var before int64
	if q.Cursor != "" {
		if before, err = strconv.ParseInt(q.Cursor, 10, 64); err != nil {
			return from, order, c, &QueryError{Problem: "the cursor is not one of ours"}
		}
	}
	if !q.Until.IsZero() {
		if u := max(millis(q.Until), 0) << idBits; before == 0 || u < before {
			before = u
		}
	}
	if before != 0 {
		c.add(order+" < ?%d", before)
	}
	if !q.Since.IsZero() {
		c.add(order+" >= ?%d", max(millis(q.Since), 0)<<idBits)
	}
	if neg != "" {
		c.add("p.id NOT IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?%d)", neg)
	}
	c.sql.WriteString(" AND p.kind <> 'boost'")
	switch {
	case q.All && q.Viewer.Operator:
	case q.Any:
		c.sql.WriteString(" AND (p.vis = 0 OR " + personal + ")")
	default:
		c.sql.WriteString(" AND ((p.vis = 0 AND " + indexable + ") OR " + personal + ")")
	}
	return from, order, c, tx.searchFilters(q, &c)
}

func (tx *Tx) searchFilters(q SearchQuery, c *conditions) error {
	if q.From != "" {
		uri, err := tx.actorURI(q.From)
		if err != nil {
			return err
		}
		c.add("p.owner = ?%d", uri)
	}
	if q.Tag != "" {
		c.add("EXISTS (SELECT 1 FROM tags WHERE tag = ?%d AND post_id = p.id)", foldTag(q.Tag))
	}
	if q.Host != "" {
		c.add("p.owner_host = ?%d", strings.ToLower(q.Host))
	}
	if q.Kind != "" {
		c.add("p.kind = ?%d", q.Kind)
	}
	if q.Lang != "" {
		c.add("(b.parsed ->> 'lang' = ?%d OR b.parsed ->> 'lang' LIKE ?%d || '-%')", q.Lang)
	}
	return nil
}

// actorURI resolves a handle, ours or a remote one; a URI is itself.
func (tx *Tx) actorURI(who string) (string, error) {
	if strings.Contains(who, "/") {
		return who, nil
	}
	acct := strings.ToLower(strings.TrimPrefix(who, "@"))
	ours, err := tx.AccountByAcct(acct)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return ours.URI, err
	}
	a, err := tx.ActorByAcct(acct)
	return a.URI, err
}
