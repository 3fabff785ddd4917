package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// walFile sends SQLite's write-ahead log to the disk on request. With
// synchronous=NORMAL a commit is safe against the end of the process, but only
// a checkpoint waits for the disk; syncing the log makes the commits in it safe
// against power loss too, at one sync a group and only when asked for. (SQLite
// holds no POSIX lock on this file, so a second descriptor does no harm.)
type walFile struct {
	path  string
	file  *os.File
	later time.Time // when it may be cut: of the writer
}

func (w *walFile) sync() error {
	if w.file == nil {
		f, err := os.Open(w.path)
		if err != nil {
			return fmt.Errorf("open the log: %w", err)
		}
		w.file = f
		if err := syncDir(filepath.Dir(w.path)); err != nil {
			return err
		}
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	return nil
}

func (w *walFile) close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// syncDir makes the names in a directory safe.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
