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

// Importing is how Import works.
type Importing struct {
	Ours []string       // hosts and domains of this server: what is theirs has to be proved
	Now  time.Time      // nothing comes from later
	Told func(Imported) // from time to time: how far it is; may be nil
}

// Imported sums up an import.
type Imported struct {
	Posts    int // lines with posts
	New      int
	Held     int // were there already, the same
	Kept     int // were there already, and differ: what is held stays
	Refused  int // deleted here, or somebody else's here
	Unproved int // of our users, and not exported by this store
	Private  int // not for everybody, and not exported by this store
	Unlinked int // of users who are not linked here
}

// maxImportLine bounds a line: a document of 1 MiB in base64, the post that was
// read from it, and its places.
const maxImportLine = 8 << 20

// errNotExport says that what is imported is no export, or a damaged one.
var errNotExport = errors.New("this is not a whole export of isthmus")

// importer is one run of Import.
type importer struct {
	Importing
	store *Store
	key   []byte
	sum   Imported
}

// Import reads an export. What is held already stays as it is, so that an
// import can be repeated, and goes on where it was cut off. An export that is
// cut off is reported as such after what it holds was taken.
//
// The file is foreign bytes: posts are cleaned as those that come from peers
// are. Only lines that this very store has written can be of its users, of
// their readers, or in any node; of others are taken public posts of elsewhere.
func (s *Store) Import(ctx context.Context, r io.Reader, how Importing) (Imported, error) {
	key, err := s.exportKey(ctx)
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	im := importer{Importing: how, store: s, key: key}
	if err := im.read(ctx, r); err != nil {
		return im.sum, fmt.Errorf("import: %w", err)
	}
	return im.sum, nil
}

// read reads the lines.
func (im *importer) read(ctx context.Context, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxImportLine)
	var head exportHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Isthmus == 0 {
		return fmt.Errorf("%w: its first line is no head", errNotExport)
	}
	if head.Isthmus > exportVersion {
		return fmt.Errorf("the export has form %d and this program knows %d; use the newer program", head.Isthmus, exportVersion)
	}
	whole := false
	var batch []importLine
	for line := 2; lines.Scan(); line++ {
		if whole {
			return fmt.Errorf("line %d: %w: it goes on after its end", line, errNotExport)
		}
		if foot, ok := readFoot(lines.Bytes()); ok {
			if foot.Posts != im.sum.Posts+len(batch) {
				return fmt.Errorf("line %d: %w: it counts %d posts and has %d", line, errNotExport, foot.Posts, im.sum.Posts+len(batch))
			}
			whole = true
			continue
		}
		p, err := im.readLine(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w: %w", line, errNotExport, err)
		}
		if batch = append(batch, p); len(batch) == exportBatch {
			if err := im.take(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
			if im.Told != nil {
				im.Told(im.sum)
			}
		}
	}
	if err := im.take(ctx, batch); err != nil {
		return err
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !whole {
		return fmt.Errorf("%w: it is cut off; what it holds was taken", errNotExport)
	}
	return nil
}

func readFoot(line []byte) (exportFoot, bool) {
	var f exportFoot
	if !bytes.HasPrefix(line, []byte(`{"posts":`)) {
		return f, false
	}
	err := json.Unmarshal(line, &f)
	return f, err == nil
}

// importLine is a line with a post.
type importLine struct {
	exportPost
	proved bool // this store wrote it
}

// readLine reads, checks and cleans a line. Text may be odd, as it is stored.
func (im *importer) readLine(line []byte) (importLine, error) {
	x := importLine{proved: sealed(im.key, line)}
	if err := json.Unmarshal(line, &x.exportPost, lenientText, json.RejectUnknownMembers(true)); err != nil {
		return x, err
	}
	kind, err := translate.ParseKind(string(x.Post.Kind))
	if err != nil {
		return x, err
	}
	x.Post = translate.Clean(x.Post)
	if x.Received.After(im.Now) {
		x.Received = im.Now
	}
	p := x.Post
	switch {
	case p.URI == "" || p.Owner.URI == "" || x.Received.IsZero():
		return x, errors.New("URI, owner and time of receipt are needed")
	case p.Kind != kind: // how people write it
		return x, fmt.Errorf("there is no kind %q", p.Kind)
	case p.Origin != translate.OriginAP && p.Origin != translate.OriginXMPP:
		return x, fmt.Errorf("there is no origin %q", p.Origin)
	case visOf(visCode(p.Visibility)) != p.Visibility:
		return x, fmt.Errorf("there is no audience %q", p.Visibility)
	case p.Origin == translate.OriginAP && hostOf(p.URI) != hostOf(p.Owner.URI):
		return x, fmt.Errorf("%s cannot be of %s: they are on different hosts", p.URI, p.Owner.URI)
	}
	return x, nil
}

func (im *importer) take(ctx context.Context, batch []importLine) error {
	if len(batch) == 0 {
		return nil
	}
	before := im.sum
	err := im.store.Update(ctx, func(tx *Tx) error {
		im.sum = before
		for _, x := range batch {
			if err := im.takePost(tx, x); err != nil {
				return fmt.Errorf("%s: %w", x.Post.URI, err)
			}
		}
		return nil
	})
	if err != nil {
		im.sum = before
	}
	return err
}

func (im *importer) takePost(tx *Tx, x importLine) error {
	im.sum.Posts++
	held, err := one(tx, value[[]byte], "SELECT hash FROM posts WHERE uri = ?", x.Post.URI)
	if err == nil {
		if !x.proved { // what is held was judged as well
			if judged, err := im.judge(tx, x); err == nil {
				x = judged
			}
		}
		hash, err := digest(x.Post)
		if bytes.Equal(hash, held) {
			im.sum.Held++
		} else {
			im.sum.Kept++
		}
		return err
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if x.proved {
		err = im.admit(tx, x)
	} else {
		x, err = im.judge(tx, x)
	}
	switch {
	case errors.Is(err, errUnproved):
		im.sum.Unproved++
		return nil
	case errors.Is(err, errPrivate):
		im.sum.Private++
		return nil
	case errors.Is(err, errUnlinked):
		im.sum.Unlinked++
		return nil
	case err != nil:
		return err
	}
	return im.put(tx, x)
}

func (im *importer) put(tx *Tx, x importLine) error {
	p := x.Post
	if x.proved {
		p.Item = nil // it is placed below, with its dates
	}
	_, _, err := tx.PutPost(p, x.Raw, PutOptions{Received: x.Received, Now: im.Now, Addressees: x.Addressees, RawType: x.RawType})
	if errors.Is(err, ErrGone) || errors.Is(err, ErrConflict) {
		im.sum.Refused++
		return nil
	}
	if err == nil && x.proved {
		err = tx.importPlaces(x.exportPost)
	}
	if err == nil {
		im.sum.New++
	}
	return err
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
