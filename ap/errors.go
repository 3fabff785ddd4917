package ap

import (
	"errors"
	"fmt"
	"time"
)

// ErrRefused is about an address that the client does not go to: not https, a
// port that is not allowed, an address that is not public, too many redirects.
// Trying again later does not help.
var ErrRefused error = finalError("address refused")

// ErrContent is about an answer that cannot be used: another media type, not
// JSON, too big, an id that is not where it was found.
var ErrContent error = finalError("unusable answer")

// OursError says that an address led to one of our own, which is not fetched.
type OursError struct{ URL string }

func (e *OursError) Error() string { return "this leads back to us: " + e.URL }

// Is makes it one of the addresses that are not gone to.
func (e *OursError) Is(target error) bool { return target == ErrRefused }

// finalError is about what stays as it is.
type finalError string

func (e finalError) Error() string { return string(e) }

// Final tells packages that do not know this one that asking again is in vain.
func (e finalError) Final() bool { return true }

// StatusError is an answer that is not 2xx.
type StatusError struct {
	URL        string
	Code       int
	RetryAfter time.Duration // what the peer asked for; zero: nothing
	Text       string        // the beginning of what it said, in one line
}

func (e *StatusError) Error() string {
	if e.Text != "" {
		return fmt.Sprintf("%s answered %d: %s", e.URL, e.Code, e.Text)
	}
	return fmt.Sprintf("%s answered %d", e.URL, e.Code)
}

// StatusCode is what the peer answered. It is not named HTTPStatus, so that it
// never becomes our own answer to somebody else.
func (e *StatusError) StatusCode() int { return e.Code }

// Temporary tells whether a request that failed with err may succeed later:
// the network, 401, 408, 425, 429 and 5xx, but not 501 (1.7).
func Temporary(err error) bool {
	if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrContent) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case 401, 408, 425, 429:
			return true
		}
		return status.Code >= 500 && status.Code != 501
	}
	return true
}
