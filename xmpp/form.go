package xmpp

import "isthmus/xmpp/stanza"

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
func (f *Form) Value(name string) string { panic("body follows") }

// Values are all values of a field.
func (f *Form) Values(name string) []string { panic("body follows") }

// Text is the value of a field of several lines.
func (f *Form) Text(name string) string { panic("body follows") }

// Bool reads a boolean in any of its four spellings; ok is false for a field
// that is absent or holds something else.
func (f *Form) Bool(name string) (value, ok bool) { panic("body follows") }

// Element is the form as XML; nil for a nil form.
func (f *Form) Element() *stanza.Element { panic("body follows") }

// ParseForm reads a jabber:x:data element; nil if it is none.
func ParseForm(el *stanza.Element) *Form { panic("body follows") }
