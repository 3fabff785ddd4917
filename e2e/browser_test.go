package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// sight is a site with a browser that looks at its pages.
type sight struct {
	*site
	browser *lab.Browser
	files   string // host of the pictures that posts show
}

// newSight starts a site, Chromium and a host of files, such as an XMPP server's
// upload service.
func newSight(t *testing.T, on setup) *sight {
	t.Helper()
	s := &sight{site: newSite(t, on)}
	s.files = s.Names.Script
	pair, err := s.CA.Issue(s.files)
	s.must(err)
	listener, err := net.Listen("tcp", net.JoinHostPort(s.Names.Scr, "443"))
	s.must(err)
	server := &http.Server{Handler: http.HandlerFunc(s.file)}
	go func() { _ = server.ServeTLS(listener, pair.Cert, pair.Key) }()
	t.Cleanup(func() { _ = server.Close() })
	s.browser, err = s.StartBrowser(within(t, patience))
	s.must(err)
	return s
}

// file is a picture of the sea. Who asks for it must not be told where it is shown.
func (s *sight) file(w http.ResponseWriter, r *http.Request) {
	if from := r.Header.Get("Referer"); from != "" {
		s.t.Errorf("the host of a picture was told that it is shown on %s", from)
	}
	picture := image.NewRGBA(image.Rect(0, 0, 1200, 800))
	for y := range 800 {
		for x := range 1200 {
			c := color.RGBA{uint8(90 + y/8), uint8(130 + y/10), uint8(200 - x/40), 255}
			if y > 480 {
				c = color.RGBA{uint8(20 + x/60), uint8(70 + (x*y/900)%30), uint8(110 - y/20), 255}
			}
			picture.Set(x, y, c)
		}
	}
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, picture)
}

// tab opens a tab. When the test is over it must have asked none but the hosts
// given and ours, and have had nothing to complain of.
func (s *sight) tab(t *testing.T, o lab.TabOptions, hosts ...string) *lab.Tab {
	t.Helper()
	tab, err := s.browser.Tab(within(t, patience), o)
	if err != nil {
		t.Fatal(err)
	}
	hosts = append(hosts, s.Names.Domains[:]...)
	t.Cleanup(func() {
		seen, err := tab.Seen(within(t, patience))
		if err != nil {
			t.Error(err)
			return
		}
		for _, request := range seen.Requests {
			u, err := url.Parse(request)
			if err != nil || u.Scheme != "data" && (u.Scheme != "https" || !slices.Contains(hosts, u.Host)) {
				t.Errorf("a page asked for %s", request)
			}
		}
		if len(seen.Complaints)+len(seen.Dialogs)+seen.Popups > 0 {
			t.Errorf("a page did what it should not: %+v", seen)
		}
	})
	return tab
}

// visit opens an address that must answer with a status.
func (s *sight) visit(t *testing.T, tab *lab.Tab, url string, status int) lab.Visit {
	t.Helper()
	v, err := tab.Visit(within(t, patience), url)
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != status {
		t.Fatalf("%s: %d, want %d", url, v.Status, status)
	}
	return v
}

// text is what the page shows.
func (s *sight) text(t *testing.T, tab *lab.Tab) string {
	t.Helper()
	var text string
	if err := tab.Eval(within(t, patience), `document.body.innerText`, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// arrives waits until a page whose address begins so is there, whole.
func (s *sight) arrives(t *testing.T, tab *lab.Tab, address string) {
	t.Helper()
	ctx := within(t, patience)
	s.must(lab.Eventually(ctx, "the page "+address, func() error {
		var at string
		err := tab.Eval(ctx, `document.readyState == "complete" ? location.href : ""`, &at)
		if err == nil && !strings.HasPrefix(at, address) {
			err = fmt.Errorf("at %q", at)
		}
		return err
	}))
}

// picture keeps a picture of the page where ISTHMUS_PICTURES names a folder.
func (s *sight) picture(t *testing.T, tab *lab.Tab, name string) {
	t.Helper()
	folder := os.Getenv("ISTHMUS_PICTURES")
	if folder == "" {
		return
	}
	file, err := tab.Picture(within(t, patience), name)
	if err == nil {
		var text []byte
		if text, err = os.ReadFile(file); err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), text, 0o644)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// faults is what is wrong with a page for those who do not see it, or see it on
// a small screen: an expression that lists it in words.
const faults = `(() => {
	const out = [];
	const count = (selector, want) => {
		const n = document.querySelectorAll(selector).length;
		if (n !== want) out.push(n + " of " + selector);
	};
	count("h1", 1); count("main", 1); count("body > header", 1); count("footer", 1); count("html[lang]", 1);
	if (!document.title.trim()) out.push("no title");
	for (const e of document.querySelectorAll("img:not([alt])")) out.push("no alt: " + e.src);
	for (const e of document.querySelectorAll("input:not([type=hidden])"))
		if (!e.labels.length && !e.ariaLabel) out.push("no label: " + e.name);
	for (const e of document.querySelectorAll("a[href], button, summary"))
		if (!e.textContent.trim() && !e.querySelector("img[alt]:not([alt=''])") && !e.ariaLabel) out.push("no name: " + e.outerHTML);
	let level = 0;
	for (const e of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
		const n = Number(e.tagName[1]);
		if (n > level + 1) out.push("from h" + level + " to h" + n + ": " + e.textContent.slice(0, 40));
		level = n;
	}
	for (const e of document.querySelectorAll("[id]"))
		if (document.querySelectorAll("#" + CSS.escape(e.id)).length > 1) out.push("id twice: " + e.id);
	for (const e of document.querySelectorAll("a[href]"))
		if (!["https:", "xmpp:"].includes(e.protocol)) out.push("link to " + e.href);
	if (document.documentElement.scrollWidth > innerWidth) {
		out.push("as wide as " + document.documentElement.scrollWidth + " on " + innerWidth);
		for (const e of document.querySelectorAll("body *"))
			if (e.getBoundingClientRect().right > innerWidth + 1) { out.push(e.outerHTML.slice(0, 120)); break; }
	}
	return out;
})()`

// sound checks that the page shown has no faults.
func (s *sight) sound(t *testing.T, tab *lab.Tab, what string) {
	t.Helper()
	var found []string
	if err := tab.Eval(within(t, patience), faults, &found); err != nil {
		t.Fatal(err)
	}
	for _, fault := range found {
		t.Errorf("%s: %s", what, fault)
	}
}

// enclosure is a picture of an entry.
func (s *sight) enclosure(alt string) string {
	return "<link rel='enclosure' type='image/png' title='" + lab.Escape(alt) + "' href='https://" + s.files + "/sea.png'/>"
}

// published puts an entry into a user's microblog and returns the id of the
// object that a peer's user gets.
func (s *sight) published(c *lab.Client, e lab.Entry, says string) string {
	s.t.Helper()
	ctx := within(s.t, patience)
	_, err := c.Publish(ctx, "", lab.Microblog, e.ID, e.XML(), lab.OpenNode())
	s.must(err)
	made, err := s.fedi.Await(ctx, "the post "+e.ID, is("Create", says))
	s.must(err)
	return made.Object
}

// has checks what a page shows.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not show %q:\n%s", part, text)
		}
	}
}

// testAvatar is a small picture of a sail.
func testAvatar() []byte {
	picture := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for y := range 96 {
		for x := range 96 {
			c := color.RGBA{210, 232, 238, 255}
			if y > 74 {
				c = color.RGBA{24, 84, 120, 255}
			} else if x > 20 && x < 20+y*3/4 && y > 10 {
				c = color.RGBA{200, 74, 50, 255}
			}
			picture.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, picture)
	return b.Bytes()
}
