package lab

import "context"

// SlixStep is what slixmpp reads in the answer to a step of an ad-hoc command.
type SlixStep struct {
	Session, Status string
	Actions, Notes  []string
	Rows            []map[string]any
}

// Nodes asks for disco#items and returns the nodes.
func (x *Slix) Nodes(ctx context.Context, to string) ([]string, error) {
	var nodes []string
	err := x.do(ctx, map[string]any{"do": "nodes", "to": to}, &nodes)
	return nodes, err
}

// People searches a directory (XEP-0055) and returns the rows of the result.
func (x *Slix) People(ctx context.Context, to string, fields map[string]string) ([]map[string]any, error) {
	var rows []map[string]any
	err := x.do(ctx, map[string]any{"do": "people", "to": to, "fields": fields}, &rows)
	return rows, err
}

// Step takes a step in an ad-hoc command; fields may be nil.
func (x *Slix) Step(ctx context.Context, to, command, action, session string, fields map[string]string) (SlixStep, error) {
	request := map[string]any{"do": "step", "to": to, "node": command, "action": action}
	if session != "" {
		request["session"] = session
	}
	if fields != nil {
		request["fields"] = fields
	}
	var s SlixStep
	err := x.do(ctx, request, &s)
	return s, err
}

// Archive reads an archive to its end (XEP-0313), with words (XEP-0431) or "".
func (x *Slix) Archive(ctx context.Context, to, node, words string) ([]SlixItem, error) {
	var items []SlixItem
	err := x.do(ctx, map[string]any{"do": "archive", "to": to, "node": node, "words": words}, &items)
	return items, err
}
