package xmpp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"isthmus/xmpp/stanza"
)

const streamHead = `<?xml version='1.0'?><!-- > --><stream:stream xmlns:stream='` + stanza.NSStream + `' xmlns='` + stanza.NSComponent + `' id="a>b">`

// readers cut the same bytes differently.
var readers = map[string]func(io.Reader) io.Reader{
	"whole":    func(r io.Reader) io.Reader { return r },
	"one byte": iotest.OneByteReader,
	"halves":   iotest.HalfReader,
}

func frames(t *testing.T, r io.Reader, limit int) (got []frame, end error) {
	t.Helper()
	f := newFramer(r, limit)
	if _, err := f.header(); err != nil {
		t.Fatal(err)
	}
	for {
		fr, err := f.next()
		if err != nil {
			return got, err
		}
		got = append(got, fr)
	}
}

func TestFramer(t *testing.T) {
	want := []string{
		`<a/>`,
		`<a b='>' c="'/>"/>`,
		`<a>x</a>`,
		`<a><b/><c>></c></a >`,
		`<a><![CDATA[</a>]]]]><b></b></a>`,
		`<a><![CDATA[>]]></a>`,
		`<a><!-- </a> -- <b> --></a>`,
		`<a><!--> --></a>`,
		`<a><?x </a> > ?></a>`,
		`<a><?>?></a>`,
		`<a><!DOCTYPE x></a>`,
		`<a><!></a>`,
		"<a\n/>",
		`<a b='/'>x</a>`,
		`<a>` + strings.Repeat(`<b c='d'>`, 100) + strings.Repeat(`</b>`, 100) + `</a>`,
		`<a>` + strings.Repeat("x", 100_000) + `</a>`,
	}
	input := streamHead + strings.Join(want, " \n<!-- > <x> --><?y <z> ?>") + `</stream:stream>`
	for name, cut := range readers {
		t.Run(name, func(t *testing.T) {
			got, end := frames(t, cut(strings.NewReader(input)), 1<<20)
			if !errors.Is(end, errStreamEnd) {
				t.Errorf("ended with %v", end)
			}
			if len(got) != len(want) {
				t.Fatalf("%d frames, want %d", len(got), len(want))
			}
			for i, fr := range got {
				if string(fr.data) != want[i] || fr.over {
					t.Errorf("frame %d: %.200q, want %.200q", i, fr.data, want[i])
				}
			}
		})
	}
}

func TestFramerSkipsOversize(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct{ name, element, kept string }{
		{"text", `<iq id='1'>` + long + `</iq>`, `<iq id='1'>`},
		{"CDATA", `<iq id='2'><![CDATA[` + strings.Repeat("</iq>]]", 40) + `]]></iq>`, `<iq id='2'>`},
		{"comment", `<iq id='3'><!--` + long + `</iq>-->` + `</iq>`, `<iq id='3'>`},
		{"declarations", `<iq id='4'>` + long + `<![CDATA[</iq>]]><!-- > </iq> --><!x></iq>`, `<iq id='4'>`},
		{"children", `<iq id='5'>` + strings.Repeat(`<a b='>'/><c></c>`, 30) + `</iq>`, `<iq id='5'>`},
		{"start tag alone", `<iq id='6' x='` + long + `'/>`, `<iq id='6' x='` + long + `'/>`},
		{"start tag too long to keep", `<iq id='7' x='` + strings.Repeat("x", keepTag) + `'>y</iq>`, ``},
		{"much", `<iq id='8'>` + strings.Repeat(long, 10_000) + `</iq>`, `<iq id='8'>`},
	}
	for name, cut := range readers {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				f := newFramer(cut(strings.NewReader(streamHead+tt.element+`<ok/><iq>`)), 60)
				if _, err := f.header(); err != nil {
					t.Fatal(err)
				}
				fr, err := f.next()
				if err != nil || !fr.over {
					t.Fatalf("%+v, %v", fr, err)
				}
				// A start tag that came in pieces may be gone.
				if got := string(fr.data); got != tt.kept && (got != "" || !strings.Contains(tt.name, "start tag")) {
					t.Errorf("kept %.300q, want %.300q", got, tt.kept)
				}
				if fr, err := f.next(); err != nil || string(fr.data) != `<ok/>` || fr.over {
					t.Errorf("then %q, %v", fr.data, err)
				}
				if len(f.buf) > 2*readSize || cap(f.buf) > 2*keepBuffer {
					t.Errorf("the buffer holds %d of %d", len(f.buf), cap(f.buf))
				}
				if _, err := f.next(); !errors.Is(err, io.EOF) {
					t.Errorf("ended with %v", err)
				}
			})
		}
	}
}

func TestFramerHeader(t *testing.T) {
	f := newFramer(iotest.OneByteReader(strings.NewReader(streamHead+"<handshake/>")), 100)
	tag, err := f.header()
	if err != nil || !strings.HasPrefix(string(tag), "<stream:stream ") || !strings.HasSuffix(string(tag), `id="a>b">`) {
		t.Fatalf("%q, %v", tag, err)
	}
	if fr, err := f.next(); err != nil || string(fr.data) != "<handshake/>" {
		t.Errorf("%q, %v", fr.data, err)
	}
	for _, s := range []string{"", "HTTP/1.1 400 Bad Request\r\n\r\n", "</x>", strings.Repeat(" ", 1<<20)} {
		if tag, err := newFramer(strings.NewReader(s), 100).header(); err == nil {
			t.Errorf("%.30q gave %q", s, tag)
		}
	}
}

func FuzzFramer(f *testing.F) {
	f.Add(`<a/><b>x</b>`)
	f.Add(`<a><![CDATA[>]]></a><!-- --><b c='>'/>`)
	f.Add(`<a><!DOCTYPE x [<!ENTITY y "z">]></a>`)
	f.Fuzz(func(t *testing.T, s string) {
		const limit = 64
		read := func(r io.Reader) (got []frame, end error) {
			fr := newFramer(r, limit)
			if _, err := fr.header(); err != nil {
				t.Fatal(err)
			}
			for {
				one, err := fr.next()
				if err != nil {
					return got, err
				}
				if !one.over && len(one.data) > limit {
					t.Fatalf("%d bytes in a frame", len(one.data))
				}
				got = append(got, one)
			}
		}
		whole, end := read(strings.NewReader(streamHead + s))
		pieces, end2 := read(iotest.OneByteReader(strings.NewReader(streamHead + s)))
		if len(whole) != len(pieces) || end.Error() != end2.Error() {
			t.Fatalf("%d frames, %v; in pieces %d, %v", len(whole), end, len(pieces), end2)
		}
		for i := range whole {
			if whole[i].over != pieces[i].over || !whole[i].over && string(whole[i].data) != string(pieces[i].data) {
				t.Fatalf("frame %d: %q, in pieces %q", i, whole[i].data, pieces[i].data)
			}
		}
	})
}
