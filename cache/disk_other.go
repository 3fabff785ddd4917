//go:build !darwin && !linux

package cache

// freeBytes is not known here: a full disk shows when it is full.
func freeBytes(string) (int64, error) { return 1<<63 - 1, nil }
