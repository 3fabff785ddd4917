package cache

import "fmt"

// invariant is something that always holds: its query returns rows that must
// not be, and mend, if it can be mended, puts them right.
type invariant struct {
	what, query string
	mend        []string
}

// invariants are our own, on top of what SQLite checks.
var invariants = []invariant{
	{"a post and its tombstone", "SELECT uri FROM posts JOIN tombstones USING (uri)",
		[]string{"DELETE FROM posts_fts WHERE rowid IN (SELECT id FROM posts JOIN tombstones USING (uri))",
			"DELETE FROM posts WHERE uri IN (SELECT uri FROM tombstones)"}},
	{"a post without body", "SELECT uri FROM posts p WHERE NOT EXISTS (SELECT 1 FROM bodies WHERE post_id = p.id)",
		[]string{"DELETE FROM posts WHERE origin = 'ap' AND NOT EXISTS (SELECT 1 FROM bodies WHERE post_id = posts.id)"}},
	{"a live item without post", "SELECT item FROM placements l WHERE retracted_at = 0 AND NOT EXISTS (SELECT 1 FROM posts WHERE id = l.post_id)",
		[]string{`UPDATE placements SET post_id = NULL, retracted_at = max(placed_at, 1)
			WHERE retracted_at = 0 AND NOT EXISTS (SELECT 1 FROM posts WHERE id = placements.post_id)`}},
	{"a wrong count of items", "SELECT CAST(node_id AS TEXT) FROM (SELECT * FROM (" + countedItems + ") EXCEPT SELECT * FROM node_counts)" +
		" UNION SELECT CAST(node_id AS TEXT) FROM (SELECT * FROM node_counts EXCEPT SELECT * FROM (" + countedItems + "))",
		[]string{"DELETE FROM node_counts", "INSERT INTO node_counts " + countedItems}},
	{"a text of a deleted post", "SELECT CAST(id AS TEXT) FROM posts_fts_docsize WHERE id NOT IN (SELECT id FROM posts WHERE indexed = 1)",
		[]string{"DELETE FROM posts_fts WHERE rowid IN (SELECT id FROM posts_fts_docsize WHERE id NOT IN (SELECT id FROM posts WHERE indexed = 1))"}},
	{"a post missing in the text", "SELECT uri FROM posts WHERE indexed = 1 AND id NOT IN (SELECT id FROM posts_fts_docsize)",
		[]string{"UPDATE posts SET indexed = 0 WHERE indexed = 1 AND id NOT IN (SELECT id FROM posts_fts_docsize)"}},
	{"a person missing in the text", "SELECT uri FROM actors WHERE id * 2 NOT IN (SELECT id FROM people_fts_docsize)",
		[]string{`INSERT INTO people_fts (rowid, name, handle, bio) SELECT id * 2, name_key, acct, summary FROM actors
			WHERE id * 2 NOT IN (SELECT id FROM people_fts_docsize)`}},
	{"a text of a forgotten person", "SELECT CAST(id AS TEXT) FROM people_fts_docsize WHERE id % 2 = 0 AND id / 2 NOT IN (SELECT id FROM actors)",
		[]string{"DELETE FROM people_fts WHERE rowid IN (SELECT id FROM people_fts_docsize WHERE id % 2 = 0 AND id / 2 NOT IN (SELECT id FROM actors))"}},
	{"a lane with two heads", "SELECT lane FROM jobs WHERE lane <> '' AND state < 2 AND head = 1 GROUP BY lane HAVING count(*) > 1",
		[]string{`UPDATE jobs SET head = 0 WHERE lane <> '' AND state = 0 AND head = 1
			AND id > (SELECT min(id) FROM jobs o WHERE o.lane = jobs.lane AND o.lane <> '' AND o.state < 2 AND o.head = 1)`}},
	{"a lane without head", `SELECT lane FROM jobs WHERE lane <> '' AND state < 2 GROUP BY lane
		HAVING max(head = 1 OR state = 1) = 0`,
		[]string{`UPDATE jobs SET head = 1 WHERE id IN (SELECT min(id) FROM jobs WHERE lane <> '' AND state < 2 GROUP BY lane
			HAVING max(head = 1 OR state = 1) = 0)`}},
	{"a wrong count of leases", `SELECT kind || ' ' || host FROM job_queues q WHERE inflight <>
		(SELECT count(*) FROM jobs j WHERE j.queue = q.id AND j.state = 1)`,
		[]string{"UPDATE job_queues SET inflight = (SELECT count(*) FROM jobs j WHERE j.queue = job_queues.id AND j.state = 1)"}},
	{"a ready job without turn", `SELECT CAST(id AS TEXT) FROM jobs j WHERE state = 0 AND head = 1 AND NOT EXISTS
		(SELECT 1 FROM job_queues q WHERE q.id = j.queue AND q.turn < 9223372036854775807)`,
		[]string{`UPDATE job_queues SET turn = max(served, (SELECT min(run_at) FROM jobs j WHERE j.queue = job_queues.id AND state = 0 AND head = 1))
			WHERE turn = 9223372036854775807 AND EXISTS (SELECT 1 FROM jobs j WHERE j.queue = job_queues.id AND state = 0 AND head = 1)`}},
}

// countedItems are the rows that node_counts should have (migration 9).
const countedItems = `SELECT l.node_id, p.owner, coalesce(p.author, ''), p.vis, p.boost IS NOT NULL, p.owner_host, coalesce(p.author_host, ''), count(*)
	FROM placements l JOIN posts p ON p.id = l.post_id WHERE l.retracted_at = 0 GROUP BY 1, 2, 3, 4, 5`

// shownRows is how many rows of one kind are reported.
const shownRows = 10

// violated returns rows that break the invariant.
func (tx *Tx) violated(i invariant) ([]string, error) {
	rows, err := all(tx, value[string], i.query+fmt.Sprintf(" LIMIT %d", shownRows))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.what, err)
	}
	return rows, nil
}

// restore mends what breaks the invariant.
func (tx *Tx) restore(i invariant) error {
	for _, q := range i.mend {
		if err := tx.run(q); err != nil {
			return fmt.Errorf("mend %s: %w", i.what, err)
		}
	}
	tx.after.ready("")
	tx.after.posts = true
	return nil
}
