// Package cachetest gives tests new databases without the time that it takes to
// make one.
package cachetest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Fresh is a new database: the schema is applied once, and its file is copied
// for each test.
type Fresh struct {
	file func() ([]byte, error)
}

// NewFresh returns the database that create makes in a file and closes.
func NewFresh(create func(path string) error) *Fresh {
	return &Fresh{sync.OnceValues(func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "cachetest")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "fresh.db")
		if err := create(path); err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	})}
}

// At puts a copy at a path where nothing is yet.
func (f *Fresh) At(t testing.TB, path string) {
	t.Helper()
	file, err := f.file()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal("copy a new database: ", err)
	}
}
