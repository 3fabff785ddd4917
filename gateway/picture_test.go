package gateway

import (
	"encoding/base64"
	"errors"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestPictures shows that of a profile's pictures the last one is kept, and none
// of who left, not even if the profile was being read meanwhile.
func TestPictures(t *testing.T) {
	w := newWorld(t)
	face := func(mark string) []byte { return []byte("\x89PNG\r\n\x1a\n" + mark) }
	put := func(photo []byte) {
		v := stanza.New(stanza.NSVCardTemp, "vCard").Add(stanza.Text(stanza.NSVCardTemp, "FN", "Louise"))
		if photo != nil {
			v.Add(stanza.New(stanza.NSVCardTemp, "PHOTO").Add(stanza.Text(stanza.NSVCardTemp, "BINVAL", base64.StdEncoding.EncodeToString(photo))))
		}
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		w.xmpp.vcards[louise] = v
	}
	put(face("one"))
	a := w.linkUser(louise)
	holds := func(what string, want int) {
		t.Helper()
		n := 0
		for _, mark := range []string{"one", "two"} {
			w.view(func(tx *cache.Tx) error {
				m, err := tx.MediaBySource(hashOf("photo "+string(face(mark))), a.URI)
				if err == nil {
					n++
					if _, err := tx.Media(m.ID, operator); err != nil {
						t.Error(err)
					}
				}
				return ignoreMissing(err)
			})
		}
		if n != want {
			t.Errorf("%s: there are %d pictures, want %d", what, n, want)
		}
	}
	read := func() {
		now, err := w.accountOf(t.Context(), louise, "")
		w.must(err)
		w.readProfile(t.Context(), now)
	}
	read()
	holds("linked", 1)
	put(face("two"))
	read()
	holds("another picture", 1)
	put(nil)
	read()
	holds("no picture", 0)
	put(face("one"))
	read()
	holds("the first again", 1)
	if _, err := w.Unlink(t.Context(), louise, ""); err != nil {
		t.Fatal(err)
	}
	w.readProfile(t.Context(), a)
	w.running.Wait()
	holds("unlinked", 0)
	w.view(func(tx *cache.Tx) error {
		left, err := tx.AccountByURI(a.URI)
		if left.Name+left.Summary+left.IconURL != "" || left.State != cache.Unlinked {
			t.Errorf("of who left there is %+v", left)
		}
		due, err2 := tx.VacuumDue()
		if !due {
			t.Error("no vacuum is due")
		}
		return errors.Join(err, err2)
	})
}
