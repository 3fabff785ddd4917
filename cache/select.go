package cache

import (
	"fmt"
	"strings"
	"time"

	"isthmus/translate"
)

// Selection names posts for export and purge; empty fields do not narrow it.
type Selection struct {
	URI           string // one post
	Service, Node string // where the post stands
	Actor         string // URI of its owner
	Host          string // of its owner
	Kind          translate.Kind
	Before        time.Time // received before
	Larger        int64     // bytes of the post and its document
	Public        bool      // for everybody only
}

// bytesOf is how much of the file a post takes, without indexes.
const bytesOf = "(length(b.parsed) + coalesce(length(b.raw), 0))"

// sql returns the conditions on posts p and bodies b; their arguments start at
// ?n.
func (x Selection) sql(n int) (string, []any) {
	var b strings.Builder
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		b.WriteString(" AND " + strings.ReplaceAll(cond, "%d", fmt.Sprint(n+len(args)-1)))
	}
	if x.URI != "" {
		add("p.uri = ?%d", x.URI)
	}
	if x.Service != "" {
		add("EXISTS (SELECT 1 FROM placements l JOIN nodes n ON n.id = l.node_id WHERE l.uri = p.uri AND n.service = ?%d)", x.Service)
	}
	if x.Node != "" {
		add("EXISTS (SELECT 1 FROM placements l JOIN nodes n ON n.id = l.node_id WHERE l.uri = p.uri AND n.name = ?%d)", x.Node)
	}
	if x.Actor != "" {
		add("p.owner = ?%d", x.Actor)
	}
	if x.Host != "" {
		add("p.owner_host = ?%d", strings.ToLower(x.Host))
	}
	if x.Kind != "" {
		add("p.kind = ?%d", string(x.Kind))
	}
	if !x.Before.IsZero() {
		// The second says the same of the key, so that newer posts are not
		// looked at: no post is sorted later than it was received.
		add("p.received < ?%d", millis(x.Before))
		add("p.id < ?%d", max(millis(x.Before), 0)<<idBits)
	}
	if x.Larger > 0 {
		add(bytesOf+" > ?%d", x.Larger)
	}
	if x.Public {
		b.WriteString(" AND p.vis = 0")
	}
	return b.String(), args
}

// Selects reports whether a selection names any post.
func (tx *Tx) Selects(x Selection) (bool, error) {
	more, args := x.sql(1)
	return tx.exists("SELECT 1 FROM "+postsBodies+" WHERE 1"+more+" LIMIT 1", args...)
}
