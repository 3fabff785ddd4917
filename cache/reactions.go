package cache

import (
	"fmt"
	"time"

	"isthmus/translate"
)

// ReactionKind is the kind of a reaction.
type ReactionKind string

// The kinds of reactions.
const (
	Like  ReactionKind = "like"
	Emoji ReactionKind = "emoji"
)

// Reaction is a like or an emoji of an actor on an object.
type Reaction struct {
	ID            int64 // row number, the cursor of pages
	Actor, Object string
	Kind          ReactionKind
	Content       string // the emoji; "" for a like
	Activity      string // id of the Like
	HeartItem     string // item id of the comment that shows it
	Origin        translate.Origin
	CreatedAt     time.Time
}

const reactionColumns = "SELECT id, actor, object, kind, content, activity, heart_item, origin, created_at FROM reactions "

func scanReaction(r row) (x Reaction, err error) {
	err = r.Scan(&x.ID, &x.Actor, &x.Object, &x.Kind, &x.Content, &x.Activity, &x.HeartItem, &x.Origin, when{&x.CreatedAt})
	return x, err
}

// PutReaction stores a reaction and reports whether it is new. One that is
// there keeps its date, and takes the activity and heart that are given.
func (tx *Tx) PutReaction(r Reaction) (bool, error) {
	n, err := tx.exec(`INSERT INTO reactions (actor, object, kind, content, activity, heart_item, origin, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		r.Actor, r.Object, string(r.Kind), r.Content, r.Activity, r.HeartItem, string(r.Origin), millis(r.CreatedAt))
	if err == nil && n == 0 {
		err = tx.run(`UPDATE reactions SET activity = iif(?1 = '', activity, ?1), heart_item = iif(?2 = '', heart_item, ?2)
			WHERE object = ?3 AND actor = ?4 AND kind = ?5 AND content = ?6`,
			r.Activity, r.HeartItem, r.Object, r.Actor, string(r.Kind), r.Content)
	}
	if err != nil {
		return false, fmt.Errorf("put reaction of %s: %w", r.Actor, err)
	}
	return n > 0, nil
}

// Reaction returns one reaction.
func (tx *Tx) Reaction(actor, object string, k ReactionKind, content string) (Reaction, error) {
	return one(tx, scanReaction, reactionColumns+"WHERE object = ? AND actor = ? AND kind = ? AND content = ?",
		object, actor, string(k), content)
}

// ReactionByActivity returns the reaction that an activity made.
func (tx *Tx) ReactionByActivity(id string) (Reaction, error) {
	if id == "" {
		return Reaction{}, ErrNotFound
	}
	return one(tx, scanReaction, reactionColumns+"WHERE activity = ? AND activity <> ''", id)
}

// DeleteReaction takes a reaction back and reports whether there was one.
func (tx *Tx) DeleteReaction(actor, object string, k ReactionKind, content string) (bool, error) {
	n, err := tx.exec("DELETE FROM reactions WHERE object = ? AND actor = ? AND kind = ? AND content = ?",
		object, actor, string(k), content)
	return n > 0, err
}

// Reactions returns a page of the reactions to an object, oldest first. after
// is the ID of the last one of the page before.
func (tx *Tx) Reactions(object string, after int64, limit int) ([]Reaction, error) {
	return all(tx, scanReaction, reactionColumns+"WHERE object = ? AND id > ? ORDER BY id LIMIT ? + 0",
		object, after, limitOr(limit, 100))
}

// ReactionsBy returns the reactions of one actor to an object.
func (tx *Tx) ReactionsBy(actor, object string) ([]Reaction, error) {
	return all(tx, scanReaction, reactionColumns+"WHERE object = ? AND actor = ? ORDER BY id", object, actor)
}

// ReactionsOf returns some reactions of an actor, to whatever objects.
func (tx *Tx) ReactionsOf(actor string, limit int) ([]Reaction, error) {
	return all(tx, scanReaction, reactionColumns+"WHERE actor = ? ORDER BY id LIMIT ? + 0", actor, limitOr(limit, 100))
}

// CountHearts counts the reactions to an object that show as comments.
func (tx *Tx) CountHearts(object string) (int, error) {
	return tx.count("SELECT count(*) FROM reactions WHERE object = ? AND heart_item <> ''", object)
}
