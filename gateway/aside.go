package gateway

import (
	"fmt"
	"runtime/debug"
)

// aside runs what nobody waits for, until the gateway ends.
func (g *Gateway) aside(about string, fn func()) {
	g.running.Go(func() {
		_ = g.caught(about, func() error {
			fn()
			return nil
		})
	})
}

// caught runs what reads foreign bytes in a goroutine of its own, where a panic
// would end the program: it ends this alone.
func (g *Gateway) caught(about string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g.log.Error("panicked", "about", about, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("%s: panic: %v", about, r)
		}
	}()
	return fn()
}
