package gateway

import (
	"context"
	"strings"
	"unicode/utf8"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// find is the directory of people of both worlds (XEP-0055).
type find struct{ g *Gateway }

// The fields of the form. The first four are those that clients without forms
// know; a fediverse address stands in for an e-mail address.
const (
	findFirst = "first"
	findLast  = "last"
	findNick  = "nick"
	findEmail = "email"
	findText  = "text"
	findTag   = "tag"
)

// Bounds of a search for people.
const (
	findMost    = 50  // people in an answer
	findLongest = 200 // characters of a field
	bioShown    = 300 // characters of what people say of themselves
)

// SearchForm is what can be asked.
func (f *find) SearchForm(context.Context, xmpp.Request) (*xmpp.Form, error) {
	form := xmpp.NewForm(xmpp.FormForm, stanza.NSSearch)
	form.Title = "Find people"
	form.Instructions = "Fill in what you know of somebody on the fediverse or on XMPP. People are found who asked for it, and those whom you follow."
	for _, field := range [][2]string{
		{findText, "Words in name, address or profile"}, {findNick, "Name"}, {findFirst, "First name"}, {findLast, "Last name"},
		{findEmail, "Address, such as " + anActor}, {findTag, "Hashtag"},
	} {
		form.Add(xmpp.Field{Var: field[0], Type: "text-single", Label: field[1]})
	}
	return form, nil
}

// Search finds people. A whole address that is not known yet is looked up.
func (f *find) Search(ctx context.Context, r xmpp.Request, query *xmpp.Form) (*xmpp.Form, error) {
	value := func(name string) string { return strings.TrimSpace(query.Value(name)) }
	for _, field := range query.Fields {
		if utf8.RuneCountInString(query.Value(field.Var)) > findLongest {
			return nil, fail(BadRequest, "this is too much text to search for")
		}
	}
	q := cache.PeopleQuery{
		Any: value(findText), Name: strings.Join(strings.Fields(value(findNick)+" "+value(findFirst)+" "+value(findLast)), " "),
		Handle: value(findEmail), Tag: value(findTag), Viewer: f.g.viewer(ctx, r.From), Limit: findMost,
	}
	if q.Any == "" && q.Name == "" && q.Handle == "" && q.Tag == "" {
		return nil, fail(BadRequest, "say whom you are looking for")
	}
	people, err := f.g.findPeople(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		if f.lookUp(ctx, q) {
			people, err = f.g.findPeople(ctx, q)
		}
	}
	return peopleForm(people), err
}

// findPeople asks the store.
func (g *Gateway) findPeople(ctx context.Context, q cache.PeopleQuery) (people []cache.Someone, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		people, err = tx.FindPeople(q)
		return err
	})
	return people, itemsError(err)
}

// lookUp has an address read from its origin, and tells whether that helped.
func (f *find) lookUp(ctx context.Context, q cache.PeopleQuery) bool {
	handle := cleanHandle(q.Handle)
	if q.Handle == "" {
		handle = cleanHandle(q.Any)
	}
	if strings.Count(handle, "@") != 1 || strings.ContainsAny(handle, " /") || q.Name != "" || q.Tag != "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := f.g.findActor(ctx, handle)
	return err == nil
}

// peopleForm is what was found as a table (XEP-0055 §3).
func peopleForm(people []cache.Someone) *xmpp.Form {
	form := xmpp.NewForm(xmpp.FormResult, stanza.NSSearch)
	form.Reported = []xmpp.Field{
		{Var: "jid", Type: "jid-single", Label: "XMPP address"}, {Var: findNick, Type: "text-single", Label: "Name"},
		{Var: findEmail, Type: "text-single", Label: "Fediverse address"}, {Var: findText, Type: "text-single", Label: "Profile"},
	}
	for _, p := range people {
		if p.JID == "" {
			continue // nobody can be written to without an address
		}
		row := make([]xmpp.Field, 0, 4)
		for _, v := range [][2]string{{"jid", p.JID}, {findNick, p.Name}, {findEmail, p.Handle}, {findText, shorten(oneLine(p.Bio), bioShown)}} {
			row = append(row, xmpp.Field{Var: v[0], Values: []string{v[1]}})
		}
		form.Items = append(form.Items, row)
	}
	return form
}

// oneLine puts a text on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shorten cuts a text to so many characters.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
