package cache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/translate"
)

// TestRetain: each kind is kept as long as it should be, and of a store that is
// too large the oldest posts go, down to a day.
func TestRetain(t *testing.T) {
	s := open(t)
	put := func(kind translate.Kind, days int) {
		p := note(fmt.Sprintf("https://a.example/%s%d", kind, days), alice, strings.Repeat("long text ", 300))
		at := day.AddDate(0, 0, -days)
		p.Kind, p.Published = kind, at
		if kind == translate.KindBoost {
			p.Boost = "https://b.example/x"
		}
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(p, []byte(p.Text), PutOptions{Received: at})
			return err
		})
	}
	for days := range 100 {
		put(translate.KindNote, days)
		put(translate.KindBoost, days)
		put(translate.KindQuestion, days)
	}
	const d = 24 * time.Hour
	r := Retention{Keep: 50*d + time.Hour, KeepKinds: map[translate.Kind]time.Duration{translate.KindBoost: 10*d + time.Hour, translate.KindQuestion: 0}}
	got, err := s.Retain(t.Context(), r, day)
	if err != nil || got.Kinds[translate.KindNote] != 49 || got.Kinds[translate.KindBoost] != 89 || got.Kinds[translate.KindQuestion] != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	used, _, err := s.usage(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r.MaxBytes = used - used/4
	if got, err = s.Retain(t.Context(), r, day); got.Posts < 10 || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	s.view(t, func(tx *Tx) error {
		newest, err := tx.count("SELECT count(*) FROM posts WHERE received > ?", millis(day.AddDate(0, 0, -9)))
		if newest != 27 {
			t.Errorf("%d of the newest 27 posts are left", newest)
		}
		return err
	})
	r.MaxBytes = 1
	if _, err := s.Retain(t.Context(), r, day); err != nil {
		t.Fatal(err)
	}
	s.view(t, func(tx *Tx) error {
		left, err := tx.count("SELECT count(*) FROM posts")
		if left != 6 { // of today, and of a day ago to the second
			t.Errorf("%d posts are left", left)
		}
		return err
	})
}

func TestBreakdown(t *testing.T) {
	s := open(t)
	s.furnish(t)
	b, err := s.Breakdown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b.Shares[0] != (Share{"origin", "ap", 3}) || b.Shares[1] != (Share{"origin", "xmpp", 1}) {
		t.Errorf("%+v", b.Shares)
	}
	var sum int64
	for _, p := range b.Parts[:len(b.Parts)-1] {
		sum += p.Bytes
	}
	st, err := s.Stats(t.Context())
	if err != nil || sum == 0 || sum > st.FileBytes+st.WALBytes {
		t.Errorf("%d bytes in %+v, %v", sum, b.Parts, err)
	}
}
