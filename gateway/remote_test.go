package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// known is the remote actor as the gateway has it now, read from its origin.
func (f *fediverse) known(a *aptest.Actor) cache.Actor {
	f.t.Helper()
	who, err := f.fetchActor(f.t.Context(), a.ID)
	f.must(err)
	return who
}

// fetchedFrom counts what was asked of a server, by how it begins.
func fetchedFrom(p *aptest.Peer, path string) (n int) {
	for _, at := range p.Fetched() {
		if strings.HasPrefix(at, path) {
			n++
		}
	}
	return n
}

// TestActorAddress shows which address an actor has, and that it keeps it.
func TestActorAddress(t *testing.T) {
	f := newFediverse(t)
	plain := func(name string) string {
		jid, err := f.addr.ActorJID(name + "@" + f.mast.Host)
		f.must(err)
		return jid
	}
	hashed := func(a *aptest.Actor) string { return f.addr.ActorJIDHashed(a.ID, f.mast.Host) }
	odd := f.mast.Actor("odd")
	f.mast.Change(func() { odd.Doc["preferredUsername"] = "Ünal" })
	liar := f.mast.Actor("liar")
	f.mast.Change(func() { liar.Doc["preferredUsername"] = "ann" })
	for _, c := range []struct {
		name string
		who  *aptest.Actor
		jid  string
		acct string
	}{
		{"by its handle", f.ann, plain("ann"), "ann@" + f.mast.Host},
		{"without a handle", odd, hashed(odd), ""},
		{"with the handle of another", liar, hashed(liar), ""},
	} {
		a := f.known(c.who)
		if a.JID != c.jid || a.Acct != c.acct {
			t.Errorf("%s: %s is %s", c.name, a.JID, a.Acct)
		}
		if again, err := f.remoteByJID(t.Context(), stanza.JID(c.jid)); err != nil || again.URI != c.who.ID {
			t.Errorf("%s: back to %s, %v", c.name, again.URI, err)
		}
	}
	f.mast.Change(func() { odd.Doc["preferredUsername"] = "odd" }) // its handle can be verified now
	if a := f.known(odd); a.JID != hashed(odd) || a.Acct != "odd@"+f.mast.Host {
		t.Errorf("with a handle, it is %s at %s", a.Acct, a.JID)
	}
	var moved *redirect
	if _, err := f.remoteByJID(t.Context(), stanza.JID(plain("odd"))); !errors.As(err, &moved) || moved.to != hashed(odd) {
		t.Errorf("by its handle: %v", err)
	}
	f.mast.Change(func() { f.ann.Doc["name"], f.ann.Doc["preferredUsername"] = "Anna", "anna" })
	if a := f.known(f.ann); a.JID != plain("ann") || a.Name != "Anna" {
		t.Errorf("renamed, it is %s at %s", a.Name, a.JID)
	}
}

// TestNoActors shows who is no remote actor: we ourselves, people on another
// gateway (BR-5), and what is no actor.
func TestNoActors(t *testing.T) {
	f := newFediverse(t)
	bridged, elsewhere, nobox := f.mast.Actor("bridged"), f.mast.Actor("elsewhere"), f.mast.Actor("nobox")
	f.mast.Change(func() {
		bridged.Doc["tag"] = many(aptest.Doc{"type": "Link", "rel": "canonical", "href": "xmpp:juliet@capulet.lit?;node=urn%3Axmpp%3Amicroblog%3A0"})
		elsewhere.Doc["inbox"] = f.evil.URL + "/inbox"
		delete(nobox.Doc, "inbox")
	})
	note := f.ann.Note("Not me.")
	for _, c := range []struct {
		uri, says string
		kind      Kind
	}{
		{f.louise.URI, "ours", NotFound},
		{f.addr.Instance("example.org"), "ours", NotFound},
		{bridged.ID, "xmpp:juliet@capulet.lit", Forbidden},
		{elsewhere.ID, "not an actor", NotFound}, // SEC-35
		{nobox.ID, "not an actor", NotFound},
		{note["id"].(string), "that is a post, not somebody. Its author: " + f.ann.ID, NotFound},
		{f.mast.URL + "/users/none", "does not have it", NotFound},
	} {
		if _, err := f.remoteByURI(t.Context(), c.uri); !isKind(err, c.kind) || !strings.Contains(sayError(err), c.says) {
			t.Errorf("%s: %v", c.uri, err)
		}
	}
	var moved *redirect
	if _, err := f.remoteByJID(t.Context(), `pierre\40example.net@ap.example.org`); !errors.As(err, &moved) || moved.to != pierre {
		t.Errorf("one of ours by the address of an actor: %v", err)
	}
	mark := f.actorDocument(f.louise)
	if len(mark.Tag) != 1 || mark.Tag[0].Rel != "canonical" || mark.Tag[0].Href != translate.PubSubURI(louise, feed, "") {
		t.Errorf("we mark our own as %+v", mark.Tag)
	}
}

// TestNewActorOfAHandle follows a handle to the actor that it leads to now: its
// server began anew, or somebody else got the name.
func TestNewActorOfAHandle(t *testing.T) {
	f := newFediverse(t)
	old := f.known(f.ann)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: f.ann.ID, Followee: f.louise.URI, State: cache.FollowAccepted, CreatedAt: f.clock(), UpdatedAt: f.clock()})
	})
	jid := old.JID
	f.mast.Remove("/users/ann")
	anew := f.mast.Actor("anew")
	leadsTo := func(script http.HandlerFunc) { f.mast.Script("/.well-known/webfinger", script) }
	asked := 0
	answer := func(id string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "application/jrd+json")
			_, _ = w.Write([]byte(`{"subject":"acct:ann@` + f.mast.Host + `","links":[{"rel":"self","type":"application/activity+json","href":"` + id + `"}]}`))
		}
	}
	f.mast.Change(func() { anew.Doc["preferredUsername"] = "ann" })
	holds := func(uri string, follows string) {
		t.Helper()
		var bound cache.Actor
		f.view(func(tx *cache.Tx) (err error) {
			bound, err = tx.ActorByJID(jid)
			return err
		})
		if got := f.follow(f.louise.URI, f.ann.ID) + " " + f.follow(f.ann.ID, f.louise.URI); bound.URI != uri || got != follows {
			t.Errorf("%s leads to %s, follows are %s", jid, bound.URI, got)
		}
	}
	leadsTo(func(w http.ResponseWriter, r *http.Request) { // agrees the first time only
		answer(map[bool]string{true: anew.ID, false: f.ann.ID}[asked == 0])(w, r)
	})
	f.finger.Forget(old.Acct)
	if a := f.known(anew); a.JID == jid {
		t.Errorf("bound to %s after one answer", a.JID)
	}
	holds(f.ann.ID, "accepted accepted")
	leadsTo(answer(anew.ID))
	f.finger.Forget(old.Acct)
	f.asked()
	if a := f.known(anew); a.JID != jid {
		t.Errorf("the new actor is at %s", a.JID)
	}
	holds(anew.ID, "none none")
	var state stateWork
	f.view(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobState, Limit: 2})
		if err == nil && len(jobs) == 1 {
			state, err = decode[stateWork](jobs[0])
		}
		return err
	})
	if state.JID != jid || state.Actor != f.ann.ID || state.State != cache.FollowRejected {
		t.Errorf("Louise is told of %+v", state)
	}
}

// TestHandleOfAVanishedActor finds the new actor of a handle when the old one is
// not there any more, without being told.
func TestHandleOfAVanishedActor(t *testing.T) {
	f := newFediverse(t)
	jid := f.known(f.ann).JID
	anew := f.mast.Actor("anew")
	f.mast.Remove("/users/ann")
	f.mast.Change(func() { anew.Doc["preferredUsername"] = "ann" })
	f.mast.Script("/.well-known/webfinger", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = w.Write([]byte(`{"subject":"acct:ann@` + f.mast.Host + `","links":[{"rel":"self","type":"application/activity+json","href":"` + anew.ID + `"}]}`))
	}))
	f.pass(actorLife + time.Hour)
	if a, err := f.remoteByJID(t.Context(), stanza.JID(jid)); err != nil || a.URI != f.ann.ID {
		t.Fatalf("meanwhile it is %s, %v", a.URI, err)
	}
	f.running.Wait()
	if a, err := f.remoteByJID(t.Context(), stanza.JID(jid)); err != nil || a.URI != anew.ID {
		t.Errorf("afterwards it is %s, %v", a.URI, err)
	}
}

// TestKeyOwner is SEC-5: a key is its owner's when the owner's own document
// lists it, whatever it says of itself.
func TestKeyOwner(t *testing.T) {
	f := newFediverse(t)
	thief := f.mast.Actor("thief")
	f.mast.Change(func() { // lists the key of a neighbour as its own
		thief.Doc["publicKey"] = many(thief.Doc["publicKey"], aptest.Doc{"id": f.ann.KeyID, "owner": thief.ID, "publicKeyPem": aptest.PEM(&thief.Key.PublicKey)})
	})
	apart := f.mast.Actor("apart") // a key document of its own, as GoToSocial's
	f.mast.Change(func() {
		apart.Doc["publicKey"] = aptest.Doc{"id": apart.ID + "/main-key", "owner": apart.ID, "publicKeyPem": aptest.PEM(&apart.Key.PublicKey)}
	})
	serveKey := func(p *aptest.Peer, path, owner string, key *aptest.Actor) string {
		p.Serve(path, aptest.Doc{"@context": as2.ContextAS2, "id": p.URL + path, "type": "Key", "owner": owner, "publicKeyPem": aptest.PEM(&key.Key.PublicKey),
			"publicKey": aptest.Doc{"id": p.URL + path, "owner": owner, "publicKeyPem": aptest.PEM(&key.Key.PublicKey)}})
		return p.URL + path
	}
	serveKey(f.mast, "/users/apart/main-key", apart.ID, apart)
	f.known(thief)
	for _, c := range []struct {
		name, id string
		owner    *aptest.Actor // nil: refused
	}{
		{"in the actor", f.ann.KeyID, f.ann},
		{"in the actor, after a neighbour claimed it", f.ann.KeyID, f.ann},
		{"of the neighbour", thief.KeyID, thief},
		{"in a document of its own", apart.ID + "/main-key", apart},
		{"elsewhere, of somebody else", serveKey(f.evil, "/key", f.ann.ID, f.mal), nil},
		{"next door, of somebody who does not list it", serveKey(f.mast, "/key", f.carl.ID, thief), nil},
		{"that the actor does not have", f.ann.ID + "#other", nil},
		{"of ours", f.louise.URI + "#main-key", nil},
		{"of nothing", f.mast.URL + "/nothing#key", nil},
	} {
		if c.name == "in the actor, after a neighbour claimed it" {
			f.known(thief)
			f.recent.keys.InvalidateAll()
		}
		k, err := f.PublicKey(t.Context(), c.id, false)
		switch {
		case c.owner == nil:
			if err == nil || !isKind(err, Unauthorized) && !isKind(err, NotFound) {
				t.Errorf("%s: %s, %v", c.name, k.Owner, err)
			}
		case err != nil || k.Owner != c.owner.ID || !k.Key.Equal(&c.owner.Key.PublicKey):
			t.Errorf("%s: %s, %v", c.name, k.Owner, err)
		}
	}
}

// TestKeyOnce is S4 and SEC-18: a key is fetched once, and anew once a minute;
// what is not there is not asked for again and again.
func TestKeyOnce(t *testing.T) {
	f := newFediverse(t)
	ask := func(id string, refresh bool) error {
		_, err := f.PublicKey(t.Context(), id, refresh)
		return err
	}
	for range 5 {
		f.must(ask(f.ann.KeyID, false))
	}
	first := fetchedFrom(f.mast, "/users/ann")
	if first == 0 || first > 2 { // as a key, and as an actor
		t.Errorf("read %d times", first)
	}
	for range 5 {
		f.must(ask(f.ann.KeyID, true))
	}
	if n := fetchedFrom(f.mast, "/users/ann"); n != first {
		t.Errorf("read anew %d times within a minute", n-first)
	}
	f.pass(2 * keyRefresh)
	f.must(ask(f.ann.KeyID, true))
	if n := fetchedFrom(f.mast, "/users/ann"); n <= first || n > first+2 {
		t.Errorf("read anew %d times after it", n-first)
	}
	for range 10 {
		if ask(f.mast.URL+"/dead#key", true) == nil {
			t.Error("a key of nobody")
		}
	}
	if n := fetchedFrom(f.mast, "/dead"); n != 1 {
		t.Errorf("a dead key was asked for %d times", n)
	}
}

// TestKeyTakenAway is S12: a key that its owner has replaced signs nothing more.
func TestKeyTakenAway(t *testing.T) {
	f := newFediverse(t)
	_, err := f.PublicKey(t.Context(), f.ann.KeyID, false)
	f.must(err)
	f.mast.Change(func() {
		f.ann.Doc["publicKey"] = aptest.Doc{"id": f.ann.KeyID, "owner": f.ann.ID, "publicKeyPem": aptest.PEM(&f.carl.Key.PublicKey)}
	})
	f.get(f.ann, f.ann.Activity(as2.TypeUpdate, f.ann.Doc), "")
	k, err := f.PublicKey(t.Context(), f.ann.KeyID, false)
	if err != nil || !k.Key.Equal(&f.carl.Key.PublicKey) {
		t.Errorf("the old key still counts: %v", err)
	}
	f.mast.Change(func() {
		f.ann.Doc["publicKey"] = aptest.Doc{"id": f.ann.ID + "#second", "owner": f.ann.ID, "publicKeyPem": aptest.PEM(&f.carl.Key.PublicKey)}
	})
	f.get(f.ann, with(f.ann.Activity(as2.TypeUpdate, f.ann.Doc), aptest.Doc{"id": f.ann.ID + "/updates/2"}), "")
	if _, err := f.PublicKey(t.Context(), f.ann.KeyID, false); err == nil {
		t.Error("a key that is not listed any more counts")
	}
}

// TestActorComesBack: an actor that was gone, by mistake of its server maybe, is
// looked for again a day later, when it does something.
func TestActorComesBack(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.markGone(t.Context(), f.ann.ID)
	say := func(text string) bool {
		n := f.ann.Note(text)
		f.get(f.ann, f.ann.Activity("Create", n), "")
		return strings.HasSuffix(f.held(n["id"].(string)), text)
	}
	asked := fetchedFrom(f.mast, "/users/ann")
	if say("Am I here?") || fetchedFrom(f.mast, "/users/ann") != asked {
		t.Error("who is gone is heard, or asked about, at once")
	}
	f.pass(goneFor + time.Hour)
	if !say("I am back.") {
		t.Error("who is back is not heard")
	}
}
