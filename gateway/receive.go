package gateway

import (
	"context"
	"errors"
	"fmt"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// receivedJob is the payload of jobActivity.
type receivedJob struct {
	Body   []byte `json:"body"`
	Signer string `json:"signer"`
	Target string `json:"target,omitempty"` // acct of the inbox it came to
	Gone   bool   `json:"gone,omitempty"`
}

// Receive stores a verified activity and does what it asks for, or queues that:
// one transaction, after which the peer may forget it. A repeat is taken and has
// no effect (D6, D7).
func (g *Gateway) Receive(ctx context.Context, in ap.Incoming) error {
	do := g.atOnce(ctx, in)
	err := g.receive(ctx, in, do)
	var failed atOnceError
	if errors.As(err, &failed) {
		g.log.Warn("activity is left to a job", "id", in.Object.ID, "signer", in.Signer, "error", failed.error)
		err = g.receive(ctx, in, nil)
	}
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return because(Temporary, err, "try again later")
}

// atOnceError is why an activity was not done at once. The peer is not told: it
// is tried again by a job, or has no effect, as with any other activity.
type atOnceError struct{ error }

// receive is Receive, with what the activity asks for if that can be done at
// once. Else, and if something of the same lane waits, a job does it.
func (g *Gateway) receive(ctx context.Context, in ap.Incoming, do func(*cache.Tx) error) error {
	now := g.now()
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		if blocked, err := tx.Blocked("", in.Signer); err != nil || blocked {
			return errOr(err, fail(Forbidden, "you are blocked here"))
		}
		if in.Object.ID != "" { // V22: what has no id is not deduplicated
			seen, err := tx.SeenActivity(in.Object.ID, in.Digest, now)
			if err != nil || seen {
				return err
			}
		}
		if err := tx.HostHeard(hostname(in.Signer), now); err != nil {
			return err
		}
		tx.Durable()
		from := siteOf(in.Signer)
		lane := laneOf(in.Signer, in.Object)
		if do != nil {
			busy, err := tx.LaneBusy(lane)
			if err != nil {
				return err
			}
			if !busy {
				if err := do(tx); err != nil {
					return atOnceError{err}
				}
				return nil
			}
		}
		waiting, err := tx.LanesFrom(lanePrefix(from), waitingMost)
		if err != nil {
			return err
		}
		if waiting >= waitingMost || waiting*len(in.Body) >= waitingBytes {
			return fail(Busy, "too much of %s waits already", from)
		}
		return tx.Enqueue(cache.Job{
			Kind: jobActivity, Host: from, Lane: lane, RunAt: now, ExpiresAt: now.Add(jobLife), CreatedAt: now,
			Note:    fmt.Sprintf("%s from %s", in.Object.Type(), in.Signer),
			Payload: payload(receivedJob{Body: in.Body, Signer: in.Signer, Target: in.Target, Gone: in.Gone}),
		})
	})
}

// atOnce gives what the Create of an open post asks for, if nothing has to be
// fetched for it: that is most of what comes, and a job of its own would cost
// more than the post. It is nil where a job has to do it, also of what cannot be
// read: that says so in the log.
func (g *Gateway) atOnce(ctx context.Context, in ap.Incoming) (do func(*cache.Tx) error) {
	defer func() {
		if r := recover(); r != nil {
			g.log.Error("activity panicked", "id", in.Object.ID, "signer", in.Signer, "panic", r)
			do = nil
		}
	}()
	if in.Gone || in.Object.Type() != as2.TypeCreate || len(in.Object.Object) != 1 {
		return nil
	}
	o := in.Object.Object[0]
	if !embedded(o, in.Signer) || translate.IsVote(o) {
		return nil
	}
	actor, err := g.store.Actor(ctx, in.Signer)
	if err == nil {
		actor, err = g.freshened(ctx, actor)
	}
	if err != nil {
		return nil
	}
	t, err := g.trusted(ctx, activity{Object: in.Object, actor: actor, target: in.Target, body: in.Body}, o)
	if err != nil {
		return nil
	}
	p, err := g.read(ctx, t)
	if err != nil || !open(p.Visibility) { // for the others, people may have to be met first
		return nil
	}
	return func(tx *cache.Tx) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return g.takeIn(tx, p, t)
	}
}

// laneOf keeps what one actor says about one thing in order, such as a Like and
// its Undo, and lets everything else run side by side (D3).
func laneOf(signer string, o *as2.Object) string {
	about := as2.FirstID(o.Object)
	if o.Type() == as2.TypeUndo && len(o.Object) > 0 && as2.FirstID(o.Object[0].Object) != "" {
		about = as2.FirstID(o.Object[0].Object)
	}
	return lanePrefix(siteOf(signer)) + signer + " about " + about
}

// lanePrefix begins the lanes of all that comes from a site.
func lanePrefix(site string) string { return "from " + site + " " }

// siteOf stands for the registered domain that a server is below: names below
// it cost nothing (L15). It is the name of no server.
func siteOf(uri string) string { return "*." + ap.Site(hostname(uri)) }

// What of one site may wait to be worked on (SEC-42). Servers try again what is
// too much; those that mean no good would fill the disk, with activities that
// wait for servers that never answer.
const (
	waitingMost  = 2000
	waitingBytes = 64 << 20 // if all were as long as the next
)

// errOr gives err, or other if there is none.
func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// activity is a received activity at work.
type activity struct {
	*as2.Object
	actor  cache.Actor // who signed it
	target string      // acct of the inbox it came to, "" for the shared one
	body   []byte
	quiet  bool // from a history that was asked for: nobody is told
}

// runActivity does what an activity says. Its signature was verified when it
// came; what it may do is checked here, against what the store knows (L8).
func (g *Gateway) runActivity(ctx context.Context, j cache.Job) error {
	in, err := decode[receivedJob](j)
	if err != nil {
		return err
	}
	o, err := as2.Parse(in.Body)
	if err != nil {
		return permanent("parse activity: %w", err)
	}
	if in.Gone || o.Type() == as2.TypeDelete && as2.FirstID(o.Object) == in.Signer {
		return g.receiveActorDelete(ctx, in.Signer)
	}
	actor, err := g.remoteByURI(ctx, in.Signer)
	if err == nil {
		err = g.dispatch(ctx, activity{Object: o, actor: actor, target: in.Target, body: in.Body})
	}
	return g.mayPass(j.Note, err)
}

// retryable keeps errors that may pass and makes the others permanent.
func retryable(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind != Temporary && e.Kind != Busy {
		return permanentError{err}
	}
	return err
}

// mayPass keeps errors that may pass. What others say that can have no effect
// was taken all the same (V20): there is a line in the log, and no failed job is
// kept for each, or strangers could fill the store with them.
func (g *Gateway) mayPass(what string, err error) error {
	var fatal permanentError
	if err = retryable(err); !errors.As(err, &fatal) {
		return err
	}
	g.log.Info("without effect", "rule", "V20", "about", what, "error", fatal.error)
	return nil
}

// dispatch runs the flow of an activity's type. What has no effect here was
// taken all the same: peers drop on 4xx (V20).
func (g *Gateway) dispatch(ctx context.Context, a activity) error {
	switch a.Type() {
	case as2.TypeFollow:
		return g.receiveFollow(ctx, a)
	case as2.TypeAccept:
		return g.receiveDecision(ctx, a, cache.FollowAccepted)
	case as2.TypeReject:
		return g.receiveDecision(ctx, a, cache.FollowRejected)
	case as2.TypeUndo:
		return g.receiveUndo(ctx, a)
	case as2.TypeCreate:
		return g.receivePosts(ctx, a, false)
	case as2.TypeUpdate:
		return g.receiveUpdate(ctx, a)
	case as2.TypeDelete:
		return g.receiveDelete(ctx, a)
	case as2.TypeLike:
		return g.receiveReaction(ctx, a)
	case as2.TypeEmojiReact:
		return g.receiveReaction(ctx, a)
	case as2.TypeAnnounce:
		return g.receiveAnnounce(ctx, a)
	case as2.TypeBlock:
		return g.receiveBlock(ctx, a)
	}
	g.log.Debug("activity without effect here", "type", a.Type(), "id", a.ID, "actor", a.actor.URI)
	return nil
}

// localTargets are the accounts of ours that an object is for: those whom it
// names, or the activity that brings it, and the owner of the inbox, "" for none.
func (g *Gateway) localTargets(ctx context.Context, inbox string, from ...*as2.Object) []cache.Account {
	seen := map[string]bool{}
	var out []cache.Account
	add := func(uri string) {
		if uri == "" || seen[uri] || !g.addr.IsLocalURL(uri) {
			return
		}
		seen[uri] = true
		if acc, err := g.accountByURI(ctx, uri); err == nil {
			out = append(out, acc)
		}
	}
	for _, o := range from {
		for _, list := range [][]string{o.To, o.Cc, o.Bto, o.Bcc, o.Audience} {
			for _, uri := range list {
				add(uri)
			}
		}
	}
	if inbox != "" {
		add(g.addr.ActorURL(inbox))
	}
	return out
}
