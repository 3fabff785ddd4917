package cache

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"isthmus/migrations"
)

// TestUpgradeReceipts shows that the servers which got a Like or a Follow before
// that was noted are told of the end too.
func TestUpgradeReceipts(t *testing.T) {
	sql, err := fs.ReadFile(migrations.FS, "00014_receipts.sql")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	us := louise()
	s.update(t, func(tx *Tx) error {
		err := tx.PutAccount(us)
		for _, a := range []Activity{
			{Type: "Like", Object: "https://liked.test/posts/1"}, {Type: "Like", Object: "https://liked.test/posts/2"},
			{Type: "Follow", Object: "https://port.test:8443/u/1"}, {Type: "Undo", Object: us.URI + "/mine"},
			{Type: "Create", Object: "https://created.test/x"}, {Type: "Like", Object: "https://in.test/1", Inbound: true},
			{Type: "Like", Object: "https://other.test/1", Actor: bob}, {Type: "Like", Object: "xmpp:x"},
		} {
			if a.ID, a.At = "https://a.example/activity/"+a.Type+a.Object, day; a.Actor == "" {
				a.Actor = us.URI
			}
			err = errors.Join(err, tx.PutActivity(a))
		}
		return errors.Join(err, tx.AddReceipt(us.URI, us.URI, "liked.test", day), tx.run(string(sql)))
	})
	s.view(t, func(tx *Tx) error {
		hosts, err := tx.HostsReached(us.URI)
		if want := []string{"liked.test", "port.test:8443"}; !slices.Equal(hosts, want) {
			t.Errorf("reached %v, want %v", hosts, want)
		}
		return err
	})
}
