package cache

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Tx is a transaction. It is only valid inside the function that it is given
// to, and in its goroutine.
type Tx struct {
	ctx    context.Context
	conn   *conn
	store  *Store
	write  bool
	over   bool
	broken error // an error after which SQLite may have rolled back by itself
	after  effects

	version int     // of what is held, when it began
	before  effects // of those whose changes it sees although they are not committed
}

// effects are what happens when the transaction is committed.
type effects struct {
	durable bool             // the log goes to the disk before Update returns
	jobs    map[string]bool  // the kinds of jobs that became ready; "" for any
	posts   bool             // posts wait to be indexed
	wrote   map[heldKey]bool // rows that may be held in memory
	made    map[heldKey]any  // rows to hold from now on
	clock   int64            // when jobs were leased, in milliseconds; 0: they were not
}

func (e *effects) add(o effects) {
	e.durable = e.durable || o.durable
	for kind := range o.jobs {
		e.ready(kind)
	}
	e.posts = e.posts || o.posts
	if o.clock != 0 {
		e.clock = o.clock
	}
	for k := range o.wrote {
		if e.wrote == nil {
			e.wrote = make(map[heldKey]bool, len(o.wrote))
		}
		e.wrote[k] = true
		e.unmake(k)
	}
	for k, v := range o.made {
		if e.made == nil {
			e.made = make(map[heldKey]any, len(o.made))
		}
		e.made[k] = v
	}
}

// ready notes that jobs of a kind became ready, of any kind for "".
func (e *effects) ready(kind string) {
	if e.jobs == nil {
		e.jobs = make(map[string]bool, 1)
	}
	e.jobs[kind] = true
}

// Durable makes Update return only after the commit reached the disk, so that
// it survives power loss and not just the end of the process. Use it before
// answering for accepted work.
func (tx *Tx) Durable() { tx.after.durable = true }

var errOver = errors.New("transaction used after its end")

// prepare returns the statement, unless the transaction cannot go on. After a
// serious error it must not: SQLite may have ended the transaction, and further
// statements would commit one by one.
func (tx *Tx) prepare(query string) (*sql.Stmt, error) {
	if tx.over {
		return nil, errOver
	}
	if tx.broken != nil {
		return nil, tx.broken
	}
	s, err := tx.conn.stmt(query)
	return s, tx.failed(err)
}

// failed notes err and gives it its type.
func (tx *Tx) failed(err error) error {
	if err == nil {
		return nil
	}
	t := typed(err)
	if tx.write && breaksTx(err) {
		tx.broken = t
	}
	if !tx.write && tx.ctx.Err() != nil {
		return tx.ctx.Err()
	}
	return t
}

// exec runs a statement and returns the number of rows that it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	s, err := tx.prepare(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, tx.failed(err)
	}
	n, err := r.RowsAffected()
	return n, tx.failed(err)
}

// run is exec without the number.
func (tx *Tx) run(query string, args ...any) error {
	_, err := tx.exec(query, args...)
	return err
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// all returns all rows. They are read to the end before it returns, since the
// prepared statement is shared and must not be used again meanwhile.
func all[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) (list []T, err error) {
	s, err := tx.prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(tx.ctx, args...)
	if err != nil {
		return nil, tx.failed(err)
	}
	defer func() {
		if e := rows.Close(); e != nil && err == nil {
			list, err = nil, tx.failed(e)
		}
	}()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, tx.failed(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, tx.failed(err)
	}
	return list, nil
}

// one returns the first row, or ErrNotFound.
func one[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) (T, error) {
	list, err := all(tx, scan, query, args...)
	if err != nil || len(list) == 0 {
		var zero T
		if err == nil {
			err = ErrNotFound
		}
		return zero, err
	}
	return list[0], nil
}

// value reads rows of one column.
func value[T any](r row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// count returns the number that a query computes.
func (tx *Tx) count(query string, args ...any) (int, error) {
	return one(tx, value[int], query, args...)
}

// exists reports whether a query has a row.
func (tx *Tx) exists(query string, args ...any) (bool, error) {
	_, err := one(tx, value[int], query, args...)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// millis is the form of times in the database: 0 is the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is the reverse of millis.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// when scans a time.
type when struct{ t *time.Time }

func (w when) Scan(src any) error {
	ms, ok := src.(int64)
	if !ok {
		return errors.New("time is not a number")
	}
	*w.t = moment(ms)
	return nil
}

// orNull stores "" as NULL.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Queries write LIMIT ? + 0: SQLite compiles a statement anew whenever a
// parameter that is a whole LIMIT is bound, which costs more than most queries.

// limitOr returns n, or def if n is not positive, at most 10,000.
func limitOr(n, def int) int {
	if n <= 0 {
		return def
	}
	return min(n, 10_000)
}
