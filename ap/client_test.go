package ap_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
)

// newClient is a guarded client for a world.
func newClient(t testing.TB, w *aptest.World) *ap.Client {
	t.Helper()
	c, err := ap.NewClient(w.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGet fetches documents unsigned and signed, and an inbox gets what is
// posted.
func TestGet(t *testing.T) {
	w := aptest.NewWorld(t)
	mast, me := w.Peer("mast.test"), w.Peer("example.test").Actor("louise")
	alice := mast.Actor("alice")
	c := newClient(t, w)
	doc, err := c.GetObject(aptest.Context(t), alice.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if doc.URL != alice.ID || doc.Object.ID != alice.ID || doc.Object.SharedInbox != mast.URL+"/inbox" {
		t.Errorf("%+v", doc.Object)
	}
	if doc, err = c.Get(aptest.Context(t), alice.KeyID, nil); err != nil || doc.URL != alice.ID { // fragments stay here
		t.Errorf("key: %v", err)
	}
	mast.RequireSigned(true)
	var status *ap.StatusError
	if _, err = c.Get(aptest.Context(t), alice.ID, nil); !errors.As(err, &status) || status.Code != 401 {
		t.Errorf("unsigned: %v", err)
	}
	if _, err = c.Get(aptest.Context(t), alice.ID+"?page=%40x&y=1", me.SigningKey()); err != nil {
		t.Errorf("signed: %v", err)
	}
	body, err := as2.Marshal(&as2.Activity{Context: as2.ContextAS2, ID: me.ID + "/1", Type: as2.TypeFollow, Actor: me.ID, Object: alice.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Post(aptest.Context(t), alice.Inbox, body, me.SigningKey()); err != nil {
		t.Fatal(err)
	}
	got := mast.WaitType(as2.TypeFollow)
	if got.KeyID != me.KeyID || !bytes.Equal(got.Body, body) || got.Header.Get("Content-Type") != as2.MediaType || got.Header.Get("User-Agent") != "aptest" {
		t.Errorf("%+v", got)
	}
}

// TestContentTypes takes AS2 documents only as such (L10, SEC-2).
func TestContentTypes(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	c := newClient(t, w)
	for contentType, want := range map[string]bool{
		"application/activity+json":                                                           true,
		"application/activity+json; charset=utf-8":                                            true,
		"Application/Activity+JSON":                                                           true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`:                true,
		`application/ld+json;profile="https://x.test/ https://www.w3.org/ns/activitystreams"`: true,
		`application/ld+json`:                                                                 false,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreamsx"`:               false,
		"application/json":                                                                    false,
		"text/plain":                                                                          false,
		"text/html":                                                                           false,
		"application/octet-stream":                                                            false,
		"":                                                                                    false,
		"application/activity+jsonx":                                                          false,
		"text/plain, application/activity+json":                                               false,
	} {
		p.Script("/x", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header()["Content-Type"] = []string{contentType}
			_, _ = fmt.Fprintf(rw, `{"id":"%s/x"}`, p.URL)
		}))
		_, err := c.GetObject(aptest.Context(t), p.URL+"/x", nil)
		if (err == nil) != want || err != nil && !errors.Is(err, ap.ErrContent) {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}

// TestWhereItIs believes a document only where its id is (L7, SEC-1, SEC-3,
// SEC-4, SEC-13).
func TestWhereItIs(t *testing.T) {
	w := aptest.NewWorld(t)
	victim, evil := w.Peer("victim.test"), w.Peer("evil.test")
	c := newClient(t, w)
	victim.Serve("/note", aptest.Doc{"id": victim.URL + "/note", "content": "true"})
	victim.Serve("/@a/note", aptest.Doc{"id": victim.URL + "/note", "content": "alias"})
	victim.Serve("/upload", aptest.Doc{"id": victim.URL + "/other", "content": "upload"})
	redirect := func(to string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, to, http.StatusFound) })
	}
	for _, d := range []struct{ path, id string }{
		{"/steals", victim.URL + "/note"}, {"/invents", victim.URL + "/missing"}, {"/case", evil.URL + "/CASE"}, {"/slash", evil.URL + "/slash/"},
		{"/dot", strings.Replace(evil.URL, "evil.test", "evil.test.", 1) + "/dot"}, {"/percent", evil.URL + "/%70ercent"}, {"/none", ""}, {"/http", "http" + evil.URL[5:] + "/http"},
		{"/good", evil.URL + "/good"},
	} {
		evil.Serve(d.path, aptest.Doc{"id": d.id, "content": "false"})
	}
	evil.Script("/moved", redirect(evil.URL+"/good"))
	evil.Script("/away", redirect(victim.URL+"/note"))
	evil.Script("/away-upload", redirect(victim.URL+"/upload"))
	for path, want := range map[string]string{
		"/good": "false", "/moved": "false", "/away": "true", "/steals": "true", "/percent": "false", // its host says so
		"/invents": "", "/case": "", "/slash": "", "/dot": "", "/none": "", "/http": "", "/away-upload": "",
	} {
		doc, err := c.GetObject(aptest.Context(t), evil.URL+path, nil)
		got := ""
		if err == nil {
			got = doc.Object.Content.Value
			if doc.URL != doc.Object.ID {
				t.Errorf("%s: %s is at %s", path, doc.Object.ID, doc.URL)
			}
		}
		if got != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if doc, err := c.GetObject(aptest.Context(t), victim.URL+"/@a/note", nil); err != nil || doc.Object.Content.Value != "true" {
		t.Errorf("alias: %v", err)
	}
}

// TestSpelling believes a document whose id a request has to spell in another way,
// and none with a fragment, which no request asks for.
func TestSpelling(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	c := newClient(t, w)
	for path, want := range map[string]bool{"/jörg": true, "/j%C3%B6rg": true, "/日本/1?p=é": true, "/jörg#1": false, "/JÖRG": false} {
		for _, served := range []string{"/jörg", "/日本/1"} {
			p.Serve(served, aptest.Doc{"id": p.URL + path})
		}
		doc, err := c.GetObject(aptest.Context(t), p.URL+path, nil)
		if (err == nil) != want || err == nil && doc.Object.ID != p.URL+path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestRedirects follows three, checks and signs each, and none of a POST (L3,
// SEC-33).
func TestRedirects(t *testing.T) {
	w := aptest.NewWorld(t)
	a, b := w.Peer("a.test"), w.Peer("b.test")
	me := w.Peer("example.test").Actor("louise")
	b.RequireSigned(true)
	c := newClient(t, w)
	for n := range 6 {
		to := fmt.Sprintf("%s/r%d", a.URL, n)
		if n == 0 {
			to = b.URL + "/end"
		}
		a.Script(fmt.Sprintf("/r%d", n+1), http.RedirectHandler(to, []int{301, 302, 303, 307, 308}[n%5]))
	}
	b.Serve("/end", aptest.Doc{"id": b.URL + "/end"})
	for n := 1; n <= 6; n++ {
		doc, err := c.Get(aptest.Context(t), fmt.Sprintf("%s/r%d", a.URL, n), me.SigningKey())
		if n <= 3 && (err != nil || doc.URL != b.URL+"/end") {
			t.Errorf("%d redirects: %v", n, err)
		}
		if n > 3 && !errors.Is(err, ap.ErrRefused) {
			t.Errorf("%d redirects: %v", n, err)
		}
	}
	for _, to := range []string{"", "http://a.test/", "http" + b.URL[5:] + "/end", "http://127.0.0.1:" + fmt.Sprint(w.Port), "file:///etc/passwd", "data:application/activity+json,{}",
		"gopher://a.test/", "https://a.test:22/", "https://a.test:6379/", "https://u:p@" + b.Host + "/end", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[::1]/"} {
		a.Script("/out", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", to)
			rw.WriteHeader(302)
		}))
		if _, err := c.Get(aptest.Context(t), a.URL+"/out", nil); !errors.Is(err, ap.ErrRefused) {
			t.Errorf("redirect to %q: %v", to, err)
		}
	}
	a.Script("/inbox", http.RedirectHandler(b.URL+"/inbox", http.StatusTemporaryRedirect))
	var status *ap.StatusError
	if err := c.Post(aptest.Context(t), a.URL+"/inbox", []byte("{}"), me.SigningKey()); !errors.As(err, &status) || status.Code != 307 || len(b.Received()) != 0 {
		t.Errorf("POST: %v", err)
	}
}

// TestNames resolves names to addresses that must not be reached, also only the
// second time (SEC-32).
func TestNames(t *testing.T) {
	w := aptest.NewWorld(t)
	cfg := w.ClientConfig()
	cfg.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	c, err := ap.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := w.Peer("a.test")
	p.Serve("/x", aptest.Doc{"id": p.URL + "/x"})
	for _, s := range []string{"127.0.0.2", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1", "fd00::1", "2002:7f00:1::"} {
		w.Resolve("a.test", []netip.Addr{netip.MustParseAddr(s)})
		for what, f := range map[string]func() error{
			"get":   func() error { _, err := c.Get(aptest.Context(t), p.URL+"/x", nil); return err },
			"fetch": func() error { _, _, err := c.Fetch(aptest.Context(t), p.URL+"/x", "*/*", 100); return err },
			"post": func() error {
				return c.Post(aptest.Context(t), p.URL+"/x", []byte("{}"), p.Actor("a").SigningKey())
			},
		} {
			if err := f(); !errors.Is(err, ap.ErrRefused) || ap.Temporary(err) {
				t.Errorf("%s at %s: %v", what, s, err)
			}
		}
	}
	if got := p.Fetched(); len(got) != 0 {
		t.Errorf("reached for %q", got)
	}
	good, bad := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.1")
	w.Resolve("b.test", []netip.Addr{good}, []netip.Addr{bad})
	p.Script("/b", http.RedirectHandler("https://"+w.Authority("b.test")+"/x", http.StatusFound))
	w.Resolve("a.test", []netip.Addr{good})
	cfg.AllowPorts = []int{w.Port}
	for n := range 2 { // keep-alive would hide the second question
		if c, err = ap.NewClient(cfg); err != nil {
			t.Fatal(err)
		}
		_, err := c.Get(aptest.Context(t), p.URL+"/b", nil)
		if refused := errors.Is(err, ap.ErrRefused); refused != (n == 1) {
			t.Errorf("rebinding, question %d: %v", n, err)
		}
	}
}

// TestSizes bounds bodies after decompression, and headers (L1, SEC-37).
func TestSizes(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	c := newClient(t, w)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write([]byte(`{"content":"`))
	for range 64 {
		_, _ = z.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	_ = z.Close()
	serve := func(f func(http.ResponseWriter)) {
		p.Script("/x", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", as2.MediaType)
			f(rw)
		}))
	}
	for name, f := range map[string]func(http.ResponseWriter){
		"plain": func(rw http.ResponseWriter) {
			_, _ = rw.Write([]byte(`{"content":"` + strings.Repeat("x", 1<<20) + `"}`))
		},
		"gzip bomb": func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Encoding", "gzip")
			_, _ = rw.Write(bomb.Bytes())
		},
		"other encoding": func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Encoding", "br")
			_, _ = rw.Write([]byte(`{}`))
		},
		"deep": func(rw http.ResponseWriter) {
			_, _ = rw.Write([]byte(strings.Repeat(`{"object":`, 1000) + `{}` + strings.Repeat(`}`, 1000)))
		},
	} {
		serve(f)
		if _, err := c.Get(aptest.Context(t), p.URL+"/x", nil); !errors.Is(err, ap.ErrContent) || ap.Temporary(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	serve(func(rw http.ResponseWriter) {
		for n := range 4000 {
			rw.Header().Set(fmt.Sprintf("X-Header-%d", n), "0123456789")
		}
		_, _ = rw.Write([]byte(`{}`))
	})
	if _, err := c.Get(aptest.Context(t), p.URL+"/x", nil); err == nil {
		t.Error("any number of headers")
	}
	serve(func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		_, _ = fmt.Fprintf(z, `{"id":"%s/x"}`, p.URL)
		_ = z.Close()
	})
	if _, err := c.GetObject(aptest.Context(t), p.URL+"/x", nil); err != nil {
		t.Errorf("gzip: %v", err)
	}
	if _, _, err := c.Fetch(aptest.Context(t), p.URL+"/x", "application/activity+json", 10); !errors.Is(err, ap.ErrContent) {
		t.Errorf("Fetch beyond its limit: %v", err)
	}
}

// TestFetch compares media types with what was asked for.
func TestFetch(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	p.Actor("alice")
	c := newClient(t, w)
	body, contentType, err := c.Fetch(aptest.Context(t), p.URL+"/.well-known/webfinger?resource=acct:alice@"+p.Host, "application/jrd+json, application/json", 1000)
	if err != nil || contentType != "application/jrd+json" || !bytes.Contains(body, []byte("subject")) {
		t.Errorf("%s, %s, %v", body, contentType, err)
	}
	p.ServeAs("/i.png", "image/png", []byte("x"))
	for accept, want := range map[string]bool{"image/*": true, "image/png": true, "*/*": true, "image/jpeg": false, "text/*, image/png;q=0": false} {
		if _, _, err := c.Fetch(aptest.Context(t), p.URL+"/i.png", accept, 10); (err == nil) != want {
			t.Errorf("%s: %v", accept, err)
		}
	}
}

// TestStatus reports what a peer answers, when to come back and what it said.
func TestStatus(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	me := p.Actor("me")
	c := newClient(t, w)
	for code, temporary := range map[int]bool{400: false, 401: true, 403: false, 404: false, 406: false, 408: true, 410: false, 413: false, 429: true, 500: true, 501: false, 502: true, 503: true} {
		p.Fail(1, code, "120")
		err := c.Post(aptest.Context(t), me.Inbox, []byte("{}"), me.SigningKey())
		var status *ap.StatusError
		if !errors.As(err, &status) || status.Code != code || status.RetryAfter != 2*time.Minute || status.Text != "told to fail" || status.URL != me.Inbox {
			t.Errorf("%d: %v", code, err)
		}
		if ap.Temporary(err) != temporary {
			t.Errorf("%d: temporary is not %v", code, temporary)
		}
	}
	if err := c.Post(aptest.Context(t), "https://"+w.Authority("nowhere.test")+"/", []byte("{}"), me.SigningKey()); err == nil || !ap.Temporary(err) {
		t.Errorf("unknown name: %v", err)
	}
	if err := c.Post(aptest.Context(t), me.Inbox, []byte("{}"), nil); err == nil {
		t.Error("posted without a key")
	}
}

// TestObserveClock hands on what time it is elsewhere.
func TestObserveClock(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	theirs := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	p.Script("/x", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Date", theirs.Format(http.TimeFormat))
		rw.WriteHeader(404)
	}))
	cfg := w.ClientConfig()
	cfg.Now = func() time.Time { return theirs.Add(time.Minute) }
	var got []string
	cfg.ObserveClock = func(host string, theirs, ours time.Time) { got = append(got, host+" "+ours.Sub(theirs).String()) }
	c, err := ap.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(aptest.Context(t), p.URL+"/x", nil); err == nil {
		t.Error("found")
	}
	if len(got) != 1 || got[0] != p.Host+" 1m0s" {
		t.Errorf("%q", got)
	}
}

// TestConfig refuses a CA file without a CA.
func TestConfig(t *testing.T) {
	for _, f := range []string{"client_test.go", "missing.pem"} {
		if _, err := ap.NewClient(ap.ClientConfig{CAFile: f}); err == nil {
			t.Errorf("%s was taken", f)
		}
	}
}

// TestHTTP2 speaks HTTP/2 where the peer does; signatures are the same there.
func TestHTTP2(t *testing.T) {
	w := aptest.NewWorld(t)
	p := w.Peer("a.test")
	me := p.Actor("me")
	proto := make(chan string, 1)
	p.Script("/x", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		rw.WriteHeader(http.StatusAccepted)
	}))
	if err := newClient(t, w).Post(aptest.Context(t), p.URL+"/x", []byte("{}"), me.SigningKey()); err != nil {
		t.Fatal(err)
	}
	if got := <-proto; got != "HTTP/2.0" {
		t.Errorf("%s", got)
	}
}

// TestBehindPages goes from web pages to their documents, which count where their ids
// are, and not to our own.
func TestBehindPages(t *testing.T) {
	w := aptest.NewWorld(t)
	site, other := w.Peer("site.test"), w.Peer("other.test")
	cfg := w.ClientConfig()
	cfg.Ours = func(url string) bool { return strings.HasPrefix(url, "https://ours.test/") }
	c, err := ap.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	page := func(href string) []byte {
		return []byte(`<html><head><link rel="alternate" type="application/activity+json" href="` + href + `"></head>` + strings.Repeat("<p>long</p>", 200_000))
	}
	site.Serve("/o/1", aptest.Doc{"id": site.URL + "/o/1", "content": "true"})
	site.Serve("/lie", aptest.Doc{"id": other.URL + "/o/2", "content": "false"})
	other.Serve("/o/2", aptest.Doc{"id": other.URL + "/o/2", "content": "its own"})
	site.ServeAs("/o/html", "text/html", page(site.URL+"/o/1"))
	site.Script("/header", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Link", `</o/1>; rel="alternate"; type="application/activity+json"`)
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	}))
	site.Script("/picky", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			rw.WriteHeader(http.StatusNotAcceptable)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write(page("/o/1"))
	}))
	for path, href := range map[string]string{
		"/@ada/1": "/o/1", "/@ada/lie": "/lie", "/@ada/missing": "/none", "/@ada/page": "/o/html", "/@ada/private": "https://10.0.0.1/", "/@ada/ours": "https://ours.test/_ap/x",
	} {
		site.ServeAs(path, "text/html", page(href))
	}
	site.ServeAs("/plain", "text/html", []byte("<html><head></head>"))
	for n, to := range map[string]string{"/short": "/@ada/1", "/s/1": "/short", "/s/2": "/s/1", "/s/3": "/s/2", "/toours": "https://ours.test/_ap/y"} {
		site.Script(n, http.RedirectHandler(to, http.StatusFound))
	}
	site.Serve("/isours", aptest.Doc{"id": "https://ours.test/_ap/z"})
	for path, want := range map[string]string{
		"/o/1": "true", "/@ada/1": "true", "/header": "true", "/picky": "true", "/short": "true", "/s/2": "true",
		"/@ada/lie":     "its own", // the host of the id vouches, and nobody else
		"/@ada/missing": "", "/@ada/page": "", "/@ada/private": "", "/plain": "", "/s/3": "",
		"/@ada/ours": "https://ours.test/_ap/x", "/toours": "https://ours.test/_ap/y", "/isours": "https://ours.test/_ap/z",
	} {
		doc, err := c.GetObject(aptest.Context(t), site.URL+path, nil)
		got := ""
		var ours *ap.OursError
		if err == nil {
			got = doc.Object.Content.Value
		} else if errors.As(err, &ours) {
			got = ours.URL
		}
		if got != want {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
		if err != nil && ap.Temporary(err) {
			t.Errorf("%s: may pass: %v", path, err)
		}
	}
	if _, err := c.Get(aptest.Context(t), site.URL+"/@ada/1", nil); !errors.Is(err, ap.ErrContent) {
		t.Errorf("Get takes a page: %v", err)
	}
}
