package ap

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"isthmus/ap/as2"
)

// The limits of every exchange (L1-L3).
const (
	maxRedirects     = 3
	maxDocument      = as2.MaxBytes
	maxHeaderBytes   = 64 << 10
	connectTimeout   = 5 * time.Second
	firstByteTimeout = 10 * time.Second
	totalTimeout     = 30 * time.Second
)

// acceptDocument asks for AS2 documents, in the words that every peer knows.
const acceptDocument = as2.MediaType + ", " + as2.MediaTypeLD

// acceptPage asks for a web page, where there is no document under the address.
const acceptPage = acceptDocument + ", text/html;q=0.5"

// ClientConfig is how a Client is made.
type ClientConfig struct {
	AllowPrivate []netip.Prefix // reachable although not public (L6); development only
	AllowPorts   []int          // default: 443
	CAFile       string         // a CA to trust besides the system's
	UserAgent    string
	Log          *slog.Logger
	Now          func() time.Time // default: time.Now
	Resolver     *net.Resolver    // default: the system's
	// Ours tells whether an address is one of our own: GetObject does not follow
	// others to it. Default: none is.
	Ours func(url string) bool
	// ObserveClock is told what a peer's clock says and what ours does.
	ObserveClock func(host string, theirs, ours time.Time)
}

// Key is a private key that requests are signed with.
type Key struct {
	ID      string
	Private *rsa.PrivateKey
}

// Document is an AS2 document as its origin served it.
type Document struct {
	URL    string // where it was found, after redirects
	Body   []byte
	Object *as2.Object
}

// Client is the one HTTP client of the gateway. It reaches public addresses
// only, follows few redirects, and bounds size and time (L1-L5, SEC-32..36).
type Client struct {
	cfg   ClientConfig
	guard guard
	http  *http.Client
}

// NewClient makes a client.
func NewClient(cfg ClientConfig) (*Client, error) {
	cfg.Now = orNow(cfg.Now)
	cfg.Log = orDiscard(cfg.Log)
	roots, err := rootsWith(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, guard: newGuard(cfg)}
	if len(cfg.AllowPrivate) > 0 {
		cfg.Log.Warn("the HTTP client reaches addresses that are not public", "allowed", cfg.AllowPrivate) // L6
	}
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second, Resolver: cfg.Resolver, Control: c.guard.control}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy from the environment would defeat the guard
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  firstByteTimeout,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConns:           256,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// rootsWith is the system's CAs and those of a file; nil means the system's.
func rootsWith(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA file %s: no certificate in it", file)
	}
	return roots, nil
}

func orNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func orDiscard(log *slog.Logger) *slog.Logger {
	return cmp.Or(log, slog.New(slog.DiscardHandler))
}

// Get fetches an AS2 document, signed when key is not nil. Its id may be any:
// a caller that believes it compares it with URL, or uses GetObject.
func (c *Client) Get(ctx context.Context, url string, key *Key) (*Document, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, url: url, accept: acceptDocument, key: key, max: maxDocument})
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", url, err)
	}
	return a.document(url)
}

// document reads an answer.
func (a answer) document(from string) (*Document, error) {
	if !as2.IsMediaType(a.contentType) { // L10, SEC-2
		return nil, fmt.Errorf("fetch %s: %w: content type %q", from, ErrContent, a.contentType)
	}
	o, err := as2.Parse(a.body)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w: %w", from, ErrContent, err)
	}
	return &Document{URL: a.url, Body: a.body, Object: o}, nil
}

// GetObject fetches an AS2 document whose id is the address that served it; if
// it names another id, it is fetched once more from there (L7, SEC-3, SEC-4).
// So the document is what the host of its id says, but its id need not be url,
// which may be that of a web page that says where its document is. Where that
// leads to us, the error is an *OursError.
func (c *Client) GetObject(ctx context.Context, url string, key *Key) (*Document, error) {
	doc, err := c.behind(ctx, url, key)
	if err != nil || isAt(doc.Object.ID, doc.URL) {
		return doc, err
	}
	if err := as2.CheckID(doc.Object.ID); err != nil {
		return nil, fmt.Errorf("fetch %s: %w: %w", url, ErrContent, err)
	}
	id := doc.Object.ID
	if c.ours(id) {
		return nil, fmt.Errorf("fetch %s: %w", url, &OursError{URL: id})
	}
	if doc, err = c.Get(ctx, id, key); err != nil {
		return nil, err
	}
	if doc.Object.ID != id || !isAt(id, doc.URL) {
		return nil, fmt.Errorf("fetch %s: %w: its id %s is not where it is", url, ErrContent, id)
	}
	return doc, nil
}

// behind fetches the document that an address leads to: its own, or that of the
// web page that is there.
func (c *Client) behind(ctx context.Context, address string, key *Key) (*Document, error) {
	q := request{method: http.MethodGet, url: address, accept: acceptDocument, key: key, max: maxDocument, pages: true, ours: c.cfg.Ours}
	a, err := c.do(ctx, q)
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotAcceptable { // a page that has no other form here
		q.accept = acceptPage
		a, err = c.do(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", address, err)
	}
	if !isPage(a.contentType) {
		return a.document(address)
	}
	page, err := url.Parse(a.url)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w: %w", address, ErrContent, err)
	}
	q.url, q.accept, q.pages = alternate(page, a.header, a.body), acceptDocument, false
	switch {
	case q.url == "":
		return nil, fmt.Errorf("fetch %s: %w: a web page without a document", address, ErrContent)
	case c.ours(q.url):
		return nil, fmt.Errorf("fetch %s: %w", address, &OursError{URL: q.url})
	}
	if a, err = c.do(ctx, q); err != nil {
		return nil, fmt.Errorf("fetch %s, the document of %s: %w", q.url, address, err)
	}
	return a.document(q.url)
}

func (c *Client) ours(url string) bool { return c.cfg.Ours != nil && c.cfg.Ours(url) }

// isAt tells whether an address is that of an id: the same, but for characters
// that a request has to spell in another way.
func isAt(id, address string) bool {
	if id == address {
		return true
	}
	u, err := url.Parse(id)
	return err == nil && u.String() == address
}

// Fetch reads any document of at most max bytes whose media type is one of
// accept's, such as JRD, XRD, NodeInfo or a picture.
func (c *Client) Fetch(ctx context.Context, url, accept string, max int64) (body []byte, contentType string, err error) {
	a, err := c.do(ctx, request{method: http.MethodGet, url: url, accept: accept, max: max})
	if err != nil {
		return nil, "", fmt.Errorf("fetch %s: %w", url, err)
	}
	if parseAccept([]string{accept}).quality(a.contentType) == 0 {
		return nil, "", fmt.Errorf("fetch %s: %w: content type %q", url, ErrContent, a.contentType)
	}
	return a.body, a.contentType, nil
}

// Post delivers an activity to an inbox. An answer that is not 2xx is a
// *StatusError; redirects are such answers too (L3).
func (c *Client) Post(ctx context.Context, inbox string, body []byte, key *Key) error {
	if key == nil {
		return errors.New("deliver: no key to sign with")
	}
	_, err := c.do(ctx, request{method: http.MethodPost, url: inbox, body: bytes.Clone(body), key: key, max: maxExcerpt})
	if err != nil {
		return fmt.Errorf("deliver to %s: %w", inbox, err)
	}
	return nil
}
