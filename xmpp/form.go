package xmpp

import (
	"strings"

	"isthmus/xmpp/stanza"
)

// The types of data forms (XEP-0004 §3.1).
const (
	FormForm   = "form"
	FormSubmit = "submit"
	FormCancel = "cancel"
	FormResult = "result"
)

// Form is a data form (XEP-0004).
type Form struct {
	Type         string
	Title        string
	Instructions string // one paragraph a line
	Fields       []Field
	Reported     []Field   // the columns of a table of results
	Items        [][]Field // its rows
}

// Field is a field of a form. An empty Type is text-single, or not said.
type Field struct {
	Var, Type   string
	Label, Desc string
	Required    bool
	Values      []string
	Options     []Option
	Validate    *Validate
}

// Validate is what a value has to be (XEP-0122), for clients that check it before
// they send it.
type Validate struct {
	Datatype string // such as xs:integer
	Min, Max string // of its range; empty: no bound
}

// element is the rule as XML.
func (v *Validate) element() *stanza.Element {
	if v == nil {
		return nil
	}
	el := stanza.New(stanza.NSValidate, "validate").Set("datatype", v.Datatype)
	if v.Min != "" || v.Max != "" {
		return el.Add(stanza.New("", "range").Set("min", v.Min).Set("max", v.Max))
	}
	return el.Add(stanza.New("", "basic"))
}

// Option is a choice of a list field.
type Option struct{ Label, Value string }

// NewForm makes a form with its FORM_TYPE (XEP-0068); formType may be empty.
func NewForm(kind, formType string) *Form {
	f := &Form{Type: kind}
	if formType != "" {
		f.Fields = append(f.Fields, Field{Var: "FORM_TYPE", Type: "hidden", Values: []string{formType}})
	}
	return f
}

// Add appends fields and returns the form.
func (f *Form) Add(fields ...Field) *Form {
	f.Fields = append(f.Fields, fields...)
	return f
}

// AddText appends a field with a value, unless the value is empty, and returns
// the form.
func (f *Form) AddText(name, value string) *Form {
	if value == "" {
		return f
	}
	return f.Add(Field{Var: name, Values: []string{value}})
}

// Field is the first field of that name.
func (f *Form) Field(name string) (Field, bool) {
	if f != nil {
		for _, x := range f.Fields {
			if x.Var == name {
				return x, true
			}
		}
	}
	return Field{}, false
}

// FormType is the value of FORM_TYPE, or "".
func (f *Form) FormType() string { return f.Value("FORM_TYPE") }

// Value is the first value of a field, or "".
func (f *Form) Value(name string) string {
	if v := f.Values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values are all values of a field.
func (f *Form) Values(name string) []string {
	x, _ := f.Field(name)
	return x.Values
}

// Text is the value of a field of several lines.
func (f *Form) Text(name string) string { return strings.Join(f.Values(name), "\n") }

// Bool reads a boolean in any of its four spellings; ok is false for a field
// that is absent or holds something else.
func (f *Form) Bool(name string) (value, ok bool) {
	return parseBool(f.Value(name))
}

// parseBool reads an xs:boolean.
func parseBool(s string) (value, ok bool) {
	switch strings.TrimSpace(s) {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}

// Fill gives the fields that people see the values of a submitted form.
func (f *Form) Fill(values *Form) *Form {
	for i, x := range f.Fields {
		if given, ok := values.Field(x.Var); ok && x.Type != "hidden" && x.Type != "fixed" {
			f.Fields[i].Values = given.Values
		}
	}
	return f
}

// Element is the form as XML; nil for a nil form.
func (f *Form) Element() *stanza.Element {
	if f == nil {
		return nil
	}
	el := stanza.New(stanza.NSForm, "x").Set("type", f.Type)
	if f.Title != "" {
		el.Add(stanza.Text("", "title", strings.ReplaceAll(f.Title, "\n", " ")))
	}
	// XEP-0004 §3.1: these hold no line breaks, but there may be several.
	for line := range strings.Lines(f.Instructions) {
		if line = strings.TrimSpace(line); line != "" {
			el.Add(stanza.Text("", "instructions", line))
		}
	}
	addFields(el, f.Fields)
	if len(f.Reported) > 0 {
		el.Add(addFields(stanza.New("", "reported"), f.Reported))
	}
	for _, row := range f.Items {
		el.Add(addFields(stanza.New("", "item"), row))
	}
	return el
}

func addFields(el *stanza.Element, fields []Field) *stanza.Element {
	for _, x := range fields {
		el.Add(x.element())
	}
	return el
}

func (x Field) element() *stanza.Element {
	el := stanza.New("", "field").Set("var", x.Var).Set("type", x.Type).Set("label", x.Label)
	if x.Desc != "" {
		el.Add(stanza.Text("", "desc", x.Desc))
	}
	if v := x.Validate.element(); v != nil {
		el.Add(v)
	}
	if x.Required {
		el.Add(stanza.New("", "required"))
	}
	for _, v := range x.Values {
		el.Add(stanza.Text("", "value", v))
	}
	for _, o := range x.Options {
		el.Add(stanza.New("", "option").Set("label", o.Label).Add(stanza.Text("", "value", o.Value)))
	}
	return el
}

// ParseForm reads a jabber:x:data element; nil if it is none.
func ParseForm(el *stanza.Element) *Form {
	if !el.Is(stanza.NSForm, "x") {
		return nil
	}
	f := &Form{Type: el.Get("type"), Title: strings.TrimSpace(el.ChildContent("", "title"))}
	var lines []string
	for c := range el.Elements() {
		switch c.Name {
		case "instructions":
			lines = append(lines, strings.TrimSpace(c.Content()))
		case "field":
			f.Fields = append(f.Fields, parseField(c))
		case "reported":
			f.Reported = append(f.Reported, parseFields(c)...)
		case "item":
			f.Items = append(f.Items, parseFields(c))
		}
	}
	f.Instructions = strings.Join(lines, "\n")
	return f
}

func parseFields(el *stanza.Element) []Field {
	var fields []Field
	for c := range el.Children("", "field") {
		fields = append(fields, parseField(c))
	}
	return fields
}

func parseField(el *stanza.Element) Field {
	x := Field{
		Var: el.Get("var"), Type: el.Get("type"), Label: el.Get("label"),
		Desc: el.ChildContent("", "desc"), Required: el.Child("", "required") != nil,
	}
	for c := range el.Elements() {
		switch c.Name {
		case "value":
			x.Values = append(x.Values, c.Content())
		case "option":
			x.Options = append(x.Options, Option{Label: c.Get("label"), Value: c.ChildContent("", "value")})
		}
	}
	return x
}

// formIn is the form that an element holds, or nil.
func formIn(el *stanza.Element) *Form {
	return ParseForm(el.Child(stanza.NSForm, "x"))
}
