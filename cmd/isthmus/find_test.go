package main

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/config"
	"isthmus/gateway"
	"isthmus/translate"
)

// testResolver knows the addresses of the tests' configuration.
func testResolver(t testing.TB) gateway.Resolver {
	t.Helper()
	site, err := url.Parse("https://example.org")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gateway.NewResolver(config.Config{Domains: []config.Domain{{Name: "example.org", URL: site}}, XMPP: config.XMPP{Component: "ap.example.org"}, HTTP: config.HTTP{Path: "/_ap"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// addressIn finds addresses in what is printed.
var addressIn = regexp.MustCompile(`(https://|xmpp:)[^\s",'<>]+`)

// TestPrintedAddresses feeds back every address that is printed: of posts to
// trace and cache get, of people to what takes a person.
func TestPrintedAddresses(t *testing.T) {
	b := newBench(t, serveConfig(t))
	store := filled(t, b)
	alice := translate.Actor{URI: "https://mast.social/users/alice", Handle: "alice@mast.social", JID: `alice\40mast.social@ap.example.org`, Name: "Alice"}
	err := store.Update(t.Context(), func(tx *cache.Tx) error {
		if err := tx.PutActor(cache.Actor{URI: alice.URI, Acct: alice.Handle, Type: "Person", Name: alice.Name, URL: "https://mast.social/@alice", Inbox: alice.URI + "/inbox", FetchedAt: day}); err != nil {
			return err
		}
		if _, err := tx.Bind(alice.JID, alice.URI, day); err != nil {
			return err
		}
		remote := translate.Post{
			URI: alice.URI + "/statuses/110", URL: "https://mast.social/@alice/110", Kind: translate.KindNote, Origin: translate.OriginAP, Owner: alice, Author: alice,
			Text: "a harbour by Alice", HTML: "<p>a harbour by Alice</p>", Visibility: translate.Public, Published: day, To: []string{"https://www.w3.org/ns/activitystreams#Public"},
			Item: &translate.Item{Service: alice.JID, Node: "urn:xmpp:microblog:0", ID: "xyz234"}, ReplyTo: post("7q", "", "").URI,
		}
		if _, _, err := tx.PutPost(remote, nil, cache.PutOptions{Received: day}); err != nil {
			return err
		}
		mine := post("9s", translate.Public, "a harbour of mine with a page")
		mine.URL = "https://example.org/_ap/@louise@example.org/9s"
		if _, _, err := tx.PutPost(mine, nil, cache.PutOptions{Received: day}); err != nil {
			return err
		}
		return tx.PutActivity(cache.Activity{ID: "https://example.org/_ap/activity/abc", Actor: louise.URI, Type: "Create", Object: mine.URI, At: day, Raw: []byte(`{}`)})
	})
	if err != nil {
		t.Fatal(err)
	}
	awaitIndex(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		status, out, errs := b.with(args...)
		if status != exitDone {
			t.Errorf("%q: status %d: %s", args, status, errs)
		}
		return out
	}
	posts := map[string]bool{
		alice.URI + "/statuses/110": true, "https://example.org/_ap/activity/abc": true, "xyz234": true, "7q": true, "louise@example.org/urn:xmpp:microblog:0/7q": true,
		"https://example.org/_ap/@louise@example.org/9s#reply": true, "https://mast.social/@alice/110#x": true, "http://mast.social/@alice/110": true,
		"<https://mast.social/@alice/110>": true, "https://example.org/_ap/@louise@example.org~2/9s": false,
		`xmpp:alice\40mast.social@ap.example.org?;node=urn:xmpp:microblog:0;item=xyz234`:                                                           true,
		`xmpp:alice%5C40mast.social@ap.example.org?pubsub;action=retrieve;node=urn%3Axmpp%3Amicroblog%3A0;item=xyz234`:                             true,
		`xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments%2Fxyz234`:                                             true,
		`xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=https%3A%2F%2Fmast.social%2Fusers%2Falice%2Fstatuses%2F110`: true,
	}
	people := map[string]bool{
		"@louise@example.org": true, "acct:louise@example.org": true, "louise@example.org": true, "Louise@example.org/phone": true, "xmpp:louise@example.org": true,
		"https://example.org/_ap/@louise@example.org": true, louise.URI: true,
		"@alice@mast.social": true, "acct:alice@mast.social": true, alice.JID: true, "xmpp:" + alice.JID: true, `xmpp:alice%5C40mast.social@ap.example.org`: true,
		"https://mast.social/@alice": true, "mast.social/@alice": true, alice.URI: true, "alice%mast.social@ap.example.org": true,
	}
	collect := func(out string) {
		for _, at := range addressIn.FindAllString(out, -1) {
			switch {
			case strings.HasSuffix(at, "#Public") || strings.Contains(at, "www.w3.org"), strings.HasPrefix(at, "xmpp:microblog"):
			case strings.Contains(at, "/statuses/") || strings.Contains(at, "/item/") || strings.Contains(at, ";item=") || regexp.MustCompile(`/@[^/]+/\w`).MatchString(at):
				posts[at] = true
			default:
				people[at] = true
			}
		}
	}
	collect(run("search", "harbour"))
	collect(run("search", "harbour", "--json"))
	collect(run("search", "harbour", "--output", "xml"))
	collect(run("links"))
	for len(posts) > 0 {
		var at string
		for at = range posts {
			break
		}
		known := posts[at]
		delete(posts, at)
		for _, command := range [][]string{{"trace", at}, {"cache", "get", at}} {
			status, out, errs := b.with(command...)
			if (status == exitDone) != known {
				t.Errorf("%q: status %d: %s", command, status, errs)
			}
			for _, number := range regexp.MustCompile(`(?m)^number +(\d+)`).FindAllStringSubmatch(out, -1) {
				run("trace", number[1])
			}
		}
	}
	for who := range people {
		if out := run("cache", "purge", "--actor", who); strings.Contains(out, "There is no such post") {
			t.Errorf("no posts are of %s: %s", who, out)
		}
		if out := run("search", "from:"+who); who != "Louise@example.org/phone" && !strings.HasPrefix(who, "alice%") && who != "mast.social/@alice" && !strings.Contains(out, "harbour") {
			t.Errorf("search finds nothing from:%s: %s", who, out)
		}
	}
	for _, who := range []string{"@louise@example.org", "louise@example.org", "xmpp:louise@example.org", louise.URI, "https://example.org/_ap/@louise@example.org"} {
		if out := run("search", "harbour", "--as", who); !strings.Contains(out, "nobody may find") {
			t.Errorf("--as %s: %s", who, out)
		}
		run("status", who)
		run("blocks", "--as", who)
	}
}
