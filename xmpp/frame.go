package xmpp

import (
	"bytes"
	"errors"
	"io"
)

// errStreamEnd is the server's end tag of the stream.
var errStreamEnd = errors.New("the server closed the stream")

const (
	readSize   = 32 << 10
	keepTag    = 16 << 10  // the longest start tag kept of an oversize stanza
	keepBuffer = 256 << 10 // a larger buffer is given back after use
)

// frame is one element below the stream's root.
type frame struct {
	data []byte // the element; of an oversize one the start tag, nil if that is too long too
	over bool
}

// framer finds where the elements of a stream begin and end (RFC 6120 §4.2),
// without decoding them. It trusts nothing but the server's own framing: what
// is between the tags is judged by stanza.Parse, for each stanza alone.
type framer struct {
	r   io.Reader
	max int // bytes of an element; a larger one is skipped

	buf   []byte
	pos   int // scanned up to here
	start int // of the element being scanned, -1 between elements
	mark  int // where the construct being scanned begins
	tag   int // end of the element's start tag, 0 before it
	depth int
	state scanState
	quote byte

	heading bool // the stream's own start tag is asked for

	over bool // the element is over max, its bytes are discarded
	kept []byte
}

type scanState uint8

const (
	inContent scanState = iota
	inOpen              // after <
	inStart
	inValue
	inEnd
	inDecl  // after <!
	inOther // a declaration that is neither of these:
	inComment
	inCDATA
	inPI
)

func newFramer(r io.Reader, limit int) *framer {
	return &framer{r: r, max: limit, buf: make([]byte, 0, readSize), start: -1}
}

// header returns the start tag of the stream.
func (f *framer) header() ([]byte, error) {
	f.heading = true
	for {
		done, err := f.scan()
		switch {
		case err != nil:
			return nil, err
		case done:
			tag := bytes.Clone(f.buf[f.start:f.pos])
			f.begin()
			f.depth, f.heading = 0, false
			return tag, nil
		case len(f.buf) > keepTag:
			return nil, errors.New("no XML stream")
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// next returns the next element. It is the caller's to keep.
func (f *framer) next() (frame, error) {
	for {
		done, err := f.scan()
		if err != nil {
			return frame{}, err
		}
		if done {
			return f.take(), nil
		}
		f.shed()
		if err := f.fill(); err != nil {
			return frame{}, err
		}
	}
}

// take cuts the element that ends at pos out of the buffer.
func (f *framer) take() frame {
	fr := frame{data: f.kept, over: f.over}
	if !f.over {
		fr.over = f.pos-f.start > f.max
		fr.data = f.buf[f.start:f.pos]
		if fr.over {
			fr.data = f.startTag()
		}
		fr.data = bytes.Clone(fr.data)
	}
	f.begin()
	return fr
}

// begin forgets the element before pos.
func (f *framer) begin() {
	f.start, f.tag, f.over, f.kept = -1, 0, false, nil
}

// startTag is the start tag of the element in the buffer, nil when it is not
// worth keeping.
func (f *framer) startTag() []byte {
	if f.tag == 0 || f.tag-f.start > keepTag {
		return nil
	}
	return f.buf[f.start:f.tag]
}

// shed discards what was read of an oversize element, and moves what is still
// needed to the start of the buffer.
func (f *framer) shed() {
	if f.start >= 0 && !f.over && f.pos-f.start > f.max {
		f.kept, f.over = bytes.Clone(f.startTag()), true
	}
	from := f.pos
	switch {
	case f.start >= 0 && !f.over:
		from = f.start
	case f.state == inDecl:
		from = f.mark
	case f.state != inContent:
		from -= len("]]>") // no end of a construct is longer
	}
	if from = max(0, from); from == 0 {
		return
	}
	rest := f.buf[from:]
	if cap(f.buf) > keepBuffer && len(rest) < readSize {
		f.buf = append(make([]byte, 0, 2*readSize), rest...)
	} else {
		f.buf = f.buf[:copy(f.buf[:cap(f.buf)], rest)]
	}
	f.pos -= from
	f.mark -= from
	if f.start >= 0 && !f.over {
		f.start -= from
		f.tag -= min(from, f.tag)
	}
}

// fill reads more.
func (f *framer) fill() error {
	if cap(f.buf)-len(f.buf) < readSize/2 {
		f.buf = append(make([]byte, 0, 2*cap(f.buf)+readSize), f.buf...)
	}
	for range 100 {
		n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// scan goes on to the end of the element (in heading, of the first start tag),
// or of the buffer.
func (f *framer) scan() (done bool, err error) {
	for f.pos < len(f.buf) {
		switch f.state {
		case inContent:
			n := bytes.IndexByte(f.buf[f.pos:], '<')
			if n < 0 {
				f.pos = len(f.buf)
				return false, nil
			}
			f.mark = f.pos + n
			f.pos, f.state = f.mark+1, inOpen
		case inOpen:
			f.open(f.buf[f.pos])
		case inStart:
			if f.startTagEnds() {
				return true, nil
			}
		case inValue:
			if n := bytes.IndexByte(f.buf[f.pos:], f.quote); n < 0 {
				f.pos = len(f.buf)
			} else {
				f.pos, f.state = f.pos+n+1, inStart
			}
		case inEnd:
			if !f.seek("", 0) {
				continue
			}
			if f.depth--; f.depth < 0 {
				return false, errStreamEnd
			}
			if f.depth == 0 {
				return true, nil
			}
		case inDecl:
			f.declaration()
		case inOther:
			f.seek("", 0)
		case inComment:
			f.seek("--", len("<!--"))
		case inCDATA:
			f.seek("]]", len("<![CDATA["))
		case inPI:
			f.seek("?", len("<?"))
		}
	}
	return false, nil
}

// open decides what a < opens.
func (f *framer) open(c byte) {
	switch c {
	case '/':
		f.state = inEnd
	case '?':
		f.state = inPI
	case '!':
		f.state = inDecl
	default:
		f.state = inStart
		if f.depth == 0 {
			f.start, f.tag = f.mark, 0
		}
		return
	}
	f.pos++
}

// startTagEnds goes on to the end of a start tag, or to a quote in it. It is
// true when that ends what was asked for: an empty element, or the heading.
func (f *framer) startTagEnds() bool {
	for i := f.pos; i < len(f.buf); i++ {
		switch c := f.buf[i]; c {
		case '\'', '"':
			f.quote, f.pos, f.state = c, i+1, inValue
			return false
		case '>':
			first := f.depth == 0
			f.pos, f.state = i+1, inContent
			if first {
				f.tag = f.pos
			}
			if f.buf[i-1] == '/' {
				return first
			}
			f.depth++
			return f.heading
		}
	}
	f.pos = len(f.buf)
	return false
}

// declaration tells comments and CDATA from other declarations.
func (f *framer) declaration() {
	rest := f.buf[f.mark:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		f.pos, f.state = f.mark+len("<!--"), inComment
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		f.pos, f.state = f.mark+len("<![CDATA["), inCDATA
	case len(rest) >= len("<![CDATA["), bytes.IndexByte(rest, '>') >= 0:
		f.pos, f.state = f.mark+len("<!"), inOther
	default:
		f.pos = len(f.buf) // too little of it to tell
	}
}

// seek goes on behind the > that ends a construct, if it is in the buffer: one
// after tail, which lies behind the head of the construct.
func (f *framer) seek(tail string, head int) bool {
	for {
		n := bytes.IndexByte(f.buf[f.pos:], '>')
		if n < 0 {
			f.pos = len(f.buf)
			return false
		}
		f.pos += n + 1
		from := f.pos - 1 - len(tail)
		if from >= f.mark+head && string(f.buf[from:f.pos-1]) == tail {
			f.state = inContent
			return true
		}
	}
}
