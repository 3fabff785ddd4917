//go:build !linux

package xmpp

import "syscall"

// setUserTimeout does nothing where TCP has no such option; pings notice a dead
// connection there, only later.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
