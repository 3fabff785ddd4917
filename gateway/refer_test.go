package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// page has a peer serve a web page that names its document, with more headers or none.
func page(p *aptest.Peer, path, document string) {
	p.ServeAs(path, "text/html; charset=utf-8", []byte(`<!DOCTYPE html><html><head><title>Ann</title>
<link rel="alternate" type="application/activity+json" href="`+document+`"></head><body><p>Her words`))
}

func via(uri string) *stanza.Element {
	return stanza.New(stanza.NSAtom, "link").Set("rel", "via").Set("href", uri)
}

// pagesOf are the ways in which a post is named that are not its id. The store
// does not hold it, and so each of them is gone to.
func (f *fediverse) pagesOf(note aptest.Doc) map[string]string {
	id := note["id"].(string)
	f.mast.Serve("/@ann/110", note) // Mastodon's page, by content negotiation
	page(f.mast, "/notice/110", id) // Pleroma's, and others that say where the document is
	page(f.mast, "/archives/moss/", strings.TrimPrefix(id, f.mast.URL))
	f.mast.Script("/header", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Link", `<`+id+`>; rel="alternate"; type="application/activity+json"`)
	}))
	f.mast.Script("/s", http.RedirectHandler("/@ann/110", http.StatusFound))
	page(f.evil, "/copy", id)
	create := f.ann.Activity("Create", id)
	return map[string]string{
		"a page by content negotiation": f.mast.URL + "/@ann/110",
		"a page with a link":            f.mast.URL + "/notice/110",
		"a page with a slash":           f.mast.URL + "/archives/moss/",
		"a page with a fragment":        f.mast.URL + "/@ann/110#reply",
		"a page with a header":          f.mast.URL + "/header",
		"a page without TLS":            "http" + strings.TrimPrefix(f.mast.URL, "https") + "/@ann/110",
		"a short link":                  f.mast.URL + "/s",
		"a page on another server":      f.evil.URL + "/copy",
		"the activity that brought it":  create["id"].(string),
		"its id":                        id,
	}
}

// TestReferByPage answers and boosts a post by every address that leads to it.
func TestReferByPage(t *testing.T) {
	names := newFediverse(t).pagesOf(aptest.Doc{"id": "https://x.test/"})
	for name := range names {
		t.Run(name, func(t *testing.T) {
			f := newFediverse(t)
			note := f.ann.Note("<p>First.</p>")
			address := f.pagesOf(note)[name]
			f.publish(louise, feed, f.entry("r", "I answer from the web address", inReplyTo(address)))
			made := f.deliveries()
			if len(made) != 2 || made[0].Type != "Create" || made[0].Object["inReplyTo"] != note["id"] {
				t.Fatalf("sent %+v", made)
			}
			f.publish(louise, feed, f.entry("b", "shared", via(address)))
			if made = f.deliveries(); len(made) != 2 || made[0].Type != "Announce" || made[0].uri != note["id"] {
				t.Fatalf("sent %+v", made)
			}
			f.pass(time.Minute)
			f.mast.Script("/@ann/110", http.NotFoundHandler()) // what was found once is not looked for again
			f.publish(louise, feed, f.entry("r", "I answer better", inReplyTo(address)))
			if made = f.deliveries(); len(made) != 2 || made[0].Type != "Update" || made[0].Object["inReplyTo"] != note["id"] {
				t.Errorf("an edit sent %+v", made)
			}
			if n := f.notices(""); len(n) != 0 {
				t.Errorf("Louise is told %+v", n)
			}
		})
	}
}

// TestReferHeldByPage goes nowhere for what is held, or ours: the page of a post,
// the place of a post in XMPP, our own pages.
func TestReferHeldByPage(t *testing.T) {
	f := newFediverse(t)
	f.linkUser(pierre)
	note := with(f.ann.Note("First."), aptest.Doc{"url": f.mast.URL + "/@ann/111"})
	f.mast.Serve(strings.TrimPrefix(note["id"].(string), f.mast.URL), note)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.get(f.ann, f.ann.Activity("Create", note), "")
	f.publish(pierre, feed, f.entry("p1", "Pierre's."))
	mine := f.expect("Create")[0]
	before := len(f.mast.Fetched())
	item := f.itemOf(note["id"].(string))
	for name, c := range map[string][2]string{
		"the page of a post":           {f.mast.URL + "/@ann/111", note["id"].(string)},
		"the page, with a fragment":    {f.mast.URL + "/@ann/111#x", note["id"].(string)},
		"the item":                     {translate.PubSubURI(item.Service, item.Node, item.ID), note["id"].(string)},
		"the item, as Movim has it":    {translate.InReplyToURI(item.Service, item.Node, item.ID), note["id"].(string)},
		"the item by the object's id":  {translate.PubSubURI(item.Service, item.Node, note["id"].(string)), note["id"].(string)},
		"a page of ours":               {mine.Object["url"].(string), mine.uri},
		"an id of ours":                {mine.uri, mine.uri},
		"the Create of a post of ours": {mine.ID, mine.uri},
		"an item of one of ours":       {translate.PubSubURI(pierre, feed, "p1"), mine.uri},
	} {
		f.publish(louise, feed, f.entry("r "+name, "I answer.", inReplyTo(c[0])), f.entry("b "+name, "shared", via(c[0])))
		made := f.deliveries()
		if len(made) == 0 || made[0].Object["inReplyTo"] != c[1] {
			t.Errorf("%s: sent %+v", name, made)
		}
		for _, m := range made {
			if m.Type == "Announce" && m.uri != c[1] {
				t.Errorf("%s: boosted %s", name, m.uri)
			}
		}
	}
	if after := f.mast.Fetched(); len(after) != before {
		t.Errorf("asked for %q", after[before:])
	}
}

// TestReferNowhere sends nothing of what answers or boosts no post, and says so
// once, however often it is seen; and again when it is published anew.
func TestReferNowhere(t *testing.T) {
	f := newFediverse(t)
	f.mast.ServeAs("/blog", "text/html", []byte("<html><head></head><body>A page.</body></html>"))
	f.mast.ServeAs("/upload", "application/json", []byte(`{"id":"x"}`))
	f.mast.Serve("/lies", aptest.Doc{"id": f.evil.URL + "/notes/none", "type": "Note", "attributedTo": f.mal.ID})
	page(f.mast, "/inside", "https://10.0.0.1/secret")
	f.mast.Script("/round", http.RedirectHandler("/round", http.StatusFound))
	f.mast.Script("/gone", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	f.mast.Script("/toours", http.RedirectHandler("https://example.org/_ap/@louise@example.org/nothing", http.StatusFound))
	private := f.ann.Note("For Ann's followers.")
	f.mast.Change(func() { private["to"], private["cc"] = many(f.ann.Followers), many() })
	blocked := f.mal.Note("Blocked.")
	f.update(func(tx *cache.Tx) error { return tx.PutBlock(cache.Block{Target: f.evil.Host, CreatedAt: f.clock()}) })
	page(f.mast, "/toblocked", blocked["id"].(string))
	for address, says := range map[string]string{
		f.mast.URL + "/blog":      "There is no fediverse post at " + f.mast.URL + "/blog.",
		f.mast.URL + "/none":      "There is no fediverse post",
		f.mast.URL + "/upload":    "There is no fediverse post", // L10
		f.mast.URL + "/lies":      "There is no fediverse post", // SEC-1
		f.mast.URL + "/inside":    "There is no fediverse post", // SEC-32
		f.mast.URL + "/round":     "There is no fediverse post",
		f.mast.URL + "/toours":    "There is no fediverse post",
		f.ann.ID:                  "There is no fediverse post",
		f.mast.URL + "/gone":      "was deleted",
		blocked["id"].(string):    "has blocked",
		f.mast.URL + "/toblocked": "has blocked",
		"https://example.org/_ap/@louise@example.org/nothing": "There is no fediverse post",
		translate.PubSubURI(aliceJID, feed, "nothing"):        "There is no post",
	} {
		for what, el := range map[string]*stanza.Element{"your reply “I answer.”": inReplyTo(address), "your boost": via(address)} {
			id := what + address
			item := f.entry(id, "I answer.", el)
			for range 3 {
				f.publish(louise, feed, item)
			}
			f.pull(t.Context(), f.louise, true)
			f.expect("")
			told := f.notices("Not sent to the fediverse: " + what + ".")
			if len(told) != 1 || told[0].User != louise || !strings.Contains(told[0].Notice, says) {
				t.Errorf("%s %s: told %+v", what, address, told)
			}
			f.pass(time.Minute)
			f.publish(louise, feed, f.entry(id, "I answer.", el))
			if told = f.notices("Not sent to the fediverse: " + what + "."); len(told) != 2 {
				t.Errorf("%s %s, published anew: told %d times", what, address, len(told))
			}
			f.retractItem(louise, feed, id)
			f.asked()
		}
	}
	f.publish(louise, feed, f.entry("private", "x", via(private["id"].(string))))
	if f.expect(""); len(f.notices("The post is not public.")) != 1 {
		t.Errorf("of a boost of what is not public: %+v", f.notices(""))
	}
	f.view(func(tx *cache.Tx) error {
		marks, err := tx.MetaAfter(unsentPrefix, "", 100)
		if len(marks) != 1 {
			t.Errorf("%d marks are left of items that are gone", len(marks)-1)
		}
		return err
	})
}

// TestReferLater keeps what answers a post whose server is away, through a restart
// too, and sends it when that is back.
func TestReferLater(t *testing.T) {
	f := newFediverse(t)
	note := f.ann.Note("First.")
	away := true
	f.mast.Script("/@ann/110", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/activity+json")
		_, _ = fmt.Fprintf(w, `{"id":%q,"type":"Note"}`, note["id"])
	}))
	address := f.mast.URL + "/@ann/110"
	f.publish(louise, feed, f.entry("r", "I answer.", inReplyTo(address)), f.entry("b", "shared", via(address)), f.entry("x", "Taken back.", inReplyTo(address)))
	f.pull(t.Context(), f.louise, true)
	f.expect("")
	if n := len(f.jobs(jobRefer)); n != 3 {
		t.Fatalf("%d items wait", n)
	}
	f.retractItem(louise, feed, "x")
	attempt := func() {
		t.Helper()
		f.recent.forget("post at " + address)
		f.pass(time.Hour)
		for _, j := range f.jobs(jobRefer) {
			if done := f.runJob(t.Context(), groups[2], j); done != 0 {
				f.update(func(tx *cache.Tx) error { return tx.Ack(done) })
			}
		}
	}
	attempt()
	f.expect("")
	away = false
	attempt()
	made := f.deliveries()
	if types(made) != "Create Create Announce Announce" || made[0].Object["inReplyTo"] != note["id"] || made[2].uri != note["id"] {
		t.Errorf("sent %+v", made)
	}
	if n := len(f.jobs(jobRefer)); n != 0 || len(f.notices("")) != 0 {
		t.Errorf("%d still wait, and Louise was told %+v", n, f.notices(""))
	}
	f.view(func(tx *cache.Tx) error {
		marks, err := tx.MetaAfter(unsentPrefix, "", 100)
		if len(marks) != 0 {
			t.Errorf("left: %+v", marks)
		}
		return err
	})
}

// TestReferTooLate tells when the server of what is answered was away for too long.
func TestReferTooLate(t *testing.T) {
	f := newFediverse(t)
	f.mast.Script("/@ann/110", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	f.publish(louise, feed, f.entry("r", "I answer.", inReplyTo(f.mast.URL+"/@ann/110")))
	j := f.jobs(jobRefer)[0]
	f.giveUp(j, tooOldError{})
	told := f.notices("could not be reached for a day")
	if f.expect(""); len(told) != 1 || !strings.Contains(told[0].Notice, "your reply “I answer.”") {
		t.Errorf("told %+v", told)
	}
	f.pull(t.Context(), f.louise, true)
	if told := f.notices(""); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}
