package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// pausedAgain is how long a delivery of somebody who has paused waits before it
// is looked at again. It is not an attempt, so a Delete still takes its place.
const pausedAgain = 10 * time.Minute

// errPaused keeps what was queued before a pause until its end.
var errPaused = errors.New("its sender has paused")

// atHand is a delivery as it is to be made now; without a body nothing is left
// to be sent.
func (g *Gateway) atHand(ctx context.Context, d deliverJob) (sender cache.Account, body []byte, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if sender, err = tx.AccountByURI(d.Sender); err != nil {
			return err
		}
		act, err := tx.Activity(d.Activity)
		if err != nil || len(act.Raw) == 0 { // its object was deleted before it was sent
			return err
		}
		wanted, err := g.stillDue(tx, sender, act, d.Inbox)
		if wanted {
			body = act.Raw
		}
		return err
	})
	return sender, body, ignoreMissing(err)
}

// stillDue asks anew, when an activity is sent, whether it may go to an inbox:
// since it was queued somebody may have been blocked, removed as a follower, or
// may have paused or left. "Both must end delivery at once" (F6). What takes back
// or ends what they have goes to them all the same, unless the operator blocks
// their host.
func (g *Gateway) stillDue(tx *cache.Tx, sender cache.Account, act cache.Activity, inbox string) (bool, error) {
	if blocked, err := tx.Blocked("", inbox); err != nil || blocked {
		return false, errOr(err, permanent("host is blocked"))
	}
	switch act.Type {
	case as2.TypeDelete, as2.TypeUndo, as2.TypeReject:
		return true, nil
	}
	switch sender.State {
	case cache.Unlinked:
		return false, nil
	case cache.Paused:
		return false, errPaused
	}
	if blocked, err := tx.Blocked(sender.URI, inbox); err != nil || blocked { // their whole host
		return false, err
	}
	readers, err := tx.ActorsAt(inbox)
	if err != nil {
		return false, err
	}
	closed, err := g.closedObject(tx, act)
	if err != nil || !closed && len(readers) == 0 { // a shared inbox: for everybody there
		return err == nil, err
	}
	if len(readers) == 0 {
		return false, permanent("nobody is known at that inbox any more")
	}
	for _, uri := range readers {
		blocked, err := anyBlock(tx, sender.URI, uri)
		if err != nil {
			return false, err
		}
		if blocked {
			continue
		}
		if !closed {
			return true, nil
		}
		_, err = tx.PostByURI(act.Object, cache.Viewer{Actor: uri})
		if err == nil || !errors.Is(err, cache.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// closedObject tells whether an activity says something of ours that is not for
// everybody.
func (g *Gateway) closedObject(tx *cache.Tx, act cache.Activity) (bool, error) {
	switch act.Type {
	case as2.TypeCreate, as2.TypeUpdate, as2.TypeAnnounce:
	default:
		return false, nil
	}
	ref, err := g.addr.ParseURL(act.Object)
	if err != nil || ref.Kind != translate.URLItem {
		return false, nil // a profile
	}
	v, err := tx.Visibility(act.Object)
	return !open(v), err
}
