package cache

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/translate"
)

func TestReceipts(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for _, r := range [][2]string{{"o1", "h1"}, {"o1", "h2"}, {"o1", "h1"}, {"o2", "h3"}} {
			if err := tx.AddReceipt(r[0], alice, r[1], day); err != nil {
				return err
			}
		}
		one, err := tx.ReceiptHosts("o1")
		all, err2 := tx.HostsReached(alice)
		if !slices.Equal(one, []string{"h1", "h2"}) || !slices.Equal(all, []string{"h1", "h2", "h3"}) {
			t.Error(one, all)
		}
		return errors.Join(err, err2)
	})
}

func TestReactions(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		r := Reaction{Actor: alice, Object: "o", Kind: Like, Activity: "a1", Origin: translate.OriginAP, CreatedAt: day}
		isNew, err := tx.PutReaction(r)
		r2 := r
		r2.Activity, r2.HeartItem, r2.CreatedAt = "", "heart", day.Add(time.Hour)
		again, err2 := tx.PutReaction(r2)
		if !isNew || again || err != nil || err2 != nil {
			t.Error(isNew, again, err, err2)
		}
		r.HeartItem = "heart"
		got, err := tx.ReactionByActivity("a1")
		r.ID = got.ID
		if diff := cmp.Diff(r, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		for _, emoji := range []string{"🎉", "😀"} {
			if _, err := tx.PutReaction(Reaction{Actor: alice, Object: "o", Kind: Emoji, Content: emoji}); err != nil {
				t.Error(err)
			}
		}
		c, err := tx.Counts("o")
		if c != (Counts{Likes: 1, Reactions: 2}) || err != nil {
			t.Error(c, err)
		}
		hearts, err := tx.CountHearts("o")
		if hearts != 1 || err != nil {
			t.Error(hearts, err)
		}
		page, err := tx.Reactions("o", got.ID, 10)
		if len(page) != 2 || page[0].Content != "🎉" || err != nil {
			t.Error(page, err)
		}
		ok, err := tx.DeleteReaction(alice, "o", Like, "")
		gone, err2 := tx.DeleteReaction(alice, "o", Like, "")
		if !ok || gone || err != nil || err2 != nil {
			t.Error(ok, gone, err, err2)
		}
		if _, err := tx.Reaction(alice, "o", Like, ""); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = tx.ReactionByActivity("")
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
}

func TestActivities(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		first, err := tx.SeenActivity("a", [32]byte{1}, day)
		again, err2 := tx.SeenActivity("a", [32]byte{1}, day)
		otherBody, err3 := tx.SeenActivity("a", [32]byte{2}, day.Add(time.Hour))
		if first || !again || otherBody {
			t.Error(first, again, otherBody)
		}
		if err := errors.Join(err, err2, err3); err != nil {
			return err
		}
		a := Activity{ID: "https://ours/1", Actor: alice, Type: "Create", Object: "o", State: "queued", Raw: []byte(`{"x":1}`), At: day}
		if err := tx.PutActivity(a); err != nil {
			return err
		}
		a.State = "sent"
		if err := tx.SetActivityState(a.ID, "sent"); err != nil {
			return err
		}
		got, err := tx.Activity(a.ID)
		if diff := cmp.Diff(a, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		n, err := tx.PruneActivities(day.Add(time.Minute), day.Add(time.Minute), 10)
		if n != 2 || err != nil {
			t.Errorf("%d pruned, %v", n, err)
		}
		if _, err := tx.Activity(a.ID); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		forgotten, err := tx.SeenActivity("a", [32]byte{1}, day)
		kept, err2 := tx.SeenActivity("a", [32]byte{2}, day)
		if forgotten || !kept {
			t.Error(forgotten, kept)
		}
		return errors.Join(err, err2)
	})
}

func TestMessages(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		m := Message{ID: "1", Our: "alice@ap", User: "louise@x", Object: "o", Origin: translate.OriginAP, Thread: "t", At: day}
		later := m
		later.ID, later.Object, later.At = "2", "p", day.Add(time.Hour)
		if err := errors.Join(tx.PutMessage(later), tx.PutMessage(m), tx.PutMessage(m)); err != nil {
			return err
		}
		stolen := m
		stolen.Object = "p"
		if err := tx.PutMessage(stolen); !errors.Is(err, ErrConflict) {
			t.Errorf("another object under the same id: %v", err)
		}
		got, err := tx.MessageByID("1", m.Our, m.User)
		if got != m || err != nil {
			t.Error(got, err)
		}
		if _, err := tx.MessageByID("1", m.Our, "other@x"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		list, err := tx.MessagesByObject("o")
		if len(list) != 1 || err != nil {
			t.Error(list, err)
		}
		last, err := tx.LastMessage(m.Our, m.User)
		if last != later {
			t.Error(last)
		}
		return err
	})
}

func TestMedia(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "x")
	p.Visibility = translate.Direct
	p.To = []string{bob}
	s.put(t, p)
	s.update(t, func(tx *Tx) error {
		m := Media{ID: "m", Type: "image/png", Bytes: []byte{1, 2}, Source: "hash", Owner: alice, At: day}
		return errors.Join(tx.PutMedia(m), tx.UseMedia("m", p.URI), tx.PutMedia(Media{ID: "avatar", Owner: alice}))
	})
	for v, want := range map[Viewer]error{{}: ErrNotFound, {Actor: carol}: ErrNotFound, {Actor: bob}: nil, {Actor: alice}: nil, {Operator: true}: nil} {
		s.view(t, func(tx *Tx) error {
			if m, err := tx.Media("m", v); !errors.Is(err, want) || err == nil && len(m.Bytes) != 2 {
				t.Errorf("%+v: %v", v, err)
			}
			if _, err := tx.Media("avatar", v); err != nil {
				t.Errorf("avatar for %+v: %v", v, err)
			}
			return nil
		})
	}
	s.update(t, func(tx *Tx) error {
		m, err := tx.MediaBySource("hash", alice)
		if m.ID != "m" || err != nil {
			t.Error(m, err)
		}
		if _, err := tx.MediaBySource("hash", bob); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(tx.PutMedia(Media{ID: "old", Owner: alice}), tx.PutMedia(Media{ID: "other", Owner: bob}))
	})
	held := func() (ids []string) {
		s.view(t, func(tx *Tx) (err error) {
			ids, err = all(tx, value[string], "SELECT id FROM media ORDER BY id")
			return err
		})
		return ids
	}
	for _, c := range []struct {
		keep string
		n    int
		want []string
	}{{"avatar", 1, []string{"avatar", "m", "other"}}, {"", 1, []string{"m", "other"}}, {"", 0, []string{"m", "other"}}} {
		s.update(t, func(tx *Tx) error {
			n, err := tx.DropPictures(alice, c.keep)
			if n != c.n {
				t.Errorf("dropped %d, want %d", n, c.n)
			}
			return err
		})
		if got := held(); !slices.Equal(got, c.want) {
			t.Errorf("but %q there is %q", c.keep, got)
		}
	}
}

func TestPack(t *testing.T) {
	var p packer
	for _, raw := range [][]byte{nil, {}, []byte("x"), rawNote, []byte(strings.Repeat("a", 1<<20))} {
		b := p.pack(raw)
		got, err := p.unpack(b)
		if string(got) != string(raw) || (got == nil) != (len(b) == 0) || err != nil {
			t.Errorf("%d bytes came back as %d, %v", len(raw), len(got), err)
		}
	}
	if n := len(p.pack(rawNote)); n > len(rawNote)/3 {
		t.Errorf("a note of %d bytes is packed into %d", len(rawNote), n)
	}
	for _, bad := range [][]byte{{9, 1}, {packedDict1, 0xff, 0xff}} {
		if _, err := p.unpack(bad); err == nil {
			t.Errorf("unpacked %v", bad)
		}
		if got, err := p.unpack(p.pack(rawNote)); string(got) != string(rawNote) || err != nil {
			t.Errorf("after %v a note came back as %q, %v", bad, got, err)
		}
	}
}
