package gateway

import (
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/cache"
)

// attempt is one try of a property as a test: what ends with it is cleaned up
// then.
type attempt struct {
	testing.TB
	rt *rapid.T
}

func (a attempt) Helper()                           {}
func (a attempt) Cleanup(f func())                  { a.rt.Cleanup(f) }
func (a attempt) Context() context.Context          { return a.rt.Context() }
func (a attempt) Errorf(format string, args ...any) { a.rt.Errorf(format, args...) }
func (a attempt) Error(args ...any)                 { a.rt.Error(args...) }
func (a attempt) Fatalf(format string, args ...any) { a.rt.Fatalf(format, args...) }
func (a attempt) Fatal(args ...any)                 { a.rt.Fatal(args...) }
func (a attempt) Logf(format string, args ...any)   { a.rt.Logf(format, args...) }

func (a attempt) TempDir() string {
	dir, err := os.MkdirTemp(a.TB.TempDir(), "")
	if err != nil {
		a.rt.Fatal(err)
	}
	a.rt.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// walk is a world in which steps are taken, and a model of who may know what.
type walk struct {
	*world
	m       model
	lastJob int64
	told    map[string]bool   // "activity inbox" that was sent
	lastDM  map[string]string // place -> id of the first message
	acts    map[string]bool   // ids of activities of ours that say something
	deleted map[string]bool   // "URI inbox" that a Delete went to
}

// TestNobodyIsToldTooMuch walks through random sequences of what users, their
// servers and the fediverse do. Whatever happens, nobody is told what is not for
// them, at any door (design 3, SEC-25..29); who got a post gets its edits and its
// deletion; and nothing goes out twice, or for who has paused or left. More walks
// are taken with: go test -run TestNobodyIsToldTooMuch ./gateway -rapid.checks=1000
func TestNobodyIsToldTooMuch(t *testing.T) {
	net := aptest.NewWorld(t) // in which nobody else is
	numbers := rapid.IntRange(0, 15)
	one := rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom(doings).Draw(t, "do"), numbers.Draw(t, "a"), numbers.Draw(t, "b"), numbers.Draw(t, "c")}
	})
	days := rapid.SliceOfN(rapid.SliceOfN(one, 0, 12), 1, 6)
	few(t)
	rapid.Check(t, func(rt *rapid.T) {
		closed := rapid.Bool().Draw(rt, "a node for contacts")
		steps := slices.Concat(days.Draw(rt, "steps")...)
		newWalk(attempt{t, rt}, net, closed).take(steps)
	})
}

// few has a property tried a few times only, and always with the same draws,
// unless -rapid.checks says how often: a walk takes long, and what one of very
// many of them finds is not for every run of the tests.
func few(t *testing.T) {
	checks, seed := flag.Lookup("rapid.checks"), flag.Lookup("rapid.seed")
	if was := checks.Value.String(); was == checks.DefValue && seed.Value.String() == seed.DefValue {
		_, _ = checks.Value.Set("12"), seed.Value.Set("2026")
		t.Cleanup(func() { _, _ = checks.Value.Set(was), seed.Value.Set(seed.DefValue) })
	}
}

func newWalk(t testing.TB, net *aptest.World, closed bool) *walk {
	w := &walk{world: newWorld(t), told: map[string]bool{}, lastDM: map[string]string{}, acts: map[string]bool{}, deleted: map[string]bool{}}
	w.m = model{
		theirs: map[int]*theirPost{}, byWord: map[string]*theirPost{}, wordWas: map[string]reach{}, said: map[string]saying{},
		objects: map[string]*object{}, lives: map[string]string{}, wordOf: map[string]string{}, items: map[string]time.Time{}, nodeOpen: nodeOpen, letIn: true,
	}
	var err error
	w.client, err = ap.NewClient(net.ClientConfig())
	w.must(err)
	w.actor(daveURI, "dave@mast.social", jids[1])
	w.actor(carlURI, "carl@lone.test", jids[3])
	a := w.linkUser(louise) // Alice follows, and was let in
	w.linkUser(pierre)
	w.command(louise, "searchable on")
	w.hold(louise, rootComments)
	w.update(func(tx *cache.Tx) error {
		carl, err := tx.ActorByURI(carlURI)
		if err != nil {
			return err
		}
		carl.SharedInbox = ""
		for _, uri := range []string{aliceURI, bobURI, daveURI} {
			err = errors.Join(err, tx.PutFollow(cache.Follow{Follower: a.URI, Followee: uri, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()}))
		}
		return errors.Join(err, tx.PutActor(carl))
	})
	if closed {
		w.changeNode(1)
		w.command(louise, "followers-only on")
		w.follows(bobURI, a, true)
		w.running.Wait()
	}
	for i, width := range []int{3, 0, 4} { // for followers, public, a message
		w.do(step{"they post", i, width, 0})
	}
	w.deliveries()
	return w
}

// take takes steps, and looks after each what came of it.
func (w *walk) take(steps []step) {
	for _, s := range append(slices.Clone(steps), step{Do: "tell"}, step{Do: "send"}, step{Do: "look", A: 4}, step{Do: "look", A: 1, B: 2}) {
		w.do(s)
		w.observe()
	}
}

// wrong fails the walk.
func (w *walk) wrong(format string, args ...any) { w.t.Fatalf(format, args...) }
