package gateway

import (
	"context"
	"strings"
	"testing"

	"isthmus/cache"
)

// TestPanicsStayAside: what foreign bytes do to a fetch, or to work that nobody
// waits for, ends that alone.
func TestPanicsStayAside(t *testing.T) {
	w := newWorld(t)
	_, err := fly(t.Context(), w.Gateway, "picture of Eve", func(context.Context) (int, error) { panic("odd bytes") })
	if err == nil || !strings.Contains(err.Error(), "odd bytes") {
		t.Errorf("a fetch that panics: %v", err)
	}
	if w.recent.failed("picture of Eve") == nil {
		t.Error("it is fetched again at once")
	}
	w.aside("something", func() { panic("odd bytes") })
	w.linkUser(louise)
	w.eachLinked(t.Context(), func(cache.Account) { panic("odd bytes") })
	w.running.Wait()
}
