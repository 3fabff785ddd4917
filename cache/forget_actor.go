package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// Idle selects remote actors that may be forgotten.
type Idle struct {
	Before    time.Time                        // read for the last time, and gone if they are, before this
	Unrelated []string                         // kinds of jobs that need no actor
	Drop      func(tx *Tx, actor string) error // what the caller keeps of an actor; nil: nothing
}

// idlePage is how many actors are looked at in one transaction.
const idlePage = 100

// idler is an actor that was not read for long.
type idler struct {
	id, fetched    int64
	uri, acct, jid string
}

// ForgetActors forgets the remote actors who were not read for long and to whom
// nothing points, with all that is derived from them: keys, address, picture,
// tombstones. They are read again when somebody asks for them. It returns how
// many they were.
func (s *Store) ForgetActors(ctx context.Context, q Idle) (int, error) {
	forgotten := 0
	for at := (idler{fetched: -1}); ; {
		var page, idle []idler
		err := s.View(ctx, func(tx *Tx) (err error) {
			if page, err = tx.idlers(q, at); err == nil {
				idle, err = tx.unreferred(q, page)
			}
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("look for actors to forget: %w", err)
		}
		if len(page) == 0 {
			return forgotten, nil
		}
		at = page[len(page)-1]
		if len(idle) == 0 {
			continue
		}
		err = s.Update(ctx, func(tx *Tx) error {
			again, err := tx.unreferred(q, idle) // something may point to them now
			for _, a := range again {
				if err == nil {
					err = tx.forgetActor(a.uri, a.jid)
				}
				if err == nil && q.Drop != nil {
					err = q.Drop(tx, a.uri)
				}
			}
			if err == nil {
				forgotten += len(again)
			}
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("forget actors: %w", err)
		}
	}
}

// idlers returns the next actors that were not read for long, after one.
func (tx *Tx) idlers(q Idle, after idler) ([]idler, error) {
	return all(tx, func(r row) (a idler, err error) {
		err = r.Scan(&a.id, &a.fetched, &a.uri, &a.acct, &a.jid)
		return a, err
	}, `SELECT a.id, a.fetched_at, a.uri, a.acct, coalesce((SELECT jid FROM bindings WHERE uri = a.uri AND ended_at = 0), '')
		FROM actors a WHERE a.fetched_at < ?1 AND a.gone_at < ?1 AND (a.fetched_at, a.id) > (?2, ?3)
		ORDER BY a.fetched_at, a.id LIMIT ?4 + 0`, millis(q.Before), after.fetched, after.id, idlePage)
}

// referred tells whether anything points to the actor ?1, whose address is ?2 and
// whose handle is ?3: what is before ?4 does not count where a time is kept. ?5
// are kinds of jobs that do not matter, and ?6 is the actor as JSON has it. The
// last one of a host, ?7 and what comes before ?8, is needed to tell that host,
// ?9, that somebody left.
const referred = `SELECT EXISTS (SELECT 1 FROM posts WHERE owner = ?1)
	OR EXISTS (SELECT 1 FROM posts WHERE author = ?1)
	OR EXISTS (SELECT 1 FROM mentions WHERE actor = ?1)
	OR EXISTS (SELECT 1 FROM addressees WHERE actor = ?1)
	OR EXISTS (SELECT 1 FROM follows WHERE follower = ?1)
	OR EXISTS (SELECT 1 FROM follows WHERE followee = ?1)
	OR EXISTS (SELECT 1 FROM reactions WHERE actor = ?1)
	OR EXISTS (SELECT 1 FROM blocks WHERE owner = ?1)
	OR EXISTS (SELECT 1 FROM blocks WHERE target = ?1)
	OR EXISTS (SELECT 1 FROM hidden WHERE name = ?1)
	OR EXISTS (SELECT 1 FROM news WHERE actor = ?1)
	OR EXISTS (SELECT 1 FROM contacts WHERE our = ?2)
	OR EXISTS (SELECT 1 FROM messages WHERE our = ?2)
	OR EXISTS (SELECT 1 FROM subscriptions WHERE service = ?2)
	OR EXISTS (SELECT 1 FROM nodes n JOIN placements l ON l.node_id = n.id WHERE n.service = ?2
		AND EXISTS (SELECT 1 FROM posts WHERE uri = l.uri))
	OR EXISTS (SELECT 1 FROM media_uses u JOIN media m ON m.id = u.media WHERE m.owner = ?1)
	OR EXISTS (SELECT 1 FROM syncs WHERE target = ?1 AND updated_at >= ?4)
	OR EXISTS (SELECT 1 FROM activities WHERE object = ?1 AND object <> '' AND at >= ?4)
	OR EXISTS (SELECT 1 FROM tombstones t WHERE t.owner = ?1 AND (t.deleted_at >= ?4
		OR EXISTS (SELECT 1 FROM posts WHERE reply_to = t.uri)))
	OR EXISTS (SELECT 1 FROM saved_searches WHERE instr(query, ?1) OR ?2 <> '' AND instr(lower(query), ?2)
		OR ?3 <> '' AND instr(lower(query), lower(?3)))
	OR NOT EXISTS (SELECT 1 FROM actors o WHERE o.uri >= ?7 AND o.uri < ?8 AND o.uri <> ?1 AND o.gone_at = 0 AND o.inbox <> '')
		AND EXISTS (SELECT 1 FROM accounts o WHERE EXISTS (SELECT 1 FROM receipts WHERE owner = o.uri AND host = ?9))
	OR EXISTS (SELECT 1 FROM jobs j JOIN job_queues q ON q.id = j.queue WHERE j.state < 2
		AND q.kind NOT IN (SELECT value FROM json_each(?5)) AND (instr(j.payload, ?6) OR instr(j.payload, CAST(?1 AS BLOB))))`

// unreferred returns those of the actors to whom nothing points.
func (tx *Tx) unreferred(q Idle, list []idler) ([]idler, error) {
	kinds, err := toJSON(append([]string{}, q.Unrelated...))
	if err != nil {
		return nil, err
	}
	var out []idler
	for _, a := range list {
		escaped, err := json.Marshal(a.uri)
		if err != nil {
			return nil, err
		}
		from, to, host := rangeOf(a.uri)
		points, err := one(tx, value[bool], referred,
			a.uri, a.jid, a.acct, millis(q.Before), kinds, bytes.Trim(escaped, `"`), from, to, host)
		if err != nil {
			return nil, fmt.Errorf("who points to %s: %w", a.uri, err)
		}
		if !points {
			out = append(out, a)
		}
	}
	return out, nil
}

// rangeOf is where the URIs on the host of a URI begin and end, and that host.
func rangeOf(uri string) (from, to, host string) {
	u, err := url.Parse(uri)
	if err != nil {
		return uri, uri, ""
	}
	from = u.Scheme + "://" + u.Host
	return from + "/", from + "0", u.Host // "0" follows "/"
}

// forgetActor takes an actor to whom nothing points, and what was only there
// because of it, out of every table. What the index of people has of it goes by
// itself.
func (tx *Tx) forgetActor(uri, jid string) error {
	tx.wrote(heldActor, "")
	tx.wrote(heldNode, "")
	if err := tx.noteDeleted(); err != nil {
		return err
	}
	for _, q := range []string{
		"DELETE FROM keys WHERE owner = ?1",
		"DELETE FROM media WHERE owner = ?1",
		"DELETE FROM syncs WHERE target = ?1",
		"DELETE FROM activities WHERE object = ?1 AND object <> ''",
		"DELETE FROM placements WHERE uri IN (SELECT uri FROM tombstones WHERE owner = ?1)",
		"DELETE FROM tombstones WHERE owner = ?1",
		"DELETE FROM bindings WHERE uri = ?1",
		"DELETE FROM actors WHERE uri = ?1",
	} {
		if err := tx.run(q, uri); err != nil {
			return fmt.Errorf("forget %s: %w", uri, err)
		}
	}
	for _, q := range []string{
		"DELETE FROM placements WHERE node_id IN (SELECT id FROM nodes WHERE service = ?1) AND post_id IS NULL",
		"DELETE FROM nodes WHERE service = ?1 AND NOT EXISTS (SELECT 1 FROM placements WHERE node_id = nodes.id)",
	} {
		if err := tx.run(q, jid); err != nil {
			return fmt.Errorf("forget %s: %w", uri, err)
		}
	}
	return nil
}
