package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"isthmus/translate"
)

// Finding is something wrong that Verify found.
type Finding struct {
	Where  string // the URI of a post, or a part of the file
	What   string
	Mended bool
	Remedy string // if it was not mended: what to do
}

// Verified sums up a verification.
type Verified struct {
	Posts, Compared int // looked at, and compared with the document that they came as
	Findings        int
	Mended          int
}

// Verification is how Verify works.
type Verification struct {
	Repair bool
	Found  func(Finding)
	Told   func(Verified) // from time to time: how far it is; may be nil
}

// verifyBatch is how many posts are compared in one transaction.
const verifyBatch = 100

// Verify looks for what is damaged in the file, and for rows that disagree with
// the documents that posts came as: text, tags, mentions, addressees, audience,
// the full-text index, and the counters of the queue. With Repair it mends what
// can be computed anew.
func (s *Store) Verify(ctx context.Context, v Verification) (Verified, error) {
	w := verifier{store: s, Verification: v}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{{"the file", w.pages}, {"the tables", w.invariants}, {"the list of posts", w.posts}} {
		err := step.do(ctx)
		if errors.Is(err, ErrDamaged) { // is a finding like others, and the rest is looked at
			w.unreadable(step.what, err)
		} else if err != nil {
			return w.sum, fmt.Errorf("verify: %w", err)
		}
	}
	return w.sum, nil
}

// unreadable tells of what is too damaged to be compared with anything.
func (w *verifier) unreadable(what string, err error) {
	f := Finding{Where: what, What: "it cannot be read: " + cause(err), Remedy: remedyRepair}
	if w.Repair {
		f.Remedy = remedyBackup
	}
	w.found(f)
}

// verifier is one run of Verify.
type verifier struct {
	Verification
	store *Store
	sum   Verified
	text  bool // it was told that the full text cannot be read
}

func (w *verifier) found(f Finding) {
	w.sum.Findings++
	if f.Mended {
		w.sum.Mended++
	}
	w.Found(f)
}

// What to do about damage that cannot be computed away.
const (
	remedyBackup = "stop the gateway and restore a backup; isthmus cache export saves what can still be read"
	remedyRepair = "isthmus cache verify --repair"
)

// pages runs SQLite's own check of pages, indexes and full text. Indexes and
// full text are made anew from the rows.
func (w *verifier) pages(ctx context.Context) error {
	lines, err := w.store.damage(ctx)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil
	}
	var left []string
	if w.Repair {
		if left, err = w.store.rebuild(ctx); err != nil {
			return err
		}
	}
	for _, l := range lines {
		f := Finding{Where: "the file", What: l, Remedy: remedyRepair}
		if w.Repair {
			f.Mended, f.Remedy = len(left) == 0, remedyBackup
		}
		w.found(f)
	}
	return nil
}

// rebuild makes the indexes anew, and the full text if that was not all, and
// returns what is still wrong. What cannot be made anew shows in that.
func (s *Store) rebuild(ctx context.Context) ([]string, error) {
	if err := s.alone(ctx, "REINDEX"); err != nil {
		s.log.Warn("the indexes could not be made anew", "err", err)
	}
	left, err := s.damage(ctx)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	if err := s.clearText(ctx); err != nil {
		s.log.Warn("the full text could not be made anew", "err", err)
	}
	return s.damage(ctx)
}

// damage returns what SQLite's own check finds.
func (s *Store) damage(ctx context.Context) ([]string, error) {
	var lines []string
	err := s.View(ctx, func(tx *Tx) (err error) {
		var text []string
		if err := tx.freshText(); errors.Is(err, ErrDamaged) {
			text = []string{"the full-text index cannot be read: " + cause(err)}
		} else if err != nil {
			return err
		}
		lines, err = all(tx, value[string], "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'")
		lines = append(text, lines...)
		return err
	})
	if errors.Is(err, ErrDamaged) { // too damaged to say where
		return append(lines, cause(err)), nil
	}
	return lines, err
}

func (w *verifier) invariants(ctx context.Context) error {
	for _, i := range invariants {
		var rows []string
		err := w.store.View(ctx, func(tx *Tx) (err error) {
			rows, err = tx.violated(i)
			return err
		})
		if errors.Is(err, ErrDamaged) {
			w.unreadable(i.what, err)
			continue
		}
		left := rows
		if err == nil && w.Repair && len(rows) > 0 {
			err = w.store.Update(ctx, func(tx *Tx) (err error) {
				if err := tx.restore(i); err != nil {
					return err
				}
				left, err = tx.violated(i)
				return err
			})
		}
		if err != nil {
			return err
		}
		for _, r := range rows {
			f := Finding{Where: r, What: i.what, Remedy: remedyRepair}
			if w.Repair {
				f.Mended, f.Remedy = !slices.Contains(left, r), remedyBackup
			}
			w.found(f)
		}
	}
	return nil
}

// posts compares every post with its rows and its document.
func (w *verifier) posts(ctx context.Context) error {
	for after := int64(0); ; {
		var ids []int64
		wrong := map[int64]judged{}
		err := w.store.View(ctx, func(tx *Tx) (err error) {
			ids, err = all(tx, value[int64], "SELECT id FROM posts WHERE id > ? ORDER BY id LIMIT ? + 0", after, verifyBatch)
			if err != nil {
				return err
			}
			for _, id := range ids {
				j, err := tx.judge(id)
				if errors.Is(err, ErrDamaged) {
					j = judged{id: id, uri: fmt.Sprintf("post %d", id), wrong: []string{"it cannot be read: " + cause(err)}, damaged: true}
				} else if err != nil {
					return fmt.Errorf("post %d: %w", id, err)
				}
				if w.sum.Posts++; j.compared {
					w.sum.Compared++
				}
				if j.unsearched != nil && !w.text { // once, not for each post
					w.text = true
					w.unreadable("the full-text index", j.unsearched)
				}
				if len(j.wrong) > 0 {
					wrong[id] = j
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := w.report(ctx, id, wrong[id]); err != nil {
				return err
			}
		}
		if len(ids) == 0 {
			return nil
		}
		after = ids[len(ids)-1]
		if w.Told != nil {
			w.Told(w.sum)
		}
	}
}

// report tells what is wrong with a post, after it was mended if that is wanted.
func (w *verifier) report(ctx context.Context, id int64, j judged) error {
	if len(j.wrong) == 0 {
		return nil
	}
	mended := false
	if w.Repair && !j.damaged {
		err := w.store.Update(ctx, func(tx *Tx) error {
			again, err := tx.judge(id) // it may have changed since
			if err != nil || len(again.wrong) == 0 {
				return err
			}
			mended = again.post.URI != ""
			if !mended {
				return nil
			}
			return tx.mendPost(again)
		})
		if errors.Is(err, ErrDamaged) {
			mended, j.damaged = false, true
		} else if err != nil {
			return err
		}
	}
	for _, what := range j.wrong {
		f := Finding{Where: j.uri, What: what, Mended: mended, Remedy: remedyRepair}
		switch {
		case w.Repair && j.damaged:
			f.Remedy = remedyBackup
		case w.Repair && !mended:
			f.Remedy = "delete it: isthmus cache purge --post " + j.uri
			if j.origin == translate.OriginXMPP {
				f.Remedy = "its author has to publish it again"
			}
		}
		w.found(f)
	}
	return nil
}
