package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// letIn serves a note to the one whose key signs the request, as a server does
// with what is for followers; others get a 404. It returns who asked.
func (f *fediverse) letIn(note aptest.Doc, reader string) *[]string {
	at, err := url.Parse(note["id"].(string))
	f.must(err)
	body, err := json.Marshal(with(note, aptest.Doc{"@context": as2.ContextAS2}))
	f.must(err)
	var asked []string
	f.mast.Script(at.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(r.Header.Get("Signature"), `keyId="`)
		key, _, _ = strings.Cut(key, "#")
		if asked = append(asked, key); key != reader {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", as2.MediaType)
		_, _ = w.Write(body)
	}))
	return &asked
}

// TestReadInTheNameOf: what the gateway's own actor may not read is asked for in
// the name of who it is for, and kept for them (design: audience).
func TestReadInTheNameOf(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	instance := f.addr.Instance("example.org")
	private := aptest.Doc{"to": many(f.ann.Followers), "cc": []string{}}

	bare := with(f.ann.Note("Only an id came."), private)
	asked := f.letIn(bare, f.louise.URI)
	create := f.ann.Activity(as2.TypeCreate, bare)
	create["object"] = bare["id"]
	f.get(f.ann, create, "")
	if got := f.held(bare["id"].(string)); got != "followers ann Only an id came." || strings.Join(*asked, " ") != instance+" "+f.louise.URI {
		t.Errorf("held %q, asked by %q", got, *asked)
	}

	parent := with(f.carl.Note("What was said before."), aptest.Doc{"to": many(f.louise.URI), "cc": []string{}})
	asked = f.letIn(parent, f.louise.URI)
	answer := with(f.ann.Note("An answer."), aptest.Doc{"to": many(f.louise.URI), "cc": []string{}, "inReplyTo": parent["id"]})
	doc, err := json.Marshal(f.ann.Activity(as2.TypeCreate, answer))
	f.must(err)
	o, err := as2.Parse(doc)
	f.must(err)
	f.must(f.Receive(t.Context(), ap.Incoming{Body: doc, Object: o, Signer: f.ann.ID, Host: "example.org", Target: f.louise.Acct, Digest: sha256.Sum256(doc)}))
	for _, j := range f.jobs(jobActivity) {
		f.must(f.runActivity(t.Context(), j))
	}
	jobs := f.jobs(jobFetch)
	for _, j := range jobs {
		f.must(f.runFetch(t.Context(), j))
	}
	if got := f.held(parent["id"].(string)); !strings.HasSuffix(got, "carl What was said before.") {
		t.Errorf("the parent: %q, asked by %q, %d jobs", got, *asked, len(jobs))
	}
	seen := func(who cache.Account) bool {
		ok := false
		f.view(func(tx *cache.Tx) error {
			_, err := tx.PostByURI(parent["id"].(string), cache.Viewer{Actor: who.URI})
			ok = err == nil
			return ignoreMissing(err)
		})
		return ok
	}
	if pierre := f.linkUser(pierre); !seen(f.louise) || seen(pierre) {
		t.Errorf("Louise sees it: %t, Pierre: %t", seen(f.louise), seen(pierre))
	}

	// What its server keeps from us although it calls it public is not shown, and
	// nobody has us ask somebody else's server in the name of a user.
	odd := f.ann.Note("Public, but not for you.")
	f.letIn(odd, f.louise.URI)
	create = f.ann.Activity(as2.TypeCreate, odd)
	create["object"] = odd["id"]
	f.get(f.ann, create, "")
	foreign := with(f.ann.Note("Asked for by a stranger."), private)
	asked = f.letIn(foreign, f.louise.URI)
	create = f.mal.Activity(as2.TypeCreate, foreign)
	create["object"], create["to"] = foreign["id"], many(f.louise.URI)
	f.get(f.mal, create, f.louise.Acct)
	if f.held(odd["id"].(string)) != "absent" || f.held(foreign["id"].(string)) != "absent" || len(*asked) > 1 {
		t.Errorf("held %q and %q, asked by %q", f.held(odd["id"].(string)), f.held(foreign["id"].(string)), *asked)
	}

	// What nobody here may read is asked for by few.
	secret := with(f.ann.Note("Not for us."), private)
	asked = f.letIn(secret, "nobody")
	create = f.ann.Activity(as2.TypeCreate, secret)
	create["object"] = secret["id"]
	f.get(f.ann, create, "")
	if got := f.held(secret["id"].(string)); got != "absent" || len(*asked) > 1+readersMost {
		t.Errorf("held %q, asked by %q", got, *asked)
	}
}
