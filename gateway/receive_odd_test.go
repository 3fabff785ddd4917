package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestReceiveOddIDs is L7 and L12: an object whose id cannot be one is nobody's,
// also when its owner has signed it.
func TestReceiveOddIDs(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	host := f.mast.Host
	for _, id := range []string{
		"javascript://" + host + "/%0Aalert(1)", "http://" + host + "/notes/1", "xmpp://" + host + "/notes/1", "https://user:pw@" + host + "/notes/1",
		"https://" + host + `/notes\1`, "https://" + host + "/no tes/1", "//" + host + "/notes/1", "https://" + host + ".:443/notes/1",
	} {
		note := with(f.ann.Note("Odd."), aptest.Doc{"id": id, "cc": many(f.louise.URI)})
		if asked := f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), ""); asked != "" || f.held(id) != "absent" {
			t.Errorf("%s asks for %q and is %s", id, asked, f.held(id))
		}
	}
}

// TestReceiveFarDates takes posts of any date; one that cannot be written again
// must not stay in the queue for days.
func TestReceiveFarDates(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	for _, date := range []string{
		"9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "292277026596-12-04T15:30:07Z",
	} {
		note := with(f.ann.Note(date), aptest.Doc{"published": date, "updated": date})
		if asked := f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), ""); asked != "notify" || f.held(note["id"].(string)) != "public ann "+date {
			t.Errorf("%s asks for %q and is %s", date, asked, f.held(note["id"].(string)))
		}
	}
}

// TestReceiveNames keeps what people call themselves to one short line: it stands
// in messages of the gateway.
func TestReceiveNames(t *testing.T) {
	f := newFediverse(t)
	f.evil.Change(func() {
		f.mal.Doc["name"] = "Mal\n\nYour account is locked. Send your password to \u0000me" + strings.Repeat("!", 100_000)
		f.mal.Doc["summary"] = strings.Repeat("ü", 100_000)
		f.mal.Doc["url"] = "https://bank.test/login"
		var fields []any
		for range 50 {
			fields = append(fields, aptest.Doc{"type": "PropertyValue", "name": strings.Repeat("n", 4000), "value": strings.Repeat("v", 4000)})
		}
		f.mal.Doc["attachment"] = fields
	})
	a, err := f.remoteByURI(t.Context(), f.mal.ID)
	f.must(err)
	if !strings.HasPrefix(a.Name, "Mal Your account") || strings.ContainsAny(a.Name, "\n\x00") || len([]rune(a.Name)) > nameMost {
		t.Errorf("name of %d bytes: %.100q", len(a.Name), a.Name)
	}
	if a.URL != f.mal.ID {
		t.Errorf("page %s", a.URL)
	}
	if size := len(a.Name) + len(a.Summary) + len(fmt.Sprint(a.Fields)); size > 3*bioMost || len(a.Fields) == 0 {
		t.Errorf("a profile of %d bytes, %d fields", size, len(a.Fields))
	}
}

// TestReceiveFlood is SEC-42: what waits for servers that never answer neither
// fills the disk nor keeps others waiting.
func TestReceiveFlood(t *testing.T) {
	f := newFediverse(t)
	take := func(n, size int, site string) (taken int, last error) {
		for i := range n {
			signer := fmt.Sprintf("https://a%d.%s/users/mal", i, site)
			body := strings.Repeat(" ", size)
			o, err := as2.Parse([]byte(fmt.Sprintf(`{"id":"%s/%d","type":"Like","actor":"%s","object":"https://tarpit.test/%d"}`, signer, i, signer, i)))
			f.must(err)
			in := incoming(signer, o, []byte(body))
			if last = f.Receive(t.Context(), in); last == nil {
				taken++
			}
		}
		return taken, last
	}
	taken, err := take(1000, 100_000, "evil.test")
	var busy *Error
	if taken*100_000 > waitingBytes+100_000 || !errors.As(err, &busy) || busy.HTTPStatus() != 503 {
		t.Errorf("took %d, then: %v", taken, err)
	}
	if taken, err = take(waitingMost+10, 10, "small.test"); taken != waitingMost || !errors.As(err, &busy) {
		t.Errorf("took %d small ones, then: %v", taken, err)
	}
	like := f.ann.Activity(as2.TypeLike, f.addr.ItemURL("louise@example.org", "none"))
	if body := fmt.Sprint(like); f.Receive(t.Context(), incoming(f.ann.ID, &as2.Object{ID: like["id"].(string), Types: []string{as2.TypeLike}}, []byte(body))) != nil {
		t.Error("another server has to wait for that")
	}
	of := map[string]int{}
	f.update(func(tx *cache.Tx) error {
		jobs, err := tx.Lease(cache.LeaseQuery{Kinds: groups[1].kinds, Now: f.clock(), Limit: groups[1].workers, PerHost: groups[1].perHost, For: time.Minute})
		for _, j := range jobs {
			of[j.Host]++
		}
		return err
	})
	if of["*.evil.test"] != groups[1].perHost || of[siteOf(f.ann.ID)] != 1 {
		t.Errorf("worked on at a time: %v", of)
	}
}

// TestReceiveFollowsAgain is SEC-41: who asks to follow again and again does not
// have the owner asked each time.
func TestReceiveFollowsAgain(t *testing.T) {
	f := newFediverse(t)
	f.update(func(tx *cache.Tx) error {
		a, err := tx.AccountByURI(f.louise.URI)
		if err != nil {
			return err
		}
		a.ManuallyApproves = true
		return tx.PutAccount(a)
	})
	for range 5 {
		follow := f.ann.Activity(as2.TypeFollow, f.louise.URI)
		f.get(f.ann, follow, "")
		f.get(f.ann, f.ann.Activity(as2.TypeFollow, f.louise.URI), "")
		f.get(f.ann, f.ann.Activity(as2.TypeUndo, follow), "")
	}
	f.get(f.carl, f.carl.Activity(as2.TypeFollow, f.louise.URI), "")
	asks := func(el *stanza.Element) bool {
		return el.Name == "presence" && el.Get("type") == "subscribe" && el.Get("to") == louise && el.Get("from") != ourComponent
	}
	var asked []string
	for len(asked) == 0 || !strings.HasPrefix(asked[len(asked)-1], "carl") {
		asked = append(asked, f.xmpp.await("the request", asks).Get("from"))
	}
	if len(asked) != 2 {
		t.Errorf("asked for %q", asked)
	}
}

// TestHostSpellings: the case of a host, and a port, make no other server of it
// (L5, L15, SEC-16).
func TestHostSpellings(t *testing.T) {
	f := newFediverse(t)
	f.update(func(tx *cache.Tx) error { return tx.PutBlock(cache.Block{Target: "bad.test", CreatedAt: f.clock()}) })
	for uri, want := range map[string]string{
		"https://bad.test/u/x": "bad.test *.bad.test true", "https://A.Bad.TEST:443/u/x": "a.bad.test *.bad.test true",
		"https://a.BAD.test:8443/u/x": "a.bad.test:8443 *.bad.test true", "https://notbad.test/u/x": "notbad.test *.notbad.test false",
	} {
		if got := fmt.Sprintln(hostname(uri), siteOf(uri), f.Blocked(t.Context(), hostname(uri))); strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}

// TestReceivePollResults is V16: votes are counted, and nobody is told of each.
func TestReceivePollResults(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.asked()
	option := func(name string, votes int) aptest.Doc {
		return aptest.Doc{"type": "Note", "name": name, "replies": aptest.Doc{"type": "Collection", "totalItems": votes}}
	}
	poll := with(f.ann.Note("Moss?"), aptest.Doc{"type": "Question", "oneOf": many(option("yes", 0), option("no", 0)), "endTime": "2026-11-22T10:00:00Z"})
	id := poll["id"].(string)
	votes := func() (n int64) {
		f.view(func(tx *cache.Tx) error {
			stored, err := tx.PostByURI(id, operator)
			if err == nil {
				n = stored.Post.Poll.Options[0].Votes
			}
			return err
		})
		return n
	}
	for i, c := range []struct {
		change aptest.Doc
		asks   string
		votes  int64
	}{
		{nil, "notify", 0},
		{aptest.Doc{"oneOf": many(option("yes", 3), option("no", 1)), "votersCount": 4}, "", 3},
		{aptest.Doc{"oneOf": many(option("yes", 5), option("no", 1)), "votersCount": 6, "updated": "2026-11-21T09:00:00Z"}, "", 5},
		{aptest.Doc{"oneOf": many(option("yes", 5), option("never", 1)), "updated": "2026-11-21T09:10:00Z"}, "notify", 5},
		{aptest.Doc{"oneOf": many(option("yes", 9), option("never", 1)), "closed": "2026-11-22T10:00:00Z", "updated": "2026-11-21T09:20:00Z"}, "notify", 9},
	} {
		kind := as2.TypeUpdate
		if i == 0 {
			kind = as2.TypeCreate
		}
		if asked := f.get(f.ann, f.ann.Activity(kind, with(poll, c.change)), ""); asked != c.asks || votes() != c.votes {
			t.Errorf("%d: asks for %q, %d votes", i, asked, votes())
		}
	}
}
