package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// community is a group of Lemmy's whom one of ours follows, and a member of it on
// another server.
type community struct {
	*fediverse
	lemmy  *aptest.Peer
	group  *aptest.Actor
	member *aptest.Actor
}

func newCommunity(t *testing.T) *community {
	t.Helper()
	c := &community{fediverse: newFediverse(t)}
	c.lemmy = c.net.Peer("lemmy.test")
	c.group = c.lemmy.Actor("moss")
	c.lemmy.Change(func() { c.group.Doc["type"] = "Group" })
	c.member = c.mal // on a server of their own
	c.follows(c.louise, c.group, cache.FollowAccepted)
	c.asked()
	return c
}

// page is a post as Lemmy has it.
func (c *community) page(name string) aptest.Doc {
	p := c.member.Note("<p>Look at it.</p>")
	c.evil.Change(func() {
		p["type"], p["name"], p["audience"], p["mediaType"] = "Page", name, c.group.ID, "text/html"
		p["to"], p["cc"] = many(c.group.ID, as2.Public), many()
		p["source"] = aptest.Doc{"content": "Look at it.", "mediaType": "text/markdown"}
		p["attachment"] = many(aptest.Doc{"type": "Link", "href": "https://blog.test/moss"})
		p["language"] = aptest.Doc{"identifier": "en", "name": "English"}
		p["sensitive"], p["stickied"], p["commentsEnabled"] = false, false, true
	})
	return p
}

// announce has the group pass something on, and gives the activity.
func (c *community) announce(object any) (asked string, act aptest.Doc) {
	act = with(c.group.Activity(as2.TypeAnnounce, object), aptest.Doc{"to": many(as2.Public), "cc": many(c.group.Followers)})
	return c.get(c.group, act, ""), act
}

// TestReceiveGroup is V19: what groups pass on are activities of others.
func TestReceiveGroup(t *testing.T) {
	c := newCommunity(t)
	page := c.page("Moss in winter")
	id := page["id"].(string)
	fetched := func() []string { return c.evil.Fetched() }

	asked, act := c.announce(with(c.member.Activity(as2.TypeCreate, page), aptest.Doc{"audience": c.group.ID}))
	if got := c.held(act["id"].(string)); asked != "notify" || got != "public moss boost" || c.held(id) != "public mal Look at it." {
		t.Errorf("Announce of a Create asks for %q: %s, of %s", asked, got, c.held(id))
	}
	// For those who know only posts, Lemmy announces the post as well.
	asked, act = c.announce(id)
	if got := c.held(act["id"].(string)); asked != "" || got != "absent" {
		t.Errorf("the same again asks for %q: %s", asked, got)
	}

	before := len(fetched())
	for range 3 {
		vote := c.member.Activity(as2.TypeLike, id)
		if asked, _ := c.announce(with(vote, aptest.Doc{"audience": c.group.ID})); asked != "" {
			t.Errorf("a vote asks for %q", asked)
		}
		if asked, _ := c.announce(c.member.Activity(as2.TypeUndo, vote)); asked != "" {
			t.Errorf("a vote taken back asks for %q", asked)
		}
	}
	if got := fetched()[before:]; len(got) > 0 {
		t.Errorf("votes have us fetch %q", got)
	}

	comment := c.member.Note("<p>Nice.</p>")
	c.evil.Change(func() { comment["inReplyTo"] = id })
	if asked, act = c.announce(c.member.Activity(as2.TypeCreate, comment)); asked != "notify" || c.held(act["id"].(string)) != "absent" ||
		c.held(comment["id"].(string)) != "public mal Nice." {
		t.Errorf("a comment asks for %q: %s", asked, c.held(comment["id"].(string)))
	}
	strange := c.member.Note("<p>What?</p>")
	c.evil.Change(func() { strange["inReplyTo"] = c.evil.URL + "/unknown" })
	if asked, _ = c.announce(c.member.Activity(as2.TypeCreate, strange)); asked != "" || c.held(strange["id"].(string)) != "absent" {
		t.Errorf("a comment on nothing we know asks for %q", asked)
	}
}

// TestGroupHistory reads the outbox of a group, where its posts are Announces of
// Creates, and votes stand between.
func TestGroupHistory(t *testing.T) {
	c := newCommunity(t)
	page := c.page("Moss in winter")
	create := c.group.Activity(as2.TypeAnnounce, c.member.Activity(as2.TypeCreate, page))
	vote := c.group.Activity(as2.TypeAnnounce, c.member.Activity(as2.TypeLike, page["id"]))
	odd := with(c.group.Activity(as2.TypeAnnounce, page["id"]), aptest.Doc{"id": "javascript://" + c.lemmy.Host + "/x"})
	var items []*as2.Object
	for _, doc := range []aptest.Doc{create, vote, odd} {
		body, err := json.Marshal(with(doc, aptest.Doc{"to": many(as2.Public)}))
		c.must(err)
		o, err := as2.Parse(body)
		c.must(err)
		items = append(items, o)
	}
	actor, err := c.remoteByURI(t.Context(), c.group.ID)
	c.must(err)
	fresh, fetched := c.takeBoosts(t.Context(), actor, items)
	if fresh != 1 || fetched != 1 || c.held(create["id"].(string)) != "public moss boost" {
		t.Errorf("%d new, %d fetched: %s", fresh, fetched, c.held(create["id"].(string)))
	}
}

// TestReceiveGroupEdits: a group's word is not enough for an edit or a deletion,
// but it has us look (SEC-9, BR-4).
func TestReceiveGroupEdits(t *testing.T) {
	c := newCommunity(t)
	page := c.page("Moss in winter")
	id := page["id"].(string)
	c.announce(c.member.Activity(as2.TypeCreate, page))

	lie := with(page, aptest.Doc{"content": "A lie.", "updated": "2026-11-21T09:00:00Z"})
	if asked, _ := c.announce(c.member.Activity(as2.TypeUpdate, lie)); asked != "" || c.held(id) != "public mal Look at it." {
		t.Errorf("an edit that its author knows nothing of asks for %q: %s", asked, c.held(id))
	}
	c.evil.Change(func() { page["content"], page["updated"] = "Look again.", "2026-11-21T09:00:00Z" })
	if asked, _ := c.announce(c.member.Activity(as2.TypeUpdate, page)); asked != "notify" || c.held(id) != "public mal Look again." {
		t.Errorf("an edit asks for %q: %s", asked, c.held(id))
	}

	remove := c.member.Activity(as2.TypeDelete, id)
	if asked, _ := c.announce(remove); asked != "" || c.held(id) != "public mal Look again." {
		t.Errorf("a deletion of what is there asks for %q: %s", asked, c.held(id))
	}
	c.evil.Script(strings.TrimPrefix(id, c.evil.URL), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as2.MediaType)
		w.WriteHeader(http.StatusGone)
		_, _ = w.Write([]byte(`{"id":"` + id + `","type":"Tombstone"}`))
	}))
	if asked, _ := c.announce(c.member.Activity(as2.TypeDelete, id)); asked != "retract, retract" || c.held(id) != "gone" {
		t.Errorf("a deletion asks for %q: %s", asked, c.held(id))
	}
}

// TestReceiveFromNoGroup: whom nobody follows passes nothing on.
func TestReceiveFromNoGroup(t *testing.T) {
	c := newCommunity(t)
	page := c.page("Spam")
	c.update(func(tx *cache.Tx) error {
		_, err := tx.DeleteFollow(c.louise.URI, c.group.ID)
		return err
	})
	before := len(c.evil.Fetched())
	if asked, _ := c.announce(c.member.Activity(as2.TypeCreate, page)); asked != "" || c.held(page["id"].(string)) != "absent" {
		t.Errorf("asks for %q", asked)
	}
	if got := c.evil.Fetched()[before:]; slices.Contains(got, strings.TrimPrefix(page["id"].(string), c.evil.URL)) {
		t.Errorf("fetched %q", got)
	}
}
