package gateway

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/cache"
)

// goroutines counts those of the process by where they were begun.
func goroutines() map[string]int {
	buf := make([]byte, 4<<20)
	out := map[string]int{}
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		_, by, ok := strings.Cut(stack, "created by ")
		if !ok {
			continue // the first one
		}
		by, _, _ = strings.Cut(by, " ")
		by, _, _ = strings.Cut(by, "\n")
		out[by]++
	}
	return out
}

// TestNothingLeftRunning: a gateway that has worked and is stopped leaves no
// goroutine, whatever was under way.
func TestNothingLeftRunning(t *testing.T) {
	t.Run("once", func(t *testing.T) { briefLife(t) }) // what a process makes once
	before := goroutines()
	for range 3 {
		t.Run("life", func(t *testing.T) { briefLife(t) })
	}
	var left []string
	for range 200 {
		left = left[:0]
		for by, n := range goroutines() {
			if n > before[by] {
				left = append(left, fmt.Sprintf("%d by %s", n-before[by], by))
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Errorf("still running: %s", strings.Join(left, ", "))
}

// briefLife is a gateway with all that it does of its own accord, and traffic.
func briefLife(t *testing.T) {
	f := newFediverse(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context){f.keys.run, f.runJobs, f.runTimers, f.runTidy, f.runSaved} {
		wg.Go(func() { run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	note := f.ann.Note("Hello.")
	for _, who := range []string{f.ann.ID, f.carl.ID, f.mal.ID} {
		if _, err := f.remoteByURI(ctx, who); err != nil {
			t.Fatal(err)
		}
	}
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.publish(louise, feed, f.entry("a", "Hello, Alice."))
	f.chat(louise, ourComponent, "m1", "search hello")
	f.chat(louise, aliceJID, "m2", "A message that is under way.")
	f.presenceFrom("somebody@elsewhere.example/x", aliceJID, "probe")
	f.update(func(tx *cache.Tx) error { return tx.Enqueue(f.fetchJob(fetchWork{URI: note["id"].(string)})) })
	f.pass(48 * time.Hour)
	if _, err := f.remoteByURI(ctx, f.ann.ID); err != nil { // has it read anew in the background
		t.Fatal(err)
	}
}
