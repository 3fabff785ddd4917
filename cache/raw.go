package cache

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// lenientText repairs text that is not UTF-8 where it is written; what came
// from the network was already checked.
var lenientText = jsontext.AllowInvalidUTF8(true)

// rawDict1 is the preset dictionary of packed documents: what AS2 documents and
// Atom entries have in common. It must never change; a better one gets a new
// first byte.
//
//go:embed rawdict1.txt
var rawDict1 []byte

// The first byte of a packed document.
const (
	packedPlain byte = 0
	packedDict1 byte = 1
)

// maxUnpacked bounds what unpack produces; documents are at most 1 MiB.
const maxUnpacked = 16 << 20

// packLevel is as quick as a level that uses the dictionary gets.
const packLevel = 2

// packer compresses documents; its writers and readers are large, so they are kept.
type packer struct{ writers, readers sync.Pool }

// pack compresses a document. nil stays nil, as a column NULL.
func (p *packer) pack(raw []byte) []byte {
	if raw == nil {
		return nil
	}
	var b bytes.Buffer
	b.Grow(len(raw)/2 + 64)
	b.WriteByte(packedDict1)
	if err := p.deflate(&b, raw); err != nil || b.Len() > len(raw) {
		return append([]byte{packedPlain}, raw...)
	}
	return b.Bytes()
}

func (p *packer) deflate(to io.Writer, raw []byte) error {
	w, ok := p.writers.Get().(*flate.Writer)
	if ok {
		w.Reset(to)
	} else {
		var err error
		if w, err = flate.NewWriterDict(to, packLevel, rawDict1); err != nil {
			return err
		}
	}
	defer p.writers.Put(w)
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return w.Close()
}

// unpack is the reverse of pack.
func (p *packer) unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	switch b[0] {
	case packedPlain:
		return b[1:], nil
	case packedDict1:
		raw, err := p.inflate(b[1:])
		if err == nil && len(raw) == maxUnpacked {
			err = errors.New("too long")
		}
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		return raw, nil
	}
	return nil, fmt.Errorf("unpack: unknown form %d", b[0])
}

func (p *packer) inflate(b []byte) ([]byte, error) {
	from := bytes.NewReader(b)
	r, ok := p.readers.Get().(io.Reader)
	if !ok {
		r = flate.NewReaderDict(from, rawDict1)
	} else if err := r.(flate.Resetter).Reset(from, rawDict1); err != nil {
		return nil, err
	}
	defer p.readers.Put(r)
	return io.ReadAll(io.LimitReader(r, maxUnpacked))
}
