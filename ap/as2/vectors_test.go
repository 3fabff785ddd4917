package as2

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// vectors is where public test documents are, beside the repository.
const vectors = "../../../shared/vectors"

// hasVectors tells whether a folder of test documents is there.
func hasVectors(t testing.TB, folder string) bool {
	t.Helper()
	if _, err := os.Stat(filepath.Join(vectors, folder)); err != nil {
		t.Logf("no test documents: %v", err)
		return false
	}
	return true
}

// readPack reads a file that holds many documents by name.
func readPack(t testing.TB, name string) map[string]jsontext.Value {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	var pack map[string]jsontext.Value
	if err := json.Unmarshal(b, &pack); err != nil {
		t.Fatal(err)
	}
	return pack
}

// TestActivityStreamsVectors reads the documents of the W3C's test suite.
func TestActivityStreamsVectors(t *testing.T) {
	if !hasVectors(t, "activitystreams") {
		return
	}
	read := 0
	for _, name := range []string{"core.json", "vocabulary.json", "simple.json"} {
		for doc, b := range readPack(t, "activitystreams/"+name) {
			o, err := Parse(b)
			if err != nil {
				t.Errorf("%s: %v", doc, err)
				continue
			}
			var id struct {
				ID string `json:"id"`
			}
			if json.Unmarshal(b, &id) == nil && id.ID != o.ID {
				t.Errorf("%s: id %q, not %q", doc, o.ID, id.ID)
			}
			read++
		}
	}
	if read < 200 {
		t.Errorf("only %d documents", read)
	}
	refused := map[string]bool{"array-at-top": true, "number-at-top": true, "string-at-top": true, "bad-character-set": true}
	files, err := filepath.Glob(filepath.Join(vectors, "activitystreams/fail/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no documents that are wrong")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		o, err := Parse(b)
		if (err != nil) != refused[name] {
			t.Errorf("%s: %v", name, err)
		}
		if name == "number-as-id" && o.ID != "" {
			t.Errorf("%s: %q", name, o.ID)
		}
	}
}

// TestFedifyVectors reads actors, keys and collections of several servers.
func TestFedifyVectors(t *testing.T) {
	if !hasVectors(t, "fedify") {
		return
	}
	root := filepath.Join(vectors, "fedify")
	read := func(name string) *Object {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return mustParse(t, string(b))
	}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json") {
			rel, _ := filepath.Rel(root, path)
			read(rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	m := read("activitypub.academy/users/brauca_darradiul.json")
	if !m.IsActor() || m.PublicKeys[0].Owner != m.ID || !strings.Contains(m.PublicKeys[0].PEM, "BEGIN PUBLIC KEY") || m.SharedInbox == "" || m.Featured == "" {
		t.Errorf("Mastodon's actor: %+v", m)
	}
	if k := read("example.com/key.json"); len(k.PublicKeys) != 1 || k.PublicKeys[0].ID != k.ID || k.PublicKeys[0].Owner == "" || k.IsActor() {
		t.Errorf("key: %+v", k.PublicKeys)
	}
	if k := read("example.com/key2.json"); len(k.PublicKeys) != 1 || k.PublicKeys[0].PEM == "" {
		t.Errorf("key2: %+v", k.PublicKeys)
	}
	if p := read("example.com/person2.json"); len(p.PublicKeys) < 2 {
		t.Errorf("person2 has %d keys", len(p.PublicKeys))
	}
	if p := read("example.com/hong-gildong.json"); p.ID != "https://example.com/hong-gildong" || p.Type() != TypePerson || p.Name.Value != "Hong Gildong" {
		t.Errorf("expanded form: %+v", p)
	}
	if c := read("example.com/paged-collection.json"); c.First == nil || c.First.ID == "" || !c.IsCollection() {
		t.Errorf("paged collection: %+v", c)
	}
}

// TestBridgyVectors reads what a bridge sends and receives.
func TestBridgyVectors(t *testing.T) {
	if !hasVectors(t, "bridgy-fed") {
		return
	}
	for _, name := range []string{"activities.json", "bot-actors.json"} {
		for doc, b := range readPack(t, "bridgy-fed/"+name) {
			if b.Kind() != '{' {
				continue
			}
			o, err := Parse(b)
			if err != nil {
				t.Errorf("%s: %v", doc, err)
			} else if has := strings.Contains(string(b), `"actor"`); has != (FirstID(o.Actor) != "") && o.IsActivity() {
				t.Errorf("%s: the actor is %q", doc, FirstID(o.Actor))
			}
		}
	}
}

// FuzzParse makes sure that no document brings the parser down, that what it
// accepts is JSON by another decoder too, and that its raw parts parse alike.
func FuzzParse(f *testing.F) {
	f.Add(readGolden(f, "mastodon-create.json"))
	for _, s := range []string{
		`{}`, `{"id":"https://a.test/1","@id":"x"}`, `{"to":[["x"],null,{"id":"y"}]}`, `{"contentMap":{"a":"b"},"url":[{"href":"x"},"y"]}`,
		`{"publicKey":{"id":"a","owner":"b","publicKeyPem":"c"}}`, `{"focalPoint":[1,1],"totalItems":"3e2"}`, `{"\u0069d":"\ud83d\ude00"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse(b)
		if err != nil {
			return
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("accepted, but not JSON: %v", err)
		}
		if id, ok := v["id"].(string); ok && id != "" && o.ID != id {
			t.Errorf("id %q, another decoder says %q", o.ID, id)
		}
		for _, inner := range o.Object {
			if inner.Raw == nil {
				continue
			}
			if again, err := Parse(inner.Raw); err != nil || again.ID != inner.ID {
				t.Errorf("inner object %q: %v", inner.Raw, err)
			}
		}
	})
}
