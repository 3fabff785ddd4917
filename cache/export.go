package cache

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/translate"
)

// exportVersion is the form of exports. What reads them takes no later one.
const exportVersion = 1

// The lines of an export: a head, one line a post, and a foot that shows that
// it is whole.
type (
	exportHead struct {
		Isthmus int       `json:"isthmus_export"`
		Made    time.Time `json:"made"`
	}
	exportPost struct {
		Post       translate.Post `json:"post"`
		Received   time.Time      `json:"received"`
		RawType    string         `json:"raw_type,omitempty"`
		Raw        []byte         `json:"raw,omitempty"`        // base64
		Addressees []string       `json:"addressees,omitempty"` // besides to and cc
		Places     []exportPlace  `json:"places,omitempty"`
	}
	exportPlace struct {
		Service   string    `json:"service"`
		Node      string    `json:"node"`
		Item      string    `json:"item"`
		Publisher string    `json:"publisher,omitempty"`
		Via       string    `json:"via,omitempty"`
		Placed    time.Time `json:"placed"`
		Retracted time.Time `json:"retracted,omitzero"`
	}
	exportFoot struct {
		Posts int `json:"posts"`
	}
)

// exportBatch is how many posts are in memory at a time.
const exportBatch = 50

// Export writes the selected posts, oldest first, one JSON object a line, with
// the documents that they came as. It is no snapshot: posts go on coming and
// going meanwhile. damaged, if not nil, hears of posts that cannot be read and
// are left out; without it the first one ends the export.
func (s *Store) Export(ctx context.Context, w io.Writer, x Selection, now time.Time, damaged func(id int64, err error)) (int, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	write := func(v any) error {
		if err := json.MarshalWrite(out, v, lenientText); err != nil {
			return err
		}
		return out.WriteByte('\n')
	}
	n := 0
	err := write(exportHead{Isthmus: exportVersion, Made: now.UTC()})
	for after := int64(0); err == nil; {
		var ids []int64
		var posts []exportPost
		err = s.View(ctx, func(tx *Tx) (err error) {
			cond, args := x.sql(3)
			ids, err = all(tx, value[int64], "SELECT p.id FROM "+postsBodies+" WHERE p.id > ?1"+cond+" ORDER BY p.id LIMIT ?2 + 0",
				append([]any{after, exportBatch}, args...)...)
			for _, id := range ids {
				p, e := tx.exportPost(id)
				switch {
				case errors.Is(e, ErrNotFound):
				case e != nil && damaged != nil:
					damaged(id, e)
				case e != nil:
					return fmt.Errorf("post %d: %w", id, e)
				default:
					posts = append(posts, p)
				}
			}
			return err
		})
		for i := 0; err == nil && i < len(posts); i++ {
			n++
			err = write(posts[i])
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
	}
	if err == nil {
		err = write(exportFoot{Posts: n})
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return n, fmt.Errorf("export: %w", err)
	}
	return n, nil
}

func (tx *Tx) exportPost(id int64) (exportPost, error) {
	s, err := tx.PostByID(id, Viewer{Operator: true})
	if err != nil {
		return exportPost{}, err
	}
	x := exportPost{Post: s.Post, Received: s.Received}
	type document struct {
		kind string
		raw  []byte
	}
	d, err := one(tx, func(r row) (d document, err error) {
		err = r.Scan(&d.kind, &d.raw)
		return d, err
	}, "SELECT raw_type, raw FROM bodies WHERE post_id = ?", id)
	if err != nil {
		return x, err
	}
	x.RawType = d.kind
	if x.Raw, err = unpack(d.raw); err != nil {
		return x, err
	}
	if x.Addressees, err = all(tx, value[string], "SELECT actor FROM addressees WHERE post_id = ? AND extra = 1 ORDER BY actor", id); err != nil {
		return x, err
	}
	places, err := tx.Placements(s.Post.URI)
	for _, p := range places {
		x.Places = append(x.Places, exportPlace{Service: p.Service, Node: p.Node, Item: p.ItemID, Publisher: p.Publisher,
			Via: p.Via, Placed: p.PlacedAt, Retracted: p.RetractedAt})
	}
	return x, err
}

// Imported sums up an import.
type Imported struct {
	Posts   int // lines with posts
	New     int
	Held    int // were there already, the same
	Kept    int // were there already, and differ: what is held stays
	Refused int // deleted here, or somebody else's here
}

// maxImportLine bounds a line: a document of 1 MiB in base64, the post that was
// read from it, and its places.
const maxImportLine = 8 << 20

// errNotExport says that what is imported is no export, or a damaged one.
var errNotExport = errors.New("this is not a whole export of isthmus")

// Import reads an export. What is held already stays as it is, so that an
// import can be repeated, and goes on where it was cut off. An export that is
// cut off is reported as such after what it holds was taken.
func (s *Store) Import(ctx context.Context, r io.Reader, told func(Imported)) (Imported, error) {
	var sum Imported
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxImportLine)
	var head exportHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Isthmus == 0 {
		return sum, fmt.Errorf("import: %w: its first line is no head", errNotExport)
	}
	if head.Isthmus > exportVersion {
		return sum, fmt.Errorf("import: the export has form %d and this program knows %d; use the newer program", head.Isthmus, exportVersion)
	}
	whole := false
	var batch []exportPost
	for line := 2; lines.Scan(); line++ {
		if whole {
			return sum, fmt.Errorf("import: line %d: %w: it goes on after its end", line, errNotExport)
		}
		if foot, ok := readFoot(lines.Bytes()); ok {
			if foot.Posts != sum.Posts+len(batch) {
				return sum, fmt.Errorf("import: line %d: %w: it counts %d posts and has %d", line, errNotExport, foot.Posts, sum.Posts+len(batch))
			}
			whole = true
			continue
		}
		p, err := readExportPost(lines.Bytes())
		if err != nil {
			return sum, fmt.Errorf("import: line %d: %w: %w", line, errNotExport, err)
		}
		if batch = append(batch, p); len(batch) == exportBatch {
			if err := s.importSome(ctx, batch, &sum); err != nil {
				return sum, fmt.Errorf("import: %w", err)
			}
			batch = batch[:0]
			if told != nil {
				told(sum)
			}
		}
	}
	if err := s.importSome(ctx, batch, &sum); err != nil {
		return sum, fmt.Errorf("import: %w", err)
	}
	if err := lines.Err(); err != nil {
		return sum, fmt.Errorf("import: %w", err)
	}
	if !whole {
		return sum, fmt.Errorf("import: %w: it is cut off; what it holds was taken", errNotExport)
	}
	return sum, nil
}

func readFoot(line []byte) (exportFoot, bool) {
	var f exportFoot
	if !bytes.HasPrefix(line, []byte(`{"posts":`)) {
		return f, false
	}
	return f, json.Unmarshal(line, &f) == nil
}

// readExportPost reads and checks a line. Text may be odd, as it is stored.
func readExportPost(line []byte) (exportPost, error) {
	var x exportPost
	if err := json.Unmarshal(line, &x, lenientText, json.RejectUnknownMembers(true)); err != nil {
		return x, err
	}
	p := x.Post
	switch {
	case p.URI == "" || p.Owner.URI == "" || x.Received.IsZero():
		return x, errors.New("URI, owner and time of receipt are needed")
	case p.Origin != translate.OriginAP && p.Origin != translate.OriginXMPP:
		return x, fmt.Errorf("there is no origin %q", p.Origin)
	case visOf(visCode(p.Visibility)) != p.Visibility:
		return x, fmt.Errorf("there is no audience %q", p.Visibility)
	case p.Origin == translate.OriginAP && hostOf(p.URI) != hostOf(p.Owner.URI):
		return x, fmt.Errorf("%s cannot be of %s: they are on different hosts", p.URI, p.Owner.URI)
	}
	return x, nil
}

func (s *Store) importSome(ctx context.Context, batch []exportPost, sum *Imported) error {
	if len(batch) == 0 {
		return nil
	}
	got := *sum
	err := s.Update(ctx, func(tx *Tx) error {
		for _, x := range batch {
			if err := tx.importPost(x, &got); err != nil {
				return fmt.Errorf("%s: %w", x.Post.URI, err)
			}
		}
		return nil
	})
	if err == nil {
		*sum = got
	}
	return err
}

func (tx *Tx) importPost(x exportPost, sum *Imported) error {
	sum.Posts++
	held, err := one(tx, value[[]byte], "SELECT hash FROM posts WHERE uri = ?", x.Post.URI)
	if err == nil {
		hash, err := digest(x.Post)
		if bytes.Equal(hash, held) {
			sum.Held++
		} else {
			sum.Kept++
		}
		return err
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	p := x.Post
	p.Item = nil // it is placed below, with its dates
	_, _, err = tx.PutPost(p, x.Raw, PutOptions{Received: x.Received, Addressees: x.Addressees, RawType: x.RawType})
	if errors.Is(err, ErrGone) || errors.Is(err, ErrConflict) {
		sum.Refused++
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.importPlaces(x); err != nil {
		return err
	}
	sum.New++
	return nil
}

// importPlaces puts a post where it was. A place that another post has now stays
// that post's.
func (tx *Tx) importPlaces(x exportPost) error {
	for _, l := range x.Places {
		_, err := tx.Place(Placement{Service: l.Service, Node: l.Node, ItemID: l.Item, URI: x.Post.URI,
			Publisher: l.Publisher, Via: l.Via, PlacedAt: l.Placed})
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err == nil && !l.Retracted.IsZero() {
			_, err = tx.RetractItem(l.Service, l.Node, l.Item, l.Retracted)
		}
		if err != nil {
			return err
		}
	}
	if x.Post.Item == nil {
		return nil
	}
	parsed, err := formOf(x.Post)
	if err != nil {
		return err
	}
	return tx.run("UPDATE bodies SET parsed = jsonb(?) WHERE post_id = (SELECT id FROM posts WHERE uri = ?)", parsed, x.Post.URI)
}
