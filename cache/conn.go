package cache

import (
	"context"
	"database/sql"
	"fmt"
)

// maxStatements bounds the prepared statements of a connection; the texts are
// constants with few variants, so it is not reached.
const maxStatements = 512

// conn is one connection with its prepared statements. One goroutine uses it
// at a time.
type conn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
}

func openConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open connection: %w", typed(err))
	}
	return &conn{Conn: c, stmts: make(map[string]*sql.Stmt)}, nil
}

// stmt returns the prepared statement for query.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

// exec runs a statement that belongs to no Tx, such as BEGIN.
func (c *conn) exec(query string) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	return err
}

func (c *conn) forget() {
	for _, s := range c.stmts {
		_ = s.Close() // what it holds goes with the connection
	}
	clear(c.stmts)
}

func (c *conn) close() error {
	c.forget()
	return c.Conn.Close()
}
