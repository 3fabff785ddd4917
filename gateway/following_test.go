package gateway

import (
	"testing"

	"isthmus/cache"
)

// Whom somebody follows who never linked is nobody's business: they agreed to
// show nothing.
func TestFollowingHidden(t *testing.T) {
	w := newWorld(t)
	a, err := w.makeAccount(t.Context(), louise, "", cache.FollowerOnly)
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: a.URI, Followee: bobURI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	id := w.addr.Following(acctOf(a))
	doc := w.site().document(id)
	if doc["totalItems"] != 1.0 || doc["first"] != nil || doc["orderedItems"] != nil {
		t.Errorf("she shows %v", doc)
	}
	if r := w.site().get(id+"?page=0", "application/activity+json", ""); r.Code != 404 {
		t.Errorf("a page of whom she follows is answered %d", r.Code)
	}
}
