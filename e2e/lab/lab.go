package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Lab is one site: its servers, their files and their end.
type Lab struct {
	Names Names
	Dir   string
	CA    *CA

	mu    sync.Mutex
	stops []func() error
}

// New makes a site in a folder of the run, with a CA of its own.
func New(dir string, names Names) (*Lab, error) {
	ca, err := NewCA(filepath.Join(dir, "ca"))
	if err != nil {
		return nil, err
	}
	return &Lab{Names: names, Dir: dir, CA: ca}, nil
}

// onClose remembers what ends a server; the last one started ends first.
func (l *Lab) onClose(stop func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stops = append(l.stops, stop)
}

// Close ends every server of the site.
func (l *Lab) Close() error {
	l.mu.Lock()
	stops := l.stops
	l.stops = nil
	l.mu.Unlock()
	var errs []error
	for i := len(stops) - 1; i >= 0; i-- {
		errs = append(errs, stops[i]())
	}
	return errors.Join(errs...)
}

// Dump writes the end of every log of the site.
func (l *Lab) Dump(w io.Writer, lines int) {
	_ = filepath.WalkDir(l.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".log") {
			fmt.Fprintf(w, "--- %s\n%s\n", path, tail(path, lines))
		}
		return nil
	})
}

// folder makes a folder for one server.
func (l *Lab) folder(name string) (string, error) {
	dir := filepath.Join(l.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", name, err)
	}
	return dir, nil
}

// StartServer starts an XMPP server with accounts. The first account may
// configure the pubsub service.
func (l *Lab) StartServer(ctx context.Context, kind Kind, accounts ...Account) (*Server, error) {
	dir, err := l.folder(string(kind))
	if err != nil {
		return nil, err
	}
	admin := ""
	if len(accounts) > 0 {
		admin = accounts[0].JID()
	}
	s, err := newServer(kind, dir, l.Names, l.CA, admin)
	if err != nil {
		return nil, err
	}
	l.onClose(func() error { return s.Stop() })
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if err := s.AddUser(ctx, a); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Root is the folder of the Go module around the working folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside the module's folder: no go.mod above")
		}
		dir = filepath.Dir(dir)
	}
}
