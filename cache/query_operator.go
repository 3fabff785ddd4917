package cache

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operator is a word that stands before a colon.
type operator string

// The operators of the search language.
const (
	opFrom   operator = "from"
	opTo     operator = "to"
	opTag    operator = "tag"
	opIn     operator = "in"
	opIs     operator = "is"
	opHas    operator = "has"
	opLang   operator = "lang"
	opBefore operator = "before"
	opAfter  operator = "after"
	opOn     operator = "on"
	opWhere  operator = "where"
	opSort   operator = "sort"
)

// operators are the names of all.
var operators = []string{
	"from", "to", "tag", "in", "is", "has", "lang", "before", "after", "on", "where", "sort",
}

// elsewhere are names that other searches have for ours.
var elsewhere = map[string]string{
	"author": "from:", "user": "from:", "by": "from:", "owner": "from:", "mentions": "to:", "hashtag": "tag:",
	"category": "tag:", "node": "in:", "service": "in:", "type": "is:", "kind": "is:", "filter": "where:", "language": "lang:",
	"since": "after:", "until": "before:", "during": "on:", "date": "on:", "order": "sort:",
}

// What is: and has: take.
var (
	isValues = []string{
		"reply", "boost", "article", "event", "poll", "note", "edited", "sensitive",
		"public", "unlisted", "followers", "limited", "direct", "ap", "xmpp",
	}
	hasValues = []string{"media", "image", "video", "audio", "link", "cw", "title", "tag", "poll"}
)

// operator reads an operator and its value. It is not known if the name is of no
// operator, nor like one.
func (p *parser) operator(name string, start int) (c *clause, known bool, err error) {
	lower := strings.ToLower(name)
	p.pos = start + len(name) + 1
	if !slices.Contains(operators, lower) {
		hint := elsewhere[lower]
		if near := Nearest(lower, operators); hint == "" && near != "" {
			hint = near + ":"
		}
		if hint == "" || p.bare() == "" && !strings.HasPrefix(p.text[p.pos:], `"`) {
			return nil, false, nil
		}
		return nil, false, p.wrong(start, "there is no operator "+name+":",
			fmt.Sprintf("did you mean %s? To search for the words, put them in quotation marks", hint))
	}
	at := p.pos
	if strings.HasPrefix(p.text[at:], `"`) {
		value, ok := p.quoted()
		if !ok {
			return nil, true, p.wrongAt(at, at+1, "this quotation mark has no other", `write " where the value ends`)
		}
		c, err = p.term(operator(lower), value, at)
		return c, true, err
	}
	value := p.bare()
	p.pos += len(value)
	if value == "" {
		return nil, true, p.wrong(start, lower+": needs a value right after the colon", "such as "+example(operator(lower)))
	}
	c, err = p.term(operator(lower), value, at)
	return c, true, err
}

// example is a use of an operator.
func example(op operator) string {
	switch op {
	case opFrom, opTo:
		return string(op) + ":alice@mast.social"
	case opTag:
		return "tag:cats"
	case opIn:
		return "in:pubsub.example.org/news"
	case opIs:
		return "is:reply"
	case opHas:
		return "has:media"
	case opLang:
		return "lang:fr"
	case opWhere:
		return `where:"media.width >= 1000"`
	case opSort:
		return "sort:updated"
	}
	return string(op) + ":2026-11-21"
}

// term makes the clause of an operator whose value begins at a place and ends
// here.
func (p *parser) term(op operator, value string, at int) (c *clause, err error) {
	c = &clause{kind: termClause, op: op, value: strings.TrimSpace(value)}
	if c.value == "" {
		return nil, p.wrong(at, string(op)+": needs a value", "such as "+example(op))
	}
	switch op {
	case opIs, opHas:
		return c, p.oneOf(c, at)
	case opTag:
		if c.value = foldTag(value); c.value == "" {
			return nil, p.wrong(at, "no tag is called so", "such as "+example(op))
		}
	case opLang:
		return c, p.language(c, at)
	case opBefore, opAfter, opOn:
		if c.date, err = parseSpan(c.value, p.now); err == nil && op == opOn && c.date.from.Equal(c.date.to) {
			err = fmt.Errorf("%s is a moment", c.value)
		}
		if err != nil {
			return nil, p.wrong(at, err.Error(), dateHint(op))
		}
	case opWhere:
		if c.where, err = ParseFilter(c.value); err != nil {
			return nil, p.inside(err, at)
		}
		boosts, _ := c.where.boosts()
		p.boosts = p.boosts || boosts
	case opSort:
		return nil, p.sort(c.value, at)
	}
	return c, nil
}

func dateHint(op operator) string {
	hint := "write 2026, 2026-11, 2026-11-21 or 2026-11-21T12:00:00Z"
	if op != opOn {
		hint += ", or 7d for seven days ago (h, d, w, m, y)"
	}
	return hint
}

// inside gives an error about a value the place of the value.
func (p *parser) inside(err error, at int) error {
	q, ok := err.(*QueryError)
	if !ok {
		return p.wrong(at, err.Error(), "")
	}
	return p.wrong(at, q.Problem, q.Hint)
}

// oneOf checks the value of is: or has:.
func (p *parser) oneOf(c *clause, at int) error {
	among := isValues
	if c.op == opHas {
		among = hasValues
	}
	c.value = strings.ToLower(c.value)
	if c.op == opIs && c.value == "question" {
		c.value = "poll"
	}
	p.boosts = p.boosts || c.op == opIs && c.value == "boost"
	if slices.Contains(among, c.value) {
		return nil
	}
	hint := "it takes " + strings.Join(among, ", ")
	if near := Nearest(c.value, among); near != "" {
		hint = fmt.Sprintf("did you mean %s:%s?", c.op, near)
	}
	return p.wrong(at, fmt.Sprintf("%s: does not know %q", c.op, c.value), hint)
}

// sort takes an order out of the text: it is no condition.
func (p *parser) sort(value string, at int) error {
	if p.depth > 0 || p.inNot > 0 {
		return p.wrong(at, "sort: is no condition", "write it outside of parentheses and without -")
	}
	o, err := ParseOrder(value)
	if err != nil {
		return p.inside(err, at)
	}
	if len(p.order) == maxOrders {
		return p.wrong(at, "there are too many keys to order by", fmt.Sprintf("at most %d are taken", maxOrders))
	}
	p.order = append(p.order, o)
	return nil
}

// span is a time from and before; a moment is from and before itself.
type span struct{ from, to time.Time }

// last is the last millisecond of a span.
func (s span) last() int64 { return max(s.to.UnixMilli()-1, s.from.UnixMilli()) }

// parseSpan reads a date, and how long it is: a year, a month, a day, or a
// moment; relative ones count back from now.
func parseSpan(s string, now time.Time) (span, error) {
	for _, f := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		if t, err := time.Parse(f.layout, s); err == nil {
			return span{t, t.AddDate(f.years, f.months, f.days)}, nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return span{t, t}, nil
		}
	}
	if n, err := strconv.Atoi(s[:max(len(s)-1, 0)]); err == nil && n >= 0 && n <= 100_000 {
		t := now
		switch s[len(s)-1] {
		case 'h':
			t = now.Add(-time.Duration(n) * time.Hour)
		case 'd':
			t = now.AddDate(0, 0, -n)
		case 'w':
			t = now.AddDate(0, 0, -7*n)
		case 'm':
			t = now.AddDate(0, -n, 0)
		case 'y':
			t = now.AddDate(-n, 0, 0)
		default:
			return span{}, fmt.Errorf("%q is no date", s)
		}
		return span{t, t}, nil
	}
	return span{}, fmt.Errorf("%q is no date", s)
}
