package main

import (
	"bufio"
	"context"
	"crypto/sha1" // XEP-0114 asks for it
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the bare database of the limits

	"isthmus/cache"
	"isthmus/translate"
)

// bareRow is a row that a post leaves behind: ?1 is a number, ?2 a URI, the
// others are more.
type bareRow struct {
	query string
	more  []any
	stmt  *sql.Stmt
}

// bareRows are the rows of a post in the tables of the gateway: that its activity
// was seen, the post, its document as it is understood and as it came, its place,
// its text, and the job that tells of it, which comes and goes.
func bareRows(post translate.Post, document []byte) ([]*bareRow, error) {
	parsed, err := json.Marshal(post)
	return []*bareRow{
		{query: `INSERT INTO seen (key, at) VALUES (CAST(?2 AS BLOB), ?1)`},
		{query: `INSERT INTO posts (id, uri, owner, owner_host, kind, origin, vis, hash, published, updated, received, modified, rev, indexed)
			VALUES (?1, ?2, 'https://script.test/users/author', 'script.test', 'note', 'ap', 0, x'00', ?1, 0, ?1, ?1, 1, 1)`},
		{query: `INSERT INTO bodies (post_id, parsed, raw_type, raw) VALUES (?1, jsonb(?3), '', ?4)`, more: []any{parsed, document}},
		{query: `INSERT INTO placements (node_id, item, life, uri, post_id, publisher, via, placed_at, modified, retracted_at)
			VALUES (1, ?2, 1, ?2, ?1, 'author@ap.xmpp.test', '', ?1, ?1, 0)`},
		{query: `INSERT INTO posts_fts (rowid, title, text, warning, author, tags) VALUES (?1, '', ?3, '', 'author', '')`, more: []any{post.Text}},
		{query: `INSERT INTO jobs (id, queue, lane, note, state, head, run_at, leased_until, expires_at, attempts, created_at, last_error, payload)
			VALUES (?1, 1, ?2, '', 0, 1, ?1, 0, 0, 0, ?1, '', CAST(?2 AS BLOB))`},
		{query: `DELETE FROM jobs WHERE id = ?1`},
	}, err
}

// bareStore is how often SQLite alone takes the rows of a post, in groups of as
// many as are on their way at the same time, each group safe on the disk.
func bareStore(ctx context.Context, file string, post translate.Post, document []byte) (float64, error) {
	made, err := cache.Open(ctx, file, slog.New(slog.DiscardHandler)) // for its tables
	if err != nil {
		return 0, err
	}
	if err := made.Close(); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"+
		"&_pragma=wal_autocheckpoint(2000)&_pragma=cache_size(-32768)&_pragma=mmap_size(268435456)") // as the gateway's
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `INSERT INTO nodes VALUES (1, 'author@ap.xmpp.test', 'urn:xmpp:microblog:0');
		INSERT INTO job_queues VALUES (1, 'notify', '', 0, 0, 0)`); err != nil {
		return 0, err
	}
	rows, err := bareRows(post, document)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if r.stmt, err = db.PrepareContext(ctx, r.query); err != nil {
			return 0, err
		}
		defer r.stmt.Close()
	}
	next := time.Now().UnixMilli() << 20
	groups, err := perSecond(func() error { return bareGroup(ctx, db, rows, &next) })
	return groups * inFlight, err
}

func bareGroup(ctx context.Context, db *sql.DB, rows []*bareRow, next *int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for range inFlight {
		*next++
		key := []any{*next, fmt.Sprintf("https://script.test/users/author/notes/%d", *next)}
		for _, r := range rows {
			if _, err := tx.StmtContext(ctx, r.stmt).ExecContext(ctx, append(key[:2:2], r.more...)...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// bareStanzas is how many notifications go through the XMPP server to the client
// when nobody but them has anything to do: a component that only copies bytes
// takes the place of the gateway.
func (b *bench) bareStanzas(ctx context.Context, message []byte) (float64, error) {
	conn, err := b.bareComponent()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	n, notices := b.n(2000), b.notices()
	start := time.Now()
	out := bufio.NewWriterSize(conn, 1<<15)
	for range n {
		if _, err := out.Write(message); err != nil {
			return 0, err
		}
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	err = b.await(ctx, "the bare notifications", func() (int, int) { return notices(), n })
	return float64(n) / time.Since(start).Seconds(), err
}

// bareComponent connects to the XMPP server in the gateway's place (XEP-0114 §3).
func (b *bench) bareComponent() (net.Conn, error) {
	conn, err := net.Dial("tcp", b.server.Component)
	if err != nil {
		return nil, err
	}
	shake := func() error {
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		fmt.Fprintf(conn, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='%s'>", b.lab.Names.Component)
		in, head := bufio.NewReader(conn), ""
		for !strings.Contains(head, "<stream:stream") {
			text, err := in.ReadString('>')
			if err != nil {
				return err
			}
			head += text
		}
		id := regexp.MustCompile(`\bid=['"]([^'"]*)`).FindStringSubmatch(head)
		if id == nil {
			return fmt.Errorf("no id in %s", head)
		}
		fmt.Fprintf(conn, "<handshake>%x</handshake>", sha1.Sum([]byte(id[1]+b.server.Secret)))
		if text, err := in.ReadString('>'); err != nil || !strings.HasPrefix(text, "<handshake") {
			return fmt.Errorf("handshake: %s %w", text, err)
		}
		return conn.SetDeadline(time.Time{})
	}
	if err := shake(); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
