package xmpp

import (
	"context"
	"strings"

	"isthmus/xmpp/stanza"
)

// gateway answers jabber:iq:gateway, on the domain (XEP-0100 §6).
func (r *Router) gateway(ctx context.Context, iq IQ) (*stanza.Element, error) {
	req := iq.request()
	if r.services.Gateway == nil || !r.onDomain(req) {
		return nil, errUnavailable()
	}
	el := stanza.New(stanza.NSGateway, "query")
	if iq.Type == "get" {
		desc, prompt, err := r.services.Gateway.Prompt(ctx, req)
		if err != nil {
			return nil, err
		}
		addText(el, "desc", desc)
		return el.Add(stanza.Text("", "prompt", prompt)), nil
	}
	text := strings.TrimSpace(iq.Payload.ChildContent("", "prompt"))
	if text == "" {
		return nil, stanza.NewError("bad-request", "nothing was typed")
	}
	jid, err := r.services.Gateway.Resolve(ctx, req, text)
	if err != nil {
		return nil, err
	}
	return el.Add(stanza.Text("", "jid", string(jid))), nil
}

// register answers jabber:iq:register, on the domain (XEP-0077).
func (r *Router) register(ctx context.Context, iq IQ) (*stanza.Element, error) {
	req := iq.request()
	if r.services.Register == nil || !r.onDomain(req) {
		return nil, errUnavailable()
	}
	if iq.Type == "get" {
		state, err := r.services.Register.Registration(ctx, req)
		if err != nil {
			return nil, err
		}
		el := stanza.New(stanza.NSRegister, "query")
		if state.Registered {
			el.Add(stanza.New("", "registered"))
		}
		addText(el, "instructions", state.Instructions)
		return el.Add(state.Form.Element()), nil
	}
	if iq.Payload.Child("", "remove") != nil {
		if countElements(iq.Payload) > 1 {
			return nil, stanza.NewError("bad-request", "") // XEP-0077 §3.2
		}
		return nil, r.services.Register.Unregister(ctx, req)
	}
	values := submitted(iq.Payload)
	if values != nil && values.Type == FormCancel {
		return nil, nil
	}
	return nil, r.services.Register.Register(ctx, req, values)
}

// search answers jabber:iq:search, on the domain (XEP-0055).
func (r *Router) search(ctx context.Context, iq IQ) (*stanza.Element, error) {
	req := iq.request()
	if r.services.Search == nil || !r.onDomain(req) {
		return nil, errUnavailable()
	}
	var form *Form
	var err error
	old := false
	if iq.Type == "get" {
		form, err = r.services.Search.SearchForm(ctx, req)
	} else {
		old = formIn(iq.Payload) == nil
		query := submitted(iq.Payload)
		if query == nil {
			return nil, stanza.NewError("bad-request", "nothing to search for")
		}
		if query.Type == FormCancel {
			return nil, nil
		}
		form, err = r.services.Search.Search(ctx, req, query)
	}
	if err != nil {
		return nil, err
	}
	el := stanza.New(stanza.NSSearch, "query")
	if iq.Type == "get" && form != nil {
		addText(el, "instructions", form.Instructions)
		for _, name := range oldFields {
			if _, ok := form.Field(name); ok {
				el.Add(stanza.New("", name))
			}
		}
	}
	if old {
		return el.Add(oldItems(form)...), nil
	}
	return el.Add(form.Element()), nil
}

// oldFields are the fields of clients that know no forms (XEP-0055 §2).
var oldFields = []string{"first", "last", "nick", "email"}

// oldItems are results for such a client.
func oldItems(form *Form) []*stanza.Element {
	if form == nil {
		return nil
	}
	var items []*stanza.Element
	for _, row := range form.Items {
		found := Form{Fields: row}
		item := stanza.New("", "item").Set("jid", found.Value("jid"))
		for _, name := range oldFields {
			item.Add(stanza.Text("", name, found.Value(name)))
		}
		items = append(items, item)
	}
	return items
}

// submitted are the values of a form, or of the elements that older clients
// send in place of one; nil if there are none.
func submitted(payload *stanza.Element) *Form {
	if f := formIn(payload); f != nil {
		return f
	}
	f := NewForm(FormSubmit, "")
	for c := range payload.Elements() {
		if c.Space == payload.Space {
			f.AddText(c.Name, c.Content())
		}
	}
	if len(f.Fields) == 0 {
		return nil
	}
	return f
}

func countElements(el *stanza.Element) int {
	n := 0
	for range el.Elements() {
		n++
	}
	return n
}
