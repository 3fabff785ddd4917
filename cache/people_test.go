package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMeta(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		if err := errors.Join(tx.Pin("url", "https://slip"), tx.Pin("url", "https://a"), tx.PutAccount(louise()), tx.Pin("url", "https://a")); err != nil {
			t.Error(err)
		}
		var pin *PinError
		if err := tx.Pin("url", "https://b"); !errors.As(err, &pin) || pin.Stored != "https://a" || !strings.Contains(err.Error(), "https://b") {
			t.Errorf("changed pin: %v", err)
		}
		a, err := tx.Secret("key", 32, bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
		if err != nil || len(a) != 32 {
			t.Error(a, err)
		}
		if b, err := tx.Secret("key", 32, strings.NewReader("")); err != nil || !bytes.Equal(a, b) {
			t.Error(b, err)
		}
		if _, err := tx.Secret("other", 32, strings.NewReader("short")); err == nil {
			t.Error("a short secret was made")
		}
		return nil
	})
}

// louise is an account with every field filled.
func louise() Account {
	return Account{
		URI: "https://example.org/_ap/actor/louise@example.org", Acct: "louise@example.org", Generation: 1,
		JID: "louise@example.org", Kind: Person, State: Linked, PrivateKeyPEM: "private", PublicKeyPEM: "public",
		Name: "Louise", Summary: "<p>hi</p>", IconURL: "https://i", IconType: "image/png", ImageURL: "https://b",
		Fields: []Field{{Name: "site", Value: "https://l", VerifiedAt: day}}, ManuallyApproves: true, Discoverable: true,
		Indexable: true, Access: AccessOpen, LinkedAt: day, CreatedAt: day, UpdatedAt: day, Reach: Reach{Rung: "event", Proof: day},
	}
}

func TestAccounts(t *testing.T) {
	s := open(t)
	a := louise()
	s.update(t, func(tx *Tx) error { return tx.PutAccount(a) })
	check := func(what string, want Account, get func(tx *Tx) (Account, error)) {
		t.Helper()
		s.view(t, func(tx *Tx) error {
			got, err := get(tx)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			return err
		})
	}
	byURI := func(tx *Tx) (Account, error) { return tx.AccountByURI(a.URI) }
	byJID := func(tx *Tx) (Account, error) { return tx.AccountByJID(a.JID, "") }
	byAcct := func(tx *Tx) (Account, error) { return tx.AccountByAcct(a.Acct) }
	check("by URI", a, byURI)
	check("by JID", a, byJID)
	check("by handle", a, byAcct)

	// PutAccount leaves the health record alone, SetReach everything else.
	a.Reach = Reach{Rung: "pull", Item: "i1", Error: "x", ErrorAt: day}
	b := a
	b.Reach = Reach{}
	s.update(t, func(tx *Tx) error { return errors.Join(tx.SetReach(a.URI, a.Reach), tx.PutAccount(b)) })
	check("after SetReach", a, byURI)

	// The next generation hides the first from lookups by name, not by URI.
	later := day.Add(time.Hour)
	s.update(t, func(tx *Tx) error { return tx.SetAccountState(a.URI, Unlinked, later) })
	second := louise()
	second.URI, second.Generation = a.URI+"~2", 2
	s.update(t, func(tx *Tx) error { return tx.PutAccount(second) })
	a.State, a.UnlinkedAt, a.UpdatedAt = Unlinked, later, later
	check("first generation", a, byURI)
	check("second by JID", second, byJID)
	check("second by handle", second, byAcct)

	node := louise()
	node.URI, node.Acct, node.Node, node.Kind = "https://example.org/_ap/actor/blog---louise@example.org", "blog---louise@example.org", "blog", Node
	s.update(t, func(tx *Tx) error { return tx.PutAccount(node) })
	check("node", node, func(tx *Tx) (Account, error) { return tx.AccountByJID(a.JID, "blog") })
	s.view(t, func(tx *Tx) error {
		list, err := tx.Accounts(AccountQuery{States: []AccountState{Linked, Paused}, JID: a.JID, Limit: 1})
		if err != nil || len(list) != 1 || list[0].URI != node.URI {
			t.Errorf("first page %v, %v", list, err)
		}
		list, err = tx.Accounts(AccountQuery{States: []AccountState{Linked}, After: node.URI})
		if err != nil || len(list) != 1 || list[0].URI != second.URI {
			t.Errorf("second page %v, %v", list, err)
		}
		n, err := tx.CountAccounts(Linked)
		all, err2 := tx.CountAccounts("")
		if n != 2 || all != 3 {
			t.Errorf("%d linked of %d", n, all)
		}
		if _, err := tx.AccountByURI("x"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(err, err2)
	})
	if err := s.Update(context.Background(), func(tx *Tx) error { return tx.SetReach("x", Reach{}) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("reach of nobody: %v", err)
	}
}

func TestHandles(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for range 2 {
			if err := tx.RememberHandle("___.xabc@e", "long@j", "n", day); err != nil {
				t.Error(err)
			}
		}
		if err := tx.RememberHandle("___.xabc@e", "other@j", "n", day); !errors.Is(err, ErrConflict) {
			t.Errorf("another meaning: %v", err)
		}
		jid, node, err := tx.Handle("___.xabc@e")
		if jid != "long@j" || node != "n" {
			t.Error(jid, node)
		}
		if err := tx.PutAccount(louise()); err != nil {
			t.Error(err)
		}
		jid, _, err2 := tx.Handle("louise@example.org")
		if jid != "louise@example.org" {
			t.Error(jid)
		}
		if _, _, err := tx.Handle("nobody"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(err, err2)
	})
}

func TestActors(t *testing.T) {
	s := open(t)
	a := Actor{
		URI: "https://mast.social/users/alice", Acct: "alice@mast.social", Type: "Person", Name: "Álice Ünter", Summary: "s",
		URL: "https://mast.social/@alice", Inbox: "https://mast.social/in", SharedInbox: "https://mast.social/shared",
		Outbox: "https://mast.social/out", Followers: "f", Following: "g", Featured: "h", IconURL: "i", IconType: "t",
		ImageURL: "m", ManuallyApproves: true, Discoverable: true, Indexable: true, Fields: []Field{{Name: "n", Value: "v"}},
		Software: "mastodon", Raw: []byte(`{"id":"x"}`), FetchedAt: day, Published: day,
	}
	s.update(t, func(tx *Tx) error { return tx.PutActor(a) })
	s.update(t, func(tx *Tx) error {
		got, err := tx.ActorByURI(a.URI)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Error(diff)
		}
		jid := `alice\40mast.social@ap.example.org`
		if _, err := tx.Bind(jid, a.URI, day); err != nil {
			t.Error(err)
		}
		a.JID, a.BoundAt = jid, day
		for _, get := range []func() (Actor, error){
			func() (Actor, error) { return tx.ActorByJID(jid) },
			func() (Actor, error) { return tx.ActorByAcct(a.Acct) },
		} {
			got, err := get()
			if diff := cmp.Diff(a, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
		return err
	})
}

func TestHostInbox(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for _, a := range []Actor{
			{URI: "https://a.example/1", Inbox: "https://a.example/1/inbox"},
			{URI: "https://a.example/2", Inbox: "https://a.example/2/inbox", SharedInbox: "https://a.example/gone", GoneAt: day},
			{URI: "https://a.example/3", Inbox: "https://a.example/3/inbox", SharedInbox: "https://a.example/shared"},
			{URI: "http://b.example:3000/1", Inbox: "http://b.example:3000/1/inbox"},
			{URI: "https://c.example.net/1", Inbox: "https://c.example.net/1/inbox"},
		} {
			if err := tx.PutActor(a); err != nil {
				return err
			}
		}
		for host, want := range map[string]string{
			"a.example": "https://a.example/shared", "b.example:3000": "http://b.example:3000/1/inbox", "c.example": "", "b.example": "",
		} {
			if got, err := tx.HostInbox(host); got != want || err != nil {
				t.Errorf("HostInbox(%s) = %s, %v", host, got, err)
			}
		}
		return nil
	})
}

func TestBindings(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		bind := func(jid, uri, wantJID, wantURI string, wantErr error) {
			t.Helper()
			b, err := tx.Bind(jid, uri, day)
			if b.JID != wantJID || b.URI != wantURI || !errors.Is(err, wantErr) {
				t.Errorf("Bind(%s, %s) = %+v, %v", jid, uri, b, err)
			}
		}
		bind("j1", "u1", "j1", "u1", nil)
		bind("j1", "u1", "j1", "u1", nil)
		bind("j2", "u1", "j1", "u1", nil) // renamed: the JID stays
		bind("j1", "u2", "j1", "u1", ErrConflict)
		old, err := tx.Rebind("j1", "u2", day.Add(time.Hour))
		if err != nil || old.URI != "u1" {
			t.Error(old, err)
		}
		bind("j1", "u2", "j1", "u2", nil)
		bind("j2", "u1", "j2", "u1", nil) // free again
		list, err := tx.Bindings("j1")
		if err != nil || len(list) != 2 || list[0].URI != "u2" || !list[0].EndedAt.IsZero() || list[1].URI != "u1" || list[1].EndedAt.IsZero() {
			t.Errorf("%+v, %v", list, err)
		}
		return nil
	})
}

func TestKeys(t *testing.T) {
	s := open(t)
	k := RemoteKey{ID: "https://a/u#main-key", Owner: "https://a/u", PEM: "pem", FetchedAt: day, FailedUntil: day}
	s.update(t, func(tx *Tx) error {
		if err := errors.Join(tx.PutKey(RemoteKey{ID: k.ID}), tx.PutKey(k)); err != nil {
			t.Error(err)
		}
		got, err := tx.Key(k.ID)
		if got != k || err != nil {
			t.Error(got, err)
		}
		list, err := tx.KeysOf(k.Owner)
		if len(list) != 1 || err != nil {
			t.Error(list, err)
		}
		if err := tx.DeleteKey(k.ID); err != nil {
			t.Error(err)
		}
		_, err = tx.Key(k.ID)
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
}

func TestHosts(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		h, err := tx.Host("a.example")
		if h != (Host{Name: "a.example"}) || err != nil {
			t.Error(h, err)
		}
		for range 3 {
			if h, err = tx.HostFailed("a.example", day, day.Add(time.Hour)); err != nil {
				t.Error(err)
			}
		}
		if h.Failures != 3 || h.FailingSince != day || h.CircuitUntil != day.Add(time.Hour) {
			t.Errorf("%+v", h)
		}
		if err := tx.HostHeard("a.example", day.Add(time.Minute)); err != nil {
			t.Error(err)
		}
		if h, err = tx.Host("a.example"); !h.CircuitUntil.IsZero() || h.Failures != 3 || h.LastInbound != day.Add(time.Minute) || err != nil {
			t.Errorf("%+v, %v", h, err)
		}
		if err := tx.HostWorked("a.example"); err != nil {
			t.Error(err)
		}
		if h, err = tx.Host("a.example"); h.Failures != 0 || !h.FailingSince.IsZero() || err != nil {
			t.Errorf("%+v, %v", h, err)
		}
		return tx.HostWorked("unknown.example")
	})
}

func TestFollows(t *testing.T) {
	s := open(t)
	const star = "https://ours/star"
	s.update(t, func(tx *Tx) error {
		for i := range 30 { // 10 hosts with 3 followers each; every third host without shared inbox
			uri := fmt.Sprintf("https://h%d.example/u%d", i%10, i)
			a := Actor{URI: uri, Inbox: uri + "/inbox"}
			if i%10%3 != 0 {
				a.SharedInbox = fmt.Sprintf("https://h%d.example/shared", i%10)
			}
			if err := tx.PutActor(a); err != nil {
				return err
			}
			f := Follow{Follower: uri, Followee: star, State: FollowAccepted, ActivityID: uri + "/f", CreatedAt: day, UpdatedAt: day}
			if i == 0 {
				f.State = FollowPending
			}
			for range 2 { // twice is once
				if err := tx.PutFollow(f); err != nil {
					return err
				}
			}
		}
		return tx.PutFollow(Follow{Follower: "https://ours/local", Followee: star, State: FollowAccepted})
	})
	s.update(t, func(tx *Tx) error {
		n, err := tx.CountFollowers(star)
		if n != 30 || err != nil {
			t.Errorf("%d followers, %v", n, err)
		}
		var inboxes []string
		for after := ""; ; {
			page, err := tx.DeliveryInboxes(star, after, 4)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			inboxes = append(inboxes, page...)
			after = page[len(page)-1]
		}
		if len(inboxes) != 6+11 || !slices.IsSorted(inboxes) || len(slices.Compact(inboxes)) != 17 {
			t.Errorf("%d inboxes: %v", len(inboxes), inboxes)
		}
		var followers []Follow
		for after := int64(0); ; {
			page, err := tx.FollowersOf(star, FollowAccepted, after, 7)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			followers = append(followers, page...)
			after = page[len(page)-1].ID
		}
		if len(followers) != 30 {
			t.Errorf("%d followers in pages", len(followers))
		}
		f, err := tx.FollowByActivity("https://h3.example/u3/f")
		if err != nil || f.Follower != "https://h3.example/u3" {
			t.Error(f, err)
		}
		if _, err := tx.FollowByActivity(""); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		// A moved inbox reaches the edge; a gone actor ends deliveries.
		if err := tx.PutActor(Actor{URI: f.Follower, Inbox: "https://moved.example/in"}); err != nil {
			return err
		}
		if err := tx.SetActorGone("https://h6.example/u6", day); err != nil {
			return err
		}
		behind, err := tx.FollowsBehind("https://h1.example/shared", day, 100)
		if len(behind) != 3 || err != nil {
			t.Error(behind, err)
		}
		inboxes, err = tx.DeliveryInboxes(star, "", 100)
		if !slices.Contains(inboxes, "https://moved.example/in") || slices.Contains(inboxes, "https://h6.example/u6/inbox") || err != nil {
			t.Errorf("%v, %v", inboxes, err)
		}
		if ok, err := tx.DeleteFollow(f.Follower, star); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, err := tx.DeleteFollow(f.Follower, star); ok || err != nil {
			t.Error(ok, err)
		}
		mine, err := tx.FollowingOf("https://ours/local", "", 0, 0)
		if len(mine) != 1 || err != nil {
			t.Error(mine, err)
		}
		n, err = tx.CountFollowing("https://ours/local")
		if n != 1 {
			t.Error(n)
		}
		return err
	})
}

func TestSubscriptions(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for i := range 5 {
			sub := Subscription{Service: "s", Node: "n", JID: fmt.Sprintf("j%d", i), SubID: "id", CreatedAt: day}
			isNew, err := tx.PutSubscription(sub)
			again, err2 := tx.PutSubscription(sub)
			if !isNew || again || err != nil || err2 != nil {
				t.Error(isNew, again, err, err2)
			}
			got, err := tx.Subscription("s", "n", sub.JID)
			if got != sub || err != nil {
				t.Error(got, err)
			}
		}
		page, err := tx.Subscribers("s", "n", "j1", 2)
		if len(page) != 2 || page[0].JID != "j2" || err != nil {
			t.Error(page, err)
		}
		mine, err := tx.SubscriptionsOf("j1", "")
		other, err2 := tx.SubscriptionsOf("j1", "other")
		if len(mine) != 1 || len(other) != 0 || err != nil || err2 != nil {
			t.Error(mine, other, err, err2)
		}
		ok, err := tx.DeleteSubscription("s", "n", "j1")
		again, err2 := tx.DeleteSubscription("s", "n", "j1")
		if !ok || again {
			t.Error(ok, again)
		}
		return errors.Join(err, err2)
	})
}

func TestBlocks(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for _, b := range []Block{
			{Owner: "", Target: "Bad.Example.", Reason: "spam", CreatedAt: day},
			{Owner: "", Target: "https://x.example/troll"},
			{Owner: "https://ours/l", Target: "https://y.example/u"},
			{Owner: "https://ours/l", Target: "meh.example"},
		} {
			if err := errors.Join(tx.PutBlock(b), tx.PutBlock(b)); err != nil {
				return err
			}
		}
		for _, c := range []struct {
			owner, actor string
			want         bool
		}{
			{"", "https://bad.example/u", true},
			{"", "https://sub.bad.example:8443/u", true},
			{"", "https://notbad.example/u", false},
			{"", "https://x.example/troll", true},
			{"", "https://x.example/nice", false},
			{"", "https://y.example/u", false},
			{"https://ours/l", "https://y.example/u", true},
			{"https://ours/l", "https://a.meh.example/u", true},
			{"https://ours/l", "https://bad.example/u", true},
			{"https://ours/m", "https://y.example/u", false},
			{"", "", false},
		} {
			if got, err := tx.Blocked(c.owner, c.actor); got != c.want || err != nil {
				t.Errorf("Blocked(%q, %q) = %v, %v", c.owner, c.actor, got, err)
			}
		}
		if got, err := tx.HostBlocked("A.BAD.example"); !got || err != nil {
			t.Error(got, err)
		}
		list, err := tx.Blocks("")
		if len(list) != 2 || list[0].Target != "bad.example" || list[0].Reason != "spam" || err != nil {
			t.Error(list, err)
		}
		ok, err := tx.DeleteBlock("", "BAD.example")
		if !ok || err != nil {
			t.Error(ok, err)
		}
		got, err := tx.Blocked("", "https://bad.example/u")
		if got {
			t.Error("a block outlived its deletion")
		}
		return err
	})
}
