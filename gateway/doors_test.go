package gateway

import (
	"net/http"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
)

const carolURI = "https://pub.test/u/carol"

// doors are where a post may be seen, and by whom: any of s(tranger), a(lice),
// b(ob), c(arol).
type doors struct {
	document        string // the item, its collections and its Create
	outbox, replies bool
	page, listed    bool
}

// seen is what one viewer finds at every door.
func (s site) seen(p, root translate.Post, activity, viewer string) (documents [6]bool, lists doors) {
	s.w.t.Helper()
	for i, target := range []string{p.URI, activity, p.URI + "/replies", p.URI + "/likes", p.URI + "/shares", p.URI + "/create"} {
		got := s.get(target, asPeer, viewer)
		documents[i] = got.Code == http.StatusOK
		if viewer != "" && documents[i] && got.Header().Get("Cache-Control") != "private, no-store" {
			s.w.t.Errorf("what %s may see of %s is kept: %s", viewer, target, got.Header().Get("Cache-Control"))
		}
	}
	holds := func(target, accept, what string) bool {
		got := s.get(target, accept, viewer)
		if got.Code != http.StatusOK {
			s.w.t.Errorf("%s is answered %d", target, got.Code)
		}
		return strings.Contains(got.Body.String(), what)
	}
	acct := strings.TrimPrefix(p.Owner.URI, "https://example.org/_ap/actor/")
	lists.outbox = holds(s.w.addr.Outbox(acct)+"?page=0", asPeer, p.URI)
	lists.replies = holds(root.URI+"/replies?page=0", asPeer, p.URI)
	lists.listed = holds(s.w.addr.PageURL(acct), asBrowser, p.URL)
	lists.page = s.get(p.URL, asBrowser, viewer).Code == http.StatusOK
	if below := holds(root.URL, asBrowser, p.URL); below != lists.page {
		s.w.t.Errorf("%q has a page: %v; below what it answers: %v", p.URL, lists.page, below)
	}
	return documents, lists
}

// TestDoors asks for posts of every audience at every door, as a stranger, as
// Alice who follows, as Bob who is addressed, and as Carol who is neither
// (SEC-25, SEC-27).
func TestDoors(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	s := w.site()
	w.actor(carolURI, "carol@pub.test", `carol\40pub.test@ap.example.org`)
	viewers := map[string]string{"s": "", "a": aliceURI, "b": bobURI, "c": carolURI}
	for _, uri := range []string{aliceURI, bobURI, carolURI} {
		w.knowKey(uri)
	}
	root, _ := w.post(a, "root", translate.Public, nil)
	nothing := s.get(w.addr.ItemURL(acctOf(a), translate.MintItemID(w.itemKey, "absent")), asPeer, "")
	for v, want := range map[translate.Visibility]doors{
		translate.Public:    {document: "sabc", outbox: true, replies: true, page: true, listed: true},
		translate.Unlisted:  {document: "sabc", outbox: true, replies: true, page: true},
		translate.Followers: {document: "a"},
		translate.Limited:   {document: "b"},
		translate.Direct:    {document: "b"},
	} {
		t.Run(string(v), func(t *testing.T) {
			w.t = t
			p, activity := w.post(a, "post-"+string(v), v, func(p *translate.Post) {
				p.ReplyTo = root.URI
				if v == translate.Direct || v == translate.Limited {
					p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: bobURI, Handle: "bob@pub.test"}}}
				}
			})
			for who, uri := range viewers {
				may := strings.Contains(want.document, who)
				documents, lists := s.seen(p, root, activity, uri)
				if documents != [6]bool{may, may, may, may, may, may} {
					t.Errorf("%s gets item, activity, replies, likes, shares, create: %v, want %v", who, documents, may)
				}
				if lists.document = want.document; lists != want {
					t.Errorf("%s finds %+v, want %+v", who, lists, want)
				}
			}
			if got := s.get(p.URI, asPeer, ""); got.Code != 200 && (got.Code != nothing.Code || got.Body.String() != nothing.Body.String()) {
				t.Errorf("a refusal looks like %d %s, absence like %d %s", got.Code, got.Body, nothing.Code, nothing.Body)
			}
		})
	}
}

// TestBlockedReader shows that whom an author blocked does not read her posts,
// also if they were served to others before (SEC-26).
func TestBlockedReader(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.knowKey(aliceURI)
	w.knowKey(bobURI)
	p, activity := w.post(a, "fern", translate.Public, nil)
	s := w.site()
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		blocked := want == http.StatusNotFound
		if blocked {
			w.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: a.URI, Target: aliceURI, CreatedAt: w.clock()})
			})
		}
		for _, target := range []string{p.URI, activity, p.URI + "/replies"} {
			if got := s.get(target, asPeer, aliceURI); got.Code != want {
				t.Errorf("blocked %v, Alice gets %s: %d", blocked, target, got.Code)
			}
			if got := s.get(target, asPeer, bobURI); got.Code != http.StatusOK {
				t.Errorf("Bob gets %s: %d", target, got.Code)
			}
		}
	}
}

// TestDeleted shows what is left of what was deleted: a tombstone where
// everybody could see it, else nothing (A15, SEC-25).
func TestDeleted(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.knowKey(aliceURI)
	w.knowKey(bobURI)
	s := w.site()
	article := func(p *translate.Post) { p.Kind, p.Title = translate.KindArticle, "Ferns" }
	toBob := func(p *translate.Post) {
		p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: bobURI, Handle: "bob@pub.test"}}}
	}
	for _, c := range []struct {
		v      translate.Visibility
		change func(*translate.Post)
		former string
	}{
		{translate.Public, nil, "Note"}, {translate.Unlisted, article, "Article"},
		{translate.Followers, nil, ""}, {translate.Limited, toBob, ""}, {translate.Direct, toBob, ""},
	} {
		t.Run(string(c.v), func(t *testing.T) {
			w.t, s.w.t = t, t
			p, activity := w.post(a, "gone-"+string(c.v), c.v, c.change)
			w.update(func(tx *cache.Tx) error {
				stored, err := tx.PostByURI(p.URI, operator)
				if err != nil {
					return err
				}
				return w.retire(tx, a, stored)
			})
			status := http.StatusNotFound
			if c.former != "" {
				status = http.StatusGone
				stone := s.get(p.URI, asPeer, "").document(status)
				if stone["type"] != "Tombstone" || stone["id"] != p.URI || stone["formerType"] != c.former {
					t.Errorf("what is left is %v", stone)
				}
			}
			for _, signer := range []string{"", aliceURI, bobURI} {
				if got := s.get(p.URI, asPeer, signer); got.Code != status {
					t.Errorf("%q gets %d, want %d", signer, got.Code, status)
				}
				if got := s.get(activity, asPeer, signer); got.Code != http.StatusNotFound {
					t.Errorf("%q gets the Create: %d", signer, got.Code)
				}
				if got := s.get(p.URI+"/replies", asPeer, signer); got.Code != http.StatusNotFound {
					t.Errorf("%q gets its replies: %d", signer, got.Code)
				}
			}
			if got := s.get(p.URL, asBrowser, ""); got.Code != status || strings.Contains(got.Body.String(), "The text of") {
				t.Errorf("its page is %d, want %d", got.Code, status)
			}
		})
	}
}
