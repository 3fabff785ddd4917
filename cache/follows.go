package cache

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FollowState is the state of a follow.
type FollowState string

// The states of follows.
const (
	FollowPending  FollowState = "pending"
	FollowAccepted FollowState = "accepted"
	FollowRejected FollowState = "rejected"
)

// Follow is an edge; both ends are actor URIs.
type Follow struct {
	ID                 int64 // row number, the cursor of pages
	Follower, Followee string
	State              FollowState
	ActivityID         string // of the Follow
	Meta               string // free text of the gateway
	Approved           bool   // the followed let the follower in, who sees what is for followers
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

const followColumns = "SELECT id, follower, followee, state, activity, meta, approved, created_at, updated_at FROM follows "

func scanFollow(r row) (f Follow, err error) {
	err = r.Scan(&f.ID, &f.Follower, &f.Followee, &f.State, &f.ActivityID, &f.Meta, &f.Approved, when{&f.CreatedAt}, when{&f.UpdatedAt})
	return f, err
}

// PutFollow creates or changes the edge between two actors; CreatedAt stays as
// it was first.
func (tx *Tx) PutFollow(f Follow) error {
	if f.Follower == "" || f.Followee == "" {
		return errors.New("put follow: both ends are needed")
	}
	inbox := ""
	a, err := tx.ActorByURI(f.Follower)
	switch {
	case err == nil:
		inbox = deliveryInbox(a)
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("put follow: %w", err)
	}
	err = tx.run(`INSERT INTO follows (follower, followee, state, activity, inbox, meta, approved, host, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (follower, followee) DO UPDATE SET state = excluded.state, activity = excluded.activity,
			inbox = excluded.inbox, meta = excluded.meta, approved = excluded.approved, updated_at = excluded.updated_at`,
		f.Follower, f.Followee, string(f.State), f.ActivityID, inbox, f.Meta, f.Approved, hostOf(f.Follower), millis(f.CreatedAt), millis(f.UpdatedAt))
	if err != nil {
		return fmt.Errorf("put follow of %s by %s: %w", f.Followee, f.Follower, err)
	}
	return nil
}

// Follow returns the edge between two actors.
func (tx *Tx) Follow(follower, followee string) (Follow, error) {
	return one(tx, scanFollow, followColumns+"WHERE follower = ? AND followee = ?", follower, followee)
}

// FollowByActivity returns the edge that a Follow activity made.
func (tx *Tx) FollowByActivity(id string) (Follow, error) {
	if id == "" {
		return Follow{}, ErrNotFound
	}
	return one(tx, scanFollow, followColumns+"WHERE activity = ? AND activity <> ''", id)
}

// DeleteFollow ends an edge and reports whether there was one.
func (tx *Tx) DeleteFollow(follower, followee string) (bool, error) {
	n, err := tx.exec("DELETE FROM follows WHERE follower = ? AND followee = ?", follower, followee)
	return n > 0, err
}

// FollowersOf returns a page of edges to an actor, oldest first, in one state
// or in all for "". after is the ID of the last edge of the page before.
func (tx *Tx) FollowersOf(followee string, s FollowState, after int64, limit int) ([]Follow, error) {
	if s == "" {
		return all(tx, scanFollow, followColumns+"WHERE followee = ? AND id > ? ORDER BY id LIMIT ? + 0",
			followee, after, limitOr(limit, 100))
	}
	// '' || ? since SQLite compiles a statement anew for each value that is
	// compared as it is with the column of a partial index.
	return all(tx, scanFollow, followColumns+"WHERE followee = ? AND state = '' || ? AND id > ? ORDER BY id LIMIT ? + 0",
		followee, string(s), after, limitOr(limit, 100))
}

// FollowingOf is FollowersOf in the other direction.
func (tx *Tx) FollowingOf(follower string, s FollowState, after int64, limit int) ([]Follow, error) {
	if s == "" {
		return all(tx, scanFollow, followColumns+"WHERE follower = ? AND id > ? ORDER BY id LIMIT ? + 0",
			follower, after, limitOr(limit, 100))
	}
	return all(tx, scanFollow, followColumns+"WHERE follower = ? AND state = '' || ? AND id > ? ORDER BY id LIMIT ? + 0",
		follower, string(s), after, limitOr(limit, 100))
}

// FollowsWith returns the actors of a domain, and below it, who follow an actor
// or are followed by it, in whatever state.
func (tx *Tx) FollowsWith(actor, domain string) ([]string, error) {
	others, err := all(tx, value[string],
		"SELECT follower FROM follows WHERE followee = ?1 UNION SELECT followee FROM follows WHERE follower = ?1", actor)
	if err != nil {
		return nil, fmt.Errorf("follows between %s and %s: %w", actor, domain, err)
	}
	domain = BlockTarget(domain)
	return slices.DeleteFunc(others, func(uri string) bool { return !slices.Contains(domains(hostOf(uri)), domain) }), nil
}

// CountFollowers counts the accepted followers of an actor.
func (tx *Tx) CountFollowers(followee string) (int, error) {
	return tx.count("SELECT count(*) FROM follows WHERE followee = ? AND state = 'accepted'", followee)
}

// Wanted tells whether anybody follows an actor, or waits for the answer to a
// Follow: what the actor writes meanwhile overtakes the Accept.
func (tx *Tx) Wanted(followee string) (bool, error) {
	return tx.exists("SELECT 1 FROM follows WHERE followee = ? AND state IN ('accepted', 'pending') LIMIT 1", followee)
}

// CountFollowing counts whom an actor follows and was accepted by.
func (tx *Tx) CountFollowing(follower string) (int, error) {
	return tx.count("SELECT count(*) FROM follows WHERE follower = ? AND state = 'accepted'", follower)
}

// DeliveryInboxes returns a page of the distinct inboxes of an actor's accepted
// followers, shared ones where they exist (D2), sorted. after is the last inbox
// of the page before.
func (tx *Tx) DeliveryInboxes(followee, after string, limit int) ([]string, error) {
	return all(tx, value[string], `SELECT DISTINCT inbox FROM follows
		WHERE followee = ? AND inbox > ? AND state = 'accepted' AND inbox <> '' ORDER BY inbox LIMIT ? + 0`,
		followee, after, limitOr(limit, 500))
}

// admitted is the condition on a follow called f under which the follower gets
// what is for followers only: the followed let them in, and everybody on their
// server who follows too, since a server shows it to all of these.
const admitted = `f.state = 'accepted' AND f.approved = 1 AND NOT EXISTS (SELECT 1 FROM follows o
	WHERE o.followee = f.followee AND o.host = f.host AND o.state = 'accepted' AND o.approved = 0)`

// AdmittedInboxes returns a page of the personal inboxes of those followers of
// an actor who get what is for followers only, sorted. after is the last inbox
// of the page before.
func (tx *Tx) AdmittedInboxes(followee, after string, limit int) ([]string, error) {
	return all(tx, value[string], `SELECT DISTINCT a.inbox FROM follows f JOIN actors a ON a.uri = f.follower
		WHERE f.followee = ? AND a.inbox > ? AND `+admitted+` ORDER BY a.inbox LIMIT ? + 0`,
		followee, after, limitOr(limit, 500))
}

// Admitted tells whether an actor gets what another one has for followers only.
func (tx *Tx) Admitted(follower, followee string) (bool, error) {
	return tx.exists("SELECT 1 FROM follows f WHERE f.follower = ? AND f.followee = ? AND "+admitted, follower, followee)
}

// CountAdmitted counts the followers of an actor who get what is for followers
// only, and those who were let in by nobody.
func (tx *Tx) CountAdmitted(followee string) (admittedOnes, unapproved int, err error) {
	if admittedOnes, err = tx.count("SELECT count(*) FROM follows f WHERE f.followee = ? AND "+admitted, followee); err != nil {
		return 0, 0, err
	}
	unapproved, err = tx.count("SELECT count(*) FROM follows WHERE followee = ? AND state = 'accepted' AND approved = 0", followee)
	return admittedOnes, unapproved, err
}

// CountFollowersOnly counts the posts of an owner that are for followers only.
func (tx *Tx) CountFollowersOnly(owner string) (int, error) {
	return tx.count("SELECT count(*) FROM posts WHERE owner = ? AND vis = 2", owner)
}

// FollowsBehind returns the remote actors behind an inbox, their own or a shared
// one, who follow or are followed, at most limit: of those who were last read
// before a time the ones that were not read for longest.
func (tx *Tx) FollowsBehind(inbox string, before time.Time, limit int) ([]string, error) {
	return all(tx, value[string], `SELECT uri FROM actors WHERE (inbox = ?1 OR shared_inbox = ?1) AND ?1 <> ''
		AND gone_at = 0 AND fetched_at <= ?2 AND (EXISTS (SELECT 1 FROM follows WHERE follower = actors.uri)
			OR EXISTS (SELECT 1 FROM follows WHERE followee = actors.uri))
		ORDER BY fetched_at, uri LIMIT ?3 + 0`, inbox, millis(before), limitOr(limit, 100))
}
