package cache

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"modernc.org/sqlite"

	"isthmus/translate"
)

// Filter is a condition on a field of a post. Path is the field's place in the
// JSON of translate.Post, such as owner.handle or media.width; a list on the
// way is any of its elements.
type Filter struct {
	Path  string
	Op    string // such as == or not-in; docs/search.md lists them
	Value any    // as JSON has it: string, float64, bool, nil, or []any of those
}

// What a filter may hold.
const (
	maxFilters = 32
	maxList    = 100
	maxValue   = 1000 // bytes
)

// filterOps are the names of the comparisons; a no- or not- is put before what
// it reverses.
var filterOps = []string{
	"==", "!=", "<", "<=", ">", ">=", "between", "in", "not-in", "like", "not-like", "ilike", "not-ilike",
	"overlap", "disjoint", "ioverlap", "idisjoint", "exists",
}

// otherNames are further names of comparisons: Libervia's, and SQL's.
var otherNames = map[string]string{
	"=": "==", "eq": "==", "ne": "!=", "<>": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}

// filterOp finds a comparison, and whether it is to be reversed.
func filterOp(name string) (op string, not bool, err error) {
	op = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if other, ok := otherNames[op]; ok {
		op = other
	}
	if !slices.Contains(filterOps, op) {
		hint := "there are " + strings.Join(filterOps, " ")
		if near := Nearest(op, filterOps); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return "", false, &QueryError{Problem: fmt.Sprintf("there is no comparison %q", name), Hint: hint}
	}
	switch op {
	case "!=":
		return "==", true, nil
	case "overlap":
		return "in", false, nil
	case "disjoint":
		return "in", true, nil
	case "idisjoint":
		return "ioverlap", true, nil
	}
	bare, not := strings.CutPrefix(op, "not-")
	return bare, not, nil
}

// ParseFilter reads a filter as people write it: media.width >= 1000.
func ParseFilter(text string) (Filter, error) {
	text = strings.TrimSpace(text)
	end := strings.IndexAny(text, " \t<>=!")
	if end <= 0 {
		return Filter{}, &QueryError{Problem: "a filter is a field, a comparison and a value", Hint: "such as media.width >= 1000"}
	}
	f := Filter{Path: text[:end]}
	rest := strings.TrimSpace(text[end:])
	signs := len(rest) - len(strings.TrimLeft(rest, "<>=!"))
	if signs == 0 {
		signs = strings.IndexAny(rest+" ", " \t[")
	}
	f.Op = rest[:signs]
	value := strings.TrimSpace(rest[signs:])
	if value != "" || !strings.EqualFold(f.Op, "exists") {
		f.Value = value
	}
	return f, f.check()
}

// check reports what is wrong with a filter.
func (f Filter) check() error {
	_, err := f.read(time.Now())
	return err
}

// comparison is a filter that was read.
type comparison struct {
	field field
	op    string
	not   bool
	args  []any
}

// read reads a filter; now is what its dates count back from.
func (f Filter) read(now time.Time) (c comparison, err error) {
	if c.op, c.not, err = filterOp(f.Op); err != nil {
		return c, err
	}
	if c.field, err = parsePath(f.Path); err != nil {
		return c, err
	}
	if f.Value == nil && c.op == "==" { // has none
		c.op, c.not = "exists", !c.not
	}
	if c.op == "exists" {
		return c, c.exists(f.Value)
	}
	if c.field.kind == objectField {
		return c, &QueryError{Problem: f.Path + " is no value but holds some", Hint: "compare one of them, or ask whether it exists"}
	}
	list := []any{f.Value}
	switch c.op {
	case "in", "ioverlap", "between":
		if list, err = listOf(f.Value); err != nil {
			return c, err
		}
		if c.op == "between" && len(list) != 2 {
			return c, &QueryError{Problem: "between takes two values", Hint: "such as " + f.Path + " between 1,10"}
		}
	case "like", "ilike":
		if c.field.kind != stringField {
			return c, &QueryError{Problem: f.Path + " is no text", Hint: "compare it with == < or >"}
		}
	}
	for _, v := range list {
		arg, err := c.field.read(v, now)
		if name, ok := arg.(string); ok && (c.op == "==" || c.op == "in" || c.op == "ioverlap") {
			arg, err = f.named(name)
		}
		if err != nil {
			return c, err
		}
		c.args = append(c.args, arg)
	}
	if slices.Contains([]string{"ioverlap", "ilike"}, c.op) {
		for i, v := range c.args {
			if s, ok := v.(string); ok {
				c.args[i] = strings.ToLower(s)
			}
		}
	}
	if c.op == "like" || c.op == "ilike" {
		c.args[0] = glob(c.args[0].(string))
	}
	return c, nil
}

// named is a value as it is stored, of a field that has one of a few: a kind is
// called as in is:.
func (f Filter) named(value string) (string, error) {
	var among []string
	switch f.Path {
	case "kind":
		if kind, err := translate.ParseKind(strings.ToLower(value)); err == nil {
			return string(kind), nil
		}
		among = translate.KindNames()
	case "visibility":
		for _, v := range visCodes {
			among = append(among, string(v))
		}
	case "origin":
		among = []string{string(translate.OriginAP), string(translate.OriginXMPP)}
	default:
		return value, nil
	}
	lower := strings.ToLower(value)
	if slices.Contains(among, lower) {
		return lower, nil
	}
	wrong := &QueryError{Problem: fmt.Sprintf("there is no %s %q", f.Path, value), Hint: "there are " + strings.Join(among, ", ")}
	if near := Nearest(value, among); near != "" {
		wrong.Hint = fmt.Sprintf("did you mean %s?", near)
	} else if slices.Contains(isValues, lower) {
		wrong.Hint = fmt.Sprintf("did you mean is:%s?", lower)
	}
	return "", wrong
}

// boosts reports whether a filter asks for boosts, which are left out otherwise,
// and for nothing else.
func (f Filter) boosts() (some, only bool) {
	if f.Path != "kind" {
		return false, false
	}
	c, err := f.read(time.Time{})
	if err != nil || c.not {
		return false, false
	}
	some = slices.Contains(c.args, any(string(translate.KindBoost)))
	return some, some && len(c.args) == 1
}

// exists reads the value of exists, which is true if it is left out.
func (c *comparison) exists(v any) error {
	switch v {
	case nil, true, "true", "yes":
	case false, "false", "no":
		c.not = !c.not
	default:
		return &QueryError{Problem: "exists takes true or false", Hint: "or nothing, which is true"}
	}
	return nil
}

// listOf reads a list: one of JSON, or values with commas between them.
func listOf(v any) ([]any, error) {
	list, ok := v.([]any)
	if s, text := v.(string); text {
		if ok = !strings.HasPrefix(s, "["); ok {
			for one := range strings.SplitSeq(s, ",") {
				list = append(list, strings.TrimSpace(one))
			}
		} else if err := json.Unmarshal([]byte(s), &list); err != nil {
			return nil, &QueryError{Problem: "the list cannot be read", Hint: `write a,b,c or ["a","b","c"]`}
		} else {
			ok = true
		}
	}
	if !ok || len(list) == 0 || len(list) > maxList {
		return nil, &QueryError{Problem: "a list of values is needed", Hint: fmt.Sprintf("write a,b,c; at most %d", maxList)}
	}
	return list, nil
}

// read brings a value into the form that the field is compared in.
func (f field) read(v any, now time.Time) (any, error) {
	s, text := v.(string)
	if !text {
		switch v := v.(type) {
		case bool:
			s = strconv.FormatBool(v)
		case float64:
			s = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return nil, &QueryError{Problem: "a value is a text, a number, true or false"}
		}
	}
	if len(s) > maxValue {
		return nil, &QueryError{Problem: "the value is too long", Hint: fmt.Sprintf("at most %d bytes are taken", maxValue)}
	}
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	switch f.kind {
	case numberField:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n != n {
			return nil, &QueryError{Problem: fmt.Sprintf("%q is no number", s)}
		}
		return n, nil
	case boolField:
		switch strings.ToLower(s) {
		case "true", "yes", "1":
			return 1, nil
		case "false", "no", "0":
			return 0, nil
		}
		return nil, &QueryError{Problem: fmt.Sprintf("%q is neither true nor false", s)}
	case timeField:
		d, err := parseSpan(s, now)
		if err != nil {
			return nil, &QueryError{Problem: err.Error(), Hint: dateHint(opBefore)}
		}
		return d, nil
	}
	return s, nil
}

// glob writes a pattern of LIKE as one of GLOB, which minds case.
func glob(like string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", "%", "*", "_", "?").Replace(like)
}

// sql writes the condition; arg adds an argument and returns its name.
func (c comparison) sql(arg func(any) string) string {
	f := c.field
	test := func(base string) string {
		v := f.value(base)
		switch {
		case c.op == "exists":
			return f.present(base)
		case f.kind == timeField:
			return c.timeSQL(v, arg)
		}
		switch c.op {
		case "between":
			return fmt.Sprintf("%s BETWEEN %s AND %s", v, arg(c.args[0]), arg(c.args[1]))
		case "in", "ioverlap":
			names := make([]string, len(c.args))
			for i, a := range c.args {
				names[i] = arg(a)
			}
			if c.op == "ioverlap" && f.kind == stringField {
				v = "isthmus_lower(" + v + ")"
			}
			return v + " IN (" + strings.Join(names, ", ") + ")"
		case "like":
			return v + " GLOB " + arg(c.args[0])
		case "ilike":
			return "isthmus_lower(" + v + ") GLOB " + arg(c.args[0])
		}
		return v + " " + c.op + " " + arg(c.args[0])
	}
	cond := f.some(test)
	if c.not {
		return "NOT (" + cond + ")"
	}
	return cond
}

// timeSQL writes a comparison of the date v. A year, month or day is all of it: what
// is equal lies in it, and what is greater comes after it.
func (c comparison) timeSQL(v string, arg func(any) string) string {
	within := func(first, last span) string {
		return fmt.Sprintf("%s BETWEEN %s AND %s", v, arg(first.from.UnixMilli()), arg(last.last()))
	}
	first := c.args[0].(span)
	switch c.op {
	case "between":
		return within(first, c.args[1].(span))
	case "<", ">=":
		return v + " " + c.op + " " + arg(first.from.UnixMilli())
	case "<=", ">":
		return v + " " + c.op + " " + arg(first.last())
	}
	var any []string
	for _, a := range c.args {
		any = append(any, within(a.(span), a.(span)))
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// present is the SQL that a value is there and says something.
func (f field) present(base string) string {
	switch f.kind {
	case objectField:
		if f.steps[len(f.steps)-1] == "$" || f.steps[0] == "$.author" {
			return "1"
		}
		return fmt.Sprintf("json_type(%s, '%s') IS NOT NULL", base, f.steps[len(f.steps)-1])
	case stringField:
		return f.value(base) + " <> ''"
	case boolField:
		return f.value(base)
	}
	return f.value(base) + " IS NOT NULL"
}

// SQLite itself knows the case of ASCII letters only.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("isthmus_lower", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			return strings.ToLower(s), nil
		}
		return args[0], nil
	})
}
