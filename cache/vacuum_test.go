package cache

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"isthmus/translate"
)

// marker is a word that nothing else contains.
func marker(r *rand.Rand) string {
	b := make([]byte, 14)
	for i := range b {
		b[i] = "bcdfghjklmnpqrstvwxyz0123456789"[r.IntN(31)]
	}
	return string(b)
}

// pieces are the parts of a text by which its remains are known: the index
// cuts off what a word has in common with the one before it, and pages are cut
// anywhere.
func pieces(text []byte, size int) (list [][]byte) {
	for i := 0; i+size <= len(text); i++ {
		list = append(list, text[i:i+size])
	}
	return list
}

// remains looks for pieces in all files of the store.
func (s *Store) remains(t *testing.T, what map[string][][]byte) (found []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(s.path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for name, list := range what {
			for _, p := range list {
				if bytes.Contains(b, p) {
					found = append(found, fmt.Sprintf("%s in the file%s", name, suffix))
					break
				}
			}
		}
	}
	return found
}

// TestVacuumLeavesNothing: of posts that were deleted or edited no byte is left
// in any file of the store, in no form in which it was written: plain, in the
// index, in the packed document.
func TestVacuumLeavesNothing(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(7, 7))
	secrets, kept := map[string][][]byte{}, map[string][][]byte{}
	var gone []translate.Post
	for i := range 420 {
		p := note(fmt.Sprintf("https://a.example/%d", i), alice, fmt.Sprintf("words that stay %d %s", r.IntN(500), marker(r)))
		p.Tags = []string{"stays", marker(r)}
		raw := []byte(p.Text)
		if i%3 == 0 {
			where := []string{"title", "text", "tag", "warning", "alt"}
			words := make([]string, len(where))
			for j, w := range where {
				words[j] = marker(r)
				name := fmt.Sprintf("%s of %d", w, i)
				secrets[name] = pieces([]byte(words[j]), 7)
			}
			p.Title, p.Text, p.HTML = words[0], "about "+words[1], "<p>about "+words[1]+"</p>"
			p.Tags, p.Warning = []string{words[2]}, words[3]
			p.Media = []translate.Media{{URL: "https://a.example/m", Alt: words[4]}}
			long := make([]byte, 100+r.IntN(9000))
			for j := range long {
				long[j] = byte(r.Uint32())
			}
			raw = []byte(base64.StdEncoding.EncodeToString(long))
			packed := s.packer.pack(raw)
			mid := packed[len(packed)/2:]
			secrets[fmt.Sprintf("document of %d", i)] = pieces(mid[:min(len(mid), 60)], 16)
			gone = append(gone, p)
		}
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(p, raw, PutOptions{Received: day})
			return err
		})
		if i%60 == 0 { // several segments
			if err := s.Index(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Index(ctx); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{alice, bob} { // pictures of who leaves, and of who stays
		picture := make([]byte, 20_000)
		for i := range picture {
			picture[i] = byte(r.Uint32())
		}
		s.update(t, func(tx *Tx) error {
			return tx.PutMedia(Media{ID: "picture of " + owner, Type: "image/png", Bytes: picture, Source: owner, Owner: owner, At: day})
		})
		if owner == alice {
			secrets["picture"] = slices.Collect(slices.Chunk(picture, 100))
		} else {
			kept["picture"] = [][]byte{picture[:100]}
		}
	}
	if err := s.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(s.remains(t, secrets)); n < len(secrets)*9/10 {
		t.Fatalf("only %d of %d secrets can be seen while they are there", n, len(secrets))
	}
	for i, p := range gone {
		s.update(t, func(tx *Tx) error {
			if i%4 == 0 {
				p.Title, p.Text, p.HTML, p.Tags, p.Warning, p.Media = "", "edited", "<p>edited</p>", nil, "", nil
				_, _, err := tx.PutPost(p, []byte("edited"), PutOptions{Received: day})
				return err
			}
			_, err := tx.DeletePost(p.URI, alice, day)
			return err
		})
	}
	s.update(t, func(tx *Tx) error {
		n, err := tx.DropPictures(alice, "")
		if n != 1 {
			t.Errorf("%d pictures", n)
		}
		return err
	})
	if err := s.Index(ctx); err != nil {
		t.Fatal(err)
	}
	s.view(t, func(tx *Tx) error {
		due, err := tx.VacuumDue()
		if !due {
			t.Error("no vacuum is due")
		}
		return err
	})
	before := len(s.remains(t, secrets))
	v, err := s.Vacuum(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d secrets were still in the files; %+v", before, len(secrets), v)
	if found := s.remains(t, secrets); len(found) > 0 {
		t.Errorf("%d remains, such as %q", len(found), found[0])
	}
	if len(s.remains(t, kept)) == 0 {
		t.Error("the picture of who stays is gone")
	}
	if v.After >= v.Before {
		t.Errorf("the file did not shrink: %+v", v)
	}
	s.view(t, func(tx *Tx) error {
		due, err := tx.VacuumDue()
		if due {
			t.Error("a vacuum is still due")
		}
		res, err2 := tx.Search(SearchQuery{Text: "stay", Any: true, Limit: 5})
		if len(res.Hits) != 5 {
			t.Errorf("%d hits", len(res.Hits))
		}
		return errors.Join(err, err2)
	})
	before = len(s.remains(t, secrets))
	if _, err := s.Vacuum(ctx); err != nil || before != 0 { // with nothing to do
		t.Errorf("%d, %v", before, err)
	}
}
