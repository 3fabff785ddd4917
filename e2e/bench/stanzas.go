package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" // XEP-0114 asks for it
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"isthmus/e2e/lab"
)

// stanzas measures the gateway's own stream: a server of our own, which does
// nothing but write requests and count answers, takes Prosody's place. The
// gateway of the other measurements has ended.
func (b *bench) stanzas(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.77.2.1:5347")
	if err != nil {
		return err
	}
	defer listener.Close()
	const secret = "bench"
	links := make(chan net.Conn, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if err := handshake(conn, secret); err != nil {
				conn.Close()
				continue
			}
			links <- conn
		}
	}()
	l, err := lab.New(filepath.Join(b.dir, "stream"), lab.TestSite(2))
	if err != nil {
		return err
	}
	defer l.Close()
	server := &lab.Server{Component: listener.Addr().String(), Secret: secret}
	if b.gateway, err = l.StartGateway(ctx, server, lab.GatewayOptions{Bin: b.gateway.Bin, Front: lab.Direct, Level: "warn"}); err != nil {
		return err
	}
	var conn net.Conn
	select {
	case conn = <-links:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("the gateway does not connect")
	}
	defer conn.Close()
	n := b.n(50_000)
	jid := l.Names.Component
	for _, q := range []struct{ name, payload string }{
		{"ping", "<ping xmlns='urn:xmpp:ping'/>"},
		{"disco", "<query xmlns='http://jabber.org/protocol/disco#info'/>"},
	} {
		r, bytesOut, err := b.exchange(conn, n, jid, q.payload)
		if err != nil {
			return err
		}
		limit, err := bareWriter(n, bytesOut/n)
		if err != nil {
			return err
		}
		b.rows = append(b.rows, r.against("stanzas in and out: "+q.name+" requests answered", limit,
			fmt.Sprintf("stanzas of %d bytes, bare writer", bytesOut/n)))
	}
	return nil
}

// handshake is the server's side of XEP-0114.
func handshake(conn net.Conn, secret string) error {
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('>'); err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "+
		"xmlns='jabber:component:accept' id='bench' from='ap.bench.test'>"); err != nil {
		return err
	}
	sum := sha1.Sum([]byte("bench" + secret))
	want := []byte(hex.EncodeToString(sum[:]))
	var got []byte
	for !bytes.Contains(got, []byte("</handshake>")) {
		text, err := in.ReadBytes('>')
		if err != nil {
			return err
		}
		got = append(got, text...)
	}
	if !bytes.Contains(got, want) {
		return fmt.Errorf("handshake %s", got)
	}
	_, err := fmt.Fprint(conn, "<handshake/>")
	return err
}

// exchange writes requests and counts the answers' ends.
func (b *bench) exchange(conn net.Conn, n int, jid, payload string) (rate, int, error) {
	done := make(chan error, 1)
	size := 0
	go func() {
		buffer, tail, count := make([]byte, 1<<16), []byte{}, 0
		for count < n {
			k, err := conn.Read(buffer)
			if err != nil {
				done <- err
				return
			}
			size += k
			text := append(tail, buffer[:k]...)
			count += bytes.Count(text, []byte("type='result'")) + bytes.Count(text, []byte(`type="result"`))
			tail = append([]byte{}, text[max(0, len(text)-12):]...)
		}
		done <- nil
	}()
	r, err := b.timed(n, func() error {
		out := bufio.NewWriterSize(conn, 1<<15)
		for i := range n {
			if _, err := fmt.Fprintf(out, "<iq type='get' from='user%d@bench.test/x' to='%s' id='q%d'>%s</iq>", i%50, jid, i, payload); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		select {
		case err := <-done:
			return err
		case <-time.After(2 * time.Minute):
			return os.ErrDeadlineExceeded
		}
	})
	return r, size, err
}

// bareWriter is how many stanzas of a size a buffered writer gets through a
// loopback connection.
func bareWriter(n, size int) (float64, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	read := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.CopyN(io.Discard, conn, int64(n)*int64(size))
			conn.Close()
		}
		read <- err
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	one, start := bytes.Repeat([]byte("x"), size), time.Now()
	out := bufio.NewWriterSize(conn, 1<<15)
	for range n {
		if _, err := out.Write(one); err != nil {
			return 0, err
		}
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	err = <-read
	return float64(n) / time.Since(start).Seconds(), err
}
