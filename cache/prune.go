package cache

import (
	"context"
	"errors"
	"fmt"

	"isthmus/translate"
)

// Forgetting selects posts that are forgotten because they can be fetched
// again. Whatever it says, some are kept: see forgettable.
type Forgetting struct {
	Selection
	Ours   []string         // domains of our users: what they wrote is never forgotten
	Except []translate.Kind // kinds with a rule of their own
}

// Forgotten is what was forgotten, or would be.
type Forgotten struct {
	Posts int
	Bytes int64 // of the posts and their documents
	Kinds map[translate.Kind]int
}

// forgettable are the posts p that nobody here would miss: of remote people or
// of nodes elsewhere, for everybody, in nobody's timeline but their owner's
// own, and without any answer, reaction or mention of ours. Their origin has
// them. %d is the list of our domains.
const forgettable = ` AND (p.origin = 'ap' OR (p.owner LIKE 'xmpp:%%'
		AND NOT EXISTS (SELECT 1 FROM json_each(?%[1]d) WHERE value = p.owner_host))) AND p.vis <= 1
	AND NOT EXISTS (SELECT 1 FROM accounts WHERE uri = p.owner)
	AND NOT EXISTS (SELECT 1 FROM posts o WHERE (o.reply_to = p.uri OR o.boost = p.uri) AND o.origin <> 'ap' AND o.owner NOT LIKE 'xmpp:%%')
	AND NOT EXISTS (SELECT 1 FROM reactions WHERE object = p.uri AND origin <> 'ap')
	AND NOT EXISTS (SELECT 1 FROM mentions m JOIN accounts a ON a.uri = m.actor WHERE m.post_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM addressees WHERE post_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM messages WHERE object = p.uri)
	AND NOT EXISTS (SELECT 1 FROM media_uses WHERE object = p.uri)
	AND (SELECT count(*) FROM placements WHERE uri = p.uri) <= 1`

// forgetBatch is how many posts one transaction forgets.
const forgetBatch = 100

// forgetPasses bounds the passes: each takes the answers that the one before
// left without answers.
const forgetPasses = 100

// candidate is a post that may be forgotten.
type candidate struct {
	id, bytes int64
	uri       string
	kind      translate.Kind
	indexed   int
}

// Forget forgets the posts that are selected and can be fetched again, a few in
// each transaction, the newest first, so that threads are taken from their ends
// and never torn: what has an answer that stays, stays. No tombstone is left,
// and a post that is fetched again gets its item id anew from its URI. A dry
// run only counts. told, which may be nil, hears how far it is.
func (s *Store) Forget(ctx context.Context, f Forgetting, dry bool, told func(Forgotten)) (Forgotten, error) {
	sum := Forgotten{Kinds: map[translate.Kind]int{}}
	w := forgetter{store: s, f: f, sum: &sum, told: told}
	if dry {
		w.would = map[int64]bool{}
	}
	for range forgetPasses {
		before := sum.Posts
		if err := w.pass(ctx); err != nil {
			return sum, fmt.Errorf("forget posts: %w", err)
		}
		if sum.Posts == before {
			break
		}
	}
	return sum, nil
}

// forgetter is one run of Forget.
type forgetter struct {
	store *Store
	f     Forgetting
	sum   *Forgotten
	told  func(Forgotten)
	would map[int64]bool // in a dry run: what would be gone
}

// pass goes once through the posts, newest first.
func (w *forgetter) pass(ctx context.Context) error {
	for below := int64(1<<63 - 1); ; {
		var list []candidate
		err := w.store.View(ctx, func(tx *Tx) (err error) {
			if list, err = tx.candidates(w.f, below, 0); err == nil && w.would != nil {
				err = w.take(tx, list)
			}
			return err
		})
		if err == nil && w.would == nil && len(list) > 0 {
			err = w.store.Update(ctx, func(tx *Tx) error { return w.take(tx, list) })
		}
		if err != nil || len(list) == 0 {
			return err
		}
		below = list[len(list)-1].id
		if w.told != nil {
			w.told(*w.sum)
		}
	}
}

// candidates returns the newest posts below an id, or the one with the id only,
// that may be forgotten as far as their own rows say.
func (tx *Tx) candidates(f Forgetting, below, only int64) ([]candidate, error) {
	ours, err := toJSON(append([]string{}, f.Ours...))
	if err != nil {
		return nil, err
	}
	except, err := toJSON(append([]translate.Kind{}, f.Except...))
	if err != nil {
		return nil, err
	}
	cond, args := f.sql(6)
	return all(tx, func(r row) (c candidate, err error) {
		err = r.Scan(&c.id, &c.uri, &c.kind, &c.indexed, &c.bytes)
		return c, err
	}, "SELECT p.id, p.uri, p.kind, p.indexed, "+bytesOf+" FROM "+postsBodies+
		" WHERE p.id < ?1 AND (?2 = 0 OR p.id = ?2) AND p.kind NOT IN (SELECT value FROM json_each(?4))"+
		fmt.Sprintf(forgettable, 3)+cond+" ORDER BY p.id DESC LIMIT ?5 + 0",
		append([]any{below, only, ours, except, forgetBatch}, args...)...)
}

// take forgets candidates whose answers and boosts are gone. They were read
// before, so they are looked at again.
func (w *forgetter) take(tx *Tx, list []candidate) error {
	for _, c := range list {
		if w.would[c.id] {
			continue
		}
		held, err := all(tx, value[int64], "SELECT id FROM posts WHERE reply_to = ?1 OR boost = ?1", c.uri)
		if err != nil {
			return err
		}
		kept := false
		for _, id := range held {
			kept = kept || !w.would[id]
		}
		if kept {
			continue
		}
		if w.would != nil {
			w.would[c.id] = true
		} else if again, err := tx.candidates(w.f, c.id+1, c.id); err != nil {
			return err
		} else if len(again) == 0 {
			continue
		} else if err := tx.forget(again[0]); err != nil {
			return fmt.Errorf("%s: %w", c.uri, err)
		}
		w.sum.Posts++
		w.sum.Bytes += c.bytes
		w.sum.Kinds[c.kind]++
	}
	return nil
}

// forget takes a post out of every table without a trace.
func (tx *Tx) forget(c candidate) error {
	if err := tx.noteDeleted(); err != nil {
		return err
	}
	if c.indexed == indexed {
		if err := tx.run("DELETE FROM posts_fts WHERE rowid = ?", c.id); err != nil {
			return err
		}
	}
	for _, q := range []string{
		"DELETE FROM placements WHERE uri = ?",
		"DELETE FROM reactions WHERE object = ?",
		"UPDATE activities SET raw = NULL WHERE object = ? AND object <> ''",
		"DELETE FROM posts WHERE uri = ?",
		"DELETE FROM notices WHERE object = ?",
	} {
		if err := tx.run(q, c.uri); err != nil {
			return err
		}
	}
	return nil
}

// ForgetCopy forgets the copy of a node's item that was kept for search only,
// if there is one: its owner publishes it now, or has taken it back.
func (tx *Tx) ForgetCopy(service, node, item string) error {
	place, err := tx.PlacementByItem(service, node, item)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("forget the copy of %s: %w", item, err)
	}
	list, err := all(tx, func(r row) (c candidate, err error) {
		err = r.Scan(&c.id, &c.uri, &c.indexed)
		return c, err
	}, "SELECT id, uri, indexed FROM posts WHERE uri = ? AND owner LIKE 'xmpp:%'", place.URI)
	for _, c := range list {
		err = errors.Join(err, tx.forget(c))
	}
	if err != nil {
		return fmt.Errorf("forget the copy of %s: %w", item, err)
	}
	return nil
}
