package gateway

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// walk reads a collection page by page, from either end.
func (s site) walk(id, member string) []any {
	s.w.t.Helper()
	out := s.walkFrom(id, member, "first", "next")
	back := s.walkFrom(id, member, "last", "prev")
	if len(back) != len(out) {
		s.w.t.Errorf("%s has %d members from its end, %d from its beginning", id, len(back), len(out))
	}
	seen := map[string]bool{}
	for _, it := range back {
		seen[asText(it)] = true
	}
	if n := min(len(out), collectionPage); len(back) == len(out) && !cmp.Equal(back[:n], out[len(out)-n:]) {
		s.w.t.Errorf("the last page of %s is %v", id, back[:n])
	}
	for _, it := range out {
		if !seen[asText(it)] {
			s.w.t.Errorf("%s: %v is not found from the end", id, it)
		}
	}
	return out
}

func (s site) walkFrom(id, member, end, on string) []any {
	s.w.t.Helper()
	whole := s.document(id)
	var out []any
	at, _ := whole[end].(string)
	for pages := 0; at != "" && pages < 20; pages++ {
		page := s.document(at)
		if page["id"] != at || page["partOf"] != id || page["totalItems"] != whole["totalItems"] {
			s.w.t.Errorf("page %s is %v", at, page)
		}
		items, _ := page[member].([]any)
		out = append(out, items...)
		was := at
		if at, _ = page[on].(string); at != "" && on == "next" { // and back again
			other, _ := s.document(at)["prev"].(string)
			if got, _ := s.document(other)[member].([]any); !cmp.Equal(got, items) {
				s.w.t.Errorf("before %s there is %s, which is not %s", at, other, was)
			}
		}
	}
	return out
}

func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestOutbox reads an outbox of several pages (A19).
func TestOutbox(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	s, outbox := w.site(), w.addr.Outbox(acctOf(a))
	var want []string
	for i := range 2*collectionPage + 5 {
		p, _ := w.post(a, string(rune('a'+i)), translate.Public, nil)
		want = append(want, p.URI)
	}
	w.post(a, "private", translate.Followers, nil)
	boosted := w.remotePost(aliceURI, "moss", "public", "")
	w.update(func(tx *cache.Tx) error {
		original, err := tx.PostByURI(boosted, operator)
		if err != nil {
			return err
		}
		_, err = w.announce(tx, a, translate.Post{Item: &translate.Item{Service: a.JID, Node: feed, ID: "boost"}, Published: w.clock()}, original.Post, nil)
		return err
	})
	announce := w.deliveries()[0].ID
	want = append(want, announce)
	slices.Reverse(want)
	if doc := s.document(outbox); doc["type"] != "OrderedCollection" || doc["totalItems"] != float64(len(want)) {
		t.Errorf("the outbox is %v", doc)
	}
	var got []string
	for _, it := range s.walk(outbox, "orderedItems") {
		act, _ := it.(map[string]any)
		if act["@context"] != nil || act["actor"] != a.URI {
			t.Errorf("an entry is %v", act)
		}
		switch object := act["object"].(type) {
		case string:
			if act["type"] != as2.TypeAnnounce || object != boosted {
				t.Errorf("an entry is %v", act)
			}
			got = append(got, act["id"].(string))
		case map[string]any:
			if act["type"] != as2.TypeCreate || object["attributedTo"] != a.URI {
				t.Errorf("an entry is %v", act)
			}
			got = append(got, object["id"].(string))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the outbox lists (-want +got):\n%s", diff)
	}
	if doc := s.document(announce); doc["type"] != as2.TypeAnnounce || doc["object"] != boosted {
		t.Errorf("the boost is %v", doc)
	}
	if shares := s.get(boosted+"/shares", asPeer, ""); shares.Code == 200 {
		t.Error("a collection of somebody else's post is ours")
	}
}

// TestPages shows that there are no other pages than those that are linked, and
// that what comes meanwhile moves nothing between them.
func TestPages(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	s, outbox := w.site(), w.addr.Outbox(acctOf(a))
	for i := range 2 * collectionPage {
		w.post(a, string(rune('a'+i)), translate.Public, nil)
	}
	for _, page := range []string{"-1", "x", "", "99999999999999999999", "b0", "b", "b-1", "b+1", "+1", "first"} {
		if got := s.get(outbox+"?page="+page, asPeer, ""); got.Code != 404 {
			t.Errorf("page %q is answered %d", page, got.Code)
		}
	}
	second, _ := s.document(outbox + "?page=0")["next"].(string)
	before := s.document(second)
	if before["next"] != nil || s.document(outbox + "?page=0")["prev"] != nil {
		t.Error("there are pages beyond the ends")
	}
	w.post(a, "later", translate.Public, nil)
	after := s.document(second)
	delete(before, "totalItems")
	delete(after, "totalItems")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the second page has changed:\n%s", diff)
	}
}

// TestFollowers reads who follows (A11), and the numbers of a post.
func TestFollowers(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	want := []any{aliceURI}
	w.update(func(tx *cache.Tx) error {
		for i := range collectionPage + 3 {
			uri := "https://mast.social/users/u" + string(rune('a'+i))
			state := cache.FollowAccepted
			if i == 0 {
				state = cache.FollowPending
			} else {
				want = append(want, uri)
			}
			if err := tx.PutFollow(cache.Follow{Follower: uri, Followee: a.URI, State: state, CreatedAt: w.clock(), UpdatedAt: w.clock()}); err != nil {
				return err
			}
		}
		return tx.PutFollow(cache.Follow{Follower: a.URI, Followee: bobURI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	s, acct := w.site(), acctOf(a)
	if diff := cmp.Diff(want, s.walk(w.addr.Followers(acct), "orderedItems")); diff != "" {
		t.Errorf("the followers are (-want +got):\n%s", diff)
	}
	if got := s.walk(w.addr.Following(acct), "orderedItems"); len(got) != 1 || got[0] != bobURI {
		t.Errorf("she follows %v", got)
	}
	if doc := s.document(w.addr.Featured(acct)); doc["type"] != "OrderedCollection" || doc["totalItems"] != 0.0 || !cmp.Equal(doc["orderedItems"], []any{}) {
		t.Errorf("featured is %v", doc)
	}
	p, _ := w.post(a, "fern", translate.Public, nil)
	reply := w.remotePost(aliceURI, "answer", "public", `,"inReplyTo":"`+p.URI+`"`)
	w.update(func(tx *cache.Tx) error {
		_, err := tx.PutReaction(cache.Reaction{Actor: aliceURI, Object: p.URI, Kind: cache.Like, CreatedAt: w.clock()})
		return err
	})
	note := s.document(p.URI)
	for sub, n := range map[string]float64{"replies": 1, "likes": 1, "shares": 0} {
		if id := p.URI + "/" + sub; note[sub] != id || s.document(id)["totalItems"] != n {
			t.Errorf("%s of the note are %v: %v", sub, note[sub], s.document(id))
		}
	}
	if got := s.walk(p.URI+"/replies", "items"); len(got) != 1 || got[0] != reply {
		t.Errorf("the replies are %v", got)
	}
	if s.document(p.URI + "/likes")["first"] != nil || s.get(p.URI+"/likes?page=0", asPeer, "").Code != 404 {
		t.Error("who likes it is told")
	}
}

// FuzzPage reads the cursor of a page: what is read is written again as it was,
// but for zeros before it.
func FuzzPage(f *testing.F) {
	for _, s := range []string{"0", "last", "17", "b17", "b0", "-1", "b", "", "+1", "-0", "99999999999999999999", "007"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		at, ok := parseSpan(cursor)
		if !ok {
			return
		}
		digits, back := strings.CutPrefix(cursor, backPage)
		digits = strings.TrimLeft(digits, "0")
		switch {
		case at.from < 0:
			t.Errorf("%q is read as %+v", cursor, at)
		case at.back && at.from == 0:
			if cursor != lastPage {
				t.Errorf("%q is the last page", cursor)
			}
		case at.back != back || at.from > 0 && strconv.FormatInt(at.from, 10) != digits || at.from == 0 && digits != "":
			t.Errorf("%q is read as %+v", cursor, at)
		}
	})
}
