package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/ap"
	"isthmus/cache"
)

// A host that failed this often in a row rests before the next attempt.
const (
	circuitAfter = 5
	circuitRest  = 2 * time.Minute
	circuitMost  = 6 * time.Hour
)

// deliver posts an activity to an inbox.
func (g *Gateway) deliver(ctx context.Context, j cache.Job) error {
	d, err := decode[deliverJob](j)
	if err != nil {
		return err
	}
	sender, body, err := g.atHand(ctx, d)
	if err != nil || len(body) == 0 {
		return err
	}
	key, err := g.keys.of(sender)
	if err != nil {
		return permanentError{err}
	}
	err = g.client.Post(ctx, d.Inbox, body, key)
	if err == nil {
		g.delivered(ctx, j, d)
		return nil
	}
	return g.notDelivered(j, d, err)
}

// delivered notes that a host works, and has a client told that asked whether its
// direct message arrived (XEP-0184). That is a job, as the link may be down now.
func (g *Gateway) delivered(ctx context.Context, j cache.Job, d deliverJob) {
	receipt := d.Message != nil && d.Message.Receipt
	failed := g.fails(ctx, j.Host)
	if !failed && !receipt {
		return
	}
	g.settle(j.Note, func(tx *cache.Tx) error {
		if failed {
			if err := tx.HostWorked(j.Host); err != nil {
				return err
			}
		}
		if !receipt {
			return nil
		}
		to, err := tx.ActorByJID(d.Message.To)
		if err != nil || d.Inbox != to.Inbox && d.Inbox != to.SharedInbox {
			return ignoreMissing(err) // others in the conversation got it
		}
		return tx.Enqueue(g.messageJob(messageWork{Bounce: d.Message, Received: true}))
	})
}

// notDelivered decides whether a delivery is tried again (1.7, D4).
func (g *Gateway) notDelivered(j cache.Job, d deliverJob, err error) error {
	var status *ap.StatusError
	if errors.As(err, &status) {
		switch {
		case status.Code == 410:
			g.doubt(j, d.Inbox)
			return permanent("inbox is gone: %w", err)
		case status.Code == 401 || status.Code == 403:
			if j.Attempts >= 3 { // a key that was just fetched may help; more does not
				return permanentError{err}
			}
			return err
		case !ap.Temporary(err):
			return permanentError{err}
		}
	} else if !ap.Temporary(err) {
		return permanentError{err}
	}
	g.hostFailed(j)
	return err
}

// How many actors are read again when an inbox says that it is gone, of those
// that were not read for a while.
const (
	doubtMost = 200
	doubtAge  = time.Hour
)

// doubt has those actors read again behind whose inbox nobody is said to be any
// more (D4). A server that is being worked on may say so of all.
func (g *Gateway) doubt(j cache.Job, inbox string) {
	now := g.now()
	g.settle(j.Note, func(tx *cache.Tx) error {
		uris, err := tx.FollowsBehind(inbox, now.Add(-doubtAge), doubtMost)
		jobs := make([]cache.Job, 0, len(uris))
		for _, uri := range uris {
			lane := "doubt " + uri
			if _, err := tx.CancelUnattempted(lane); err != nil {
				return err
			}
			jobs = append(jobs, cache.Job{
				Kind: jobDoubt, Host: hostname(uri), Lane: lane, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
				Note: "look whether " + uri + " is gone", Payload: payload(doubtWork{Actor: uri}),
			})
		}
		return errOr(err, tx.Enqueue(jobs...))
	})
}

// doubtWork is the payload of jobDoubt.
type doubtWork struct {
	Actor string `json:"actor"`
}

// runDoubt ends the follows of an actor if its own server says that it is gone.
func (g *Gateway) runDoubt(ctx context.Context, j cache.Job) error {
	w, err := decode[doubtWork](j)
	if err != nil {
		return err
	}
	_, err = g.fetchActor(ctx, w.Actor)
	if !isKind(err, Gone) {
		return g.mayPass(j.Note, err)
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error { return g.endFollows(tx, w.Actor, actorLeft) })
}

// hostFailed counts a failure and lets a host rest that fails on and on, so
// that it does not hold up the others (SEC-42).
func (g *Gateway) hostFailed(j cache.Job) {
	now := g.now()
	g.settle(j.Note, func(tx *cache.Tx) error {
		h, err := tx.Host(j.Host)
		if err != nil {
			return err
		}
		var until time.Time
		if n := h.Failures + 1 - circuitAfter; n >= 0 {
			until = now.Add(min(circuitRest<<min(n, 10), circuitMost))
		}
		_, err = tx.HostFailed(j.Host, now, until)
		return err
	})
}

// deliveryFailed tells the sender of a direct message that it did not arrive.
func (g *Gateway) deliveryFailed(tx *cache.Tx, j cache.Job, cause error) error {
	d, err := decode[deliverJob](j)
	if err != nil || d.Message == nil {
		return nil // nobody waits for it
	}
	w := messageWork{
		Bounce: d.Message, Condition: "service-unavailable",
		Notice: hostname(d.Inbox) + " did not take the message.",
	}
	if errors.As(cause, new(tooOldError)) {
		w.Condition = "remote-server-timeout"
		w.Notice = hostname(d.Inbox) + " could not be reached for days; the message was not delivered."
	}
	return tx.Enqueue(g.messageJob(w))
}
