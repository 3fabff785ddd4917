package sig

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// Signature is a signature whose form, clock and host have been checked, but not
// its key.
type Signature struct {
	KeyID  string
	Digest [sha256.Size]byte // SHA-256 of the body, from CheckBody

	request Request
	params  params
	minBits int
}

// Verify checks all that can be checked without the key, so that strangers
// cannot make us fetch keys for nothing (SEC-17). Its errors are *Error, or the Signer's.
func Verify(r Request, p Policy) (*Signature, error) {
	s, err := VerifyHead(r, p)
	if err != nil {
		return nil, err
	}
	if err := s.CheckBody(r.Body); err != nil {
		return nil, err
	}
	return s, nil
}

// VerifyHead is Verify without the body, which may still be on its way: the
// signature covers the digest. What was signed is known after CheckBody only.
func VerifyHead(r Request, p Policy) (*Signature, error) {
	value, err := header(r.Header)
	if err != nil {
		return nil, err
	}
	s := &Signature{request: r, minBits: p.MinBits}
	if s.minBits == 0 {
		s.minBits = defaultMinBits
	}
	if s.params, err = parseParams(value); err != nil {
		return nil, err
	}
	s.KeyID = s.params.keyID
	if p.Signer != nil {
		if err := p.Signer(s.KeyID); err != nil {
			return nil, err
		}
	}
	for _, check := range []func(*Signature, Policy) error{
		(*Signature).checkForm, (*Signature).checkCoverage, (*Signature).checkClock, (*Signature).checkHost,
	} {
		if err := check(s, p); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// header finds the one Signature header. RFC 9421 uses the same name; a peer
// that gets 401 for it knocks again with draft-cavage.
func header(h http.Header) (string, error) {
	if len(h.Values("Signature-Input")) > 0 {
		return "", &Error{Kind: Missing, Rule: "S9", Reason: "RFC 9421 signatures are not read here, draft-cavage ones are"}
	}
	switch values := h.Values("Signature"); len(values) {
	case 0:
		return "", &Error{Kind: Missing, Rule: "S3", Reason: "request is not signed"}
	case 1:
		return values[0], nil
	default:
		return "", malformed("more than one signature header")
	}
}

// checkForm checks what the parameters say by themselves. The algorithm that a
// message names is never used, but it must be one that goes with our keys (S10).
func (s *Signature) checkForm(Policy) error {
	switch s.params.algorithm {
	case "", "hs2019", "rsa-sha256":
	default:
		return &Error{Kind: Malformed, Rule: "S10", Reason: "signature algorithm is not supported"}
	}
	if b, err := base64.StdEncoding.DecodeString(s.params.signature); err != nil || len(b) == 0 {
		return malformed("signature is not base64")
	}
	if !strings.HasPrefix(s.request.Target, "/") {
		return malformed("request target is not a path")
	}
	return nil
}

// covers tells whether the signature covers a header.
func (s *Signature) covers(name string) bool { return slices.Contains(s.params.headers, name) }

// hasBody tells whether the request is of a kind that carries a body.
func (s *Signature) hasBody() bool {
	return s.request.Method != http.MethodGet && s.request.Method != http.MethodHead
}

// checkCoverage checks that enough is signed, and that it is there (S3).
func (s *Signature) checkCoverage(Policy) error {
	weak := func(what string) error {
		return &Error{Kind: Weak, Rule: "S3", Reason: "signature does not cover " + what}
	}
	switch {
	case !s.covers("(request-target)"):
		return weak("(request-target)")
	case !s.covers("host"):
		return weak("host")
	case !s.covers("date") && !s.covers("(created)"):
		return weak("date or (created)")
	case s.hasBody() && !s.covers("digest"):
		return weak("digest")
	case s.covers("(created)") && s.params.algorithm == "rsa-sha256": // draft 12, 2.3; SEC-15
		return malformed("(created) goes with hs2019 only")
	}
	for _, name := range s.params.headers {
		var present bool
		switch name {
		case "(request-target)", "host":
			present = true
		case "(created)":
			present = s.params.created != 0
		case "(expires)":
			present = s.params.expires != 0
		default:
			present = len(s.request.Header[textproto.CanonicalMIMEHeaderKey(name)]) > 0
		}
		if !present {
			return malformed("a signed header is missing")
		}
	}
	return nil
}

// maxCreatedAhead is how far (created) may be in the future: go-fed/httpsig
// allows no more, by its own clock.
const maxCreatedAhead = 10 * time.Second

// checkClock checks that the signature is fresh, by every clock that it covers
// (S3, SEC-15).
func (s *Signature) checkClock(p Policy) error {
	window := p.Window
	if window == 0 {
		window = defaultWindow
	}
	stale := &Error{Kind: Stale, Rule: "S3", Reason: "signature is too old, or from the future"}
	if s.covers("date") {
		dates := s.request.Header.Values("Date")
		if len(dates) != 1 {
			return malformed("more than one date")
		}
		at, err := http.ParseTime(dates[0])
		if err != nil {
			return malformed("date is not readable")
		}
		if p.Now.Sub(at).Abs() > window {
			return stale
		}
	}
	if s.covers("(created)") {
		age := p.Now.Sub(time.Unix(s.params.created, 0))
		if age > window || -age > min(window, maxCreatedAhead) {
			return stale
		}
	}
	if s.params.expires != 0 && p.Now.After(time.Unix(s.params.expires, 0)) {
		return stale
	}
	return nil
}

// checkHost checks that the request was meant for us (SEC-14).
func (s *Signature) checkHost(p Policy) error {
	if p.Hosts == nil || !p.Hosts(strings.ToLower(s.request.Host)) {
		return &Error{Kind: WrongHost, Rule: "S3", Reason: "signature is for another host"}
	}
	return nil
}

// CheckBody checks the digest against the bytes that came. SHA-256 must be
// among its parts, and every part that we can compute must be right (S3).
func (s *Signature) CheckBody(body []byte) error {
	s.Digest = sha256.Sum256(body)
	if !s.hasBody() && !s.covers("digest") {
		return nil
	}
	wrong := &Error{Kind: Digest, Rule: "S3", Reason: "digest is not that of the body"}
	found := false
	for _, part := range strings.Split(strings.Join(s.request.Header.Values("Digest"), ","), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return wrong
		}
		var want []byte
		switch strings.ToLower(name) {
		case "sha-256":
			want, found = s.Digest[:], true
		case "sha-512":
			sum := sha512.Sum512(body)
			want = sum[:]
		default:
			continue
		}
		if value != base64.StdEncoding.EncodeToString(want) {
			return wrong
		}
	}
	if !found {
		return &Error{Kind: Digest, Rule: "S3", Reason: "digest has no SHA-256"}
	}
	return nil
}

// VerifyWith checks the signature with the key that KeyID names: over the
// request target with its query and, for older peers, without (S4).
func (s *Signature) VerifyWith(key *rsa.PublicKey) error {
	bad := &Error{Kind: Bad, Rule: "S4", Reason: "signature does not match"}
	if key == nil || key.N == nil || key.N.BitLen() < s.minBits || key.N.BitLen() > maxBits {
		return &Error{Kind: Bad, Rule: "S10", Reason: "signature does not match"}
	}
	if s.verify(key, true) == nil {
		return nil
	}
	if strings.Contains(s.request.Target, "?") && s.verify(key, false) == nil {
		return nil
	}
	return bad
}

// verify hands one view of the request to the library. It is given headers of
// its own, with the parameters in a spelling that it reads; the algorithm is
// that of the key (S10).
func (s *Signature) verify(key *rsa.PublicKey, withQuery bool) (err error) {
	defer func() { // a library's panic must not be a way in
		if recover() != nil {
			err = errors.New("verifier failed")
		}
	}()
	h := make(http.Header, len(s.params.headers)+1)
	for _, name := range s.params.headers {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if values, ok := s.request.Header[name]; ok {
			h[name] = values
		}
	}
	h["Host"] = []string{s.request.Host}
	h["Signature"] = []string{s.params.String()}
	v, err := httpsig.NewVerifier(view(s.request.Method, s.request.Target, h, withQuery))
	if err != nil {
		return err
	}
	return v.Verify(key, httpsig.RSA_SHA256)
}

// String writes the parameters that a verifier needs. The key's id is not among
// those: it may hold what the library cannot read, and says nothing to it.
func (p params) String() string {
	var b strings.Builder
	b.WriteString(`keyId="k",headers="` + strings.Join(p.headers, " ") + `"`)
	if slices.Contains(p.headers, "(created)") {
		b.WriteString(`,created=` + strconv.FormatInt(p.created, 10))
	}
	if slices.Contains(p.headers, "(expires)") {
		b.WriteString(`,expires=` + strconv.FormatInt(p.expires, 10))
	}
	b.WriteString(`,signature="` + p.signature + `"`)
	return b.String()
}
