package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// TestAboutInAnyForm takes what an activity is about in every form that is met: a
// list of one, a Link, an embedded object, and another address of the post that
// leads to its document.
func TestAboutInAnyForm(t *testing.T) {
	for name, form := range map[string]func(f *fediverse, note aptest.Doc) any{
		"an id":            func(_ *fediverse, note aptest.Doc) any { return note["id"] },
		"a list of one":    func(_ *fediverse, note aptest.Doc) any { return many(note["id"]) },
		"a list in a list": func(_ *fediverse, note aptest.Doc) any { return many(many(note["id"])) },
		"the same twice":   func(_ *fediverse, note aptest.Doc) any { return many(note["id"], aptest.Doc{"id": note["id"]}) },
		"a Link":           func(_ *fediverse, note aptest.Doc) any { return aptest.Doc{"type": "Link", "href": note["id"]} },
		"an object": func(_ *fediverse, note aptest.Doc) any {
			return aptest.Doc{"id": note["id"], "type": "Note", "content": "false"}
		},
		"an object by its page": func(f *fediverse, _ aptest.Doc) any {
			return aptest.Doc{"type": "Note", "url": f.evil.URL + "/@carl/1"}
		},
		"its page":             func(f *fediverse, _ aptest.Doc) any { return f.evil.URL + "/@carl/1" },
		"a list of its page":   func(f *fediverse, _ aptest.Doc) any { return many(f.evil.URL + "/@carl/1") },
		"its id and its page":  func(f *fediverse, note aptest.Doc) any { return many(note["id"], f.evil.URL+"/@carl/1") },
		"a short link":         func(f *fediverse, _ aptest.Doc) any { return f.evil.URL + "/s" },
		"a page that names it": func(f *fediverse, _ aptest.Doc) any { return f.evil.URL + "/notice" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFediverse(t)
			f.follows(f.louise, f.ann, cache.FollowAccepted)
			poster := f.evil.Actor("carl")
			note := poster.Note("True.")
			f.evil.Change(func() { note["url"] = f.evil.URL + "/@carl/1" })
			f.evil.Serve("/@carl/1", note)
			f.evil.Script("/s", http.RedirectHandler("/@carl/1", http.StatusFound))
			page(f.evil, "/notice", note["id"].(string))
			object := form(f, note)
			boost := with(f.ann.Activity(as2.TypeAnnounce, object), aptest.Doc{"to": many(as2.Public)})
			if name != "its id and its page" { // of which it cannot be told that they are one, before it is held
				f.get(f.ann, boost, "")
				if got := f.held(boost["id"].(string)); got != "public ann boost" {
					t.Fatalf("the boost is %s", got)
				}
			} else if _, err := f.postBehind(t.Context(), note["id"].(string)); err != nil {
				t.Fatal(err)
			}
			if got := f.held(note["id"].(string)); got != "public carl True." {
				t.Errorf("what is boosted is %s", got)
			}
			reactions := func() (n int) {
				f.view(func(tx *cache.Tx) error {
					list, err := tx.ReactionsBy(f.ann.ID, note["id"].(string))
					n = len(list)
					return err
				})
				return n
			}
			like := f.ann.Activity(as2.TypeLike, object)
			react := with(f.ann.Activity(as2.TypeEmojiReact, object), aptest.Doc{"content": "🎉"})
			f.get(f.ann, like, "")
			f.get(f.ann, react, "")
			if n := reactions(); n != 2 {
				t.Errorf("%d reactions", n)
			}
			f.get(f.ann, f.ann.Activity(as2.TypeUndo, with(react, aptest.Doc{"id": nil})), "")
			f.get(f.ann, f.ann.Activity(as2.TypeUndo, like), "")
			if want := map[bool]int{true: 1}[name == "a short link" || name == "a page that names it"]; reactions() != want {
				t.Errorf("%d reactions after both were taken back, want %d: an Undo has us go nowhere", reactions(), want)
			}
			f.get(f.ann, f.ann.Activity(as2.TypeUndo, boost), "")
			if got := f.held(boost["id"].(string)); got == "public ann boost" {
				t.Error("the boost stays")
			}
		})
	}
}

// TestAboutNothing takes no effect from what names several posts or none, from
// pages of which the host of the id knows nothing, and from strangers who would
// have us go somewhere.
func TestAboutNothing(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	mine := f.ourPost("mine", "Mine.")
	one, two := f.carl.Note("One."), f.carl.Note("Two.")
	f.evil.Serve("/forged", aptest.Doc{"id": one["id"].(string) + "0", "type": "Note", "attributedTo": f.carl.ID, "content": "Forged.", "to": many(as2.Public)})
	f.evil.Serve("/disguised", aptest.Doc{"id": f.evil.URL + "/n", "type": "Note", "attributedTo": f.carl.ID, "content": "Forged.", "to": many(as2.Public)})
	f.evil.Script("/wide", http.RedirectHandler("https://10.0.0.1/", http.StatusFound))
	for name, object := range map[string]any{
		"several": many(one["id"], two["id"]), "ours and another": many(mine, one["id"]), "nothing": many(), "an empty object": aptest.Doc{},
		"a page whose id is not where it says": f.evil.URL + "/forged", "somebody else's on one's own host": f.evil.URL + "/disguised",
		"an address inside": f.evil.URL + "/wide", "no address": "urn:uuid:1", "a person": f.carl.ID,
	} {
		for _, kind := range []string{as2.TypeAnnounce, as2.TypeLike} {
			act := with(f.ann.Activity(kind, object), aptest.Doc{"to": many(as2.Public)})
			if asked := f.get(f.ann, act, ""); asked != "" {
				t.Errorf("%s of %s has done: %s", kind, name, asked)
			}
			if got := f.held(act["id"].(string)); got != "absent" {
				t.Errorf("%s of %s is %s", kind, name, got)
			}
		}
	}
	for _, uri := range []string{one["id"].(string) + "0", f.evil.URL + "/n"} {
		if got := f.held(uri); got != "absent" {
			t.Errorf("%s is %s", uri, got)
		}
	}
	before := len(f.mast.Fetched())
	for range 3 {
		f.get(f.mal, f.mal.Activity(as2.TypeLike, one["id"]), "")
	}
	if after := f.mast.Fetched(); len(after) != before {
		t.Errorf("a stranger had us ask for %q", after[before:])
	}
	f.evil.Serve("/x", aptest.Doc{})
	for n := range 2 * looksMost {
		f.get(f.mal, f.mal.Activity(as2.TypeLike, fmt.Sprintf("%s/x/%d", f.evil.URL, n)), "")
	}
	if n := fetchedFrom(f.evil, "/x/"); n != looksMost {
		t.Errorf("%d looks for one site", n)
	}
}

// TestAboutOurs takes reactions to posts of ours by any address of ours, and by
// others that lead there; nothing of ours is asked for on the web.
func TestAboutOurs(t *testing.T) {
	f := newFediverse(t)
	mine := f.ourPost("mine", "Mine.")
	var url string
	f.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(mine, operator)
		url = stored.Post.URL
		return err
	})
	f.mast.Script("/s", http.RedirectHandler(url, http.StatusFound))
	page(f.mast, "/about", mine)
	for _, address := range []string{mine, url, url + "#x", f.mast.URL + "/s", f.mast.URL + "/about"} {
		f.get(f.ann, f.ann.Activity(as2.TypeLike, address), "")
		f.update(func(tx *cache.Tx) error {
			had, err := tx.DeleteReaction(f.ann.ID, mine, cache.Like, "")
			if !had {
				t.Errorf("no like by %s", address)
			}
			return err
		})
	}
}

// TestAnswersPage hangs an answer that names the page of a post below that post,
// known before or found later; and it is no wider than that.
func TestAnswersPage(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	replyTo := func(uri string) (out, visibility string) {
		f.view(func(tx *cache.Tx) error {
			stored, err := tx.PostByURI(uri, operator)
			out, visibility = stored.Post.ReplyTo, string(stored.Post.Visibility)
			return err
		})
		return out, visibility
	}
	fetches := func() {
		t.Helper()
		for {
			jobs := f.jobs(jobFetch)
			if len(jobs) == 0 {
				return
			}
			for _, j := range jobs {
				if done := f.runJob(t.Context(), groups[1], j); done == 0 {
					t.Fatalf("%s was not done", j.Note)
				}
				f.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
			}
		}
	}
	send := func(doc aptest.Doc) {
		t.Helper()
		body, err := json.Marshal(f.ann.Activity("Create", doc))
		f.must(err)
		o, err := as2.Parse(body)
		f.must(err)
		f.must(f.Receive(t.Context(), incoming(f.ann.ID, o, body)))
	}
	first := f.carl.Note("First.")
	f.mast.Change(func() { first["url"] = f.mast.URL + "/@carl/1" })
	f.mast.Serve("/@carl/1", first)
	f.mast.Script("/s", http.RedirectHandler("/@carl/1", http.StatusFound))
	for _, address := range []any{f.mast.URL + "/s", f.mast.URL + "/@carl/1", many(f.mast.URL + "/@carl/1"), aptest.Doc{"type": "Link", "href": f.mast.URL + "/@carl/1"}} {
		answer := with(f.ann.Note("An answer."), aptest.Doc{"inReplyTo": address})
		send(answer)
		fetches()
		if got, _ := replyTo(answer["id"].(string)); got != first["id"] {
			t.Errorf("by %v it answers %s", address, got)
		}
		send(with(answer, aptest.Doc{"content": "Again.", "updated": f.clock().Add(time.Hour).UTC().Format(time.RFC3339)}))
		if got, _ := replyTo(answer["id"].(string)); got != first["id"] {
			t.Errorf("by %v and then edited it answers %s", address, got)
		}
		f.asked()
	}
	secret := f.carl.Note("Secret.")
	f.mast.Change(func() { secret["to"], secret["cc"] = many(f.carl.Followers), many() })
	f.mast.Serve("/@carl/2", secret)
	wide := with(f.ann.Note("Wide."), aptest.Doc{"inReplyTo": f.mast.URL + "/@carl/2"})
	send(wide)
	fetches()
	if got, visibility := replyTo(wide["id"].(string)); got != secret["id"] || visibility != "followers" {
		t.Errorf("the answer to what is for followers is %s, to %s", visibility, got)
	}
}
