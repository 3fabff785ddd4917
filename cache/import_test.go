package cache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"isthmus/translate"
)

// exportOf is an export that somebody else has written.
func exportOf(t testing.TB, lines ...exportPost) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintln(&b, `{"isthmus_export":1,"made":"2026-11-21T12:00:00Z"}`)
	for _, x := range lines {
		line, err := json.Marshal(x, lenientText)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	fmt.Fprintf(&b, `{"posts":%d}`, len(lines))
	return b.String()
}

func everybody(p translate.Post) translate.Post {
	p.To = []string{"https://www.w3.org/ns/activitystreams#Public"}
	return p
}

// TestImportIsForeign: an export that this store has not written gives public
// posts of elsewhere, cleaned, in no node, and nothing of our users.
func TestImportIsForeign(t *testing.T) {
	us := louise()
	carol := "https://c.example/carol"
	with := func(p translate.Post, change func(*translate.Post)) exportPost {
		p = everybody(p)
		change(&p)
		return exportPost{Post: p, Received: day}
	}
	nothing := func(*translate.Post) {}
	of := func(owner string) translate.Post {
		return note(strings.TrimSuffix(owner, "/alice")+"/1", owner, "hello")
	}
	item := func(service string) translate.Post {
		p := note(translate.PubSubURI(service, "news", "1"), translate.JIDURI(service), "hello")
		p.Origin = translate.OriginXMPP
		return p
	}
	for name, tt := range map[string]struct {
		x    exportPost
		want Imported
		post func(*translate.Post) // what is other in the store
	}{
		"of elsewhere": {with(of(carol), nothing), Imported{New: 1}, func(p *translate.Post) { p.Owner.JID, p.Author.URI = "", carol }},
		"markup and scripts": {with(of(carol), func(p *translate.Post) {
			p.HTML, p.URL = "<p onclick='x()'>hello<script>alert(1)</script></p>", "javascript:alert(1)"
			p.Media = []translate.Media{{URL: "data:text/html,x"}}
		}), Imported{New: 1}, func(p *translate.Post) {
			p.Owner.JID, p.Author.URI, p.HTML, p.URL, p.Media = "", carol, "<p>hello</p>", "", nil
		}},
		"in the name of a user of ours": {with(of(carol), func(p *translate.Post) {
			p.Owner.Handle, p.Owner.JID, p.Author = "louise@Example.org", us.JID, translate.Actor{URI: us.URI, Name: "Louise"}
			p.Updated = day.AddDate(100, 0, 0)
		}), Imported{New: 1}, func(p *translate.Post) {
			p.Owner.Handle, p.Owner.JID, p.Author, p.Updated = "", "", translate.Actor{URI: carol}, time.Time{}
		}},
		"by somebody who is known": {with(of(alice), func(p *translate.Post) { p.Owner.Handle, p.Owner.Name = "root@b.example", "root" }), Imported{New: 1}, func(p *translate.Post) {
			p.Owner = translate.Actor{URI: alice, Handle: "alice@x", JID: "alice@x", Name: "Alice"}
			p.Author = p.Owner
		}},
		"in nodes": {exportPost{Post: everybody(of(carol)), Received: day, Addressees: []string{us.URI}, Places: []exportPlace{
			{Service: us.JID, Node: "urn:xmpp:microblog:0", Item: "x", Placed: day}}}, Imported{New: 1},
			func(p *translate.Post) { p.Owner.JID, p.Author.URI = "", carol }},
		"a boost": {with(of(carol), func(p *translate.Post) {
			p.Kind, p.Boost, p.Author = translate.KindBoost, us.URI+"/1", translate.Actor{URI: us.URI}
		}), Imported{New: 1}, func(p *translate.Post) { p.Owner.JID, p.Author, p.Text, p.HTML = "", translate.Actor{}, "", "" }},
		"of a user of ours":          {with(note(us.URI+"/1", us.URI, "forged"), nothing), Imported{Unproved: 1}, nil},
		"of ours as if from XMPP":    {with(note(us.URI+"/1", us.URI, "forged"), func(p *translate.Post) { p.Origin = translate.OriginXMPP }), Imported{Unproved: 1}, nil},
		"of ours in other letters":   {with(note("https://EXAMPLE.org./1", "https://EXAMPLE.org./u", "forged"), nothing), Imported{Unproved: 1}, nil},
		"of ours at another port":    {with(note("https://example.org:443/1", "https://example.org:443/u", "forged"), nothing), Imported{Unproved: 1}, nil},
		"of a host that is no ASCII": {with(note("https://еxample.org/1", "https://еxample.org/u", "forged"), nothing), Imported{Unproved: 1}, nil},
		"of somebody without a host": {with(note("tag:x", "tag:x", "forged"), nothing), Imported{Unproved: 1}, nil},
		"an item of elsewhere":       {with(item("pubsub.c.example"), func(p *translate.Post) { p.To, p.Owner.JID = nil, "pubsub.c.example" }), Imported{New: 1}, func(p *translate.Post) { p.Author = p.Owner }},
		"an item of ours":            {with(item("louise@example.org"), nothing), Imported{Unproved: 1}, nil},
		"an item under another name": {with(item("pubsub.c.example"), func(p *translate.Post) { p.URI = "xmpp:pubsub.d.example?;node=n;item=1" }), Imported{Unproved: 1}, nil},
		"an item of an actor":        {with(of(carol), func(p *translate.Post) { p.Origin = translate.OriginXMPP }), Imported{Unproved: 1}, nil},
		"for followers":              {with(of(carol), func(p *translate.Post) { p.Visibility = translate.Followers }), Imported{Private: 1}, nil},
		"for one, said to be public": {with(of(carol), func(p *translate.Post) { p.To = []string{us.URI} }), Imported{Private: 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.update(t, func(tx *Tx) error {
				if _, err := tx.Bind("alice@x", alice, day); err != nil {
					return err
				}
				if err := tx.PutActor(Actor{URI: alice, Type: "Person", Acct: "alice@x", Name: "Alice"}); err != nil {
					return err
				}
				return tx.PutAccount(us)
			})
			tt.want.Posts = 1
			got, err := s.Import(t.Context(), strings.NewReader(exportOf(t, tt.x)), importing)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Fatalf("(-want +got):\n%s%v", diff, err)
			}
			var held Stored
			err = s.View(t.Context(), func(tx *Tx) (err error) {
				held, err = tx.PostByURI(tt.x.Post.URI, Viewer{Operator: true})
				return err
			})
			if tt.post == nil {
				if err == nil {
					t.Errorf("it was taken: %+v", held.Post)
				}
				return
			}
			want := tt.x.Post
			tt.post(&want)
			ignored := cmpopts.IgnoreFields(translate.Post{}, "Item", "Comments")
			if diff := cmp.Diff(want, held.Post, ignored, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("(-want +held):\n%s%v", diff, err)
			}
			s.view(t, func(tx *Tx) error {
				places, err := tx.Placements(want.URI)
				for _, p := range places {
					if p.Service != want.Owner.JID {
						t.Errorf("it is in %+v", p)
					}
				}
				to, err2 := tx.Addressees(want.URI)
				if len(to) > 0 || err2 != nil {
					t.Errorf("it is for %v, %v", to, err2)
				}
				return err
			})
		})
	}
}

// TestImportFound: who has written what was imported is found by handle, though
// the export has no actors.
func TestImportFound(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error { return tx.PutAccount(louise()) })
	var lines []exportPost
	for i, handle := range []string{"carol@c.example", "Carol@c.example", "carol@d.example", "louise@example.org", "carola@c.example"} {
		owner := fmt.Sprintf("https://c.example/%d", i)
		p := everybody(note(owner+"/post", owner, "carol c.example"))
		p.Owner.Handle, p.Owner.Name = handle, []string{"", "Dr. Ann Carol", "", "", "Ann"}[i]
		lines = append(lines, exportPost{Post: p, Received: day})
	}
	if _, err := s.Import(t.Context(), strings.NewReader(exportOf(t, lines...)), importing); err != nil {
		t.Fatal(err)
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"from:carol@c.example": "01", "from:@CAROL@c.example": "01", "from:carol": "012", "from:carola": "4", "from:ann": "14", `from:"dr. ann"`: "1", `from:"carol ann"`: "", "from:an": "", "from:carol@c": "",
		"from:c.example": "01234", "from:louise@example.org": "", "from:car%": "", "to:carol@c.example": "",
	} {
		var r SearchResult
		err := s.View(t.Context(), func(tx *Tx) (err error) {
			r, err = tx.Search(SearchQuery{Text: query, Viewer: Viewer{Operator: true}, Any: true, Limit: 10, Now: day})
			return err
		})
		got := ""
		for _, h := range r.Hits {
			got += strings.TrimPrefix(h.Post.Owner.URI, "https://c.example/")
		}
		sorted := strings.Split(got, "")
		slices.Sort(sorted)
		if err != nil || strings.Join(sorted, "") != want {
			t.Errorf("%s: %q, want %q, %v", query, got, want, err)
		}
	}
}

// TestImportProof: what this store has exported comes back whole after it was
// lost; a line that was changed is somebody else's.
func TestImportProof(t *testing.T) {
	from := open(t)
	from.furnish(t)
	whole := from.dump(t, Selection{})
	for name, tt := range map[string]struct {
		text    string
		restore func(t *testing.T) *Store
		want    Imported
	}{
		"as it was":            {whole, func(t *testing.T) *Store { return from.emptied(t) }, Imported{Posts: 4, New: 4}},
		"another store":        {whole, func(t *testing.T) *Store { return open(t) }, Imported{Posts: 4, New: 2, Private: 1, Unproved: 1}},
		"a word changed":       {strings.ReplaceAll(whole, "whales", "wars"), func(t *testing.T) *Store { return from.emptied(t) }, Imported{Posts: 4, New: 3, Unproved: 1}},
		"a proof that is none": {strings.ReplaceAll(whole, sealStart, sealStart+"A"), func(t *testing.T) *Store { return from.emptied(t) }, Imported{Posts: 4, New: 2, Private: 1, Unproved: 1}},
		"a user who left": {whole, func(t *testing.T) *Store {
			to := from.emptied(t)
			to.update(t, func(tx *Tx) error {
				a := louise()
				a.State = Unlinked
				return tx.PutAccount(a)
			})
			return to
		}, Imported{Posts: 4, New: 3, Unlinked: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			to := tt.restore(t)
			got, err := to.Import(t.Context(), strings.NewReader(tt.text), importing)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, err)
			}
			if err := to.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found := to.verified(t, false); len(found) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// TestImportAgain: an export of another store that is taken twice, as after it
// was cut off, finds what it brought the same.
func TestImportAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	stock(t, path)
	s := openAt(t, path)
	for _, want := range []Imported{{Posts: 300, New: 300}, {Posts: 300, Held: 300}} {
		f, err := os.Open(path + ".export")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Import(t.Context(), f, Importing{Now: day})
		if err := errors.Join(err, f.Close()); err != nil || got != want {
			t.Errorf("got %+v, want %+v, %v", got, want, err)
		}
	}
}
