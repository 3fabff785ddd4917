package ap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// challenge tells what a signature has to cover.
const challenge = `Signature headers="(request-target) host date digest"`

// bodyTimeout is how long a peer may take to send a body.
const bodyTimeout = 10 * time.Second

// receive answers a POST to an inbox: 202, or one line that says why not. There
// is one line in the log for each, with the rule (S7).
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	target := ""
	p := s.params(r)
	switch {
	case p == nil:
		refuse(w, http.StatusNotFound, "")
		return
	case len(p) == 2:
		target = p[1]
	}
	// The deadline is for what is left of the body as well, which net/http reads
	// when we do not.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxWait + bodyTimeout)) // not every connection has one
	w.Header().Set("Connection", "close")
	var in *intake
	err := busy("D6", errors.New("too many requests at a time"))
	if s.inbox.enter(r.Context()) {
		in, err = s.take(w, r, target)
		s.inbox.leave()
	}
	s.logIntake(r.Context(), in, err)
	var no *refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
	case errors.As(err, &no) && no.status == http.StatusServiceUnavailable:
		refuseFor(w, retryLater)
	case errors.As(err, &no):
		if no.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		refuse(w, no.status, no.reason)
	default:
		refuseFor(w, retryLater)
	}
}

// intake is what is known of a request to an inbox; more with every step.
type intake struct {
	target string
	host   string
	keyID  string
	signer string
	body   []byte
	object *as2.Object
	note   string // why nothing was done although it was accepted
}

// logIntake writes the line about a request.
func (s *Server) logIntake(ctx context.Context, in *intake, err error) {
	if in == nil {
		in = &intake{}
	}
	attrs := []slog.Attr{slog.String("inbox", in.target), slog.String("key", in.keyID), slog.Int("bytes", len(in.body))}
	if in.object != nil {
		attrs = append(attrs, slog.String("type", in.object.Type()), slog.String("id", in.object.ID))
	}
	var no *refusal
	switch {
	case err == nil && in.note != "":
		s.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "ignored", append(attrs, slog.String("rule", in.note))...)
	case err == nil:
		s.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "received", attrs...)
	case errors.As(err, &no):
		level := slog.LevelInfo
		if no.status >= 500 {
			level = slog.LevelWarn
		}
		s.cfg.Log.LogAttrs(ctx, level, "refused", append(attrs, slog.Int("status", no.status), slog.String("rule", no.rule), slog.Any("error", err))...)
	default:
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "refused", append(attrs, slog.Int("status", http.StatusServiceUnavailable), slog.Any("error", err))...)
	}
}

// take makes the steps of the pipeline in their order: nothing has an effect
// before signature and authority are proved.
func (s *Server) take(w http.ResponseWriter, r *http.Request, target string) (*intake, error) {
	in := &intake{target: target}
	var err error
	if in.body, err = readBody(w, r); err != nil { // L1
		return in, err
	}
	if !isInboxType(r.Header) {
		return in, &refusal{status: http.StatusUnsupportedMediaType, rule: "L10", reason: "content type is not " + as2.MediaType}
	}
	in.host, _ = s.host(r)
	signature, err := s.checkSignature(r, in.body)
	if err != nil {
		return in, err
	}
	in.keyID = signature.KeyID
	if done, err := s.takeDeletedActor(r.Context(), in); done {
		return in, err
	}
	gone := false
	if in.signer, gone, err = s.signerOf(r.Context(), in, signature); err != nil {
		return in, err
	}
	if in.object == nil {
		if in.object, err = as2.Parse(in.body); err != nil {
			return in, &refusal{status: http.StatusBadRequest, rule: "L11", reason: "document is not readable", err: err}
		}
	}
	if err := checkAuthority(in); err != nil {
		return in, err
	}
	err = s.cfg.Backend.Receive(r.Context(), Incoming{Body: in.body, Object: in.object, Signer: in.signer, Host: canonicalHost(in.host),
		Target: target, Digest: signature.Digest, Gone: gone})
	if err != nil {
		status := statusOf(err)
		return in, &refusal{status: status, rule: "D6", reason: strings.ToLower(http.StatusText(status)), err: err}
	}
	return in, nil
}

// readBody reads the body, within its limits of size and time. It ends the
// deadline that was set for it; when it fails that stays.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooBig := &refusal{status: http.StatusRequestEntityTooLarge, rule: "L1", reason: "document is too big"}
	if r.ContentLength > maxDocument {
		return nil, tooBig
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDocument+1))
	if err != nil {
		return nil, &refusal{status: http.StatusRequestTimeout, rule: "L2", reason: "body did not come", err: err}
	}
	if len(body) > maxDocument {
		return nil, tooBig
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	w.Header().Del("Connection")
	return body, nil
}

// isInboxType tells whether a body is of a type that inboxes take.
func isInboxType(h http.Header) bool {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return false
	}
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (t == as2.MediaType || t == "application/ld+json")
}

// takeDeletedActor accepts the Delete of an actor that we never heard of,
// without looking for a key that is gone as well (V5). It has no effect.
func (s *Server) takeDeletedActor(ctx context.Context, in *intake) (done bool, err error) {
	if !bytes.Contains(in.body, []byte(as2.TypeDelete)) {
		return false, nil
	}
	if in.object, err = as2.Parse(in.body); err != nil {
		return true, &refusal{status: http.StatusBadRequest, rule: "L11", reason: "document is not readable", err: err}
	}
	if !deletesActor(in.object) || s.cfg.Backend.Known(ctx, as2.FirstID(in.object.Actor)) {
		return false, nil
	}
	in.note = "V5"
	return true, nil
}

// deletesActor tells whether an activity is the Delete of its own actor.
func deletesActor(o *as2.Object) bool {
	actor := as2.FirstID(o.Actor)
	return o.Type() == as2.TypeDelete && actor != "" && as2.FirstID(o.Object) == actor
}

// signerOf verifies the signature. A known actor's Delete of itself needs none
// when the actor's own document, which had the key, is gone for good (V5).
func (s *Server) signerOf(ctx context.Context, in *intake, signature *sig.Signature) (signer string, gone bool, err error) {
	host := as2.Host(in.keyID)
	if !s.inbox.enterHost(host) {
		return "", false, busy("SEC-18", fmt.Errorf("too many requests of %s at a time", host))
	}
	defer s.inbox.leaveHost(host)
	signer, err = s.owner(ctx, signature)
	if err == nil {
		return signer, false, nil
	}
	var no *refusal
	if in.object == nil || !deletesActor(in.object) || !errors.As(err, &no) || no.err == nil || statusOf(no.err) != http.StatusGone {
		return "", false, err
	}
	actor := as2.FirstID(in.object.Actor)
	if document, _, _ := strings.Cut(in.keyID, "#"); document != actor {
		return "", false, err
	}
	return actor, true, nil
}

// checkAuthority checks that the actor of an activity is the owner of the key,
// as a whole id (S6, SEC-6), and that the activity lives where its actor does
// (L7).
func checkAuthority(in *intake) error {
	o := in.object
	if len(o.Actor) != 1 || o.Actor[0].ID != in.signer {
		return &refusal{status: http.StatusForbidden, rule: "S6", reason: "signature is not the actor's"}
	}
	if o.ID != "" && !as2.SameOrigin(o.ID, in.signer) {
		return &refusal{status: http.StatusForbidden, rule: "L7", reason: "activity is of another origin than its actor"}
	}
	return nil
}
