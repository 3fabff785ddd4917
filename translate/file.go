package translate

import (
	"strconv"
	"strings"
	"time"

	"isthmus/xmpp/stanza"
)

// Namespaces of file sharing beside those of package stanza.
const (
	nsThumbs  = "urn:xmpp:thumbs:1"                   // XEP-0264
	nsURLData = "http://jabber.org/protocol/url-data" // XEP-0103
	blurhash  = "data:image/blurhash,"                // as chat clients write it
)

// fileElement describes a file (XEP-0446).
func fileElement(m Media) *stanza.Element {
	file := stanza.New(stanza.NSFileMeta, "file")
	add := func(name, value string) {
		if value != "" {
			file.Add(stanza.Text("", name, value))
		}
	}
	add("media-type", m.MediaType)
	add("name", fileName(m.URL))
	add("size", number(m.Size))
	add("width", number(int64(m.Width)))
	add("height", number(int64(m.Height)))
	add("length", number(milliseconds(m.Duration)))
	add("desc", m.Alt)
	if m.Blurhash != "" {
		file.Add(stanza.New(nsThumbs, "thumbnail").Set("media-type", "image/blurhash").Set("uri", blurhash+m.Blurhash).
			Set("width", number(int64(m.Width))).Set("height", number(int64(m.Height))))
	}
	return file
}

// readFile completes what is known of a file.
func readFile(m *Media, file *stanza.Element) {
	get := func(name string) string { return strings.TrimSpace(file.ChildContent(stanza.NSFileMeta, name)) }
	if m.MediaType == "" {
		m.MediaType = cleanMediaType(get("media-type"))
	}
	if m.Alt == "" {
		m.Alt = cutRunes(manyLines(get("desc")), maxAlt)
	}
	if m.Size == 0 {
		m.Size, _ = strconv.ParseInt(get("size"), 10, 64)
		m.Size = max(m.Size, 0)
	}
	if m.Width == 0 && m.Height == 0 {
		m.Width, m.Height = pixels(get("width")), pixels(get("height"))
	}
	if ms, err := strconv.ParseInt(get("length"), 10, 64); err == nil && ms > 0 && ms < 1<<40 {
		m.Duration = duration(ms)
	}
	for t := range file.Children(nsThumbs, "thumbnail") {
		if hash, ok := strings.CutPrefix(t.Get("uri"), blurhash); ok && len(hash) <= 100 {
			m.Blurhash = oneLine(hash)
		}
	}
}

// number is a positive number, or "".
func number(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// milliseconds reads an xsd:duration of at most days; 0 if it is none.
func milliseconds(s string) int64 {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return 0
	}
	days, clock, _ := strings.Cut(rest, "T")
	var total time.Duration
	if days != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(days, "D"))
		if err != nil || n < 0 || n > 10_000 {
			return 0
		}
		total = time.Duration(n) * 24 * time.Hour
	}
	if clock != "" {
		d, err := time.ParseDuration(strings.ToLower(clock))
		if err != nil || d < 0 {
			return 0
		}
		total += d
	}
	return total.Milliseconds()
}

// duration writes milliseconds as an xsd:duration.
func duration(ms int64) string {
	s := "PT"
	if h := ms / 3_600_000; h > 0 {
		s += strconv.FormatInt(h, 10) + "H"
	}
	if m := ms / 60_000 % 60; m > 0 {
		s += strconv.FormatInt(m, 10) + "M"
	}
	if sec := ms % 60_000; sec > 0 || s == "PT" {
		s += strconv.FormatFloat(float64(sec)/1000, 'f', -1, 64) + "S"
	}
	return s
}
