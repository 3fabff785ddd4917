package ap

import (
	"context"
	"errors"
	"net/http"

	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// refusal is why a request is not taken. Its reason is for the peer and tells
// nothing of keys or accounts; rule and err are for the log.
type refusal struct {
	status int
	rule   string
	reason string
	err    error
}

func (e *refusal) Error() string {
	if e.err != nil {
		return e.reason + ": " + e.err.Error()
	}
	return e.reason
}

func (e *refusal) Unwrap() error { return e.err }

// busy is a refusal for trouble of our own.
func busy(rule string, err error) error {
	return &refusal{status: http.StatusServiceUnavailable, rule: rule, reason: "try again later", err: err}
}

// unauthorized is a refusal of a signature.
func unauthorized(rule, reason string, err error) error {
	return &refusal{status: http.StatusUnauthorized, rule: rule, reason: reason, err: err}
}

// checkSignature makes the checks that need neither key nor body (S3), cheapest
// first, so that strangers make us fetch nothing (SEC-17).
func (s *Server) checkSignature(r *http.Request) (*sig.Signature, error) {
	host, _ := s.host(r)
	signature, err := sig.VerifyHead(
		sig.Request{Method: r.Method, Target: r.RequestURI, Host: host, Header: r.Header},
		sig.Policy{Now: s.cfg.Now(), Hosts: s.isOurs, Signer: func(keyID string) error { return s.checkSigner(r.Context(), keyID) }})
	return signature, badSignature(err)
}

// checkBody checks that a body is the one that was signed (S3).
func checkBody(signature *sig.Signature, body []byte) error {
	return badSignature(signature.CheckBody(body))
}

// badSignature turns what is wrong with a signature into an answer.
func badSignature(err error) error {
	var bad *sig.Error
	if errors.As(err, &bad) {
		return unauthorized(bad.Rule, bad.Reason, nil)
	}
	return err
}

// vouched gives the owner of the key that a signature was made with, if it is at
// hand: nothing has to be asked of anybody.
func (s *Server) vouched(ctx context.Context, signature *sig.Signature) (owner string, ok bool) {
	key, ok := s.cfg.Backend.KeyAtHand(ctx, signature.KeyID)
	return key.Owner, ok && signature.VerifyWith(key.Key) == nil
}

// checkSigner looks at the id of a key, or at its owner.
func (s *Server) checkSigner(ctx context.Context, id string) error {
	host := as2.Host(id)
	if host == "" {
		return unauthorized("L12", "key id is not a usable URL", nil)
	}
	if s.cfg.Backend.Blocked(ctx, host) {
		return &refusal{status: http.StatusForbidden, rule: "S16", reason: "not accepted from there"}
	}
	return nil
}

// owner verifies a signature with its key, which is fetched anew once if it
// does not fit (S4), and tells whose key it is.
func (s *Server) owner(ctx context.Context, signature *sig.Signature) (string, error) {
	key, err := s.cfg.Backend.PublicKey(ctx, signature.KeyID, false)
	if err != nil {
		return "", keyRefusal(err)
	}
	if bad := signature.VerifyWith(key.Key); bad != nil {
		fresh, err := s.cfg.Backend.PublicKey(ctx, signature.KeyID, true)
		if err != nil {
			return "", keyRefusal(err)
		}
		if key.Key != nil && fresh.Key != nil && fresh.Owner == key.Owner && fresh.Key.Equal(key.Key) {
			return "", unauthorized("S4", "signature does not match", nil)
		}
		if err := signature.VerifyWith(fresh.Key); err != nil {
			return "", unauthorized("S4", "signature does not match", nil)
		}
		key = fresh
	}
	if err := s.checkSigner(ctx, key.Owner); err != nil {
		return "", err
	}
	return key.Owner, nil
}

// keyRefusal turns an error about a key into an answer: one that its origin
// cannot show now is no fault of the signature (S7).
func keyRefusal(err error) error {
	if statusOf(err) >= 500 {
		return busy("S7", err)
	}
	return unauthorized("S5", "signature could not be verified", err)
}
