package cache

import (
	"fmt"
	"strings"

	"isthmus/translate"
)

// Viewer is who asks. The zero value is a stranger.
type Viewer struct {
	Actor    string // actor URI, proven
	Operator bool   // sees everything
}

// Width narrows a listing by audience, on top of what the viewer may see.
type Width int

// The widths of listings.
const (
	AnyWidth         Width = iota // all that the viewer may see
	PublicOnly                    // search, tags
	PublicOrUnlisted              // open nodes
	OnlyPrivate                   // nodes of one reader: for followers, or limited
)

// sql is the condition of the width on the posts called p.
func (w Width) sql() string {
	switch w {
	case PublicOnly:
		return " AND p.vis = 0"
	case PublicOrUnlisted:
		return " AND p.vis <= 1"
	case OnlyPrivate:
		return " AND p.vis IN (2, 3)"
	}
	return ""
}

// visCodes are the audiences as stored, widest first.
var visCodes = []translate.Visibility{
	translate.Public, translate.Unlisted, translate.Followers, translate.Limited, translate.Direct,
}

// visCode is the stored form; what is not known is as narrow as can be.
func visCode(v translate.Visibility) int {
	for code, known := range visCodes {
		if v == known {
			return code
		}
	}
	return len(visCodes) - 1
}

func visOf(code int) translate.Visibility {
	if code < 0 || code >= len(visCodes) {
		return translate.Direct
	}
	return visCodes[code]
}

// audience is the one condition that every door asks (design §3): may the
// viewer see the posts that a query calls p? It is evaluated at read time from
// the follow, block and account tables. In its SQL, ?1 is the viewer and ?2 the
// JSON list of what a block of the viewer may name.
type audience struct {
	sql  string
	args []any // ?1 and ?2
}

// where returns the condition followed by further ones, and all arguments; the
// parameters of the further ones start at ?3.
func (a audience) where(more string, args ...any) (string, []any) {
	return " WHERE " + a.sql + more, append(append(make([]any, 0, 2+len(args)), a.args...), args...)
}

// audience returns the condition for a viewer.
func (tx *Tx) audience(v Viewer) (audience, error) {
	if v.Operator {
		return audience{sql: "1", args: []any{"", ""}}, nil
	}
	if v.Actor == "" {
		return audience{sql: visible("p", false), args: []any{"", "[]"}}, nil
	}
	targets, err := targetsOf(v.Actor)
	if err != nil {
		return audience{}, fmt.Errorf("audience: %w", err)
	}
	blocked, err := tx.Blocked("", v.Actor)
	if err != nil {
		return audience{}, fmt.Errorf("audience: %w", err)
	}
	if blocked {
		return audience{sql: "0", args: []any{v.Actor, targets}}, nil
	}
	return audience{sql: visible("p", true), args: []any{v.Actor, targets}}, nil
}

// visible is the condition on the post called p. A boost is seen by those who
// may see both it and, as far as it is held, what it boosts.
func visible(p string, actor bool) string {
	return mayRead(p, actor) +
		fmt.Sprintf(" AND (%[1]s.boost IS NULL OR (NOT EXISTS (SELECT 1 FROM tombstones WHERE uri = %[1]s.boost)"+
			" AND NOT EXISTS (SELECT 1 FROM posts o WHERE o.uri = %[1]s.boost AND NOT (%[2]s))))", p, mayRead("o", actor))
}

// mayRead is visible without the look at what is boosted.
func mayRead(p string, actor bool) string {
	shown := notHidden(p, "owner") + fmt.Sprintf(" AND (%s.author IS NULL OR (%s))", p, notHidden(p, "author"))
	if !actor {
		return fmt.Sprintf("%s.vis <= 1 AND %s", p, shown)
	}
	return strings.ReplaceAll(`(P.owner = ?1 OR (
		(P.vis <= 1
			OR (P.vis = 2 AND EXISTS (SELECT 1 FROM follows f WHERE f.follower = ?1 AND f.followee = P.owner AND `+admitted+`))
			OR EXISTS (SELECT 1 FROM addressees WHERE post_id = P.id AND actor = ?1))
		AND `, "P.", p+".") + shown + " AND " + notBlocked(p, "owner") +
		fmt.Sprintf(" AND (%s.author IS NULL OR (%s))))", p, notBlocked(p, "author"))
}

// notHidden excludes those whom the operator blocks and those who paused. It
// runs for every row: two look-ups are cheaper than a list, which SQLite sorts
// anew each time.
func notHidden(p, who string) string {
	return fmt.Sprintf("NOT EXISTS (SELECT 1 FROM hidden WHERE name = %[1]s.%[2]s)"+
		" AND NOT EXISTS (SELECT 1 FROM hidden WHERE name = %[1]s.%[2]s_host)", p, who)
}

// notBlocked excludes blocks between the viewer and the owner or author, in
// both directions (SEC-26, SEC-29).
func notBlocked(p, who string) string {
	return fmt.Sprintf(`NOT EXISTS (SELECT 1 FROM blocks WHERE owner = %[1]s.%[2]s
			AND target IN (SELECT value FROM json_each(?2)))
		AND NOT EXISTS (SELECT 1 FROM blocks WHERE owner = ?1 AND (target IN (%[1]s.%[2]s, %[1]s.%[2]s_host)
			OR (domain AND %[1]s.%[2]s_host LIKE '%%.' || target)))`, p, who)
}
