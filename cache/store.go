package cache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"

	"isthmus/migrations"
)

// Store is the open store.
type Store struct {
	path string
	log  *slog.Logger
	lock *fileLock

	writeDB, readDB *sql.DB
	writer          *conn
	wal             walFile
	packer          packer
	queue           chan *update
	queued          atomic.Int64
	between         chan func() // run by the writer outside of transactions
	readers         chan *conn  // nil: not opened yet

	workers    workers
	held       memory
	clock      atomic.Int64 // when jobs were leased last
	postsReady chan struct{}

	closing     chan struct{}
	closeOnce   sync.Once
	closeErr    error
	writerDone  chan struct{}
	indexerDone chan struct{}
}

// applicationID marks our databases; the first migration sets it.
const applicationID = 0x49737468

// Open opens the store at path, or creates it, brings its schema up to date and
// locks it for this process: another Open gets ErrLocked.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Store{
		path: path, log: log, lock: lock,
		wal:        walFile{path: path + "-wal"},
		queue:      make(chan *update),
		between:    make(chan func()),
		readers:    make(chan *conn, runtime.NumCPU()+2),
		postsReady: make(chan struct{}, 1),
		closing:    make(chan struct{}),
		writerDone: make(chan struct{}), indexerDone: make(chan struct{}),
	}
	if err := s.open(ctx); err != nil {
		err = fmt.Errorf("open store %s: %w", path, err)
		return nil, errors.Join(err, s.closeFiles())
	}
	go s.writeLoop()
	go s.indexLoop()
	// Whoever held leases is gone: this process has the lock.
	if err := s.Update(ctx, (*Tx).releaseLeases); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	err := touch(s.path)
	if err != nil {
		return err
	}
	if s.writeDB, err = sql.Open("sqlite", dsn(s.path, 32<<10, false)); err != nil {
		return err
	}
	s.writeDB.SetMaxOpenConns(1)
	if s.readDB, err = sql.Open("sqlite", dsn(s.path, 8<<10, true)); err != nil {
		return err
	}
	s.readDB.SetMaxOpenConns(cap(s.readers))
	for range cap(s.readers) {
		s.readers <- nil
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.writer, err = openConn(ctx, s.writeDB); err != nil {
		return err
	}
	return s.tidyQueues()
}

// touch creates the file readable by its owner only: it holds private keys.
// SQLite gives its companions the same mode, and the same owner.
func touch(path string) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// create opens a file for its owner only, and makes it if it is not there.
func create(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := giveAway(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// dsn is the data source name. Every setting is per connection, except the
// journal mode, which the file remembers.
func dsn(path string, cacheKiB int, readOnly bool) string {
	v := url.Values{"_txlock": {"immediate"}, "_dqs": {"0"}, "_error_rc": {"1"}}
	for _, p := range []string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		"temp_store(MEMORY)", "mmap_size(268435456)", "journal_size_limit(67108864)",
		"wal_autocheckpoint(2000)", "secure_delete(FAST)", fmt.Sprintf("cache_size(-%d)", cacheKiB),
	} {
		v.Add("_pragma", p)
	}
	if readOnly {
		v.Set("_query_only", "1")
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: v.Encode()}
	return u.String()
}

// migrate applies the migrations that the file lacks.
func (s *Store) migrate(ctx context.Context) error {
	if err := s.recognise(ctx); err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.writeDB, migrations.FS, goose.WithSlog(s.log))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", typed(err))
	}
	if have > want {
		return fmt.Errorf("%w: its schema is number %d and this program knows %d; install the newer program or restore a backup",
			ErrNewer, have, want)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", typed(err))
	}
	for _, r := range done {
		s.log.Info("migrated the store", "migration", filepath.Base(r.Source.Path))
	}
	return nil
}

// recognise refuses files of other programs.
func (s *Store) recognise(ctx context.Context) error {
	var id, tables int
	if err := s.writeDB.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return typed(err)
	}
	if err := s.writeDB.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return typed(err)
	}
	if id != applicationID && (id != 0 || tables > 0) {
		var ours int
		err := s.writeDB.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&ours)
		if err != nil || ours == 0 {
			return errors.New("the file is a database of another program")
		}
	}
	return nil
}

// View runs fn on a snapshot. It ends early when ctx does.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	var c *conn
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case c = <-s.readers:
	case <-ctx.Done():
		return waited(ctx)
	case <-s.closing:
		return ErrClosed
	}
	defer func() { s.readers <- c }()
	if c == nil {
		var err error
		if c, err = openConn(ctx, s.readDB); err != nil {
			return err
		}
	}
	version := s.held.now()
	if err := c.exec("BEGIN"); err != nil {
		c = s.drop(c)
		return fmt.Errorf("begin: %w", typed(err))
	}
	tx := &Tx{ctx: ctx, conn: c, store: s, version: version}
	defer func() {
		tx.over = true
		// A cancelled query must not leave its connection interrupted.
		if err := c.exec("ROLLBACK"); err != nil {
			s.log.Warn("a reader was replaced", "err", err)
			c = s.drop(c)
		}
	}()
	return fn(tx)
}

// drop closes a connection that failed and leaves its place for a new one.
func (s *Store) drop(c *conn) *conn {
	if err := c.close(); err != nil {
		s.log.Warn("close a reader", "err", err)
	}
	return nil
}

// Close waits for running transactions, ends the writer and the indexer, and
// unlocks the file.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		<-s.indexerDone
		<-s.writerDone
		for range cap(s.readers) {
			if c := <-s.readers; c != nil {
				s.drop(c)
			}
		}
		s.closeErr = s.closeFiles()
	})
	return s.closeErr
}

// closeFiles closes what open opened. The last connection to close writes the
// log back, so the file alone is complete then.
func (s *Store) closeFiles() error {
	var errs []error
	if s.readDB != nil {
		errs = append(errs, s.readDB.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	errs = append(errs, s.wal.close(), s.lock.unlock())
	return errors.Join(errs...)
}
