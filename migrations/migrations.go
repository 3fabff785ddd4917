// Package migrations holds the SQL that makes the store, embedded. The store
// applies it at start with goose's Provider, forward only.
package migrations

import "embed"

// FS holds the migrations in the order of their numbers.
//
//go:embed *.sql
var FS embed.FS
