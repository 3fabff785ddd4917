//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// fileLock is an advisory lock that ends with the process, however it ends.
type fileLock struct{ file *os.File }

// lockFile locks the file at path, which says who holds it.
func lockFile(path string) (*fileLock, error) {
	f, err := create(path)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		who, readErr := os.ReadFile(path)
		if readErr != nil || len(who) == 0 {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("%w by %s", ErrLocked, strings.TrimSpace(string(who)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	l := &fileLock{file: f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(err, l.unlock())
	}
	return l, nil
}

// sign writes who holds the lock.
func (l *fileLock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	if _, err := fmt.Fprintf(l.file, "process %d (%s)\n", os.Getpid(), filepath.Base(os.Args[0])); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	return nil
}

// unlock leaves the file: removing it would let two processes lock two files.
func (l *fileLock) unlock() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}
