package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/webfinger"
)

// fediverse is a world whose gateway reaches servers that really answer: two
// people on one of them, and somebody on another who means no good.
type fediverse struct {
	*world
	net            *aptest.World
	mast, evil     *aptest.Peer
	ann, carl, mal *aptest.Actor
	louise         cache.Account
}

func newFediverse(t *testing.T) *fediverse {
	t.Helper()
	f := &fediverse{world: newWorld(t), net: aptest.NewWorld(t)}
	f.mast, f.evil = f.net.Peer("mast.test"), f.net.Peer("evil.test")
	f.ann, f.carl, f.mal = f.mast.Actor("ann"), f.mast.Actor("carl"), f.evil.Actor("mal")
	var err error
	cfg := f.net.ClientConfig()
	cfg.Ours = f.addr.IsLocalURL
	f.client, err = ap.NewClient(cfg)
	f.must(err)
	f.finger = webfinger.NewClient(f.client)
	f.louise = f.linkUser(louise)
	return f
}

// follows has one of ours follow a remote actor, who may have agreed.
func (f *fediverse) follows(who cache.Account, a *aptest.Actor, state cache.FollowState) cache.Follow {
	f.t.Helper()
	actor, err := f.remoteByURI(f.t.Context(), a.ID)
	f.must(err)
	id, err := f.newID()
	f.must(err)
	edge := cache.Follow{
		Follower: who.URI, Followee: actor.URI, State: state, ActivityID: f.addr.ActivityURL("example.org", id),
		CreatedAt: f.clock(), UpdatedAt: f.clock(),
	}
	f.update(func(tx *cache.Tx) error { return tx.PutFollow(edge) })
	return edge
}

// get brings an activity that a key owner has signed, as the inbox does, works
// on it, and gives what is to be done then: the kinds of jobs, in order.
func (f *fediverse) get(signer *aptest.Actor, doc aptest.Doc, target string) string {
	f.t.Helper()
	body, err := json.Marshal(doc)
	f.must(err)
	o, err := as2.Parse(body)
	f.must(err)
	err = f.Receive(f.t.Context(), ap.Incoming{Body: body, Object: o, Signer: signer.ID, Host: "example.org", Target: target, Digest: sha256.Sum256(body)})
	var refused *Error
	if errors.As(err, &refused) {
		return "refused"
	}
	f.must(err)
	return f.work()
}

// incoming is an activity as the inbox hands it on.
func incoming(signer string, o *as2.Object, body []byte) ap.Incoming {
	return ap.Incoming{Body: body, Object: o, Signer: signer, Host: "example.org", Digest: sha256.Sum256(body)}
}

// work does what came in, until nothing is left of it, and takes what it asks
// for off the queue.
func (f *fediverse) work() string {
	f.t.Helper()
	for {
		var jobs []cache.Job
		f.update(func(tx *cache.Tx) (err error) {
			jobs, err = tx.Lease(cache.LeaseQuery{Kinds: []string{jobActivity}, Now: f.clock(), Limit: 10, For: time.Minute})
			return err
		})
		for _, j := range jobs {
			if done := f.runJob(f.t.Context(), groups[1], j); done == 0 {
				f.t.Errorf("%s was not done", j.Note)
			}
			f.update(func(tx *cache.Tx) error { return tx.Ack(j.ID) })
		}
		if len(jobs) == 0 {
			return f.asked()
		}
	}
}

// asked takes the jobs off the queue: for a delivery it gives the type of the
// activity, and for a message whom it is for.
func (f *fediverse) asked() string {
	f.t.Helper()
	var out []string
	for _, d := range f.deliveries() {
		out = append(out, "send "+d.Type)
	}
	f.update(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Limit: 1000})
		if err != nil {
			return err
		}
		for _, j := range jobs {
			what := j.Kind
			switch j.Kind {
			case jobMessage:
				w, err := decode[messageWork](j)
				if err != nil {
					return err
				}
				switch {
				case w.Notice != "":
					what = "notice " + w.User
				case w.Retract != "":
					what = "unsay " + w.User
				default:
					what = "chat " + w.To[strings.LastIndex(w.To, "/")+1:]
				}
			case jobNews:
				w, err := decode[newsWork](j)
				if err != nil {
					return err
				}
				what = "news " + w.User
			case jobNotify:
				w, err := decode[notifyWork](j)
				if err != nil {
					return err
				}
				if len(w.Retract) > 0 {
					what = "retract"
				}
			case jobState:
				w, err := decode[stateWork](j)
				if err != nil {
					return err
				}
				what = "state " + string(w.State)
			case jobFetch:
				what = j.Note
			}
			out = append(out, what)
			if err := tx.DeleteJob(j.ID); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// held is what the store has of a post: its audience, whose it is, and its text.
func (f *fediverse) held(uri string) (out string) {
	f.t.Helper()
	f.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(uri, operator)
		switch {
		case errors.Is(err, cache.ErrNotFound):
			out = "absent"
			if _, err := tx.Tombstone(uri); err == nil {
				out = "gone"
			}
		case err == nil:
			p := stored.Post
			out = fmt.Sprintf("%s %s %s", p.Visibility, p.Owner.URI[strings.LastIndex(p.Owner.URI, "/")+1:], p.Text)
			if p.Kind == translate.KindBoost {
				out = fmt.Sprintf("%s %s boost", p.Visibility, p.Owner.URI[strings.LastIndex(p.Owner.URI, "/")+1:])
			}
		default:
			return err
		}
		return nil
	})
	return out
}

// follow is the state of a follow.
func (f *fediverse) follow(follower, followee string) (out string) {
	f.t.Helper()
	f.view(func(tx *cache.Tx) error {
		edge, err := tx.Follow(follower, followee)
		if out = string(edge.State); errors.Is(err, cache.ErrNotFound) {
			out, err = "none", nil
		}
		return err
	})
	return out
}

// ourPost publishes something of Louise's, and gives its id.
func (f *fediverse) ourPost(id, text string) string {
	f.t.Helper()
	f.publish(louise, feed, f.entry(id, text))
	var uri string
	f.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(louise, feed, id, operator)
		uri = stored.Post.URI
		return err
	})
	f.asked()
	return uri
}

// with changes members of a document.
func with(d aptest.Doc, change aptest.Doc) aptest.Doc {
	out := aptest.Doc{}
	for k, v := range d {
		out[k] = v
	}
	for k, v := range change {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func many(s ...any) []any { return s }
