package gateway

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// written are the tables that grow with what our users write and never shrink by
// themselves: their posts, who has them, and the addresses they were given. All
// others stay in proportion to what happened lately.
var written = map[string]bool{
	"posts": true, "bodies": true, "placements": true, "receipts": true, "posts_fts": true, "node_counts": true, "tags": true, "tombstones": true,
}

// TestYears lives for years of small traffic, day by day: strangers on hosts of
// their own pass by, posts go to a host that is dead, people come and leave. Then
// the tables hold no more than they did after the first two years.
func TestYears(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	const days, half = 860, 430
	var middle map[string]int
	for day := range days {
		w.day(a, day)
		if day == half {
			middle = rowsIn(t, w.file)
		}
	}
	for table, n := range rowsIn(t, w.file) {
		if before := middle[table]; !written[table] && n > before+before/10+10 {
			t.Errorf("%s has %d rows after %d days, and had %d after %d", table, n, days, before, half)
		}
	}
}

// day is one day of the world.
func (w *world) day(a cache.Account, day int) {
	w.t.Helper()
	w.pass(24 * time.Hour)
	now := w.clock()
	host := fmt.Sprintf("d%d.example", day)
	uri := "https://" + host + "/u/passer"
	w.actor(uri, "passer@"+host, `passer\40`+host+"@"+ourComponent)
	user := stanza.JID(fmt.Sprintf("u%d@elsewhere.example", day))
	w.setRoster(w.t.Context(), user, rosterAsked)
	w.meets(w.t.Context(), stanza.JID(aliceJID), user)
	w.leaves(w.t.Context(), stanza.JID(aliceJID), user)
	w.update(func(tx *cache.Tx) error {
		_, err := tx.SeenActivity(uri+"/1", sha256.Sum256([]byte(uri)), now)
		_, _, err2 := w.bind(tx, uri, `passer\40`+host+"@"+ourComponent)
		_, err3 := tx.PutNews(cache.News{User: louise, Kind: newsUnfollow, Actor: uri, At: now})
		return errors.Join(err, err2, err3, tx.HostHeard(host, now), tx.RememberDelete(uri+"/gone", uri, now),
			tx.PutKey(cache.RemoteKey{ID: uri + "#k", Owner: uri, PEM: "x", FetchedAt: now}), tx.SetMeta(outboxKey(uri), now.Format(time.RFC3339)))
	})
	if day%10 == 0 {
		id := fmt.Sprint("p", day)
		comments := translate.Node{Service: louise, Name: stanza.CommentsNodePrefix + id}
		w.publish(louise, feed, w.entry(id, id))
		w.update(func(tx *cache.Tx) error {
			stored, err := tx.PostByItem(louise, feed, id, operator)
			if err != nil {
				return err
			}
			err = tx.SetMeta(watchKey(comments), string(payload(watch{URI: stored.Post.URI})))
			return errors.Join(err, tx.SetMeta(heartKey(translate.Item{Service: louise, Node: comments.Name, ID: id}),
				string(payload(heartMark{Actor: a.URI, Object: stored.Post.URI, Root: stored.Post.URI}))))
		})
		if old := fmt.Sprint("p", day-100); day >= 100 {
			w.retractItem(louise, feed, old)
		}
	}
	w.update(func(tx *cache.Tx) error { // all is given up in the end
		jobs, err := tx.Lease(cache.LeaseQuery{Now: now, Limit: 100, For: time.Minute})
		for _, j := range jobs {
			err = errors.Join(err, tx.Fail(j.ID, "nobody is there"))
		}
		return err
	})
	w.prune(w.t.Context())
}

// rowsIn counts the rows of each table of a file.
func rowsIn(t *testing.T, file string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var names []string
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%_fts_%' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, name := range names {
		n := 0
		if err := db.QueryRow("SELECT count(*) FROM " + name).Scan(&n); err != nil {
			t.Fatal(name, err)
		}
		out[name] = n
	}
	return out
}
