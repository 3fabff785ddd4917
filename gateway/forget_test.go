package gateway

import (
	"errors"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestForgotten: a remote actor whom nobody mentions, follows or knows is
// forgotten in time, and is read again when somebody asks for its address; who is
// followed stays.
func TestForgotten(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.carl, cache.FollowAccepted)
	ann, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	f.must(f.store.Update(t.Context(), func(tx *cache.Tx) error {
		return tx.SetMeta(outboxKey(ann.URI), f.clock().Format(time.RFC3339))
	}))
	held := func(uri string) bool {
		_, err := f.store.Actor(t.Context(), uri)
		if err != nil && !errors.Is(err, cache.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	f.pass(idleLife - time.Hour)
	f.prune(t.Context())
	if !held(f.ann.ID) || !held(f.carl.ID) {
		t.Fatal("forgotten too early")
	}
	f.pass(idleEvery)
	f.prune(t.Context())
	if held(f.ann.ID) || !held(f.carl.ID) {
		t.Fatalf("who is held: Ann %v, Carl %v", held(f.ann.ID), held(f.carl.ID))
	}
	f.view(func(tx *cache.Tx) error {
		_, err := tx.ActorByJID(ann.JID)
		_, err2 := tx.Meta(outboxKey(ann.URI))
		keys, err3 := tx.KeysOf(ann.URI)
		if !errors.Is(err, cache.ErrNotFound) || !errors.Is(err2, cache.ErrNotFound) || len(keys) > 0 {
			t.Error("left of her:", err, err2, len(keys))
		}
		return err3
	})
	again, err := f.remoteByJID(t.Context(), stanza.JID(ann.JID))
	f.must(err)
	if again.URI != ann.URI || again.JID != ann.JID {
		t.Errorf("asked for again she is %s, %s", again.URI, again.JID)
	}
	if got := f.get(f.ann, f.ann.Activity("Create", f.ann.Note("I am back.")), ""); got == "refused" {
		t.Error("what she writes then is refused")
	}
}

// TestTidyMissed: a machine that is off at night is tidied by day, after some days.
func TestTidyMissed(t *testing.T) {
	w := newWorld(t)
	old := w.remotePost(aliceURI, "old", "public", "")
	w.cfg.Cache.Keep = time.Hour
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.Local)
	w.pass(noon.Sub(w.clock()))
	look := func() bool {
		w.must(w.tidy(t.Context()))
		return w.knows(t.Context(), old)
	}
	if !look() {
		t.Fatal("tidied though it is never to be")
	}
	w.cfg.Cache.Quiet.From, w.cfg.Cache.Quiet.To = 3*time.Hour, 5*time.Hour
	for range 3 {
		if !look() {
			t.Fatal("tidied by day at once")
		}
		w.pass(24 * time.Hour)
	}
	w.pass(time.Hour)
	if look() {
		t.Error("not tidied after three days without a night")
	}
}

// TestHeartMarks: what is remembered of a ♥ goes with the post among whose
// comments it stands, not before: it would be taken for a new one.
func TestHeartMarks(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.publish(louise, feed, w.entry("p", "A post."))
	var uri string
	w.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(louise, feed, "p", operator)
		uri = stored.Post.URI
		return err
	})
	keys := []string{heartPrefix + "node given", heartPrefix + "node taken back", heartPrefix + "node of old", rosterPrefix + louise, rosterPrefix + "gone@elsewhere.example"}
	w.update(func(tx *cache.Tx) error {
		return errors.Join(tx.SetMeta(keys[0], string(payload(heartMark{Actor: a.URI, Object: uri, Root: uri}))),
			tx.SetMeta(keys[1], string(payload(heartMark{Object: uri, Root: uri}))), tx.SetMeta(keys[2], ""),
			tx.SetMeta(keys[3], rosterRefused), tx.SetMeta(keys[4], rosterAsked))
	})
	left := func() (out string) {
		_, err := w.forgetMarks(t.Context())
		w.must(err)
		w.view(func(tx *cache.Tx) error {
			for _, key := range keys {
				mark := "+"
				if _, err := tx.Meta(key); errors.Is(err, cache.ErrNotFound) {
					mark = "-"
				} else if err != nil {
					return err
				}
				out += mark
			}
			return nil
		})
		return out
	}
	if got := left(); got != "++++-" {
		t.Errorf("left of the marks: %s", got)
	}
	w.retractItem(louise, feed, "p")
	if got := left(); got != "--++-" {
		t.Errorf("left of the marks of a deleted post: %s", got)
	}
}
