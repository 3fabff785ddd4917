package cache

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// show writes a clause so that a test can name it.
func (c *clause) show() string {
	if c == nil {
		return ""
	}
	var list []string
	for _, l := range c.list {
		list = append(list, l.show())
	}
	switch c.kind {
	case andClause:
		return "(" + strings.Join(list, " & ") + ")"
	case orClause:
		return "(" + strings.Join(list, " | ") + ")"
	case notClause:
		return "!" + list[0]
	case wordClause:
		s := strings.Join(c.words.words, "_")
		if c.words.prefix {
			s += "*"
		}
		return s
	}
	if !c.date.from.IsZero() {
		return string(c.op) + "=" + c.date.from.UTC().Format(time.RFC3339)
	}
	if c.op == opWhere {
		return fmt.Sprintf("where=%s %s %v", c.where.Path, c.where.Op, c.where.Value)
	}
	return string(c.op) + "=" + c.value
}

func TestParseQuery(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"  ":                              "",
		"one two":                         "(one & two)",
		`"one two" three`:                 "(one_two & three)",
		`one -two -"three four"`:          "(one & !two & !three_four)",
		"pre* x":                          "(pre* & x)",
		`"a pre"*`:                        "a_pre*",
		"北京* 東 x*":                        "(北_京 & 東 & x*)",
		`say"quoted"`:                     "(say & quoted)",
		"Ünïted":                          "united",
		"天气":                              "天_气",
		"a AND b OR c d":                  "((a & b) | (c & d))",
		"(a OR b) c":                      "((a | b) & c)",
		"a (b (c OR -d))":                 "(a & b & (c | !d))",
		"NOT a NOT (b c)":                 "(!a & !(b & c))",
		"or and not":                      "(or & and & not)",
		"--x -":                           "x",
		"* ** \" \"\" -\"\" - -*":         "",
		"don't":                           "don_t",
		"@user@host.example":              "user_host_example",
		"#Tag #1 -#Été":                   "(tag=tag & 1 & !tag=ete)",
		"🎉":                               "",
		"(a) foo(bar)":                    "(a & foo_bar)",
		":-) hello :)":                    "hello",
		"foo(bar) a)":                     "(foo_bar & a)",
		`27" screen`:                      "(27 & screen)",
		"^x {y} col : z":                  "(x & y & col & z)",
		"https://example.org/a?b=c":       "https_example_org_a_b_c",
		"a:b 12:30 Re:":                   "(a_b & 12_30 & re)",
		"from:@alice@mast.social":         "from=@alice@mast.social",
		`FROM:"a b\"c\\"`:                 `from=a b"c\`,
		"-from:bob is:Reply":              "(!from=bob & is=reply)",
		"(has:media OR has:link)":         "(has=media | has=link)",
		"tag:#Cats lang:PT-br":            "(tag=cats & lang=pt-br)",
		"before:2026 after:2026-11":       "(before=2026-01-01T00:00:00Z & after=2026-11-01T00:00:00Z)",
		"on:2026-11-21 after:7d":          "(on=2026-11-21T00:00:00Z & after=2026-11-14T12:00:00Z)",
		"after:2026-11-21T10:00:00+02:00": "after=2026-11-21T08:00:00Z",
		`where:"media.width >= 1000"`:     "where=media.width >= 1000",
		"where:media[0].size>5":           "where=media[0].size > 5",
		"sort:-title a sort:updated":      "a",
		"note: remember":                  "(note & remember)",
		"the author: somebody":            "(the & author & somebody)",
	} {
		q, err := parseQuery(in, day)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := q.root.show(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	q, err := parseQuery("sort:-title a sort:updated", day)
	if err != nil || fmt.Sprint(q.order) != "[{title true} {updated true}]" {
		t.Errorf("orders: %v, %v", q.order, err)
	}
}

// TestWrongQueries: the place of the mistake, and what may have been meant.
func TestWrongQueries(t *testing.T) {
	for in, want := range map[string][2]string{ // the wrong part, and a word of the hint
		"cats form:alice":            {"form:", "from:"},
		"author:alice":               {"author:", "from:"},
		"from: alice":                {"from:", "alice@mast.social"},
		"is:repli x":                 {"repli", "is:reply"},
		"is:zzz":                     {"zzz", "article"},
		"has:medai":                  {"medai", "has:media"},
		"before:yesterday":           {"yesterday", "2026-11-21"},
		"x after:2026-13-01":         {"2026-13-01", "7d"},
		"on:7d":                      {"7d", "2026-11-21"},
		"lang:français":              {"français", "lang:fr"},
		"lang:English":               {"English", "lang:en?"},
		"lang:deutsch":               {"deutsch", "lang:de?"},
		"lang:Klingonish":            {"Klingonish", "lang:fr"},
		"tag:#":                      {"#", "tag:cats"},
		"a OR":                       {"OR", `"or"`},
		"OR b":                       {"OR", `"or"`},
		"a OR OR b":                  {"OR", `"or"`},
		"(a OR ) b":                  {"OR", `"or"`},
		"(a b":                       {"(", ")"},
		"(a) b)":                     {")", "quotation"},
		`x "open phrase`:             {`"`, "phrase ends"},
		`from:"x`:                    {`"`, "value ends"},
		"a NOT":                      {"NOT", `"not"`},
		`where:"media.widht > 3"`:    {`"media.widht > 3"`, "width"},
		`where:"title ilik a"`:       {`"title ilik a"`, "ilike"},
		`where:"media.width > wide"`: {`"media.width > wide"`, ""},
		"sort:titel":                 {"titel", "title"},
		"sort:title:up":              {"title:up", "desc"},
		"(sort:title)":               {"title", "parentheses"},
		"sort:tags":                  {"tags", "media[0]"},
		strings.Repeat("(", 20):      {"(", "levels"},
		strings.Repeat("w ", 65):     {"w ", "64"},
	} {
		err := CheckQuery(in)
		var q *QueryError
		if !errors.As(err, &q) {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if q.Pos+q.Len > len(in) || in[q.Pos:q.Pos+q.Len] != want[0] || !strings.Contains(q.Hint, want[1]) {
			t.Errorf("%s: at %d, %d: %v", in, q.Pos, q.Len, err)
		}
	}
	if err := CheckQuery(strings.Repeat("x", maxQueryRunes+1)); err == nil {
		t.Error("a long query is read")
	}
}

func TestQuote(t *testing.T) {
	for _, v := range []string{"a", `a "b" \ c`, `\`, `"`, `\\"`, "ü( OR )"} {
		q, err := parseQuery("in:"+Quote(v), day)
		if err != nil || q.root.value != v {
			t.Errorf("%q: %+v, %v", v, q.root, err)
		}
	}
}

func TestParseFilter(t *testing.T) {
	for in, want := range map[string]string{
		"title == x":                "{title == x}",
		"title==x y":                "{title == x y}",
		"media.width>=10":           "{media.width >= 10}",
		"media[].alt like a%":       "{media[].alt like a%}",
		"tags in [\"a\",\"b\"]":     `{tags in ["a","b"]}`,
		"tags not_in a,b":           "{tags not_in a,b}",
		"event exists":              "{event exists <nil>}",
		"event exists false":        "{event exists false}",
		"media.focus[1] > 0.5":      "{media.focus[1] > 0.5}",
		"updated between 2025,2026": "{updated between 2025,2026}",
		"received < 7d":             "{received < 7d}",
		"sensitive eq true":         "{sensitive eq true}",
		"mentions.handle ilike %@x": "{mentions.handle ilike %@x}",
	} {
		if f, err := ParseFilter(in); err != nil || fmt.Sprint(f) != want {
			t.Errorf("%s: %v, %v", in, f, err)
		}
	}
	for _, in := range []string{"", "title", "== x", "titel == x", "title.x == y", "owner == x", "media[x].alt == y", "title[0] == y",
		"media[0 == y", "tags between a", "sensitive == perhaps", "media.size == many", "media.size like 5", "event exists maybe",
		"title ~ x", "tags in []", "tags in [", "media[99999999].alt == x", "updated > someday", "title == " + strings.Repeat("x", 2000),
		"'; DROP TABLE posts == x", "owner.uri') == x", "media.alt'] == x"} {
		var q *QueryError
		if f, err := ParseFilter(in); !errors.As(err, &q) {
			t.Errorf("%s: %v, %v", in, f, err)
		}
	}
}
