package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestTurns: two searches at a time, one for each asker, and nobody waits for
// ever.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTurns()
		take := func(who stanza.JID) (func(), error) {
			ctx, cancel := context.WithTimeout(t.Context(), searchTime)
			defer cancel()
			return ts.take(ctx, who)
		}
		endA, err := take("a@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := take("a@example.org"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second search of the same asker: %v", err)
		}
		endB, err := take("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := take("c@example.org"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third search: %v", err)
		}
		got := make(chan error, 1)
		go func() {
			end, err := take("a@example.org")
			if err == nil {
				end()
			}
			got <- err
		}()
		time.Sleep(searchTime / 2)
		endA()
		if err := <-got; err != nil {
			t.Errorf("a search after the asker's own: %v", err)
		}
		endB()
		if len(ts.asking) != 0 || len(ts.free) != 0 {
			t.Errorf("left over: %v, %d", ts.asking, len(ts.free))
		}
	})
}

// TestSearchIsBounded: a question that looks at everything ends in time, as one
// that may be asked again, and the readers of the store are free.
func TestSearchIsBounded(t *testing.T) {
	w := newWorld(t)
	began := make(chan struct{}, searchTurns)
	for range searchTurns {
		go func() {
			_ = w.search(t.Context(), "", func(*cache.Tx) error {
				began <- struct{}{}
				<-t.Context().Done()
				return nil
			})
		}()
	}
	for range searchTurns {
		<-began
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.search(ctx, louise, func(*cache.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("asker who left: %v", err)
	}
	err := w.search(t.Context(), louise, func(*cache.Tx) error { return nil })
	if !isKind(err, Busy) {
		t.Errorf("with no turn free: %v", err)
	}
	var e *Error
	if errors.As(err, &e) && (e.StanzaError().Condition != "resource-constraint" || e.StanzaError().Type != "wait") {
		t.Errorf("%+v", e.StanzaError())
	}
	if err := w.store.View(t.Context(), func(*cache.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
}
