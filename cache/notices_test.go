package cache

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestNotices: a notice is found by its id, the newest first, by its user only; and
// is forgotten with its post, or after a time.
func TestNotices(t *testing.T) {
	s := open(t)
	seen := func(user string) (ids string) {
		s.view(t, func(tx *Tx) error {
			list, err := tx.Notices(user, 10)
			for _, n := range list {
				ids += n.ID
			}
			return err
		})
		return ids
	}
	s.update(t, func(tx *Tx) error {
		var errs []error
		for i := range 3 {
			p := note(fmt.Sprintf("https://mast.social/%d", i), alice, "x")
			_, _, err := tx.PutPost(p, nil, PutOptions{Received: day})
			n := Notice{User: "louise@example.org", ID: string(rune('a' + i)), Object: p.URI, Text: "x", At: day.Add(time.Duration(i) * time.Hour)}
			errs = append(errs, err, tx.PutNotice(n))
			n.Object = "another"
			errs = append(errs, tx.PutNotice(n)) // sent again: the first stays
		}
		return errors.Join(errs...)
	})
	if got := seen("louise@example.org") + " " + seen("pierre@example.net"); got != "cba " {
		t.Errorf("there are %q", got)
	}
	s.update(t, func(tx *Tx) error {
		n, err := tx.NoticeByID("louise@example.org", "b")
		if n.Object != "https://mast.social/1" || n.Text != "x" || !n.At.Equal(day.Add(time.Hour)) {
			t.Errorf("b is %+v", n)
		}
		_, err2 := tx.NoticeByID("pierre@example.net", "b")
		if !errors.Is(err2, ErrNotFound) {
			t.Errorf("another user has it: %v", err2)
		}
		_, err3 := tx.DeletePost("https://mast.social/1", alice, day)
		return errors.Join(err, err3)
	})
	if got := seen("louise@example.org"); got != "ca" {
		t.Errorf("after a delete there are %q", got)
	}
	s.update(t, func(tx *Tx) error {
		n, err := tx.ForgetNotices(day.Add(time.Minute), 10)
		if n != 1 {
			t.Errorf("%d forgotten", n)
		}
		return err
	})
	if got := seen("louise@example.org"); got != "c" {
		t.Errorf("later there are %q", got)
	}
}
