package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestAccountHeld writes an account in every way and wants the next read to see
// it: from memory, as in the database.
func TestAccountHeld(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	a := Account{
		URI: "https://a.test/louise", Acct: "louise@a.test", JID: "louise@a.test", Kind: Person, State: Linked,
		Fields: []Field{{Name: "n", Value: "v"}}, CreatedAt: day, UpdatedAt: day,
	}
	if _, err := s.Account(ctx, a.URI); !errors.Is(err, ErrNotFound) {
		t.Fatalf("an account that is not there: %v", err)
	}
	for _, write := range []struct {
		name string
		do   func(tx *Tx) error
	}{
		{"create", func(tx *Tx) error { return tx.PutAccount(a) }},
		{"rename", func(tx *Tx) error { a.Name = "Louise"; return tx.PutAccount(a) }},
		{"reach", func(tx *Tx) error { return tx.SetReach(a.URI, Reach{Rung: "pull"}) }},
		{"pause", func(tx *Tx) error { return tx.SetAccountState(a.URI, Paused, day) }},
		{"unlink", func(tx *Tx) error { return tx.SetAccountState(a.URI, Unlinked, day.Add(time.Hour)) }},
	} {
		s.update(t, write.do)
		var want Account
		s.view(t, func(tx *Tx) (err error) {
			tx.wrote(heldAccount, "") // so that it is read from the database
			want, err = tx.AccountByURI(a.URI)
			return err
		})
		for range 2 {
			got, err := s.Account(ctx, a.URI)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %s: %s", write.name, diff)
			}
			if got, err = s.AccountOf(ctx, a.JID, ""); err != nil || !cmp.Equal(want, got) {
				t.Errorf("by its JID after %s: %v %s", write.name, err, cmp.Diff(want, got))
			}
			got.Fields[0].Value = "changed by a reader"
		}
	}
	err := s.Update(ctx, func(tx *Tx) error {
		return errors.Join(tx.SetAccountState(a.URI, Linked, day), errUndo)
	})
	if got, _ := s.Account(ctx, a.URI); got.State != Unlinked {
		t.Errorf("a change that was rolled back is seen (%v)", err)
	}
}

// TestActorHeld writes an actor and its JID in every way, as TestAccountHeld.
func TestActorHeld(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	const first, second = `alice\40a.example@ap`, `a\40a.example@ap`
	a := Actor{URI: alice, Acct: "alice@a.example", Fields: []Field{{Name: "n", Value: "v"}}, Raw: []byte("{}"), FetchedAt: day}
	for _, write := range []struct {
		name string
		do   func(tx *Tx) error
	}{
		{"nothing", func(*Tx) error { return nil }},
		{"create", func(tx *Tx) error { return tx.PutActor(a) }},
		{"bind", func(tx *Tx) error { _, err := tx.Bind(first, alice, day); return err }},
		{"rename", func(tx *Tx) error { a.Name = "Alice"; return tx.PutActor(a) }},
		{"rebind", func(tx *Tx) error { _, err := tx.Rebind(second, alice, day); return err }},
		{"take the JID", func(tx *Tx) error {
			_, err := tx.Rebind(second, bob, day)
			return errors.Join(tx.PutActor(Actor{URI: bob, Acct: "bob@b.example", FetchedAt: day}), err)
		}},
		{"gone", func(tx *Tx) error { return tx.SetActorGone(alice, day) }},
		{"forget", func(tx *Tx) error { return tx.forgetActor(alice, first) }},
	} {
		s.update(t, write.do)
		for key, how := range map[string]struct {
			held func(context.Context, string) (Actor, error)
			read func(*Tx, string) (Actor, error)
		}{alice: {s.Actor, (*Tx).ActorByURI}, first: {s.ActorOf, (*Tx).ActorByJID}, second: {s.ActorOf, (*Tx).ActorByJID}} {
			var want Actor
			var missing error
			s.view(t, func(tx *Tx) error {
				tx.wrote(heldActor, "")
				want, missing = how.read(tx, key)
				return nil
			})
			for range 2 {
				got, err := how.held(ctx, key)
				if diff := cmp.Diff(want, got); diff != "" || errors.Is(err, ErrNotFound) != errors.Is(missing, ErrNotFound) {
					t.Errorf("%s after %s: %v, %v %s", key, write.name, err, missing, diff)
				}
				if len(got.Fields) > 0 {
					got.Fields[0].Value = "changed by a reader"
				}
			}
		}
	}
}

// TestAccountHeldRace reads while it writes: no read may give less than what was
// committed before it began.
func TestAccountHeldRace(t *testing.T) {
	s := open(t)
	a := Account{URI: "https://a.test/x", Acct: "x@a.test", JID: "x@a.test", Kind: Person, State: Linked, CreatedAt: day, UpdatedAt: day}
	var committed atomic.Int64
	s.update(t, func(tx *Tx) error { a.Name = "0"; return tx.PutAccount(a) })
	var wait sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				least := committed.Load()
				got, err := s.Account(context.Background(), a.URI)
				var n int64
				if _, scan := fmt.Sscan(got.Name, &n); err != nil || scan != nil || n < least {
					t.Errorf("read %q after %d was committed: %v", got.Name, least, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		a.Name = fmt.Sprint(i + 1)
		s.update(t, func(tx *Tx) error { return tx.PutAccount(a) })
		committed.Store(int64(i + 1))
	}
	close(done)
	wait.Wait()
}

// TestMemory writes what is held in memory in every way, some of it rolled
// back, and wants each read to give what the database has: in the transaction
// that wrote, in the next one of the same commit, and afterwards.
func TestMemory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer s.Close()
		uris := []string{"https://a.test/1", "https://b.test/2"}
		uri, jid := rapid.SampledFrom(uris), rapid.SampledFrom([]string{"x@c.test", "y@c.test"})
		target := rapid.SampledFrom([]string{"https://a.test/1", "a.test", "test", "b.test"})
		owner := rapid.SampledFrom([]string{"", "https://us.test/louise"})
		n := 0
		writes := []func(tx *Tx) error{
			func(tx *Tx) error {
				n++
				return tx.PutActor(Actor{URI: uri.Draw(rt, "actor"), Name: fmt.Sprint(n), FetchedAt: day})
			},
			func(tx *Tx) error { return tx.SetActorGone(uri.Draw(rt, "actor"), day) },
			func(tx *Tx) error { return tx.forgetActor(uri.Draw(rt, "actor"), "") },
			func(tx *Tx) error {
				_, err := tx.Bind(jid.Draw(rt, "jid"), uri.Draw(rt, "actor"), day)
				return err
			},
			func(tx *Tx) error {
				_, err := tx.Rebind(jid.Draw(rt, "jid"), uri.Draw(rt, "actor"), day)
				return err
			},
			func(tx *Tx) error {
				return tx.PutBlock(Block{Owner: owner.Draw(rt, "owner"), Target: target.Draw(rt, "target"), CreatedAt: day})
			},
			func(tx *Tx) error {
				_, err := tx.DeleteBlock(owner.Draw(rt, "owner"), target.Draw(rt, "target"))
				return err
			},
			func(tx *Tx) error {
				_, err := tx.HostFailed("a.test", day, day.Add(time.Hour))
				return err
			},
			func(tx *Tx) error { n++; return tx.HostHeard("a.test", day.Add(time.Duration(n)*time.Hour)) },
			func(tx *Tx) error { return tx.HostWorked("a.test") },
			func(tx *Tx) error {
				_, err := tx.queue("kind", target.Draw(rt, "host"))
				return err
			},
			func(tx *Tx) error {
				_, err := tx.putNode(jid.Draw(rt, "service"), "node")
				return err
			},
		}
		for range rapid.IntRange(1, 12).Draw(rt, "commits") {
			group := rapid.SliceOfN(rapid.Bool(), 1, 3).Draw(rt, "rolled back")
			s.together(t, len(group), func(i int, tx *Tx) error {
				for range rapid.IntRange(0, 3).Draw(rt, "writes") {
					_ = rapid.SampledFrom(writes).Draw(rt, "write")(tx) // one that conflicts changes nothing
					seeSame(rt, tx, uris)
				}
				seeSame(rt, tx, uris)
				if group[i] {
					return errUndo
				}
				return nil
			})
			s.view(t, func(tx *Tx) error { seeSame(rt, tx, uris); return nil })
		}
	})
}

// together runs n updates that share a commit.
func (s *Store) together(t *testing.T, n int, fn func(i int, tx *Tx) error) {
	t.Helper()
	hold, held := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.Update(context.Background(), func(*Tx) error { close(held); <-hold; return nil })
	})
	<-held
	for i := range n {
		wait.Go(func() { _ = s.Update(context.Background(), func(tx *Tx) error { return fn(i, tx) }) })
	}
	for s.queued.Load() < int64(n)+1 {
		runtime.Gosched()
	}
	close(hold)
	wait.Wait()
}

// seeSame compares what a transaction is told with what the database says.
func seeSame(t *rapid.T, tx *Tx, uris []string) {
	t.Helper()
	for _, uri := range uris {
		got, err := tx.ActorByURI(uri)
		want, wantErr := one(tx, tx.store.scanActor, "SELECT "+actorColumns+actorTables+"WHERE a.uri = ?", uri)
		if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, %v: %s", uri, err, wantErr, diff)
		}
		for _, owner := range []string{"", "https://us.test/louise"} {
			got, err := tx.Blocked(owner, uri)
			targets, _ := targetsOf(uri)
			want, wantErr := tx.exists(`SELECT 1 FROM blocks WHERE owner IN (?, '') AND target IN (SELECT value FROM json_each(?))`, owner, targets)
			if got != want || err != nil || wantErr != nil {
				t.Errorf("%s blocked by %q: %v %v, not %v %v", uri, owner, got, err, want, wantErr)
			}
		}
	}
	host, err := tx.Host("a.test")
	want, _ := one(tx, scanHost, "SELECT name, software, knock, failing_since, failures, circuit_until, last_inbound FROM hosts WHERE name = 'a.test'")
	if want.Name = "a.test"; host != want || err != nil {
		t.Errorf("host: %+v, not %+v: %v", host, want, err)
	}
	tx.store.held.mu.RLock()
	defer tx.store.held.mu.RUnlock()
	for k, v := range tx.store.held.rows {
		query := map[heldKind]string{
			heldQueue: "SELECT 1 FROM job_queues WHERE kind || ' ' || host = ? AND id = ?",
			heldNode:  "SELECT 1 FROM nodes WHERE service || ' ' || name = ? AND id = ?",
			heldHost:  "SELECT 1 FROM hosts WHERE name = ? OR ? = ''",
		}[k.kind]
		if k.kind == heldHost {
			v = ""
		}
		if query == "" {
			continue
		}
		if ok, err := tx.exists(query, k.name, v); !ok || err != nil {
			t.Errorf("%v is held, and not in the database: %v", k, err)
		}
	}
}
