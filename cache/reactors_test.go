package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/translate"

	"github.com/google/go-cmp/cmp"
)

// TestReactors shows who is named as having reacted, to whom, and in which
// order.
func TestReactors(t *testing.T) {
	s := open(t)
	const us, carol, nobody = "https://ours.example/louise", "https://c.example/carol", "https://d.example/nobody"
	react := func(tx *Tx, actor, content string, kind ReactionKind, after time.Duration) error {
		_, err := tx.PutReaction(Reaction{Actor: actor, Object: "o", Kind: kind, Content: content, Origin: translate.OriginAP, CreatedAt: day.Add(after)})
		return err
	}
	s.update(t, func(tx *Tx) error {
		errs := []error{tx.PutAccount(Account{URI: us, Acct: "louise@ours.example", JID: "louise@ours.example", State: Linked})}
		for i, uri := range []string{alice, bob, carol, nobody} {
			errs = append(errs, tx.PutActor(Actor{URI: uri, Acct: fmt.Sprintf("%d@x.example", i), FetchedAt: day}))
		}
		for jid, uri := range map[string]string{"alice@ap": alice, "bob@ap": bob, "carol@ap": carol} {
			_, err := tx.Bind(jid, uri, day)
			errs = append(errs, err)
		}
		return errors.Join(append(errs, react(tx, bob, "🥕", Emoji, 0), react(tx, us, "", Like, 1), react(tx, nobody, "", Like, 2),
			react(tx, alice, "", Like, 3), react(tx, bob, "", Like, 4), react(tx, carol, "🥕", Emoji, 5), react(tx, alice, "😀", Emoji, 6))...)
	})
	check := func(what, jid string, v Viewer, limit int, want string) {
		t.Helper()
		s.view(t, func(tx *Tx) error {
			list, err := tx.Reactors("o", jid, v, limit)
			var got []string
			for _, r := range list {
				var said []string
				for _, x := range r.Reactions {
					said = append(said, string(x.Kind)+x.Content)
				}
				got = append(got, r.JID+" "+strings.Join(said, "+"))
			}
			if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			return err
		})
	}
	check("all", "", Viewer{}, 0, "bob@ap emoji🥕+like, louise@ours.example like, alice@ap like+emoji😀, carol@ap emoji🥕")
	check("the first two", "", Viewer{}, 2, "bob@ap emoji🥕+like, louise@ours.example like")
	check("by address", "alice@ap", Viewer{}, 1, "alice@ap like+emoji😀")
	check("an account by address", "louise@ours.example", Viewer{}, 1, "louise@ours.example like")
	check("by an address of nobody", "eve@ap", Viewer{}, 1, "")
	counts := func(want ...ReactionCount) {
		t.Helper()
		s.view(t, func(tx *Tx) error {
			got, err := tx.ReactionCounts("o", 10)
			if !slices.Equal(got, want) {
				t.Errorf("counts %v, want %v", got, want)
			}
			return err
		})
	}
	counts(ReactionCount{Like, "", 4}, ReactionCount{Emoji, "🥕", 2}, ReactionCount{Emoji, "😀", 1})
	s.update(t, func(tx *Tx) error {
		paused, err := tx.AccountByURI(us)
		paused.State = Paused
		return errors.Join(err, tx.PutAccount(paused), tx.PutBlock(Block{Owner: carol, Target: alice, CreatedAt: day}))
	})
	check("with a paused account", "", Viewer{}, 0, "bob@ap emoji🥕+like, alice@ap like+emoji😀, carol@ap emoji🥕")
	check("whom a reactor blocks", "", Viewer{Actor: alice}, 0, "bob@ap emoji🥕+like, alice@ap like+emoji😀")
	counts(ReactionCount{Like, "", 3}, ReactionCount{Emoji, "🥕", 2}, ReactionCount{Emoji, "😀", 1})
	s.update(t, func(tx *Tx) error { return tx.PutBlock(Block{Target: "b.example", CreatedAt: day}) })
	check("with a blocked host", "", Viewer{}, 0, "alice@ap like+emoji😀, carol@ap emoji🥕")
}
