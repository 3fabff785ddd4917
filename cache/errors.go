package cache

import (
	"errors"
	"fmt"
)

// Errors that callers branch on, with errors.Is.
var (
	// ErrNotFound says that there is no such row, or none that the viewer may see.
	ErrNotFound = errors.New("not found")
	// ErrGone says that the object was deleted and left a tombstone.
	ErrGone = errors.New("gone")
	// ErrConflict says that the row belongs to somebody or something else.
	ErrConflict = errors.New("conflict")
	// ErrTemporary says that the same call may work later (disk full, I/O).
	ErrTemporary = errors.New("the store has temporary trouble")
	// ErrBusy is the ErrTemporary of a locked or overloaded store.
	ErrBusy = fmt.Errorf("%w: busy", ErrTemporary)
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly says that a View tried to write.
	ErrReadOnly = errors.New("write in a read-only transaction")
	// ErrLocked says that another process has the store open; the text says which.
	ErrLocked = errors.New("the store is in use")
	// ErrNewer says that a newer program made the database.
	ErrNewer = errors.New("the database was made by a newer version")
)

// PinError says that a setting which must never change has changed.
type PinError struct {
	Key, Stored, Given string
}

// Error explains the mismatch and what to do.
func (e *PinError) Error() string {
	return fmt.Sprintf("%s is %q, but this database was made for %q; ids already given out contain it, so set it back or start with a new database",
		e.Key, e.Given, e.Stored)
}
