package cache

import (
	"errors"
	"fmt"
	"strings"

	"isthmus/translate"
)

// PeopleQuery asks for people of both worlds. What is not empty must all match:
// words, the last of which may be the beginning of one.
type PeopleQuery struct {
	Any    string // in name, handle or text
	Name   string
	Handle string
	Bio    string
	Tag    string // in the text, or in their newest public posts that may be found
	Viewer Viewer
	Limit  int // 0: 20
}

// Someone is a person, group or node of either world.
type Someone struct {
	URI, Handle, JID, Name, URL string
	Node                        string // at the JID, of who is a node
	Bio                         string // plain text
	Ours                        bool
}

// peopleAmong is how many matches are looked at for those that may be shown.
const peopleAmong = 1000

// indexPerson brings the full text of an actor or account up to date.
func (tx *Tx) indexPerson(table, uri, name, handle, summary string) error {
	odd := 0
	if table == "accounts" {
		odd = 1
	}
	id, err := one(tx, value[int64], "SELECT id FROM "+table+" WHERE uri = ?", uri)
	if err != nil {
		return err
	}
	row := id*2 + int64(odd)
	_, bio := translate.Sanitize(summary)
	if err := tx.run("DELETE FROM people_fts WHERE rowid = ?", row); err != nil {
		return err
	}
	return tx.run("INSERT INTO people_fts (rowid, name, handle, bio) VALUES (?, ?, ?, ?)", row, Fold(name), Fold(handle), Fold(bio))
}

// match writes the query for the full text, "" if there is none. Words consist
// of letters and numbers and stand in quotation marks: nothing in them is syntax.
func (q PeopleQuery) match() string {
	var all []string
	for _, part := range []struct{ columns, text string }{
		{"{name handle bio}", q.Any}, {"name", q.Name}, {"handle", q.Handle}, {"bio", q.Bio},
	} {
		list := words(Fold(part.text))
		for i, w := range list[:min(len(list), 10)] {
			term := part.columns + ` : "` + w + `"`
			if i == len(list)-1 {
				term += "*"
			}
			all = append(all, term)
		}
	}
	return strings.Join(all, " AND ")
}

// FindPeople finds people who asked to be found, and those whom the viewer
// follows, but nobody who hides or with whom there is a block (SEC-26, SEC-28).
func (tx *Tx) FindPeople(q PeopleQuery) ([]Someone, error) {
	rows, err := tx.peopleRows(q)
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	var out []Someone
	for _, row := range rows {
		who, shown, err := tx.someone(row)
		if err != nil {
			return nil, fmt.Errorf("find people: %w", err)
		}
		if who.URI == "" {
			continue
		}
		if !shown {
			f, err := tx.Follow(q.Viewer.Actor, who.URI)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			shown = err == nil && f.State == FollowAccepted || who.URI == q.Viewer.Actor
		}
		if shown {
			if shown, err = tx.maySee(q.Viewer, who.URI); err != nil {
				return nil, err
			}
		}
		if !shown {
			continue
		}
		if out = append(out, who); len(out) >= limitOr(q.Limit, 20) {
			break
		}
	}
	return out, nil
}

// peopleRows are the rows of people_fts that match.
func (tx *Tx) peopleRows(q PeopleQuery) ([]int64, error) {
	match, tag := q.match(), foldTag(q.Tag)
	if tag == "" {
		if match == "" {
			return nil, nil
		}
		return all(tx, value[int64], "SELECT rowid FROM people_fts WHERE people_fts MATCH ? ORDER BY rank LIMIT ? + 0", match, peopleAmong)
	}
	with := ""
	args := []any{tag, peopleAmong}
	if match != "" {
		with = "AND r.id IN (SELECT rowid FROM people_fts WHERE people_fts MATCH ?3) "
		args = append(args, match)
	}
	bio := ""
	if w := words(tag); len(w) > 0 {
		bio = `UNION SELECT rowid FROM people_fts WHERE people_fts MATCH 'bio : "` + strings.Join(w, " ") + `"'`
	}
	return all(tx, value[int64], `WITH posters (uri) AS (SELECT DISTINCT owner FROM (SELECT p.owner FROM tags t CROSS JOIN posts p ON p.id = t.post_id
			WHERE t.tag = ?1 AND p.vis = 0 AND p.kind <> 'boost' AND `+indexable+` ORDER BY t.post_id DESC LIMIT ?2 + 0))
		SELECT id FROM (SELECT id * 2 AS id FROM posters JOIN actors USING (uri)
			UNION SELECT id * 2 + 1 FROM posters JOIN accounts USING (uri)
			`+bio+`) r
		WHERE 1 `+with+`ORDER BY id LIMIT ?2 + 0`, args...)
}

// someone reads the person of a row of people_fts; shown is whether they asked
// to be found. Who is gone has no URI.
func (tx *Tx) someone(id int64) (who Someone, shown bool, err error) {
	scan := func(r row) (s Someone, err error) {
		err = r.Scan(&s.URI, &s.Handle, &s.JID, &s.Node, &s.Name, &s.URL, &s.Bio, &shown)
		_, s.Bio = translate.Sanitize(s.Bio)
		return s, err
	}
	if id%2 == 0 {
		who, err = one(tx, scan, "SELECT a.uri, a.acct, coalesce(b.jid, ''), '', a.name, a.url, a.summary, a.discoverable"+actorTables+
			"WHERE a.id = ? AND a.gone_at = 0", id/2)
	} else {
		who, err = one(tx, scan, `SELECT uri, acct, jid, node, name, '', summary, discoverable FROM accounts
			WHERE id = ? AND state = ?`, id/2, string(Linked))
		who.Ours = true
	}
	if errors.Is(err, ErrNotFound) {
		return Someone{}, false, nil
	}
	return who, shown, err
}

// maySee tells whether somebody is shown to a viewer: not if they hide, are
// hidden by the operator, or block or are blocked by the viewer.
func (tx *Tx) maySee(v Viewer, uri string) (bool, error) {
	if v.Operator || uri == v.Actor {
		return true, nil
	}
	hidden, err := tx.exists("SELECT 1 FROM hidden WHERE name IN (?, ?) LIMIT 1", uri, hostOf(uri))
	if err != nil || hidden {
		return false, err
	}
	blocked, err := tx.Blocked(v.Actor, uri)
	if err != nil || blocked {
		return false, err
	}
	if v.Actor == "" {
		return true, nil
	}
	blocked, err = tx.Blocked(uri, v.Actor)
	return !blocked, err
}
