package gateway

import (
	"regexp"
	"testing"

	"isthmus/ap/aptest"
	"isthmus/cache"
	"isthmus/translate"
)

// TestPeopleByAnyAddress takes people by every address that is shown or pasted.
func TestPeopleByAnyAddress(t *testing.T) {
	f := newFediverse(t)
	jid, err := f.addr.ActorJID(f.ann.Handle)
	f.must(err)
	page(f.mast, "/profile/ann", f.ann.ID)
	f.mast.Serve("/@ann", f.ann.Doc)
	forms := []string{
		f.ann.Handle, "@" + f.ann.Handle, "acct:" + f.ann.Handle, f.ann.ID, jid, "xmpp:" + jid, translate.PlainURI(jid),
		translate.PubSubURI(jid, feed, ""), f.mast.URL + "/@ann", f.mast.URL + "/profile/ann", "<" + f.mast.URL + "/@ann>",
	}
	for _, who := range forms { // the first time each is looked for
		f := newFediverse(t)
		page(f.mast, "/profile/ann", f.ann.ID)
		f.mast.Serve("/@ann", f.ann.Doc)
		who = regexp.MustCompile(`test(:|\\3a|%5C3a)\d+`).ReplaceAllString(who, "test${1}"+f.mast.Host[len("mast.test:"):])
		if a, err := f.findActor(t.Context(), who); err != nil || a.URI != f.ann.ID {
			t.Errorf("%s is %q, %v", who, a.URI, err)
		}
	}
	f.known(f.ann)
	f.mast.Script("/@ann", nil)
	before := len(f.mast.Fetched())
	for _, who := range append(forms[:9:9], f.mast.URL+"/@ann/") { // and then the store knows
		if a, err := f.findActor(t.Context(), who); err != nil || a.URI != f.ann.ID {
			t.Errorf("%s, which is known, is %q, %v", who, a.URI, err)
		}
	}
	if after := f.mast.Fetched(); len(after) != before {
		t.Errorf("asked for %q", after[before:])
	}
	for _, who := range []string{louise, "@" + louise, "xmpp:" + louise, f.louise.URI, "https://example.org/_ap/@" + louise} {
		if i, err := f.Identify(t.Context(), who); err != nil || i.URI != f.louise.URI {
			t.Errorf("%s is %+v, %v", who, i, err)
		}
		if got := f.User(t.Context(), who); string(got) != louise {
			t.Errorf("%s is the user %s", who, got)
		}
	}
}

// TestOwnPages finds posts and people by our pages, which do not say of which of
// several actors, one after the other, they are.
func TestOwnPages(t *testing.T) {
	f := newFediverse(t)
	first := f.ourPost("first", "Of the first.")
	_, err := f.Unlink(t.Context(), louise, "")
	f.must(err)
	f.pass(1e9)
	second := f.linkUser(louise)
	f.asked()
	last := f.ourPost("last", "Of the second.")
	ref, err := f.addr.ParseURL(last)
	f.must(err)
	if ref.Generation != 2 {
		t.Fatalf("%s is of actor %d", last, ref.Generation)
	}
	for address, want := range map[string]string{
		last: last, f.addr.ItemPageURL(ref.Acct, ref.ID): last, f.addr.ItemPageURL(ref.Handle, ref.ID): last, first: "",
	} {
		if got, err := f.heldAt(t.Context(), address); got != want {
			t.Errorf("%s is %q, %v", address, got, err)
		}
	}
	for _, who := range []string{f.addr.PageURL(ref.Acct), f.addr.PageURL(ref.Handle), second.URI, louise} {
		f.view(func(tx *cache.Tx) error {
			if uri, err := f.resolver().Actor(tx, who); uri != second.URI {
				t.Errorf("%s is %q, %v", who, uri, err)
			}
			return nil
		})
	}
}

// TestForeignClaims gives nobody the page of somebody else.
func TestForeignClaims(t *testing.T) {
	f := newFediverse(t)
	note := f.carl.Note("Carl's.")
	f.mast.Change(func() { note["url"] = f.mast.URL + "/@carl/1" })
	for i, claim := range []aptest.Doc{{"url": f.mast.URL + "/@carl/1"}, {"url": many(aptest.Doc{"type": "Link", "mediaType": "text/html", "href": f.mast.URL + "/@carl/1"})}} {
		stolen := f.mal.Note("Not Carl's.")
		f.evil.Change(func() { stolen["url"] = claim["url"] })
		if _, err := f.postBehind(t.Context(), stolen["id"].(string)); err != nil {
			t.Fatal(i, err)
		}
	}
	if got, err := f.heldAt(t.Context(), f.mast.URL+"/@carl/1"); err == nil {
		t.Errorf("the page of a post that is not known is that of %s", got)
	}
	f.mast.Serve("/@carl/1", note)
	if got, err := f.postBehind(t.Context(), f.mast.URL+"/@carl/1"); got != note["id"] {
		t.Errorf("it is %q, %v", got, err)
	}
}
