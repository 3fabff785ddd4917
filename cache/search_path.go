package cache

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/translate"
)

// fieldKind is what a field of a post holds.
type fieldKind int

const (
	objectField fieldKind = iota
	stringField
	numberField
	boolField
	timeField
)

// field is a place in the JSON of translate.Post. Its names come from the
// struct, never from who asks, so they may stand in SQL.
type field struct {
	kind fieldKind
	// steps are paths in JSON; between two of them is any element of a list.
	steps []string
	// maybe is the part of the last step that may be missing as a whole.
	maybe string
	// unset: zero means that the number is not known, as the size of a file.
	unset bool
	// column is a value that is not in the JSON.
	column string
}

// many reports whether a post can have several values there.
func (f field) many() bool { return len(f.steps) > 1 }

// maxPath bounds a path, in bytes.
const maxPath = 128

// parsePath finds a field by its path: names with dots between them, [2] for
// one element of a list; a list without is any of its elements, also written
// [].
func parsePath(path string) (field, error) {
	if path == "received" { // kept beside the post
		return field{kind: timeField, steps: []string{""}, column: "p.received"}, nil
	}
	if path == "" || len(path) > maxPath {
		return field{}, &QueryError{Problem: "the path of a field is needed", Hint: "such as owner.handle"}
	}
	f, t := field{steps: []string{"$"}}, reflect.TypeFor[translate.Post]()
	for part := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(part, "[")
		member, err := memberOf(t, name)
		if err != nil {
			return f, err
		}
		last := len(f.steps) - 1
		f.steps[last] += "." + name
		f.unset = t == reflect.TypeFor[translate.Media]()
		if t = member.Type; t.Kind() == reflect.Pointer {
			t = t.Elem()
			f.maybe = f.steps[last]
		}
		if indexed {
			index = "[" + index
		}
		if t, err = f.elements(t, name, index); err != nil {
			return f, err
		}
	}
	f.kind = kindOf(t)
	return f, nil
}

// CheckPath tells whether a path leads to a field of a post; a *QueryError says
// what is wrong with it.
func CheckPath(path string) error {
	_, err := parsePath(path)
	return err
}

// memberOf finds a member of an object by its name in JSON.
func memberOf(t reflect.Type, name string) (reflect.StructField, error) {
	if kindOf(t) != objectField {
		return reflect.StructField{}, &QueryError{Problem: fmt.Sprintf("nothing is below the field before %q", name)}
	}
	var names []string
	for _, m := range reflect.VisibleFields(t) {
		known, _, _ := strings.Cut(m.Tag.Get("json"), ",")
		if known == name && known != "" {
			return m, nil
		}
		if known != "" {
			names = append(names, known)
		}
	}
	slices.Sort(names)
	err := &QueryError{Problem: fmt.Sprintf("there is no field %q", name), Hint: "the fields are " + strings.Join(names, ", ")}
	if near := Nearest(name, names); near != "" {
		err.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	return reflect.StructField{}, err
}

// elements goes into a list, and into lists in it.
func (f *field) elements(t reflect.Type, name, index string) (reflect.Type, error) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
		var which string
		which, index, _ = strings.Cut(strings.TrimPrefix(index, "["), "]")
		if which == "" {
			f.steps, f.maybe = append(f.steps, "$"), ""
			continue
		}
		n, err := strconv.ParseUint(which, 10, 16)
		if err != nil {
			return t, &QueryError{Problem: fmt.Sprintf("%q is no place in a list", which), Hint: "the first is " + name + "[0]"}
		}
		last := len(f.steps) - 1
		f.steps[last] += "[" + strconv.FormatUint(n, 10) + "]"
		f.maybe = f.steps[last]
	}
	if index != "" {
		return t, &QueryError{Problem: fmt.Sprintf("%s%s is no list", name, index), Hint: "write " + name}
	}
	return t, nil
}

func kindOf(t reflect.Type) fieldKind {
	if t == reflect.TypeFor[time.Time]() {
		return timeField
	}
	switch t.Kind() {
	case reflect.String:
		return stringField
	case reflect.Bool:
		return boolField
	case reflect.Int, reflect.Int64, reflect.Float64:
		return numberField
	}
	return objectField
}

// value is the SQL of the value that the last step leads to from base, which
// is JSON, or an element of a list. NULL is no value.
func (f field) value(base string) string {
	if f.column != "" {
		return "nullif(" + f.column + ", 0)"
	}
	step := f.steps[len(f.steps)-1]
	v := base
	if step != "$" {
		v = fmt.Sprintf("(%s ->> '%s')", base, step)
		if base == storedPost {
			v = formSQL(step)
		}
	}
	switch f.kind {
	case timeField:
		return "CAST(round(unixepoch(" + v + ", 'subsec') * 1000) AS INTEGER)"
	case numberField:
		if f.unset {
			return "nullif(" + v + ", 0)"
		}
		v = "coalesce(" + v + ", 0)" // 0 is left out
	case boolField:
		v = "coalesce(" + v + ", 0)"
	case stringField:
		v = "coalesce(" + v + ", '')"
	}
	if f.maybe != "" {
		return fmt.Sprintf("iif(json_type(%s, '%s') IS NULL, NULL, %s)", base, f.maybe, v)
	}
	return v
}

// some is the SQL of a test that one of the values must pass.
func (f field) some(test func(base string) string) string {
	base, open := storedPost, ""
	for i, step := range f.steps[:len(f.steps)-1] {
		open += fmt.Sprintf("EXISTS (SELECT 1 FROM json_each(%s, '%s') e%d WHERE ", base, step, i)
		base = fmt.Sprintf("e%d.value", i)
	}
	return open + "(" + test(base) + ") IS TRUE" + strings.Repeat(")", len(f.steps)-1)
}
