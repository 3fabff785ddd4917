package gateway

import (
	"errors"
	"fmt"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// deliverJob is the payload of jobDeliver. The body is in the activity, which
// is signed when it is sent (S2).
type deliverJob struct {
	Activity string  `json:"activity"`
	Inbox    string  `json:"inbox"`
	Sender   string  `json:"sender"` // URI of the account
	Message  *bounce `json:"message,omitempty"`
}

// bounce is whom to tell of a direct message that could not be delivered.
type bounce struct {
	ID      string `json:"id"`
	From    string `json:"from"` // the user, with resource
	To      string `json:"to"`   // the actor's JID
	Receipt bool   `json:"receipt,omitempty"`
}

// outgoing is an activity of ours on its way.
type outgoing struct {
	sender  cache.Account
	act     as2.Activity
	object  string // URI of what it is about: its activities to one host keep their order (D3)
	inboxes []string
	// followers delivers to the accepted followers of the sender too.
	followers bool
	// admitted leaves out those followers who get nothing that is for followers only.
	admitted bool
	// carrier is the node of others that the object is in; its followers get it too.
	carrier string
	// hosts got something that this is about: where none of the other inboxes is,
	// that of anybody who is known there will do.
	hosts []string
	// reached delivers to every host that ever got something of the sender.
	reached bool
	message *bounce
}

// send stores an activity and queues its deliveries, in the transaction of what
// it tells of. Without an id the activity gets a new one.
func (g *Gateway) send(tx *cache.Tx, o outgoing) error {
	now := g.now()
	if o.act.ID == "" {
		id, err := g.newID()
		if err != nil {
			return err
		}
		o.act.ID = g.addr.ActivityURL(g.hostOf(o.sender), id)
	}
	if o.act.Context == "" {
		o.act.Context = as2.ContextNote
	}
	o.act.Actor = o.sender.URI
	body, err := as2.Marshal(o.act)
	if err != nil {
		return err
	}
	if err := tx.PutActivity(cache.Activity{
		ID: o.act.ID, Actor: o.sender.URI, Type: o.act.Type, Object: o.object, Raw: body, At: now,
	}); err != nil {
		return fmt.Errorf("store activity: %w", err)
	}
	inboxes, err := g.recipients(tx, o)
	if err != nil {
		return err
	}
	life := jobLife
	if o.act.Type == as2.TypeDelete {
		life = deleteLife
	}
	jobs := make([]cache.Job, 0, len(inboxes))
	for _, inbox := range inboxes {
		host := hostname(inbox)
		if dead, err := g.dead(tx, o, host); err != nil || dead {
			if err != nil {
				return err
			}
			continue
		}
		if got := received(o); got != "" {
			if err := tx.AddReceipt(got, o.sender.URI, host, now); err != nil {
				return err
			}
		}
		jobs = append(jobs, cache.Job{
			Kind: jobDeliver, Host: host, Lane: inbox + " " + o.object, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(life),
			Note:    fmt.Sprintf("%s %s to %s", o.act.Type, o.object, host),
			Payload: payload(deliverJob{Activity: o.act.ID, Inbox: inbox, Sender: o.sender.URI, Message: o.message}),
		})
	}
	return tx.Enqueue(jobs...)
}

// received is what a host has once it got an activity, and a Delete has to reach
// later: the object, or at least the sender, whom it reads to check the signature.
func received(o outgoing) string {
	switch o.act.Type {
	case as2.TypeCreate, as2.TypeUpdate, as2.TypeAnnounce:
		return o.object
	case as2.TypeDelete:
		return ""
	}
	return o.sender.URI
}

// recipients are the inboxes of an activity, each once.
func (g *Gateway) recipients(tx *cache.Tx, o outgoing) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	add := func(inbox string) {
		if inbox != "" && !seen[inbox] && !g.addr.IsLocalURL(inbox) {
			seen[inbox] = true
			out = append(out, inbox)
		}
	}
	var followed []string
	if o.followers || o.reached {
		followed = append(followed, o.sender.URI)
	}
	if o.carrier != "" {
		followed = append(followed, o.carrier)
	}
	read := tx.DeliveryInboxes
	if o.admitted {
		read = tx.AdmittedInboxes
	}
	for _, uri := range followed {
		for after := ""; ; {
			page, err := read(uri, after, 1000)
			if err != nil {
				return nil, fmt.Errorf("read followers' inboxes: %w", err)
			}
			for _, inbox := range page {
				add(inbox)
			}
			if len(page) < 1000 {
				break
			}
			after = page[len(page)-1]
		}
	}
	for _, inbox := range o.inboxes {
		add(inbox)
	}
	there := map[string]bool{}
	for _, inbox := range out {
		there[hostname(inbox)] = true
	}
	for _, host := range o.hosts {
		if there[host] {
			continue
		}
		inbox, err := tx.HostInbox(host)
		if err != nil {
			return nil, err
		}
		add(inbox)
	}
	return g.unblocked(tx, o, out)
}

// unblocked leaves out the inboxes on hosts that the operator blocks, and those
// on hosts that the sender blocks: these get nothing but what takes back or ends
// what they have.
func (g *Gateway) unblocked(tx *cache.Tx, o outgoing, inboxes []string) ([]string, error) {
	owner := o.sender.URI
	switch o.act.Type {
	case as2.TypeDelete, as2.TypeUndo, as2.TypeReject:
		owner = ""
	}
	out := inboxes[:0]
	for _, inbox := range inboxes {
		blocked, err := tx.Blocked(owner, inbox)
		if err != nil {
			return nil, fmt.Errorf("ask whether %s is blocked: %w", hostname(inbox), err)
		}
		if !blocked {
			out = append(out, inbox)
		}
	}
	return out, nil
}

// sendTo sends an activity to one actor, in its own inbox.
func (g *Gateway) sendTo(tx *cache.Tx, sender cache.Account, to cache.Actor, act as2.Activity, object string) error {
	return g.send(tx, outgoing{sender: sender, act: act, object: object, inboxes: []string{to.Inbox}})
}

// inboxOf is where public activities for an actor go: the shared inbox of its
// host, if it has one (D2).
func inboxOf(a cache.Actor) string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// inboxesOf are the inboxes of remote actors that are known; personal ones for
// what is not for everybody.
func inboxesOf(tx *cache.Tx, uris []string, personal bool) ([]string, error) {
	var out []string
	for _, uri := range uris {
		a, err := tx.ActorByURI(uri)
		if errors.Is(err, cache.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if personal {
			out = append(out, a.Inbox)
		} else {
			out = append(out, inboxOf(a))
		}
	}
	return out, nil
}

// wire is a time as our documents write it.
func wire(t time.Time) as2.Time { return as2.Time{Time: t} }
