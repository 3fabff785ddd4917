package main

import (
	"testing"

	"isthmus/cache"
)

// What is said of a sync tells each thing once.
func TestSyncShown(t *testing.T) {
	for _, tt := range []struct {
		state      cache.SyncState
		note, want string
		ended      bool
	}{
		{cache.SyncRunning, "-", "2 pages, 7 posts, 3 of them new", false},
		{cache.SyncRunning, "no answer", "2 pages, 7 posts, 3 of them new; no answer", false},
		{cache.SyncDone, "-", "2 pages, 7 posts, 3 of them new\nThat is all of it.", true},
		{cache.SyncDone, "its pages go round", "2 pages, 7 posts, 3 of them new; its pages go round\nThat is all of it.", true},
		{cache.SyncStopped, "-", "2 pages, 7 posts, 3 of them new | it was stopped; the same command goes on", true},
		{cache.SyncFailed, "it cannot be read", "2 pages, 7 posts, 3 of them new | the rest was not fetched: it cannot be read", true},
	} {
		line, ended, err := syncShown(map[string]string{"state": string(tt.state), "pages": "2", "posts": "7", "new": "3", "note": tt.note})
		if err != nil {
			line += " | " + err.Error()
		}
		if line != tt.want || ended != tt.ended {
			t.Errorf("%s: %q, %t", tt.state, line, ended)
		}
	}
}
