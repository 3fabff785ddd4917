package cache

import (
	"fmt"
	"time"

	"isthmus/translate"
)

// Stored is a post as the store has it.
type Stored struct {
	ID       int64 // follows the sort date (design §7)
	Post     translate.Post
	Received time.Time
	Modified time.Time  // when the store last saw it change
	Item     *Placement // the placement through which it was read, if any
}

// Change is what PutPost did.
type Change string

// The changes.
const (
	Created Change = "created"
	Updated Change = "updated"
	Same    Change = "same"
)

// PutOptions go with a post that is put.
type PutOptions struct {
	Received   time.Time
	Now        time.Time // no edit is later; zero: Received
	Addressees []string  // actors, besides to and cc, who may see it (personal inbox)
	New        bool      // the transaction has just seen that the post is not held
	RawType    string    // media type of raw; "" is activity+json
	Via        string    // of the placement that p.Item makes,
	Publisher  string    // and who put it there; "" is the owner
}

// dated is the date of an edit that came now. What is edited in the future would
// stay the last of all that were.
func (o PutOptions) dated(updated time.Time) time.Time {
	now := o.Now
	if now.IsZero() {
		now = o.Received
	}
	if updated.After(now) {
		return now
	}
	return updated
}

// The forms of posts.indexed.
const (
	unindexed  = 0
	indexed    = 1
	indexNever = 2 // boosts: what they show is indexed as itself
)

// An id is the sort date in milliseconds and a number: 43 and 20 bits.
const idBits = 20

// sortTime is the date that orders a post: published, never later than
// received (design §7), in the years that ids reach.
func sortTime(published, received time.Time) int64 {
	t := received.UnixMilli()
	if !published.IsZero() {
		t = min(t, published.UnixMilli())
	}
	return min(max(t, 1), 1<<43-2)
}

// newID returns an unused id for a post. The ids of deleted posts are not used
// again. A full millisecond, which takes a million posts, borrows from the one
// before.
func (tx *Tx) newID(ms int64) (int64, error) {
	for ; ms > 0; ms-- {
		first, end := ms<<idBits, (ms+1)<<idBits
		last, err := one(tx, value[int64], `SELECT max(
				coalesce((SELECT max(id) FROM posts WHERE id >= ?1 AND id < ?2), ?1),
				coalesce((SELECT max(post_id) FROM tombstones WHERE post_id >= ?1 AND post_id < ?2), ?1))`, first, end)
		if err != nil {
			return 0, err
		}
		if last+1 < end {
			return last + 1, nil
		}
	}
	return 0, fmt.Errorf("no id is left: %w", ErrConflict)
}

// storedColumns are what scanStored reads, from posts p and bodies b.
const storedColumns = "p.id, p.received, p.modified, json(b.parsed)"

func scanStored(r row) (s Stored, err error) {
	var parsed []byte
	if err := r.Scan(&s.ID, when{&s.Received}, when{&s.Modified}, &parsed); err != nil {
		return s, err
	}
	return s, s.decode(parsed)
}
