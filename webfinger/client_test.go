package webfinger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answered is a status as the guarded client reports it.
type answered int

func (a answered) Error() string   { return http.StatusText(int(a)) }
func (a answered) StatusCode() int { return int(a) }

// handlerFetcher fetches from a handler in this process.
type handlerFetcher struct{ http.Handler }

func (f handlerFetcher) Fetch(_ context.Context, from, accept string, _ int64) ([]byte, string, error) {
	r := httptest.NewRequest("GET", from, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != 200 {
		return nil, "", answered(w.Code)
	}
	return w.Body.Bytes(), w.Header().Get("Content-Type"), nil
}

// site is a set of documents by URL; a missing one is 404.
type site struct {
	docs  map[string]doc
	asked []string
}

type doc struct {
	typ, body string
	err       error
}

func (s *site) Fetch(_ context.Context, from, _ string, _ int64) ([]byte, string, error) {
	s.asked = append(s.asked, from)
	d, ok := s.docs[from]
	if !ok {
		return nil, "", answered(404)
	}
	return []byte(d.body), d.typ, d.err
}

// notGoneTo is how a fetcher refuses an address.
type notGoneTo struct{}

func (notGoneTo) Error() string { return "not there" }
func (notGoneTo) Final() bool   { return true }

func finger(handle string) string {
	_, host, _ := strings.Cut(handle, "@")
	return "https://" + host + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+handle)
}

func answer(subject, self string) doc {
	return doc{typ: "application/jrd+json", body: fmt.Sprintf(
		`{"subject":%q,"links":[{"rel":"self","type":"text/html","href":"https://x.example/"},{"rel":"self","type":"application/activity+json","href":%q}]}`, subject, self)}
}

// profile is an answer with aliases, which are JSON.
func profile(subject, aliases, self string) doc {
	return doc{typ: "application/jrd+json", body: fmt.Sprintf(
		`{"subject":%q,"aliases":[%s],"links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, subject, aliases, self)}
}

const alice = "alice@mast.social"

func TestLookup(t *testing.T) {
	trouble := errors.New("connection refused")
	const id = "https://mast.social/users/alice"
	good := answer("acct:alice@mast.social", id)
	tests := []struct {
		name string
		docs map[string]doc
		want Account
		err  error
	}{
		{"plain", map[string]doc{finger(alice): good}, Account{Handle: alice, ActorURL: id}, nil},
		{"json type", map[string]doc{finger(alice): {typ: "application/json; charset=utf-8", body: good.body}}, Account{Handle: alice, ActorURL: id}, nil},
		{"ld+json self", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:Alice@MAST.social","links":[{"rel":"self","type":"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"","href":"` + id + `"}]}`}},
			Account{Handle: "Alice@mast.social", ActorURL: id}, nil},
		{"odd members elsewhere", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"aliases":7,"properties":{"a":null},"subject":"acct:alice@mast.social","links":[{"rel":5,"titles":[]},{"rel":"self","type":"application/activity+json","href":"` + id + `"}]}`}},
			Account{Handle: alice, ActorURL: id}, nil},
		{"profile page", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:alice@mast.social","links":[{"rel":"http://webfinger.net/rel/profile-page","href":"https://mast.social/@alice"},{"rel":"self","type":"application/activity+json","href":"` + id + `"}]}`}},
			Account{Handle: alice, ActorURL: id, PageURL: "https://mast.social/@alice"}, nil},
		{"script as page", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:alice@mast.social","links":[{"rel":"http://webfinger.net/rel/profile-page","href":"javascript:1"},{"rel":"self","type":"application/activity+json","href":"` + id + `"}]}`}},
			Account{Handle: alice, ActorURL: id}, nil},
		{"split domain", map[string]doc{
			finger(alice):                  answer("acct:alice@ap.mast.social", "https://ap.mast.social/a"),
			finger("alice@ap.mast.social"): answer("acct:alice@ap.mast.social", "https://ap.mast.social/a"),
		}, Account{Handle: "alice@ap.mast.social", ActorURL: "https://ap.mast.social/a"}, nil},
		{"host-meta", map[string]doc{
			"https://mast.social/.well-known/host-meta":              {typ: TypeXRD, body: `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="https://ap.mast.social/wf?r={uri}"/></XRD>`},
			"https://ap.mast.social/wf?r=acct%3Aalice%40mast.social": good,
		}, Account{Handle: alice, ActorURL: id}, nil},
		{"subject without acct:", map[string]doc{finger(alice): answer(alice, id)}, Account{Handle: alice, ActorURL: id, Loose: true}, nil},
		{"subject with @ and in another case", map[string]doc{finger(alice): answer("@Alice@MAST.social", id)}, Account{Handle: "Alice@mast.social", ActorURL: id, Loose: true}, nil},
		{"subject is the profile, with the handle among the aliases", map[string]doc{finger(alice): profile("https://mast.social/@alice", `"acct:alice@mast.social","https://mast.social/?author=1"`, id)},
			Account{Handle: alice, ActorURL: id, Loose: true}, nil},
		{"alias without acct:, beside odd ones", map[string]doc{finger(alice): profile("https://mast.social/@alice", `1,{},null,"alice@mast.social"`, id)},
			Account{Handle: alice, ActorURL: id, Loose: true}, nil},

		{"nobody", nil, Account{}, ErrNotFound},
		{"gone", map[string]doc{finger(alice): {err: answered(410)}}, Account{}, ErrGone},
		{"away", map[string]doc{finger(alice): {err: trouble}}, Account{}, trouble},
		{"no actor", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:alice@mast.social","links":[]}`}}, Account{}, ErrNotFound},

		// SEC-7: what a hostile or broken host says.
		{"subject of a victim", map[string]doc{
			finger(alice):                 answer("acct:victim@good.example", "https://mast.social/users/alice"),
			finger("victim@good.example"): answer("acct:victim@good.example", "https://good.example/users/victim"),
		}, Account{}, ErrWrong},
		{"subject of a victim, with the victim's id", map[string]doc{
			finger(alice):                 answer("acct:victim@good.example", "https://good.example/users/victim"),
			finger("victim@good.example"): answer("acct:victim@good.example", "https://good.example/users/victim"),
		}, Account{Handle: "victim@good.example", ActorURL: "https://good.example/users/victim"}, nil},
		{"subject that points on again", map[string]doc{
			finger(alice):             answer("acct:b@two.example", id),
			finger("b@two.example"):   answer("acct:c@three.example", id),
			finger("c@three.example"): answer("acct:c@three.example", id),
		}, Account{}, ErrWrong},
		{"subject missing", map[string]doc{finger(alice): answer("", id)}, Account{}, ErrWrong},
		{"subject is a URL", map[string]doc{finger(alice): answer("https://mast.social/users/alice", id)}, Account{}, ErrWrong},
		{"subject without acct: of another user", map[string]doc{finger(alice): answer("bob@mast.social", id), finger("bob@mast.social"): answer("bob@mast.social", id)}, Account{}, ErrWrong},
		{"subject without acct: at another host", map[string]doc{finger(alice): answer("alice@good.example", id), finger("alice@good.example"): answer("alice@good.example", id)}, Account{}, ErrWrong},
		{"aliases of another user", map[string]doc{finger(alice): profile("https://mast.social/@alice", `"acct:bob@mast.social"`, id)}, Account{}, ErrWrong},
		{"aliases at another host", map[string]doc{finger(alice): profile("https://mast.social/@alice", `"acct:alice@mast.social.evil.example","acct:alice@evil.example"`, id)}, Account{}, ErrWrong},
		{"aliases of a profile without TLS", map[string]doc{finger(alice): profile("http://mast.social/@alice", `"acct:alice@mast.social"`, id)}, Account{}, ErrWrong},
		{"aliases beside another scheme", map[string]doc{finger(alice): profile("mailto:alice@mast.social", `"acct:alice@mast.social"`, id)}, Account{}, ErrWrong},
		{"aliases beside another account", map[string]doc{finger(alice): profile("acct:bob@mast.social", `"acct:alice@mast.social"`, id)}, Account{}, ErrNotFound},
		{"aliases beside no subject", map[string]doc{finger(alice): profile("", `"acct:alice@mast.social"`, id)}, Account{}, ErrWrong},
		{"too many aliases before it", map[string]doc{finger(alice): profile("https://mast.social/@alice", strings.Repeat(`"x",`, 100)+`"acct:alice@mast.social"`, id)}, Account{}, ErrWrong},
		{"aliases are no list", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"https://mast.social/@alice","aliases":"acct:alice@mast.social","links":[]}`}}, Account{}, ErrWrong},
		{"subject with a path", map[string]doc{finger(alice): answer("acct:alice/../bob@mast.social", id)}, Account{}, ErrWrong},
		{"subject at a look-alike host", map[string]doc{finger(alice): answer("acct:alice@mаst.social", id)}, Account{}, ErrNotFound},
		{"self without TLS", map[string]doc{finger(alice): answer("acct:alice@mast.social", "http://mast.social/users/alice")}, Account{}, ErrWrong},
		{"self is data", map[string]doc{finger(alice): answer("acct:alice@mast.social", "data:application/activity+json,{}")}, Account{}, ErrWrong},
		{"self with a password", map[string]doc{finger(alice): answer("acct:alice@mast.social", "https://a:b@mast.social/")}, Account{}, ErrWrong},
		{"duplicate subject", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:alice@mast.social","subject":"acct:b@evil.example","links":[]}`}}, Account{}, ErrWrong},
		{"not JSON", map[string]doc{finger(alice): {typ: TypeJRD, body: `<html>`}}, Account{}, ErrWrong},
		{"an upload", map[string]doc{finger(alice): {typ: "text/plain", body: good.body}}, Account{}, ErrWrong},
		{"too many links", map[string]doc{finger(alice): {typ: TypeJRD, body: `{"subject":"acct:alice@mast.social","links":[` + strings.Repeat(`{},`, 200) + `{}]}`}}, Account{}, ErrWrong},
		{"template without TLS", map[string]doc{
			"https://mast.social/.well-known/host-meta":     {typ: TypeXRD, body: `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="http://mast.social/{uri}"/></XRD>`},
			"http://mast.social/acct%3Aalice%40mast.social": good,
		}, Account{}, ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &site{docs: tt.docs}
			got, err := NewClient(s).Lookup(t.Context(), alice)
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if len(s.asked) > 4 {
				t.Errorf("%d requests for one handle: %q", len(s.asked), s.asked)
			}
		})
	}
}

func TestLookupRefusesBeforeAsking(t *testing.T) {
	s := &site{}
	c := NewClient(s)
	for _, handle := range []string{
		"", "alice", "@", "alice@", "@mast.social", "alice@mast.social/x", "alice@mast.social?x", "a b@mast.social",
		"alice@[::1]", "alice@mast.social.", "alice@ma\x00st.social", "alice@mast.social:port", "alice@a@b", "alice@-",
		"https://mast.social/users/alice", "../x@mast.social",
	} {
		if got, err := c.Lookup(t.Context(), handle); !errors.Is(err, ErrWrong) {
			t.Errorf("%q: %v, %v", handle, got, err)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
}

func TestLookupRemembers(t *testing.T) {
	s := &site{docs: map[string]doc{finger(alice): answer("acct:"+alice, "https://mast.social/a")}}
	c := NewClient(s)
	for range 3 {
		if _, err := c.Lookup(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Lookup(t.Context(), "bob@mast.social"); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	}
	want := []string{finger(alice), finger("bob@mast.social"), "https://mast.social/.well-known/host-meta"}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	c.Forget("@" + alice)
	_, _ = c.Lookup(t.Context(), alice)
	if !slices.Equal(s.asked, append(want, finger(alice))) {
		t.Errorf("Forget did not forget: %q", s.asked)
	}
}

// A request that was given up says nothing about the handle.
func TestLookupForgetsCancelled(t *testing.T) {
	s := &site{docs: map[string]doc{finger(alice): {err: context.Canceled}}}
	c := NewClient(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Lookup(ctx, alice); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.docs[finger(alice)] = answer("acct:"+alice, "https://mast.social/a")
	if _, err := c.Lookup(t.Context(), alice); err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	const id = "https://mast.social/users/alice"
	trouble := errors.New("connection refused")
	tests := []struct {
		name  string
		claim Claim
		docs  map[string]doc
		want  string
		err   error
	}{
		{"by name", Claim{ID: id, PreferredUsername: "alice"}, map[string]doc{finger(alice): answer("acct:"+alice, id)}, alice, nil},
		{"by property", Claim{id, "al", "alice@social.example"}, map[string]doc{finger("alice@social.example"): answer("acct:alice@social.example", id)}, "alice@social.example", nil},
		{"by a subject without acct:", Claim{ID: id, PreferredUsername: "alice"}, map[string]doc{finger(alice): answer(alice, id)}, alice, nil},
		{"by an alias", Claim{ID: id, PreferredUsername: "alice"}, map[string]doc{finger(alice): profile("https://mast.social/@alice", `"acct:alice@mast.social"`, id)}, alice, nil},
		{"by an alias that is somebody else's", Claim{ID: "https://mast.social/users/mal", PreferredUsername: "alice"}, map[string]doc{finger(alice): profile("https://mast.social/@alice", `"acct:alice@mast.social"`, id)}, "", ErrWrong},
		{"property claims a victim", Claim{id, "alice", "victim@good.example"}, map[string]doc{
			finger("victim@good.example"): answer("acct:victim@good.example", "https://good.example/v"),
			finger(alice):                 answer("acct:"+alice, id),
		}, alice, nil},
		{"only a victim claimed", Claim{id, "", "victim@good.example"}, map[string]doc{
			finger("victim@good.example"): answer("acct:victim@good.example", "https://good.example/v"),
		}, "", ErrWrong},
		{"the name is somebody else's", Claim{ID: id + "2", PreferredUsername: "alice"}, map[string]doc{finger(alice): answer("acct:"+alice, id)}, "", ErrWrong},
		{"id differs by case", Claim{ID: "https://mast.social/users/Alice", PreferredUsername: "alice"}, map[string]doc{finger(alice): answer("acct:"+alice, id)}, "", ErrWrong},
		{"property host is away", Claim{id, "alice", "alice@social.example"}, map[string]doc{
			finger("alice@social.example"): {err: trouble}, finger(alice): answer("acct:"+alice, id),
		}, "", trouble},
		{"property host is overrun", Claim{id, "alice", "alice@social.example"}, map[string]doc{
			finger("alice@social.example"): {err: answered(429)}, finger(alice): answer("acct:"+alice, id),
		}, "", answered(429)},
		{"property host forbids", Claim{id, "alice", "alice@social.example"}, map[string]doc{
			finger("alice@social.example"): {err: answered(403)}, finger(alice): answer("acct:"+alice, id),
		}, alice, nil},
		{"property host is not gone to", Claim{id, "alice", "alice@social.example"}, map[string]doc{
			finger("alice@social.example"): {err: notGoneTo{}}, finger(alice): answer("acct:"+alice, id),
		}, alice, nil},
		{"WebFinger is forbidden", Claim{ID: id, PreferredUsername: "alice"}, map[string]doc{finger(alice): {err: answered(403)}}, "", ErrWrong},
		{"name with a slash", Claim{ID: id, PreferredUsername: "../alice"}, nil, "", ErrNotFound},
		{"name with another host", Claim{ID: id, PreferredUsername: "alice@evil.example"}, nil, "", ErrNotFound},
		{"no name", Claim{ID: id}, nil, "", ErrNotFound},
		{"no id", Claim{PreferredUsername: "alice"}, nil, "", ErrWrong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewClient(&site{docs: tt.docs}).Verify(t.Context(), tt.claim)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// Many actors that claim one victim's handle cost the victim's host one request.
func TestVerifyIsNoAmplifier(t *testing.T) {
	s := &site{docs: map[string]doc{finger(alice): answer("acct:"+alice, "https://mast.social/users/alice")}}
	c := NewClient(s)
	for i := range 20 {
		id := fmt.Sprintf("https://evil%d.example/actor", i)
		if _, err := c.Verify(t.Context(), Claim{ID: id, WebFinger: alice}); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if len(s.asked) != 1 {
		t.Errorf("%d requests: %q", len(s.asked), s.asked)
	}
}

func TestNodeInfoClient(t *testing.T) {
	const wellKnown = "https://mast.social/.well-known/nodeinfo"
	links := func(href string) doc {
		return doc{typ: "application/json", body: `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/1.0","href":"https://mast.social/1"},{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"` + href + `"}]}`}
	}
	tests := []struct {
		name string
		docs map[string]doc
		want NodeInfo
		bad  bool
	}{
		{"plain", map[string]doc{wellKnown: links("https://mast.social/n/2.0"), "https://mast.social/n/2.0": {
			typ:  `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.0#"`,
			body: `{"version":"2.0","software":{"name":"Mastodon","version":"4.6"},"protocols":["activitypub",7],"usage":{"users":{}}}`}},
			NodeInfo{"mastodon", "4.6", []string{"activitypub"}}, false},
		{"protocols of the old kind", map[string]doc{wellKnown: links("https://mast.social/n/2.0"), "https://mast.social/n/2.0": {
			typ: `application/json`, body: `{"software":{"name":"x"},"protocols":{"inbound":["xmpp"]}}`}}, NodeInfo{Software: "x"}, false},
		{"nothing", nil, NodeInfo{}, true},
		{"no link", map[string]doc{wellKnown: {typ: "application/json", body: `{"links":[]}`}}, NodeInfo{}, true},
		{"data link", map[string]doc{wellKnown: links("data:application/json,{}")}, NodeInfo{}, true},
		{"file link", map[string]doc{wellKnown: links("file:///etc/passwd")}, NodeInfo{}, true},
		{"http link", map[string]doc{wellKnown: links("http://mast.social/n")}, NodeInfo{}, true},
		{"html", map[string]doc{wellKnown: links("https://mast.social/n"), "https://mast.social/n": {typ: "text/html", body: "{}"}}, NodeInfo{}, true},
		{"duplicate names", map[string]doc{wellKnown: links("https://mast.social/n"), "https://mast.social/n": {typ: "application/json", body: `{"software":{},"software":{}}`}}, NodeInfo{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &site{docs: tt.docs}
			got, err := NewClient(s).NodeInfo(t.Context(), "mast.social")
			if (err != nil) != tt.bad {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, from := range s.asked {
				if !strings.HasPrefix(from, "https://") {
					t.Errorf("asked %q", from)
				}
			}
		})
	}
	if _, err := NewClient(&site{}).NodeInfo(t.Context(), "mast.social/../x"); err == nil {
		t.Error("a host with a path was asked")
	}
}
