//go:build unix

package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// BenchmarkReceive is the way of a Create from the verified request to the
// notification of a follower, with a store and a link, but without HTTP and
// with a server that only counts: what the inbox of e2e/bench costs the gateway
// besides that. cpu-µs/op is the processor time of the whole process.
func BenchmarkReceive(b *testing.B) {
	w := newWorld(b)
	const authors = 10
	w.update(func(tx *cache.Tx) error {
		return tx.PutAccount(cache.Account{
			URI: w.addr.ActorURL(louise), Acct: louise, JID: louise, State: cache.Linked, CreatedAt: w.clock(), UpdatedAt: w.clock(),
		})
	})
	for i := range authors {
		name := fmt.Sprintf("author%d", i)
		w.actor("https://mast.test/users/"+name, name+"@mast.test", name+`\40mast.test@ap.example.org`)
		w.update(func(tx *cache.Tx) error {
			return tx.PutFollow(cache.Follow{Follower: w.addr.ActorURL(louise), Followee: "https://mast.test/users/" + name,
				State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
		})
	}
	w.pass(time.Second)
	w.xmpp.counting.Store(true)
	w.must(w.link.Barrier(b.Context())) // from here on it counts
	ctx, cancel := context.WithCancel(b.Context())
	var working sync.WaitGroup
	working.Go(func() { w.runJobs(ctx) })
	b.Cleanup(func() { cancel(); working.Wait() })
	in := make([]ap.Incoming, b.N)
	for i := range in {
		in[i] = benchCreate(b, fmt.Sprintf("https://mast.test/users/author%d", i%authors), i)
	}
	before := processorTime(b)
	b.ResetTimer()
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(in)); i = next.Add(1) - 1 {
				if err := w.Receive(b.Context(), in[i]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	senders.Wait()
	for w.xmpp.counted.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// benchCreate is a Create as verified.
func benchCreate(b *testing.B, author string, i int) ap.Incoming {
	b.Helper()
	id := fmt.Sprintf("%s/notes/%d", author, i)
	public := "https://www.w3.org/ns/activitystreams#Public"
	body, err := json.Marshal(map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": id + "/create", "type": "Create", "actor": author,
		"to": []string{public}, "cc": []string{author + "/followers"},
		"object": map[string]any{
			"id": id, "type": "Note", "attributedTo": author, "published": "2026-11-21T08:00:00Z",
			"to": []string{public}, "cc": []string{author + "/followers"},
			"content": fmt.Sprintf("<p>Note number <b>%d</b> with a <a href='https://example.org/'>link</a> and %s</p>", i, strings.Repeat("some words to read. ", 20)),
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	o, err := as2.Parse(body)
	if err != nil {
		b.Fatal(err)
	}
	return ap.Incoming{Body: body, Object: o, Signer: author, Host: "example.org", Digest: sha256.Sum256(body)}
}

// processorTime is what the process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
