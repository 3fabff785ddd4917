package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/translate"
)

// dump is an export of everything, without its head, which says when.
func (s *Store) dump(t testing.TB, x Selection) string {
	t.Helper()
	var b strings.Builder
	if _, err := s.Export(context.Background(), &b, x, day, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// emptied is a new store that is the other one without its posts: it has its
// secret and its users.
func (s *Store) emptied(t testing.TB) *Store {
	t.Helper()
	to := open(t)
	var secret string
	s.view(t, func(tx *Tx) (err error) { secret, err = tx.Meta(secretKey + SecretIDs); return err })
	to.update(t, func(tx *Tx) error {
		return errors.Join(tx.SetMeta(secretKey+SecretIDs, secret), tx.PutAccount(louise()),
			tx.PutActor(Actor{URI: alice, Type: "Person", Followers: alice + "/followers"}))
	})
	return to
}

// importing is how tests import: as the server example.org.
var importing = Importing{Ours: []string{"example.org", "ap.example.org"}, Now: day.AddDate(0, 0, 1)}

// TestExportImport: an export read into the store that it is from, once that is
// empty, gives the same export, and reading it again changes nothing.
func TestExportImport(t *testing.T) {
	s := open(t)
	s.furnish(t)
	for i := range 120 {
		p := note(fmt.Sprintf("https://a.example/n%d", i), alice, strings.Repeat("x\u2028<", i))
		p.HTML, p.Text = translate.Sanitize(strings.Repeat("x\u2028&lt;<b>é</b>", i))
		p.Item = &translate.Item{Service: "s", Node: "n", ID: fmt.Sprint(i)}
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(p, bytes.Repeat([]byte{0, 255, 10}, i), PutOptions{Received: day, Addressees: []string{bob}, RawType: "x/y", Via: "v"})
			if err == nil && i%3 == 0 {
				_, err = tx.RetractItem("s", "n", fmt.Sprint(i), day)
			}
			return err
		})
	}
	whole := s.dump(t, Selection{})
	to := s.emptied(t)
	got, err := to.Import(t.Context(), strings.NewReader(whole), importing)
	if err != nil || got != (Imported{Posts: 124, New: 124}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff(strings.Split(whole, "\n"), strings.Split(to.dump(t, Selection{}), "\n")); diff != "" {
		t.Errorf("(-exported +imported and exported):\n%s", diff)
	}
	to.update(t, func(tx *Tx) error {
		_, err := tx.DeletePost("https://a.example/n1", alice, day)
		_, _, err2 := tx.PutPost(note("https://a.example/n2", alice, "edited here"), nil, PutOptions{Received: day})
		return errors.Join(err, err2)
	})
	got, err = to.Import(t.Context(), strings.NewReader(whole), importing)
	if err != nil || got != (Imported{Posts: 124, Held: 122, Kept: 1, Refused: 1}) {
		t.Errorf("again: %+v, %v", got, err)
	}
	if part := to.dump(t, Selection{Service: "s", Public: true, Larger: 900}); strings.Count(part, "\n") < 10 || strings.Count(part, "\n") > 100 {
		t.Errorf("a part has %d lines", strings.Count(part, "\n"))
	}
}

// TestImportRefuses: what is no whole export is refused by line, and what it
// holds before that was taken.
func TestImportRefuses(t *testing.T) {
	from := open(t)
	from.furnish(t)
	whole := strings.SplitAfter(from.dump(t, Selection{}), "\n")
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":       {"", "no head"},
		"another file":  {"<html>\n", "no head"},
		"a later form":  {`{"isthmus_export":3,"made":"2026-11-21T12:00:00Z"}` + "\n", "newer program"},
		"cut off":       {strings.Join(whole[:3], ""), "cut off"},
		"cut in a line": {whole[0] + whole[1][:40], "line 2"},
		"a line less":   {whole[0] + whole[1] + whole[5], "counts 4 posts and has 1"},
		"a line more":   {strings.Join(whole, "") + whole[1], "after its end"},
		"no owner":      {whole[0] + strings.Replace(whole[1], `"owner":{"uri":"`+alice+`"`, `"owner":{"uri":""`, 1), "needed"},
		"foreign owner": {whole[0] + strings.Replace(whole[1], `"owner":{"uri":"`+alice+`"`, `"owner":{"uri":"https://evil.example/u"`, 1), "different hosts"},
		"no kind":       {whole[0] + strings.Replace(whole[1], `"kind":"note"`, `"kind":"</script>"`, 1), "no kind"},
		"no URI":        {whole[0] + strings.Replace(whole[1], `"uri":"https://a.example/1"`, `"uri":"javascript:alert(1)"`, 1), "needed"},
		"no audience":   {whole[0] + strings.Replace(whole[1], `"visibility":"public"`, `"visibility":"all"`, 1), "audience"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			got, err := s.Import(t.Context(), strings.NewReader(tt.text), importing)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// FuzzImport: no input breaks the store.
func FuzzImport(f *testing.F) {
	from := open(f)
	from.furnish(f)
	whole := from.dump(f, Selection{})
	f.Add(whole)
	f.Add(strings.Replace(whole, "public", "direct", 1))
	f.Add(`{"isthmus_export":1,"made":"2026-11-21T12:00:00Z"}` + "\n" + `{"posts":0}`)
	s := open(f)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Import(t.Context(), strings.NewReader(text), importing); err != nil && errors.Is(err, ErrTemporary) {
			t.Error(err)
		}
	})
}
