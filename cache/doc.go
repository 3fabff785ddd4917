// Package cache is the store of the gateway: accounts, actors, keys, follows,
// posts and where they appear, jobs, and full-text search, in one SQLite file.
//
// It is state to back up, not scratch. Every query is a method on Tx; a Tx
// comes from Store.Update (one writer, group commit) or Store.View (snapshot).
// No SQL leaves this package. The package reads no clock and makes no random
// numbers: callers pass both.
package cache
