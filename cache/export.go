package cache

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/translate"
)

// exportVersion is the form of exports. What reads them takes no later one. The
// first had no proofs.
const exportVersion = 2

// The lines of an export: a head, one line a post, and a foot that shows that
// it is whole.
type (
	exportHead struct {
		Isthmus int       `json:"isthmus_export"`
		Made    time.Time `json:"made"`
	}
	exportPost struct {
		Proof      string         `json:"proof,omitempty"` // that this store wrote the line: see seal
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
	key, err := s.exportKey(ctx)
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	err = write(exportHead{Isthmus: exportVersion, Made: now.UTC()})
	for after := int64(0); err == nil; {
		var ids []int64
		var posts []exportPost
		err = s.View(ctx, func(tx *Tx) (err error) {
			cond, args := x.sql(3)
			ids, err = all(tx, value[int64], "SELECT p.id FROM posts p LEFT JOIN bodies b ON b.post_id = p.id WHERE p.id > ?1"+cond+" ORDER BY p.id LIMIT ?2 + 0",
				append([]any{after, exportBatch}, args...)...)
			for _, id := range ids {
				p, e := tx.exportPost(id)
				if errors.Is(e, ErrNotFound) { // it was there a moment ago
					e = fmt.Errorf("%w: it has no body", ErrDamaged)
				}
				switch {
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
			err = writeSealed(out, key, posts[i])
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

// exportKey is what lines are sealed with. It comes from a secret that the store
// has from its first start, so that a backup that is put in its place knows its
// exports too.
func (s *Store) exportKey(ctx context.Context) ([]byte, error) {
	var secret []byte
	read := func(tx *Tx) (err error) {
		secret, err = tx.Secret(SecretIDs, secretSize, rand.Reader)
		return err
	}
	err := s.View(ctx, func(tx *Tx) error { // a damaged file can perhaps not be written
		stored, err := tx.Meta(secretKey + SecretIDs)
		secret = []byte(stored)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = s.Update(ctx, read)
	}
	return seal(secret, []byte("isthmus export")), err
}

func seal(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// A sealed line begins with its proof: of the line as it is without that.
const (
	sealStart = `{"proof":"`
	sealEnd   = `",`
)

// writeSealed writes a line that nobody else can write.
func writeSealed(out io.Writer, key []byte, x exportPost) error {
	line, err := json.Marshal(x, lenientText)
	if err != nil {
		return err
	}
	start := sealStart + base64.RawURLEncoding.EncodeToString(seal(key, line)) + sealEnd
	_, err = out.Write(slices.Concat([]byte(start), line[1:], []byte("\n")))
	return err
}

// sealed tells whether this store wrote a line.
func sealed(key, line []byte) bool {
	rest, found := bytes.CutPrefix(line, []byte(sealStart))
	proof, rest, cut := bytes.Cut(rest, []byte(sealEnd))
	want := base64.RawURLEncoding.EncodeToString(seal(key, append([]byte("{"), rest...)))
	return found && cut && hmac.Equal(proof, []byte(want))
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
	if x.Raw, err = tx.store.packer.unpack(d.raw); err != nil {
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
