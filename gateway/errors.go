package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"isthmus/xmpp/stanza"
)

// Kind is what went wrong, in terms that both worlds have an answer for.
type Kind int

// The kinds of errors. Each has one HTTP status and one stanza error.
const (
	BadRequest Kind = iota + 1
	Unauthorized
	Forbidden
	NotFound
	Gone
	Conflict
	Unsupported
	TooBig
	Busy      // too much at once: try again soon
	Temporary // another server, or ours, is away: try again later
)

// Error is a failure that somebody outside is told about. Text is for them: it
// never tells anything about keys, accounts or other people's posts.
type Error struct {
	Kind   Kind
	Text   string
	PubSub string // a condition of XEP-0060's own, such as not-subscribed
	Err    error  // for the log
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Err }

// fail makes an Error.
func fail(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// because makes an Error that has a cause.
func because(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Err: err}
}

// isKind tells whether err is an Error of that kind.
func isKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// statuses and conditions are the one place where kinds become answers (S7,
// XEP-0060).
var (
	statuses = map[Kind]int{
		BadRequest: http.StatusBadRequest, Unauthorized: http.StatusUnauthorized,
		Forbidden: http.StatusForbidden, NotFound: http.StatusNotFound, Gone: http.StatusGone,
		Conflict: http.StatusConflict, Unsupported: http.StatusNotImplemented,
		TooBig: http.StatusRequestEntityTooLarge, Busy: http.StatusServiceUnavailable,
		Temporary: http.StatusServiceUnavailable,
	}
	conditions = map[Kind]string{
		BadRequest: "bad-request", Unauthorized: "registration-required", Forbidden: "forbidden",
		NotFound: "item-not-found", Gone: "gone", Conflict: "conflict",
		Unsupported: "feature-not-implemented", TooBig: "not-acceptable",
		Busy: "resource-constraint", Temporary: "remote-server-timeout",
	}
)

// HTTPStatus is the status that the error is answered with.
func (e *Error) HTTPStatus() int {
	if s, ok := statuses[e.Kind]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// StanzaError is the error that an XMPP client gets.
func (e *Error) StanzaError() *stanza.Error {
	condition, ok := conditions[e.Kind]
	if !ok {
		condition = "internal-server-error"
	}
	se := stanza.NewError(condition, e.Text)
	if e.PubSub != "" {
		se.PubSub(e.PubSub)
	}
	return se
}
