package webfinger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
)

// How long answers are kept (W11), and how many.
const (
	keepFound   = 24 * time.Hour
	keepMissing = 5 * time.Minute
	keepTrouble = 30 * time.Second
	keepAtMost  = 10_000
)

// Client asks others. It keeps what it learned for a while, what it did not find
// included, and asks only once at a time about a handle (W11, SEC-18).
type Client struct {
	fetcher Fetcher
	known   *otter.Cache[string, outcome]
}

type outcome struct {
	account Account
	err     error
}

// NewClient makes a Client.
func NewClient(f Fetcher) *Client {
	known := otter.Must(&otter.Options[string, outcome]{
		MaximumSize: keepAtMost,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, outcome]) time.Duration {
			switch {
			case e.Value.err == nil:
				return keepFound
			case isFinal(e.Value.err):
				return keepMissing
			default:
				return keepTrouble
			}
		}),
	})
	return &Client{fetcher: f, known: known}
}

// Account is what a handle resolved to.
type Account struct {
	Handle   string // the canonical one, user@host; on another host if the domain is split
	ActorURL string // id of the actor, not yet fetched: it has to agree (Verify)
	PageURL  string
	// Loose: the answer did not name the account in the form that it has to (W2).
	// It is that of who was asked for only if the actor says so too.
	Loose bool
}

// ErrWrong is the cause when a server's answer cannot be right: it contradicts
// the question, or is no such document. Asking again will not help soon.
var ErrWrong = errors.New("the answer is wrong")

// Lookup resolves user@host (acct: and a leading @ are taken too) to an actor
// id. It returns ErrNotFound, ErrGone, ErrWrong, or an error that may pass.
func (c *Client) Lookup(ctx context.Context, asked string) (Account, error) {
	handle, err := ParseHandle(asked)
	if err != nil {
		return Account{}, fmt.Errorf("WebFinger of %.100q: %w", asked, ErrWrong)
	}
	got, err := c.known.Get(ctx, strings.ToLower(handle), otter.LoaderFunc[string, outcome](
		func(ctx context.Context, _ string) (outcome, error) {
			account, err := c.lookup(ctx, handle)
			if ctx.Err() != nil {
				return outcome{}, ctx.Err() // says nothing about the handle
			}
			return outcome{account, err}, nil
		}))
	if err == nil {
		err = got.err
	}
	if err != nil {
		return Account{}, fmt.Errorf("WebFinger of %s: %w", handle, err)
	}
	return got.account, nil
}

// Forget drops what is remembered about a handle, so that the next Lookup asks.
func (c *Client) Forget(handle string) {
	if handle, err := ParseHandle(handle); err == nil {
		c.known.Invalidate(strings.ToLower(handle))
	}
}

// lookup asks the host of the handle. If the subject of the answer is another
// one, it is asked about at its own host, and that answer has to agree with
// itself and with the first (W4, split domains).
func (c *Client) lookup(ctx context.Context, handle string) (Account, error) {
	first, err := c.ask(ctx, handle)
	if err != nil {
		return Account{}, err
	}
	if strings.EqualFold(first.Handle, handle) {
		return first, nil
	}
	second, err := c.ask(ctx, first.Handle)
	if err != nil {
		return Account{}, fmt.Errorf("asked on as %s: %w", first.Handle, err)
	}
	if !strings.EqualFold(second.Handle, first.Handle) || second.ActorURL != first.ActorURL {
		return Account{}, fmt.Errorf("%w: %s does not agree that it is that account", ErrWrong, first.Handle)
	}
	return second, nil
}

// ask asks one host once, by way of its host-meta if it knows nothing (W8).
func (c *Client) ask(ctx context.Context, handle string) (Account, error) {
	_, host, _ := strings.Cut(handle, "@")
	query := url.QueryEscape("acct:" + handle)
	usual := "https://" + host + "/.well-known/webfinger?resource=" + query
	account, err := c.descriptor(ctx, usual, handle)
	if !errors.Is(err, ErrNotFound) {
		return account, err
	}
	template, metaErr := c.template(ctx, host)
	if metaErr != nil {
		return Account{}, err // the first answer says more
	}
	other := strings.ReplaceAll(template, "{uri}", query)
	if other == usual || !isHTTPS(other) {
		return Account{}, err
	}
	return c.descriptor(ctx, other, handle)
}

// descriptor fetches and reads one descriptor, of the handle that was asked for.
func (c *Client) descriptor(ctx context.Context, from, asked string) (Account, error) {
	body, contentType, err := c.fetcher.Fetch(ctx, from, TypeJRD+", application/json;q=0.9", MaxDocument)
	if err != nil {
		return Account{}, classify(err)
	}
	d, err := parseTyped(body, contentType)
	if err != nil {
		return Account{}, err
	}
	handle, loose, ok := d.handle(asked)
	if !ok {
		return Account{}, fmt.Errorf("%w: its subject is %.100q", ErrWrong, d.Subject) // W2
	}
	self := d.self()
	if self == "" {
		return Account{}, fmt.Errorf("the account has no actor: %w", ErrNotFound)
	}
	if !isHTTPS(self) {
		return Account{}, fmt.Errorf("%w: its self link is %.100q", ErrWrong, self)
	}
	account := Account{Handle: handle, ActorURL: self, Loose: loose}
	if page := d.href(RelProfilePage); isHTTPS(page) {
		account.PageURL = page
	}
	return account, nil
}

// template is the address pattern that a host gives in its host-meta.
func (c *Client) template(ctx context.Context, host string) (string, error) {
	body, contentType, err := c.fetcher.Fetch(ctx, "https://"+host+"/.well-known/host-meta", TypeXRD+", application/xml;q=0.9", MaxDocument)
	if err != nil {
		return "", classify(err)
	}
	if !isXMLType(contentType) {
		return "", fmt.Errorf("%w: host-meta of type %.100q", ErrWrong, contentType)
	}
	template, err := parseXRD(body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrWrong, err)
	}
	if !strings.Contains(template, "{uri}") {
		return "", ErrNotFound
	}
	return template, nil
}

func parseTyped(body []byte, contentType string) (jrd, error) {
	if !isJSONType(contentType) {
		return jrd{}, fmt.Errorf("%w: its type is %.100q", ErrWrong, contentType)
	}
	d, err := parseJRD(body)
	if err != nil {
		return jrd{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return d, nil
}

// classify turns an error into what it means here (W5): 404 and its kin say that
// nobody is there, 410 that somebody was. Other refusals, and addresses that are
// not gone to, do not change by themselves; the rest may pass.
func classify(err error) error {
	var status interface{ StatusCode() int }
	var final interface{ Final() bool }
	if errors.As(err, &status) {
		switch code := status.StatusCode(); {
		case code == http.StatusNotFound, code == http.StatusBadRequest:
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		case code == http.StatusGone:
			return fmt.Errorf("%w: %w", ErrGone, err)
		case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		case code < 500, code == http.StatusNotImplemented:
			return fmt.Errorf("%w: %w", ErrWrong, err)
		}
	} else if errors.As(err, &final) && final.Final() {
		return fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return err
}

func isFinal(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrGone) || errors.Is(err, ErrWrong)
}

// Claim is what an actor document says about its own handle.
type Claim struct {
	ID                string // the actor's id, from which the document was fetched
	PreferredUsername string
	WebFinger         string // the property of FEP-2c59, if any
}

// Verify finds the handle of an actor and checks that WebFinger agrees both
// ways: the handle resolves to the id, byte for byte (W4, A12, SEC-7). It
// returns the canonical handle. A claim that names somebody else's handle is
// not an error of theirs: the handle on the actor's own host is tried next.
func (c *Client) Verify(ctx context.Context, claim Claim) (string, error) {
	id, err := url.Parse(claim.ID)
	if err != nil || id.Host == "" {
		return "", fmt.Errorf("verify actor %.200q: %w", claim.ID, ErrWrong)
	}
	var tried []string
	err = ErrNotFound
	for _, s := range []string{claim.WebFinger, claim.PreferredUsername + "@" + id.Host} {
		handle, parseErr := ParseHandle(s)
		if parseErr != nil || (len(tried) > 0 && strings.EqualFold(tried[0], handle)) {
			continue
		}
		tried = append(tried, handle)
		var account Account
		account, err = c.agree(ctx, handle, claim.ID)
		if err == nil {
			return account.Handle, nil
		}
		if !isFinal(err) {
			break // trouble now must not settle for the second-best handle
		}
	}
	return "", fmt.Errorf("verify actor %s: %w", claim.ID, err)
}

// agree looks a handle up and insists on the id. A remembered answer that
// differs is asked for once more, since it may be older than the actor; a recent
// one is not, so that many false claims cost the host of the handle one request.
func (c *Client) agree(ctx context.Context, handle, id string) (Account, error) {
	if e, ok := c.known.GetEntryQuietly(strings.ToLower(handle)); ok &&
		e.Value.err == nil && e.Value.account.ActorURL != id && e.ExpiresAfter() < keepFound-keepMissing {
		c.Forget(handle)
	}
	account, err := c.Lookup(ctx, handle)
	if err == nil && account.ActorURL != id {
		err = fmt.Errorf("%w: %s is %.200q", ErrWrong, handle, account.ActorURL)
	}
	return account, err
}
