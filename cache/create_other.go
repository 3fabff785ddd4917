//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package cache

import "os"

// giveAway is for systems with a root.
func giveAway(*os.File) error { return nil }
