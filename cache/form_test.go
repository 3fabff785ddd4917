package cache

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"isthmus/translate"
)

// firstForm is a post as the first release stored it: whole, with false and 0.
func firstForm(t interface{ Fatal(...any) }, p translate.Post) string {
	b, err := json.Marshal(p, lenientText)
	var m map[string]any
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	zero := func(in any, value any, names ...string) {
		for _, name := range names {
			if o := in.(map[string]any); o[name] == nil {
				o[name] = value
			}
		}
	}
	zero(m, false, "sensitive")
	media, _ := m["media"].([]any)
	for _, file := range media {
		zero(file, 0, "size", "width", "height")
	}
	if p.Poll != nil {
		zero(m["poll"], false, "multiple")
		zero(m["poll"], 0, "voters")
		for _, o := range m["poll"].(map[string]any)["options"].([]any) {
			zero(o, 0, "votes")
		}
	}
	if b, err = json.Marshal(m, json.Deterministic(true)); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFirstForm reads posts as the first release stored them, and as they are stored
// now: they are the same.
func TestFirstForm(t *testing.T) {
	file, err := os.ReadFile("testdata/posts1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	posts := digested()
	for i, name := range []string{"whole", "note", "file of unknown size", "question", "closed question", "boost", "empty event", "event"} {
		want, line := posts[name].post, bytes.Split(file, []byte("\n"))[i]
		var old, now Stored
		if err := old.decode(line); err != nil {
			t.Fatal(name, err)
		}
		if name == "empty event" {
			want.Event = nil
		}
		if diff := cmp.Diff(want, old.Post, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, first form: %s", name, diff)
		}
		form, err := formOf(want)
		if err == nil {
			err = now.decode([]byte(form))
		}
		if diff := cmp.Diff(want, now.Post, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		if len(form) > len(line) || name == "note" && len(form) > len(line)*8/10 {
			t.Errorf("%s: %d bytes, were %d", name, len(form), len(line))
		}
		var a, b any // what the other tests call the first form is it
		if json.Unmarshal(line, &a) != nil || json.Unmarshal([]byte(firstForm(t, want)), &b) != nil || !cmp.Equal(a, b) {
			t.Errorf("%s: %s", name, cmp.Diff(a, b))
		}
	}
}

// TestMarkup writes HTML as pieces of the text beside it, and back.
func TestMarkup(t *testing.T) {
	const long = "a text that is long enough to be named"
	for _, tt := range []struct{ html, text, want string }{
		{"", "", ``},
		{"<p>" + long + "</p>", long, `["<p>",38,"</p>"]`},
		{"<p>" + long + "</p><p>" + long + "</p>", long + "\n\n" + long, `["<p>",38,-2,"</p><p>",38,"</p>"]`},
		{`<p>` + long + ` <a href="https://x.example/">here it is</a></p>`, long + " here it is", `["<p>",39,"<a href=\"https://x.example/\">",10,"</a></p>"]`},
		{"<p>" + long + " &amp; " + long + "</p>", long + " & " + long, `["<p>",39,-1,"&amp;",39,"</p>"]`},
		{"<p>short</p>", "short", `"<p>short</p>"`},
		{"<p>" + long + "</p>", "another text", `"<p>a text that is long enough to be named</p>"`},
		{"<p>" + long + "ä</p>", long + "ö", `["<p>",38,"ä</p>"]`},
		{"<p>" + long + "\xff</p>", long + "\xff", `"<p>a text that is long enough to be named` + "\ufffd" + `</p>"`},
		{"<p>" + long + "</p>", long + "\x00", `"<p>a text that is long enough to be named</p>"`},
	} {
		b, err := json.Marshal(struct {
			H markup `json:"h,omitzero"`
		}{weave(tt.html, tt.text)}, lenientText)
		got := strings.TrimSuffix(strings.TrimPrefix(string(b), `{"h":`), "}")
		if strings.TrimPrefix(got, "{") != tt.want || err != nil {
			t.Errorf("%s\nbeside %q: %s, want %s %v", tt.html, tt.text, got, tt.want, err)
		}
	}
}

func TestMarkupDamaged(t *testing.T) {
	for _, pieces := range []string{`[5]`, `[-5]`, `[2,3]`, `[9223372036854775807]`, `[-9223372036854775808]`, `[true]`, `[[]]`, `[1.5]`, `{}`, `[1`, `[1e400]`} {
		var m markup
		err := json.Unmarshal([]byte(pieces), &m)
		if err == nil {
			_, err = m.over("four")
		}
		if err == nil {
			t.Error(pieces)
		}
	}
}

func TestMarkupRoundTrip(t *testing.T) {
	piece := rapid.SampledFrom([]string{"<p>", "</p>", "<br/>", "&amp;", "&lt;", "&", "<", ">", ";", "word ", "天気", "a longer piece of text", "a longer piece of", "🎉🎉🎉", "\x00", "\xff", " "})
	rapid.Check(t, func(t *rapid.T) {
		html := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "html"), "")
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "text"), "")
		if rapid.Bool().Draw(t, "of it") {
			text = strings.NewReplacer("<p>", "", "</p>", "\n\n", "&amp;", "&", "&lt;", "<").Replace(html)
		}
		p := translate.Post{HTML: html, Text: text}
		form, err := formOf(p)
		if err != nil {
			t.Fatal(err)
		}
		var s Stored
		if err := s.decode([]byte(form)); err != nil {
			t.Fatal(form, err)
		}
		if want := strings.ToValidUTF8(html, "\ufffd"); s.Post.HTML != want && !strings.Contains(html, "\xff\xff") {
			t.Fatalf("%s: %q, want %q", form, s.Post.HTML, want)
		}
	})
}

// TestReindexReforms: the index is built anew, and with it the form of posts.
func TestReindexReforms(t *testing.T) {
	s := open(t)
	p := whole()
	p.Author, p.HTML, p.Text = p.Owner, "<p>"+strings.Repeat("long ", 20)+"</p>", strings.Repeat("long ", 20)
	want, err := formOf(p)
	if err != nil {
		t.Fatal(err)
	}
	s.update(t, func(tx *Tx) error {
		if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day}); err != nil {
			return err
		}
		return tx.run("UPDATE bodies SET parsed = jsonb(?)", firstForm(t, p))
	})
	var before, after string
	read := func(into *string) {
		s.view(t, func(tx *Tx) (err error) {
			*into, err = one(tx, value[string], "SELECT json(parsed) FROM bodies")
			return err
		})
	}
	read(&before)
	if _, err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if read(&after); before == after || after != want {
		t.Errorf("%s\nis now\n%s\nwant\n%s", before, after, want)
	}
}

// FuzzStoredForm reads stored forms: nothing breaks, and what was read is
// written and read again as it was.
func FuzzStoredForm(f *testing.F) {
	for _, g := range digested() {
		form, err := formOf(g.post)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(form))
		f.Add([]byte(firstForm(f, g.post)))
	}
	f.Add([]byte(`{"text":"four","html":[1,-2,"x",1]}`))
	f.Fuzz(func(t *testing.T, form []byte) {
		var s, again Stored
		if s.decode(form) != nil {
			return
		}
		b, err := formOf(s.Post)
		if err != nil {
			return // a date that cannot be written
		}
		if err := again.decode([]byte(b)); err != nil {
			t.Fatal(b, err)
		}
		if diff := cmp.Diff(s.Post, again.Post, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}
