package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			got.Fields[0].Value = "changed by a reader"
			if got, err = s.AccountOf(ctx, a.JID, ""); err != nil || !cmp.Equal(want, got) {
				t.Errorf("by its JID after %s: %v %s", write.name, err, cmp.Diff(want, got))
			}
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
		{"forget", func(tx *Tx) error { return tx.ForgetActor(alice, day) }},
	} {
		s.update(t, write.do)
		for key, how := range map[string]struct {
			held func(context.Context, string) (Actor, error)
			read func(*Tx, string) (Actor, error)
		}{alice: {s.Actor, (*Tx).ActorByURI}, first: {s.ActorOf, (*Tx).ActorByJID}, second: {s.ActorOf, (*Tx).ActorByJID}} {
			var want Actor
			var missing error
			s.view(t, func(tx *Tx) error {
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
