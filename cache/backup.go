package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// Backup writes a consistent copy of the store at from to a file that must not
// exist yet. It needs no open Store, and where another process has one, updates
// go on there: so whoever asks for a copy writes it, with their own rights, and
// not a server that may write nowhere else. The copy is on the disk when it
// returns, or it is not there: it gets its name last.
func Backup(ctx context.Context, from, path string) (size int64, err error) {
	f, err := os.OpenFile(from, os.O_RDWR, 0) // SQLite would make a file that is not there
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		size, err = backup(ctx, from, path)
	}
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	return size, nil
}

func backup(ctx context.Context, from, path string) (int64, error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, fmt.Errorf("%s: %w; name a new file", path, fs.ErrExist)
	}
	part := path + ".part"
	if err := removePart(part); err != nil { // of one that was killed
		return 0, err
	}
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // keys are in it
	if err != nil {
		return 0, err
	}
	size, err := copyTo(ctx, from, f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = name(part, path)
	}
	err = errors.Join(err, removePart(part))
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if sqlCode(err) == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC) { // the copy's disk: the store is only read
		err = fmt.Errorf("%s: %w; make room there, or name a file on another disk", path, ErrNoRoom)
	}
	return size, err
}

// removePart removes a copy that is not whole, with what SQLite keeps beside it
// while it writes.
func removePart(part string) error {
	for _, left := range []string{part, part + "-journal"} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// name gives a file its name. A link fails if the name was taken meanwhile, where
// a rename would not; but not every disk has links (FAT, network shares).
func name(part, path string) error {
	err := os.Link(part, path)
	for _, none := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS} {
		if errors.Is(err, none) {
			return os.Rename(part, path)
		}
	}
	return err
}

// copyTo copies the database into an empty file and waits for the disk.
func copyTo(ctx context.Context, from string, f *os.File) (int64, error) {
	db, err := sql.Open("sqlite", dsn(from, 8<<10, false))
	if err != nil {
		return 0, err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", f.Name())
	if err = errors.Join(typed(err), db.Close()); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
