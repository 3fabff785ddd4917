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
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(3*maxWait + bodyTimeout)) // not every connection has one
	w.Header().Set("Connection", "close")
	in := &intake{target: target}
	err := s.admit(w, r, in)
	if !in.read {
		skipBody(w, r)
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
	read   bool // whether the body was read, or its end was waited for in vain
	keyID  string
	signer string
	body   []byte
	object *as2.Object
	note   string // why nothing was done although it was accepted
}

// logIntake writes the line about a request.
func (s *Server) logIntake(ctx context.Context, in *intake, err error) {
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

// admit gives a request its place. Before the body is waited for, its head tells
// whether a key that is at hand vouches for it. All others, whose key has to be
// fetched and who may be anybody, have half of the places between them: whoever
// is known gets in, however many strangers send slowly or name keys on hosts
// that are slow (SEC-18, SEC-36).
func (s *Server) admit(w http.ResponseWriter, r *http.Request, in *intake) error {
	signature, err := s.greet(r, in)
	if err != nil {
		return err
	}
	if in.signer == "" {
		if !s.strangers.enter(r.Context()) {
			return crowded("SEC-18")
		}
		defer s.strangers.leave()
	}
	if !s.inbox.enter(r.Context()) {
		return crowded("D6")
	}
	defer s.inbox.leave()
	return s.take(w, r, in, signature)
}

func crowded(rule string) error { return busy(rule, errors.New("too many requests at a time")) }

// greet looks at the head of a request, in a place that it soon leaves. It finds
// the signer if a key that is at hand vouches for it.
func (s *Server) greet(r *http.Request, in *intake) (*sig.Signature, error) {
	if !s.inbox.enter(r.Context()) {
		return nil, crowded("D6")
	}
	defer s.inbox.leave()
	signature, err := s.takeHead(r, in)
	if err != nil {
		return nil, err
	}
	if owner, ok := s.vouched(r.Context(), signature); ok {
		in.signer = owner
	}
	return signature, nil
}

// takeHead makes the steps that need neither body nor key.
func (s *Server) takeHead(r *http.Request, in *intake) (*sig.Signature, error) {
	if r.ContentLength > maxDocument { // L1
		return nil, errTooBig()
	}
	if !isInboxType(r.Header) {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, rule: "L10", reason: "content type is not " + as2.MediaType}
	}
	in.host, _ = s.host(r)
	signature, err := s.checkSignature(r)
	if err == nil {
		in.keyID = signature.KeyID
	}
	return signature, err
}

// take makes the other steps of the pipeline in their order: nothing has an
// effect before signature and authority are proved.
func (s *Server) take(w http.ResponseWriter, r *http.Request, in *intake, signature *sig.Signature) error {
	var err error
	in.read = true
	if in.body, err = readBody(w, r); err != nil { // L1
		return err
	}
	if err := checkBody(signature, in.body); err != nil {
		return err
	}
	if done, err := s.takeDeletedActor(r.Context(), in); done {
		return err
	}
	gone, err := s.prove(r.Context(), in, signature)
	if err != nil {
		return err
	}
	if in.object == nil {
		if in.object, err = as2.Parse(in.body); err != nil {
			return &refusal{status: http.StatusBadRequest, rule: "L11", reason: "document is not readable", err: err}
		}
	}
	if err := checkAuthority(in); err != nil {
		return err
	}
	err = s.cfg.Backend.Receive(r.Context(), Incoming{Body: in.body, Object: in.object, Signer: in.signer, Host: canonicalHost(in.host),
		Target: in.target, Digest: signature.Digest, Gone: gone})
	if err != nil {
		status := statusOf(err)
		return &refusal{status: status, rule: "D6", reason: strings.ToLower(http.StatusText(status)), err: err}
	}
	return nil
}

// readBody reads the body, within its limits of size and time. It ends the
// deadline that was set for it; when it fails that stays.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDocument+1))
	if err != nil {
		return nil, &refusal{status: http.StatusRequestTimeout, rule: "L2", reason: "body did not come", err: err}
	}
	if len(body) > maxDocument {
		return nil, errTooBig()
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	w.Header().Del("Connection")
	return body, nil
}

func errTooBig() error {
	return &refusal{status: http.StatusRequestEntityTooLarge, rule: "L1", reason: "document is too big"}
}

// maxSkipped is how much is read of a body that is not wanted, so that the peer
// hears why.
const maxSkipped = 64 << 10

// skipBody reads what is left of a small body, in no place of the inbox.
func skipBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > maxSkipped {
		return
	}
	if _, err := io.CopyN(io.Discard, r.Body, maxSkipped+1); errors.Is(err, io.EOF) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		w.Header().Del("Connection")
	}
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

// prove finds out who signed, if that is not known yet. A known actor's Delete of
// itself needs no key when the actor's own document, which had it, is gone for
// good (V5).
func (s *Server) prove(ctx context.Context, in *intake, signature *sig.Signature) (gone bool, err error) {
	host := as2.Host(in.keyID)
	if !s.inbox.enterHost(host) {
		return false, busy("SEC-18", fmt.Errorf("too many requests of %s at a time", host))
	}
	defer s.inbox.leaveHost(host)
	if in.signer != "" {
		return false, s.checkSigner(ctx, in.signer)
	}
	if in.signer, err = s.owner(ctx, signature); err == nil {
		return false, nil
	}
	var no *refusal
	if in.object == nil || !deletesActor(in.object) || !errors.As(err, &no) || no.err == nil || statusOf(no.err) != http.StatusGone {
		return false, err
	}
	actor := as2.FirstID(in.object.Actor)
	if document, _, _ := strings.Cut(in.keyID, "#"); document != actor {
		return false, err
	}
	in.signer = actor
	return true, nil
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
