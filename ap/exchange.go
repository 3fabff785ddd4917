package ap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// maxExcerpt is how much is read of an answer that we only log.
const maxExcerpt = 4 << 10

// request is one exchange, with its redirects.
type request struct {
	method string
	url    string
	accept string
	body   []byte
	key    *Key
	max    int64
	pages  bool // a web page is read as far as its head may go
	ours   func(url string) bool
}

// answer is what came back with a status of 2xx.
type answer struct {
	url         string
	contentType string
	body        []byte
	header      http.Header
}

// do makes an exchange. Every hop is checked and signed anew (L3, S2).
func (c *Client) do(ctx context.Context, q request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	for hop := 0; ; hop++ {
		a, next, err := c.hop(ctx, q)
		if err != nil || next == "" {
			return a, err
		}
		if hop == maxRedirects {
			return answer{}, fmt.Errorf("%w: more than %d redirects", ErrRefused, maxRedirects)
		}
		if q.ours != nil && q.ours(next) {
			return answer{}, &OursError{URL: next}
		}
		q.url = next
	}
}

// hop makes one request. next is where it is redirected to.
func (c *Client) hop(ctx context.Context, q request) (a answer, next string, err error) {
	u, err := c.guard.checkURL(q.url)
	if err != nil {
		return a, "", err
	}
	r, err := c.newRequest(ctx, u, q)
	if err != nil {
		return a, "", err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return a, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	c.observeClock(u.Host, resp.Header.Get("Date"))
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		a, err = read(resp, q)
		a.url = u.String()
		return a, "", err
	case q.method == http.MethodGet && isRedirect(resp.StatusCode):
		to, err := u.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" {
			return a, "", fmt.Errorf("%w: redirect to nowhere", ErrRefused)
		}
		if u.Scheme == "https" && to.Scheme != "https" { // also on loopback (W10)
			return a, "", fmt.Errorf("%w: redirect from https to %s", ErrRefused, to.Scheme)
		}
		return a, to.String(), nil
	default:
		return a, "", c.statusError(u, resp)
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// newRequest makes a request and signs it.
func (c *Client) newRequest(ctx context.Context, u *url.URL, q request) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	if q.accept != "" {
		r.Header.Set("Accept", q.accept)
	}
	if q.body != nil {
		r.Header.Set("Content-Type", as2.MediaType)
	}
	if q.key != nil {
		if err := sig.Sign(r, q.body, q.key.ID, q.key.Private, c.cfg.Now()); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// read reads a body, whose size is counted after decompression (L1, SEC-37).
func read(resp *http.Response, q request) (answer, error) {
	a := answer{contentType: resp.Header.Get("Content-Type"), header: resp.Header}
	if q.method == http.MethodPost { // what it says is of no use to anybody
		_, _ = io.CopyN(io.Discard, resp.Body, q.max)
		return a, nil
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return a, fmt.Errorf("%w: content encoding %q, which was not asked for", ErrContent, e)
	}
	var err error
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, q.max+1)); err != nil {
		return a, err
	}
	if q.pages && isPage(a.contentType) {
		return a, nil
	}
	if int64(len(a.body)) > q.max {
		return a, fmt.Errorf("%w: more than %d bytes", ErrContent, q.max)
	}
	return a, nil
}

// observeClock tells whoever wants to know what time it is at a peer's.
func (c *Client) observeClock(host, date string) {
	if c.cfg.ObserveClock == nil || date == "" {
		return
	}
	if theirs, err := http.ParseTime(date); err == nil {
		c.cfg.ObserveClock(host, theirs, c.cfg.Now())
	}
}

// statusError describes an answer that is not 2xx.
func (c *Client) statusError(u *url.URL, resp *http.Response) error {
	e := &StatusError{URL: u.String(), Code: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.cfg.Now())}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxExcerpt))
	if t := resp.Header.Get("Content-Type"); strings.HasPrefix(t, "text/plain") || strings.Contains(t, "json") {
		e.Text = excerpt(string(b))
	}
	return e
}

// excerpt makes one short line of what a peer said, for logs and traces.
func excerpt(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
