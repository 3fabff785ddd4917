package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// stranger is a remote actor of the tests; its name is in all that is of it.
type stranger struct{ name, host string }

func (a stranger) uri() string  { return "https://" + a.host + "/u/" + a.name }
func (a stranger) acct() string { return a.name + "@" + a.host }
func (a stranger) jid() string  { return a.name + `\40` + a.host + "@ap.example" }

// pointers are all ways in which something points to an actor who was not read
// for long: each is enough to keep it.
var pointers = map[string]func(tx *Tx, a stranger) error{
	"a post": func(tx *Tx, a stranger) error {
		_, _, err := tx.PutPost(note(a.uri()+"/post", a.uri(), "x"), nil, PutOptions{Received: day})
		return err
	},
	"a post of somebody else": func(tx *Tx, a stranger) error {
		p := note("https://kept.example/by/"+a.name, "https://kept.example/u", "x")
		p.Author = translate.Actor{URI: a.uri()}
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: day})
		return err
	},
	"a mention": func(tx *Tx, a stranger) error {
		p := note("https://kept.example/to/"+a.name, "https://kept.example/u", "x")
		p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: a.uri()}}}
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: day})
		return err
	},
	"an addressee": func(tx *Tx, a stranger) error {
		p := note("https://kept.example/for/"+a.name, "https://kept.example/u", "x")
		p.Visibility, p.To = translate.Direct, []string{a.uri()}
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: day})
		return err
	},
	"a follower": func(tx *Tx, a stranger) error {
		return tx.PutFollow(Follow{Follower: a.uri(), Followee: louise().URI, State: FollowPending, CreatedAt: day, UpdatedAt: day})
	},
	"a followee": func(tx *Tx, a stranger) error {
		return tx.PutFollow(Follow{Follower: louise().URI, Followee: a.uri(), State: FollowRejected, CreatedAt: day, UpdatedAt: day})
	},
	"a like": func(tx *Tx, a stranger) error {
		_, err := tx.PutReaction(Reaction{Actor: a.uri(), Object: "https://kept.example/0", Kind: Like, CreatedAt: day})
		return err
	},
	"a block": func(tx *Tx, a stranger) error {
		return tx.PutBlock(Block{Owner: louise().URI, Target: a.uri(), CreatedAt: day})
	},
	"a block by it": func(tx *Tx, a stranger) error {
		return tx.PutBlock(Block{Owner: a.uri(), Target: louise().URI, CreatedAt: day})
	},
	"the operator's block": func(tx *Tx, a stranger) error { return tx.PutBlock(Block{Target: a.uri(), CreatedAt: day}) },
	"news": func(tx *Tx, a stranger) error {
		_, err := tx.PutNews(News{User: "louise@example.org", Kind: "unfollow", Actor: a.uri(), At: day})
		return err
	},
	"a contact": func(tx *Tx, a stranger) error {
		return tx.PutContact(Contact{Our: a.jid(), User: "louise@example.org"})
	},
	"a message": func(tx *Tx, a stranger) error {
		return tx.PutMessage(Message{ID: a.name, Our: a.jid(), User: "louise@example.org", Object: "https://kept.example/0", At: day})
	},
	"a subscription": func(tx *Tx, a stranger) error {
		_, err := tx.PutSubscription(Subscription{Service: a.jid(), Node: "comments", JID: "louise@example.org", CreatedAt: day})
		return err
	},
	"an answer in its node": func(tx *Tx, a stranger) error {
		_, err := tx.Place(Placement{Service: a.jid(), Node: "comments", ItemID: "c", URI: "https://kept.example/0", PlacedAt: day})
		return err
	},
	"a file in use": func(tx *Tx, a stranger) error {
		return errors.Join(tx.PutMedia(Media{ID: "used " + a.name, Owner: a.uri(), At: day}), tx.UseMedia("used "+a.name, "https://kept.example/0"))
	},
	"a sync": func(tx *Tx, a stranger) error {
		return tx.PutSync(Sync{Target: a.uri(), State: SyncStopped, StartedAt: day, UpdatedAt: day})
	},
	"an activity of ours": func(tx *Tx, a stranger) error {
		return tx.PutActivity(Activity{ID: "https://example.org/a/" + a.name, Actor: louise().URI, Type: "Follow", Object: a.uri(), At: day})
	},
	"what it took back": func(tx *Tx, a stranger) error { return deletedPost(tx, a, "new", day, "") },
	"an answer to what it took back": func(tx *Tx, a stranger) error {
		p := note("https://kept.example/re/"+a.name, "https://kept.example/u", "x")
		p.ReplyTo = a.uri() + "/hole"
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: day})
		return errors.Join(err, deletedPost(tx, a, "hole", idleDay, ""))
	},
	"a saved search": func(tx *Tx, a stranger) error {
		return tx.PutSavedSearch(SavedSearch{Owner: "louise@example.org", Name: a.name, Query: "moss from:" + strings.ToUpper(a.acct()), CreatedAt: day})
	},
	"a job": func(tx *Tx, a stranger) error {
		return tx.Enqueue(Job{Kind: "state", Payload: []byte(`{"actor":"` + a.uri() + `"}`), CreatedAt: day})
	},
	"a host to tell that Louise left": func(tx *Tx, a stranger) error {
		return tx.AddReceipt("https://example.org/1", louise().URI, a.host, idleDay)
	},
}

// idleDay is longer ago than day.
var idleDay = day.Add(-100 * 24 * time.Hour)

// deletedPost is a post that the actor had in its feed and took back.
func deletedPost(tx *Tx, a stranger, name string, at time.Time, replyTo string) error {
	p := note(a.uri()+"/"+name, a.uri(), "x")
	p.Item, p.ReplyTo = &translate.Item{Service: a.jid(), Node: "feed", ID: name}, replyTo
	_, _, err := tx.PutPost(p, nil, PutOptions{Received: idleDay})
	_, err2 := tx.DeletePost(p.URI, a.uri(), at)
	return errors.Join(err, err2)
}

// arrives has the store know an actor, with all that is derived from it.
func (a stranger) arrives(tx *Tx, at time.Time) error {
	err := tx.PutActor(Actor{URI: a.uri(), Acct: a.acct(), Name: a.name, Inbox: a.uri() + "/inbox", Summary: "I am " + a.name, FetchedAt: at, Raw: []byte(a.uri())})
	_, err2 := tx.Rebind("old-"+a.jid(), a.uri(), idleDay)
	_, err3 := tx.Rebind(a.jid(), a.uri(), idleDay)
	return errors.Join(err, err2, err3,
		tx.PutKey(RemoteKey{ID: a.uri() + "#key", Owner: a.uri(), PEM: "x", FetchedAt: at}),
		tx.PutMedia(Media{ID: "picture " + a.name, Owner: a.uri(), At: at, Bytes: []byte("x")}),
		tx.PutSync(Sync{Target: a.uri(), State: SyncDone, StartedAt: idleDay, UpdatedAt: idleDay}),
		tx.PutActivity(Activity{ID: "https://example.org/old/" + a.name, Actor: louise().URI, Type: "Follow", Object: a.uri(), At: idleDay}),
		tx.SetMeta("outbox "+a.uri(), "x"), deletedPost(tx, a, "old", idleDay, ""))
}

// tables is what each table says, all cells in one.
func (s *Store) tables(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	s.view(t, func(tx *Tx) error {
		names, err := all(tx, value[string], "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%_fts%' AND name NOT LIKE 'goose%' ORDER BY name")
		if err != nil {
			return err
		}
		for _, name := range names {
			columns, err := all(tx, value[string], "SELECT 'CAST(coalesce('||name||', '''') AS TEXT)' FROM pragma_table_info(?)", name)
			if err != nil {
				return err
			}
			rows, err := all(tx, value[string], "SELECT "+strings.Join(columns, "||' '||")+" FROM "+name)
			if err != nil {
				return err
			}
			out[name] = strings.Join(rows, "\n")
		}
		people, err := all(tx, value[string], "SELECT rowid || '' FROM people_fts WHERE people_fts MATCH 'who*'")
		out["people_fts"] = fmt.Sprint(len(people))
		return err
	})
	return out
}

// derived are the tables with what goes together with an actor. What any other
// one says of an actor keeps it: a new table is one of these, or forgetActor
// gets to know it.
var derived = []string{
	"actors", "keys", "bindings", "media", "media_uses", "tombstones", "activities", "nodes", "placements", "hosts", "meta", "syncs", "people_fts",
}

// TestForgetActors: whoever is referred to stays, and of the others nothing is
// left in any table.
func TestForgetActors(t *testing.T) {
	names := make([]string, 0, len(pointers))
	for name := range pointers {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(note("https://kept.example/0", "https://kept.example/u", "x"), nil, PutOptions{Received: day})
			return errors.Join(err, tx.PutAccount(louise()))
		})
		stay := map[stranger]string{}
		var everybody []stranger
		for i := range rapid.IntRange(1, 8).Draw(rt, "actors") {
			a := stranger{name: fmt.Sprintf("who-%c-", 'a'+i), host: fmt.Sprintf("h%d.example", i)}
			everybody = append(everybody, a)
			at := idleDay
			if rapid.IntRange(0, 4).Draw(rt, "recent") == 0 {
				at, stay[a] = day, "it was read a moment ago"
			}
			s.update(t, func(tx *Tx) error { return a.arrives(tx, at) })
			if rapid.Bool().Draw(rt, "referred") {
				how := rapid.SampledFrom(names).Draw(rt, "by")
				stay[a] = how
				s.update(t, func(tx *Tx) error { return pointers[how](tx, a) })
			}
		}
		before := s.tables(t)
		n, err := s.ForgetActors(context.Background(), Idle{
			Before: day, Unrelated: []string{"deliver"}, Drop: func(tx *Tx, uri string) error { return tx.DeleteMeta("outbox " + uri) },
		})
		_, err2 := s.ForgetHosts(context.Background(), day)
		if err := errors.Join(err, err2); err != nil || n != len(everybody)-len(stay) {
			rt.Fatalf("%d forgotten, %v; of %d stay %v", n, err, len(everybody), stay)
		}
		after := s.tables(t)
		for _, a := range everybody {
			for table, cells := range before {
				if strings.Contains(cells, a.name) && !slices.Contains(derived, table) && stay[a] == "" {
					rt.Errorf("%s was forgotten, and %s pointed to it", a.name, table)
				}
			}
			for table, cells := range after {
				if stay[a] == "" && (strings.Contains(cells, a.name) || table == "hosts" && strings.Contains(cells, a.host)) {
					rt.Errorf("%s is forgotten, and still in %s: %s", a.name, table, cells)
				}
				if stay[a] != "" && strings.Count(cells, a.name) != strings.Count(before[table], a.name) {
					rt.Errorf("%s stays (%s), and something of it was taken from %s", a.name, stay[a], table)
				}
			}
		}
		if people := fmt.Sprint(len(stay)); after["people_fts"] != people {
			rt.Errorf("the index of people knows %s, want %s", after["people_fts"], people)
		}
	})
}

// TestPointersKnowAllTables: a table in which an actor can stand has a pointer,
// or goes with the actor.
func TestPointersKnowAllTables(t *testing.T) {
	s := open(t)
	a := stranger{name: "who-a-", host: "a.example"}
	s.update(t, func(tx *Tx) error {
		_, _, err := tx.PutPost(note("https://kept.example/0", "https://kept.example/u", "x"), nil, PutOptions{Received: day})
		err = errors.Join(err, tx.PutAccount(louise()), a.arrives(tx, idleDay))
		for _, point := range pointers {
			err = errors.Join(err, point(tx, a))
		}
		return err
	})
	without := map[string]string{
		"accounts": "ours", "handles": "ours", "seen": "digests", "early_deletes": "gone before", "tags": "words", "posts_fts": "words",
		"job_queues": "hosts", "fresh_posts": "numbers", "saved_hits": "numbers", "sync_seen": "nodes of services", "receipts": "hosts",
		"sqlite_sequence": "SQLite's", "hosts": "hosts", "node_counts": "of posts", "notices": "of posts",
	}
	for table, cells := range s.tables(t) {
		if !strings.Contains(cells, a.name) && table != "people_fts" && without[table] == "" {
			t.Errorf("nothing in %s points to the actor: how could it?", table)
		}
	}
}

// TestReferredPlan: who points to an actor is looked up, table by table; only
// tables that are small in any store are read through.
func TestReferredPlan(t *testing.T) {
	s := open(t)
	small := []string{"saved_searches", "json_each", "j", "o", "q"} // j: jobs that are not over, for who passed all else; o: accounts
	for query, args := range map[string]int{referred: 9, "SELECT name FROM hosts h WHERE name > ?3 AND" + idleHost + " ORDER BY name LIMIT ?4 + 0": 4} {
		s.view(t, func(tx *Tx) error {
			plan, err := all(tx, func(r row) (detail string, err error) {
				var id, parent, unused int
				err = r.Scan(&id, &parent, &unused, &detail)
				return detail, err
			}, "EXPLAIN QUERY PLAN "+query, make([]any, args)...)
			for _, line := range plan {
				table, ok := strings.CutPrefix(line, "SCAN ")
				if table, _, _ = strings.Cut(table, " "); ok && table != "CONSTANT" && !slices.Contains(small, table) {
					t.Errorf("%s, in %s", line, query)
				}
			}
			if len(plan) == 0 {
				t.Error("no plan")
			}
			return err
		})
	}
}
