package cache

import (
	"fmt"
	"slices"
	"testing"
)

// TestContacts walks through contacts page by page.
func TestContacts(t *testing.T) {
	s := open(t)
	var want []Contact
	s.update(t, func(tx *Tx) error {
		for i := range 7 {
			c := Contact{Our: fmt.Sprintf("actor%d@ap.example", i/3), User: fmt.Sprintf("user%d@example.org", i)}
			want = append(want, c)
			for range 2 { // once
				if err := tx.PutContact(c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	read := func(limit int) (got []Contact) {
		s.view(t, func(tx *Tx) error {
			var after Contact
			for {
				page, err := tx.Contacts(after, limit)
				if err != nil || len(page) == 0 {
					return err
				}
				got = append(got, page...)
				after = page[len(page)-1]
			}
		})
		return got
	}
	for limit := 1; limit < 9; limit++ {
		if got := read(limit); !slices.Equal(got, want) {
			t.Errorf("%d at a time: %v", limit, got)
		}
	}
	s.update(t, func(tx *Tx) error {
		for _, had := range []bool{true, false} {
			if got, err := tx.DeleteContact(want[3]); got != had || err != nil {
				t.Errorf("deleted %v, %v", got, err)
			}
			if has, err := tx.HasContact(want[3]); has || err != nil {
				t.Errorf("has %v, %v", has, err)
			}
		}
		return nil
	})
	if got := read(3); !slices.Equal(got, slices.Delete(want, 3, 4)) {
		t.Errorf("left are %v", got)
	}
}

// TestFollowsFromTheEnd reads follows backwards, as they are read forwards.
func TestFollowsFromTheEnd(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for i := range 9 {
			state := FollowAccepted
			if i == 4 {
				state = FollowPending
			}
			if err := tx.PutFollow(Follow{Follower: fmt.Sprint("https://a.example/", i), Followee: alice, State: state, CreatedAt: day, UpdatedAt: day}); err != nil {
				return err
			}
			if err := tx.PutFollow(Follow{Follower: alice, Followee: fmt.Sprint("https://a.example/", i), State: state, CreatedAt: day, UpdatedAt: day}); err != nil {
				return err
			}
		}
		return nil
	})
	s.view(t, func(tx *Tx) error {
		for name, read := range map[string][2]func(string, FollowState, int64, int) ([]Follow, error){
			"followers": {tx.FollowersOf, tx.FollowersBefore}, "following": {tx.FollowingOf, tx.FollowingBefore},
		} {
			all, err := read[0](alice, FollowAccepted, 0, 100)
			if err != nil || len(all) != 8 {
				t.Fatalf("%s: %d, %v", name, len(all), err)
			}
			slices.Reverse(all)
			for limit := 1; limit < 10; limit++ {
				var got []Follow
				for before := int64(0); ; before = got[len(got)-1].ID {
					page, err := read[1](alice, FollowAccepted, before, limit)
					if err != nil {
						return err
					}
					if got = append(got, page...); len(page) < limit {
						break
					}
				}
				if !slices.Equal(got, all) {
					t.Errorf("%s, %d at a time: %v", name, limit, got)
				}
			}
		}
		for who, want := range map[string]bool{alice: true, "https://a.example/4": true, bob: false} {
			if got, err := tx.Wanted(who); got != want || err != nil {
				t.Errorf("Wanted(%s) = %v, %v", who, got, err)
			}
		}
		return nil
	})
}
