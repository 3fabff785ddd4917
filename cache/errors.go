package cache

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
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
	// ErrDamaged says that the file does not hold what it should.
	ErrDamaged = errors.New("the database is damaged; isthmus cache verify says where, with --repair it mends what it can, else restore a backup")
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

// sqlCode is the primary result code of an SQLite error, 0 for other errors.
func sqlCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// typed adds the error that callers branch on to one of the database.
func typed(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	switch sqlCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: %w", ErrTemporary, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if sqlCode(err) == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "malformed JSON") { // we write none
		return fmt.Errorf("%w: a stored post cannot be read: %w", ErrDamaged, err)
	}
	return err
}

// cause is what the database says is wrong, without what people are told to do.
func cause(err error) string {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return err.Error()
}

// breaksTx reports whether SQLite may have rolled back the whole transaction
// by itself when it returned err (sqlite.org/lang_transaction.html, "Response
// to errors within a transaction").
func breaksTx(err error) bool {
	switch sqlCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT:
		return true
	}
	return false
}
