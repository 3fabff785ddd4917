package translate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testID = "abcdefghijklmnopqrstuvwxyz"

// TestURL holds every URL of the design's table.
func TestURL(t *testing.T) {
	a := testAddresses(t)
	const acct, base = "louise@example.org", "https://example.org/_ap/"
	person := func(kind URLKind) URLRef {
		return URLRef{Kind: kind, Host: "example.org", Acct: acct, Handle: acct, Generation: 1, Canonical: true}
	}
	item := func(kind URLKind, sub string) URLRef {
		r := person(kind)
		r.ID, r.Sub = testID, sub
		return r
	}
	key := person(URLActor)
	key.Key = true
	tests := []struct {
		got, want string
		ref       URLRef
	}{
		{a.ActorURL(acct), base + "actor/louise@example.org", person(URLActor)},
		{a.KeyID(a.ActorURL(acct)), base + "actor/louise@example.org#main-key", key},
		{a.Inbox(acct), base + "inbox/louise@example.org", person(URLInbox)},
		{a.Outbox(acct), base + "outbox/louise@example.org", person(URLOutbox)},
		{a.Followers(acct), base + "followers/louise@example.org", person(URLFollowers)},
		{a.Following(acct), base + "following/louise@example.org", person(URLFollowing)},
		{a.Featured(acct), base + "featured/louise@example.org", person(URLFeatured)},
		{a.PageURL(acct), base + "@louise@example.org", person(URLPage)},
		{a.ItemPageURL(acct, testID), base + "@louise@example.org/" + testID, item(URLItemPage, "")},
		{a.ItemURL(acct, testID), base + "item/louise@example.org/" + testID, item(URLItem, "")},
		{a.ItemSubURL(acct, testID, SubReplies), base + "item/louise@example.org/" + testID + "/replies", item(URLItem, "replies")},
		{a.ItemSubURL(acct, testID, SubLikes), base + "item/louise@example.org/" + testID + "/likes", item(URLItem, "likes")},
		{a.ItemSubURL(acct, testID, SubShares), base + "item/louise@example.org/" + testID + "/shares", item(URLItem, "shares")},
		{a.ActivityURL("example.org", testID), base + "activity/" + testID, URLRef{Kind: URLActivity, Host: "example.org", ID: testID, Canonical: true}},
		{a.MediaURL("example.org", testID), base + "media/" + testID, URLRef{Kind: URLMedia, Host: "example.org", ID: testID, Canonical: true}},
		{a.SharedInbox("Example.org"), base + "shared_inbox", URLRef{Kind: URLSharedInbox, Host: "example.org", Canonical: true}},
		{a.Instance("example.org"), base + "instance", URLRef{Kind: URLInstance, Host: "example.org", Canonical: true}},
		{a.KeyID(a.Instance("example.org")), base + "instance#main-key", URLRef{Kind: URLInstance, Host: "example.org", Key: true, Canonical: true}},
		{
			a.ActorURL("___n---a.2b@social.b.example~2"), "https://social.b.example/_ap/actor/___n---a.2b@social.b.example~2",
			URLRef{Kind: URLActor, Host: "social.b.example", Acct: "___n---a.2b@social.b.example~2", Handle: "___n---a.2b@social.b.example", Generation: 2, Canonical: true},
		},
		{
			a.ActorURL("___.x" + testID + "@example.org"), base + "actor/___.x" + testID + "@example.org",
			URLRef{Kind: URLActor, Host: "example.org", Acct: "___.x" + testID + "@example.org", Handle: "___.x" + testID + "@example.org", Generation: 1, Canonical: true},
		},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("formed %q, want %q", tt.got, tt.want)
		}
		ref, err := a.ParseURL(tt.want)
		if err != nil {
			t.Errorf("ParseURL(%q): %v", tt.want, err)
		}
		if diff := cmp.Diff(tt.ref, ref); diff != "" {
			t.Errorf("ParseURL(%q) (-want +got):\n%s", tt.want, diff)
		}
		if got := a.URL(ref); got != tt.want {
			t.Errorf("URL(ParseURL(%q)) = %q", tt.want, got)
		}
	}
	for _, got := range []string{a.ActorURL("alice@mast.social"), a.ActorURL(""), a.ActorURL("louise"), a.ItemURL("alice@pubsub.example.org", testID),
		a.ActivityURL("mast.social", testID), a.Instance(""), a.SharedInbox("ap.example.org")} {
		if got != "" {
			t.Errorf("%q is not ours", got)
		}
	}
}

// Other spellings are understood, and said to be so.
func TestParseURLSpellings(t *testing.T) {
	a := testAddresses(t)
	for raw, want := range map[string]string{
		"https://example.org/_ap/actor/louise%40example.org":                                "https://example.org/_ap/actor/louise@example.org",
		"https://EXAMPLE.org:443/_ap/actor/Louise@Example.org":                              "https://example.org/_ap/actor/louise@example.org",
		"https://example.org./_ap/actor/%6Couise@example.org%7E2":                           "https://example.org/_ap/actor/louise@example.org~2",
		"https://example.org/_ap/actor/___louise.2Emichel%40example.org":                    "https://example.org/_ap/actor/louise.michel@example.org",
		"https://example.org/_ap/actor/blog@pubsub.example.org":                             "https://example.org/_ap/actor/___blog---.40pubsub.2eexample.2eorg@example.org",
		"https://example.org/_ap/%40louise@example.org/" + testID:                           "https://example.org/_ap/@louise@example.org/" + testID,
		"https://example.org/_ap/@louise@example.org?utm=x#c":                               "https://example.org/_ap/@louise@example.org",
		"https://example.org/_ap/outbox/louise@example.org?page=true":                       "https://example.org/_ap/outbox/louise@example.org",
		"https://example.org/_ap/item/louise@example.org/" + testID + "/replies?page=1":     "https://example.org/_ap/item/louise@example.org/" + testID + "/replies",
		"https://example.org/_ap/actor/___marie.40b.2eexample@example.org":                  "",
		"https://example.org/_ap/actor/marie@social.b.example":                              "",
		"https://social.b.example/_ap/actor/louise@example.org":                             "",
		"https://example.org/_ap/actor/louise%2540example.org":                              "", // unescaped once only
		"https://example.org/_ap/actor/louise@example.org/":                                 "",
		"https://example.org/_ap/actor/louise@example.org?x=1":                              "",
		"https://example.org/_ap/actor/louise@example.org#other":                            "",
		"https://example.org/_ap/inbox/louise@example.org#main-key":                         "",
		"https://example.org/_ap/actor/example.org@example.org":                             "",
		"https://example.org/_ap/actor/louise":                                              "",
		"https://example.org/_ap/actor/":                                                    "",
		"https://example.org/_ap/actor":                                                     "",
		"https://example.org/_ap/":                                                          "",
		"https://example.org/_ap":                                                           "",
		"https://example.org/":                                                              "",
		"https://example.org":                                                               "",
		"https://example.org/_app/actor/louise@example.org":                                 "",
		"https://example.org//_ap/actor/louise@example.org":                                 "",
		"https://example.org/_ap/page/louise@example.org":                                   "",
		"https://example.org/_ap/item_page/louise@example.org/" + testID:                    "",
		"https://example.org/_ap/item/louise@example.org":                                   "",
		"https://example.org/_ap/item/louise@example.org/" + testID + "/other":              "",
		"https://example.org/_ap/item/louise@example.org/" + testID + "/replies/x":          "",
		"https://example.org/_ap/item/louise@example.org/a%2Fb":                             "",
		"https://example.org/_ap/item/louise@example.org/..":                                "",
		"https://example.org/_ap/item/louise@example.org/%00":                               "",
		"https://example.org/_ap/item/louise@example.org/" + strings.Repeat("a", 129):       "",
		"https://example.org/_ap/@louise@example.org/" + testID + "/replies":                "",
		"https://example.org/_ap/instance/x":                                                "",
		"https://example.org/_ap/shared_inbox/louise@example.org":                           "",
		"https://example.org/_ap/activity":                                                  "",
		"https://example.org/_ap/activity/a/b":                                              "",
		"http://example.org/_ap/instance":                                                   "",
		"https://user@example.org/_ap/instance":                                             "",
		"https://example.org/_ap/instance?x":                                                "",
		"https://ap.example.org/_ap/instance":                                               "",
		"https://example.org/_ap/actor/" + strings.Repeat("a", 5000):                        "",
		"https://example.org/_ap/media/" + testID + ".png":                                  "https://example.org/_ap/media/" + testID + ".png",
		"https://example.org/_ap/actor/___.x" + strings.ToUpper(testID) + "@example.org":    "https://example.org/_ap/actor/___.x" + testID + "@example.org",
		"https://social.b.example/_ap/featured/___louise.40b.2eexample@social.b.example":    "https://social.b.example/_ap/featured/louise@social.b.example",
		"https://social.b.example/_ap/featured/___louise.40example.2eorg@social.b.example":  "",
		"https://example.org/_ap/actor/___louise.40example.2enet@example.org":               "https://example.org/_ap/actor/___louise.40example.2enet@example.org",
		"https://example.org/_ap/actor/___pierre.40example.2enet@ap.example.org":            "https://example.org/_ap/actor/___pierre.40example.2enet@example.org",
		"https://example.org/_ap/actor/___alice.5c40m.2es.40ap.2eexample.2eorg@example.org": "",
	} {
		ref, err := a.ParseURL(raw)
		if want == "" {
			if !errors.Is(err, ErrUnknown) || ref != (URLRef{}) {
				t.Errorf("ParseURL(%q) = %+v, %v", raw, ref, err)
			}
			continue
		}
		if err != nil || a.URL(ref) != want || ref.Canonical != (raw == want) {
			t.Errorf("ParseURL(%q) = %+v, %v; formed anew %q", raw, ref, err, a.URL(ref))
		}
	}
	for _, raw := range []string{"https://mast.social/_ap/instance", "https://example.org:8443/_ap/instance", "https://example.org@mast.social/_ap/instance", "https://[::1]/_ap/instance"} {
		if ref, err := a.ParseURL(raw); !errors.Is(err, ErrNotOurs) || ref != (URLRef{}) {
			t.Errorf("ParseURL(%q) = %+v, %v", raw, ref, err)
		}
	}
	for _, raw := range []string{"", "instance", "/_ap/instance", "ftp://example.org/_ap/instance", "acct:louise@example.org", "//example.org/_ap/instance", "https://%zz/"} {
		if ref, err := a.ParseURL(raw); !errors.Is(err, ErrUnknown) {
			t.Errorf("ParseURL(%q) = %+v, %v", raw, ref, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	a := testAddresses(t)
	ref, err := a.ParsePath("EXAMPLE.org:443", "/_ap/actor/louise@example.org")
	if err != nil || ref.Acct != "louise@example.org" || !ref.Canonical {
		t.Errorf("%+v, %v", ref, err)
	}
	ref, err = a.ParsePath("example.org", "/_ap/actor/louise%40example.org")
	if err != nil || ref.Acct != "louise@example.org" || ref.Canonical {
		t.Errorf("%+v, %v", ref, err)
	}
	if _, err := a.ParsePath("example.org", "/_ap/actor/louise%4"); !errors.Is(err, ErrUnknown) {
		t.Errorf("bad escape: %v", err)
	}
	for _, host := range []string{"mast.social", "", "ap.example.org", "b.example"} {
		if _, err := a.ParsePath(host, "/_ap/instance"); !errors.Is(err, ErrNotOurs) {
			t.Errorf("host %q: %v", host, err)
		}
	}
}

// What parses forms a URL that parses to the same.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"https://example.org/_ap/actor/louise@example.org#main-key",
		"https://example.org/_ap/actor/louise%40example.org~2",
		"https://example.org/_ap/item/___j.C3.B8rgen%40example.org/" + testID + "/likes?page=1",
		"https://example.org/_ap/@louise@example.org/" + testID,
		"https://news.example:443/_ap/outbox/blog@news.example?page=x",
		"https://social.b.example./_ap/activity/" + testID,
		"https://example.org/_ap/instance#main-key",
		"https://example.org/_ap/media/A.b-c",
		"http://[::1]/%2F", "https://a@example.org/_ap/shared_inbox",
	} {
		f.Add(s)
	}
	a := testAddresses(f)
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := a.ParseURL(s)
		if err != nil {
			if ref != (URLRef{}) {
				t.Errorf("ParseURL(%q) = %+v with error %v", s, ref, err)
			}
			return
		}
		if !a.IsLocalURL(s) {
			t.Errorf("%q parses and is not local", s)
		}
		u := a.URL(ref)
		again, err := a.ParseURL(u)
		if ref.Canonical != (u == s) {
			t.Errorf("%q is canonically %q: %v", s, u, ref.Canonical)
		}
		ref.Canonical = true
		if err != nil || again != ref {
			t.Errorf("%q is %+v; formed anew, %q is %+v, %v", s, ref, u, again, err)
		}
	})
}
