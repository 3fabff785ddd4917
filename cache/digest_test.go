package cache

import (
	"bytes"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/translate"
)

// digested are posts with the digests that the first release stored for them. They
// may never change: what has another digest is taken for an edit, and sent to
// everybody again.
func digested() map[string]struct {
	post   translate.Post
	digest string
} {
	type golden = struct {
		post   translate.Post
		digest string
	}
	note := func(change func(*translate.Post)) translate.Post {
		p := translate.Post{URI: "https://a.example/2", Kind: translate.KindNote, Origin: translate.OriginAP, Visibility: translate.Public,
			Owner: translate.Actor{URI: alice, Handle: "alice@a.example", Name: "Alice"}, HTML: "<p>x</p>", Text: "x",
			To: []string{"https://www.w3.org/ns/activitystreams#Public"}, Published: day}
		p.Author = p.Owner
		if change != nil {
			change(&p)
		}
		return p
	}
	east := time.FixedZone("", 5*3600+1800)
	return map[string]golden{
		"whole":  {whole(), "352be0eb6d2e5252586158bc3d6c18c2"},
		"empty":  {translate.Post{}, "2a4daea445a3d4b1b5022cbf7b8ad622"},
		"note":   {note(nil), "8710414082cf30eeeedd57986b16ffb2"},
		"warned": {note(func(p *translate.Post) { p.Sensitive = true }), "9326b9077485b7ad0d7a94a115139477"},
		"no lists": {note(func(p *translate.Post) {
			p.Tags, p.Mentions, p.Media = []string{}, []translate.Mention{}, []translate.Media{}
		}), "8710414082cf30eeeedd57986b16ffb2"},
		"file of unknown size": {note(func(p *translate.Post) {
			p.Media = []translate.Media{{URL: "https://m"}, {Width: 5, Focus: &[2]float64{}}}
		}), "23d961011e25592debf741652652be59"},
		"focus": {note(func(p *translate.Post) {
			p.Media = []translate.Media{{URL: "https://m", Focus: &[2]float64{1e21, -1.0 / 3}}, {Focus: &[2]float64{math.Copysign(0, -1), 5e-7}}}
		}), "6859091c331902f79f9a92c7dcc65611"},
		"event": {note(func(p *translate.Post) {
			p.Kind, p.Event = translate.KindEvent, &translate.Event{Start: day.In(east), End: day.Add(1500 * time.Millisecond), Place: "Here"}
		}), "c0bae5cb021f44e182aaa6d522a44864"},
		"event without dates": {note(func(p *translate.Post) { p.Event = &translate.Event{Place: "Here"} }), "3dee86203f3a2bfdd1505b516b38d5b7"},
		"empty event":         {note(func(p *translate.Post) { p.Event = &translate.Event{} }), "8710414082cf30eeeedd57986b16ffb2"},
		"question": {note(func(p *translate.Post) {
			p.Kind = translate.KindQuestion
			p.Poll = &translate.Poll{Options: []translate.Option{{Text: "a", Votes: 3}, {Text: "b"}, {}}, Multiple: true, Ends: day, Voters: 3}
		}), "5eaabc139fa1079d39d24f1261edbec4"},
		"empty question": {note(func(p *translate.Post) { p.Poll = &translate.Poll{} }), "e1818ac741ae48269b4857b7cde2f62b"},
		"closed question": {note(func(p *translate.Post) {
			p.Poll = &translate.Poll{Options: []translate.Option{}, Closed: day}
		}), "9f2154d944497b562ba445a2b1308273"},
		"odd text": {note(func(p *translate.Post) {
			p.Text, p.Title = "a\xffb\xed\xa0\x80 \u2028\u2029 <&> \x00\x1f\x7f\b\f\n\r\t \"\\/ é 🎉", "\xc3"
		}), "b36b0c6de385c3bed38c462366d40ed6"},
		"boost": {translate.Post{URI: "https://a.example/3", Kind: translate.KindBoost, Origin: translate.OriginAP, Boost: "https://b.example/1",
			Owner: translate.Actor{URI: alice}, Visibility: translate.Unlisted, BoostRef: &translate.Item{ID: "x"}}, "aa946231f0d4041edf3b18e03b6ab95e"},
		"bare parts": {note(func(p *translate.Post) {
			p.Translations, p.Source = []translate.Translation{{}, {Lang: "fr", Title: "t"}}, &translate.Source{}
			p.Emoji, p.Links = []translate.Emoji{{}}, []translate.Link{{}, {URL: "u", Title: "t"}}
			p.Mentions = []translate.Mention{{}, {Actor: translate.Actor{URI: carol, JID: "c@x", Handle: "c@x"}}}
			p.Tags, p.EntryID = []string{"", "B", "a"}, "tag:entry"
		}), "c51e84929337f3bd7b6dbedccea46729"},
		"addressees": {note(func(p *translate.Post) { p.To, p.Cc = []string{"c", "a", "b", "a"}, []string{"z", ""} }), "448a3e143ee61d6acbb8416f03b51c74"},
	}
}

func TestDigestsStay(t *testing.T) {
	for name, g := range digested() {
		got, err := digest(g.post)
		if err != nil {
			t.Fatal(name, err)
		}
		if hex.EncodeToString(got) != g.digest {
			t.Errorf("%s: %x, was %s", name, got, g.digest)
		}
	}
}

// unedited are fields that may change without an edit.
var unedited = []string{
	"Owner.Handle", "Owner.JID", "Owner.Name", "Author.Handle", "Author.JID", "Author.Name",
	"Mentions.Actor.Handle", "Mentions.Actor.JID", "Mentions.Actor.Name", "Item", "Comments", "ReplyRef", "BoostRef", "Published", "Updated",
}

func TestDigestKnowsEveryField(t *testing.T) {
	before, err := digest(full())
	if err != nil {
		t.Fatal(err)
	}
	p := full()
	leaves(reflect.ValueOf(&p).Elem(), "", func(path string, v reflect.Value) {
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		switch v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "!")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Float64:
			v.SetFloat(v.Float() + 1)
		case reflect.Struct:
			v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Hour)))
		}
		after, err := digest(p)
		v.Set(was)
		if err != nil {
			t.Fatal(path, err)
		}
		skipped := slices.ContainsFunc(unedited, func(u string) bool { return path == u || strings.HasPrefix(path, u+".") })
		if bytes.Equal(before, after) != skipped {
			t.Errorf("%s: it is an edit: %v", path, !skipped)
		}
	})
}

// full is whole with what whole cannot have at the same time.
func full() translate.Post {
	p := whole()
	p.Event = &translate.Event{Start: day, End: day, Place: "here"}
	p.Poll = &translate.Poll{Options: []translate.Option{{Text: "a", Votes: 1}}, Multiple: true, Ends: day, Closed: day, Voters: 1}
	p.Boost, p.BoostRef, p.EntryID = "https://b.example/boosted", &translate.Item{Service: "s", Node: "n", ID: "b"}, "tag:entry"
	return p
}

// leaves calls do for every value in v that has none below it.
func leaves(v reflect.Value, path string, do func(string, reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		do(path, v)
	case v.Kind() == reflect.Pointer:
		leaves(v.Elem(), path, do)
	case v.Kind() == reflect.Slice, v.Kind() == reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), path, do)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), do)
		}
	default:
		do(path, v)
	}
}
