package cache

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"isthmus/translate"
)

// form is a post as bodies.parsed has it: its JSON, but for what that would say
// twice. The first release wrote the whole, which is read as well; a post changes its
// form when it changes, or when the index is built anew.
type form struct {
	translate.Post
	Author *translate.Actor `json:"author,omitzero"` // nil: the owner
	HTML   markup           `json:"html,omitzero"`
}

// formOf is the JSON of a post as it is stored.
func formOf(p translate.Post) (string, error) {
	f := form{Post: p, HTML: weave(p.HTML, p.Text)}
	if p.Author != p.Owner {
		f.Author = &p.Author
	}
	return toJSON(f)
}

// decode reads the post from its column. Text may be odd: it was stored so.
func (s *Stored) decode(parsed []byte) error {
	var f form
	err := json.Unmarshal(parsed, &f, lenientText)
	if err == nil {
		s.Post = f.Post
		s.Post.HTML, err = f.HTML.over(s.Post.Text)
	}
	if err != nil {
		return fmt.Errorf("post %d: %w", s.ID, err)
	}
	if s.Post.Author = s.Post.Owner; f.Author != nil {
		s.Post.Author = *f.Author
	}
	if s.Post.Published.IsZero() { // stored before posts without a date got one
		s.Post.Published = s.Received
	}
	return nil
}

// storedPost is a stored post in SQL.
const storedPost = "b.parsed"

// formSQL is the SQL of the value at a path of a stored post, in either form.
func formSQL(path string) string {
	switch {
	case path == "$.html":
		return "iif(json_type(b.parsed, '$.html') = 'array', isthmus_html(b.parsed ->> '$.html', b.parsed ->> '$.text'), b.parsed ->> '$.html')"
	case strings.HasPrefix(path, "$.author."):
		return fmt.Sprintf("(b.parsed ->> iif(json_type(b.parsed, '$.author') IS NULL, '$.owner%s', '%s'))", strings.TrimPrefix(path, "$.author"), path)
	}
	return fmt.Sprintf("(b.parsed ->> '%s')", path)
}

// reform stores a post and its tags in the form of today. What cannot be read stays as it
// is: verify tells of it.
func (tx *Tx) reform(id int64) error {
	was, err := one(tx, value[[]byte], "SELECT iif(json_valid(parsed, 8), json(parsed), '') FROM bodies WHERE post_id = ?", id)
	if err != nil {
		return err
	}
	var s Stored
	if s.decode(was) != nil {
		return nil
	}
	if err := tx.run("DELETE FROM tags WHERE post_id = ?", id); err != nil {
		return err
	}
	if err := tx.putTags(id, s.Post); err != nil {
		return err
	}
	is, err := formOf(s.Post)
	if err != nil || is == string(was) {
		return err
	}
	return tx.run("UPDATE bodies SET parsed = jsonb(?) WHERE post_id = ?", is, id)
}
