package cache

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"isthmus/translate"
)

// sqlWriter writes the conditions of a search on posts p and bodies b. ?1 and
// ?2 are those of the audience.
type sqlWriter struct {
	tx     *Tx
	q      SearchQuery
	boosts bool  // are looked for too
	args   []any // from ?3 on
}

// arg adds an argument and returns its name.
func (w *sqlWriter) arg(v any) string {
	w.args = append(w.args, v)
	return "?" + strconv.Itoa(len(w.args)+2)
}

// fts writes words as a phrase of FTS5. They consist of letters and numbers and
// stand in quotation marks, so that nothing in them is syntax.
func (t term) fts() string {
	q := `"` + strings.Join(t.words, " ") + `"`
	if t.prefix {
		q += "*"
	}
	return q
}

// ftsExpr writes a clause of words as an expression of FTS5. Words are looked for
// in what a post says; its author's name is for from:. It is not ok if the clause
// is not of words alone, or has nothing that must be there.
func ftsExpr(c *clause) (expr string, ok bool) {
	switch c.kind {
	case wordClause:
		return "- author : " + c.words.fts(), true
	case orClause:
		var list []string
		for _, l := range c.list {
			e, ok := ftsExpr(l)
			if !ok {
				return "", false
			}
			list = append(list, e)
		}
		return "(" + strings.Join(list, " OR ") + ")", true
	case andClause:
		expr, rest := ftsOf(c.list)
		return expr, expr != "" && len(rest) == 0
	}
	return "", false
}

// ftsOf writes those of several clauses that must all hold as one expression,
// "" if none can be, and returns the others.
func ftsOf(list []*clause) (expr string, rest []*clause) {
	var with, without []string
	for _, c := range list {
		if c.kind == notClause {
			if e, ok := ftsExpr(c.list[0]); ok {
				without = append(without, e)
				continue
			}
		}
		if e, ok := ftsExpr(c); ok {
			with = append(with, e)
			continue
		}
		rest = append(rest, c)
	}
	if len(with) == 0 {
		return "", list
	}
	expr = strings.Join(with, " AND ")
	if len(without) > 0 {
		expr = "(" + expr + ") NOT (" + strings.Join(without, " OR ") + ")"
	}
	if len(list) > 1 {
		expr = "(" + expr + ")"
	}
	return expr, rest
}

// named finds what an expression does, and has the rank know whose author is called
// so too. The expression stands there twice, as what no author's name makes false;
// so the words in the post count twice for every post alike.
func (c *clause) named(expr string) string {
	any := []string{expr}
	for _, t := range c.terms() {
		any = append(any, "author : "+t.fts())
	}
	return "(" + expr + ") AND (" + strings.Join(any, " OR ") + ")"
}

// clause writes the condition of a clause; it is never NULL.
func (w *sqlWriter) clause(c *clause) (string, error) {
	if c.wide() && w.q.few() {
		return w.looked(c)
	}
	if e, ok := ftsExpr(c); ok {
		return w.matches(e, c.wide()), nil
	}
	switch c.kind {
	case notClause:
		cond, err := w.clause(c.list[0])
		return "NOT (" + cond + ")", err
	case termClause:
		return w.term(c)
	case orClause:
		return w.clauses(c.list, " OR ")
	}
	expr, rest := ftsOf(c.list)
	cond, err := w.clauses(rest, " AND ")
	if expr != "" {
		cond = "(" + w.matches(expr, c.wide()) + " AND " + cond + ")"
	}
	return cond, err
}

// matches is the condition that the full text matches an expression. What a wide
// one matches is gathered once, not for each post.
func (w *sqlWriter) matches(expr string, wide bool) string {
	if wide {
		return "p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH " + w.arg(expr) + ")"
	}
	return "EXISTS (SELECT 1 FROM posts_fts WHERE posts_fts MATCH " + w.arg(expr) + " AND rowid = p.id)"
}

func (w *sqlWriter) clauses(list []*clause, between string) (string, error) {
	conds := make([]string, len(list))
	for i, l := range list {
		var err error
		if conds[i], err = w.clause(l); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(conds, between) + ")", nil
}

// term writes the condition of an operator.
func (w *sqlWriter) term(c *clause) (string, error) {
	switch c.op {
	case opFrom:
		who, err := w.tx.people(c.value, w.q.Viewer)
		return w.from(who), err
	case opTo:
		who, err := w.tx.people(c.value, w.q.Viewer)
		return w.to(who), err
	case opTag:
		return "EXISTS (SELECT 1 FROM tags WHERE tag = " + w.arg(c.value) + " AND post_id = p.id)", nil
	case opIn:
		return w.in(c.value), nil
	case opIs:
		return isSQL(c.value), nil
	case opHas:
		return hasSQL(c.value), nil
	case opLang:
		l := w.arg(c.value)
		same := func(v string) string {
			return fmt.Sprintf("(lower(%s) = %s OR substr(lower(%s), 1, length(%s) + 1) = %s || '-') IS TRUE", v, l, v, l, l)
		}
		return "(" + same("b.parsed ->> '$.lang'") + " OR EXISTS (SELECT 1 FROM json_each(b.parsed, '$.translations') t WHERE " +
			same("t.value ->> '$.lang'") + "))", nil
	case opBefore:
		return "p.id < " + w.arg(idAt(c.date.from)), nil
	case opAfter:
		return "p.id >= " + w.arg(idAt(c.date.from)), nil
	case opOn:
		return "(p.id >= " + w.arg(idAt(c.date.from)) + " AND p.id < " + w.arg(idAt(c.date.to)) + ")", nil
	case opWhere:
		return w.filter(c.where)
	}
	return "", fmt.Errorf("operator %s has no condition", c.op)
}

func (w *sqlWriter) filter(f Filter) (string, error) {
	c, err := f.read(w.q.Now)
	if err != nil {
		return "", err
	}
	return c.sql(w.arg), nil
}

func isSQL(value string) string {
	switch value {
	case "reply":
		return "(p.reply_to IS NOT NULL OR json_type(b.parsed, '$.reply_ref') IS NOT NULL)"
	case "edited":
		return "p.updated > 0"
	case "sensitive":
		return "coalesce(b.parsed ->> '$.sensitive', 0)"
	case "poll":
		return "p.kind = 'question'"
	case "note", "article", "event", "boost":
		return "p.kind = '" + value + "'"
	case "ap", "xmpp":
		return "p.origin = '" + value + "'"
	}
	return "p.vis = " + strconv.Itoa(visCode(translate.Visibility(value)))
}

func hasSQL(value string) string {
	const someMedia = "EXISTS (SELECT 1 FROM json_each(b.parsed, '$.media')%s)"
	switch value {
	case "cw":
		return "(coalesce(b.parsed ->> '$.warning', '') <> '' OR coalesce(b.parsed ->> '$.sensitive', 0))"
	case "title":
		return "coalesce(b.parsed ->> '$.title', '') <> ''"
	case "tag":
		return "EXISTS (SELECT 1 FROM tags WHERE post_id = p.id)"
	case "poll":
		return "json_type(b.parsed, '$.poll') IS NOT NULL"
	case "link":
		return linkSQL()
	case "media":
		return fmt.Sprintf(someMedia, "")
	}
	return fmt.Sprintf(someMedia, " WHERE substr(value ->> '$.media_type', 1, "+strconv.Itoa(len(value)+1)+") = '"+value+"/'")
}

// place is a value of in:.
type place struct {
	service, node string // either may be any
	either        string // a service or a node of this name
}

// The names of nodes for comments (XEP-0277 §3.3) are from commentsPrefix on, and
// before commentsEnd: 0 comes after /.
const (
	commentsPrefix = "urn:xmpp:microblog:0:comments/"
	commentsEnd    = "urn:xmpp:microblog:0:comments0"
)

func readPlace(value string) place {
	if at, err := translate.ParsePubSubURI(value); err == nil && strings.HasPrefix(value, "xmpp:") {
		return place{service: at.Service, node: at.Node}
	}
	service, node, both := strings.Cut(value, "/")
	if !both || service == "" || node == "" {
		return place{either: value}
	}
	at := place{service: strings.ToLower(service), node: node}
	if !strings.ContainsAny(service, ".@") { // the name of a node may look so too
		at.either = value
	}
	return at
}

// sql is the condition on the node called n.
func (l place) sql(arg func(any) string) string {
	switch {
	case l.either == "comments":
		return fmt.Sprintf("(n.name >= '%s' AND n.name < '%s' OR n.name = 'comments')", commentsPrefix, commentsEnd)
	case l.either != "" && l.node != "":
		return "(n.service = " + arg(l.service) + " AND n.name = " + arg(l.node) + " OR n.name = " + arg(l.either) + ")"
	case l.either != "":
		return "(n.service = " + arg(strings.ToLower(l.either)) + " OR n.name = " + arg(l.either) + ")"
	case l.node == "":
		return "n.service = " + arg(l.service)
	}
	return "n.service = " + arg(l.service) + " AND n.name = " + arg(l.node)
}

// in is where a post stands in XMPP. Where one that is not for everybody does
// tells who else reads it, so only its owner may ask.
func (w *sqlWriter) in(value string) string {
	return "(" + w.placed() + " AND EXISTS (SELECT 1 FROM placements l JOIN nodes n ON n.id = l.node_id WHERE l.uri = p.uri AND l.retracted_at = 0 AND " +
		readPlace(value).sql(w.arg) + "))"
}

func (w *sqlWriter) placed() string {
	if w.q.All && w.q.Viewer.Operator {
		return "1"
	}
	return "(p.vis <= 1 OR p.owner = ?1)"
}

// asQueryError gives an error about a filter that is not in the text its name.
func asQueryError(f Filter, err error) error {
	var q *QueryError
	if !errors.As(err, &q) {
		return err
	}
	named := *q
	if !strings.Contains(named.Problem, f.Path) {
		named.Problem = strings.Join(slices.DeleteFunc([]string{f.Path, f.Op}, func(s string) bool { return s == "" }), " ") + ": " + named.Problem
	}
	return &named
}
