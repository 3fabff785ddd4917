package xmpp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"isthmus/xmpp/stanza"
)

// example is an example of a XEP.
type example struct {
	File       string
	WellFormed bool
	Elided     bool
	Roots      []string
}

// examples are those of the XEPs in shared/vectors; none when it is absent.
func examples(t *testing.T) map[string][]example {
	t.Helper()
	b, err := os.ReadFile("../../shared/vectors/xeps/index.json")
	if err != nil {
		t.Log("no examples of XEPs here:", err)
		return nil
	}
	var index map[string]struct{ Examples []example }
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]example)
	for xep, x := range index {
		all[xep] = x.Examples
	}
	return all
}

var comments = regexp.MustCompile(`(?s)<!--.*?-->`)

// stanzas are the elements of an example.
func (e example) stanzas(t *testing.T) ([]*stanza.Element, error) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../shared/vectors/xeps", e.File))
	if err != nil {
		t.Fatal(err)
	}
	// Comments are for the readers of the XEP; no stanza may have one.
	b = comments.ReplaceAll(b, nil)
	root, err := stanza.Parse([]byte("<x>"+string(b)+"</x>"), stanza.NSComponent, stanza.Limits{})
	if err != nil {
		return nil, err
	}
	var els []*stanza.Element
	for el := range root.Elements() {
		els = append(els, el)
	}
	return els, nil
}

// TestExamples sends every stanza of the XEPs to the Router: requests are
// answered once, and the answers, notifications and messages of the examples
// are read.
func TestExamples(t *testing.T) {
	read := make(map[string]int)
	for xep, list := range examples(t) {
		for _, e := range list {
			els, err := e.stanzas(t)
			if (err == nil) != e.WellFormed {
				t.Errorf("%s: well-formed %v, but parsing says %v", e.File, e.WellFormed, err)
			}
			for _, el := range els {
				checkExample(t, xep, e, el, read)
			}
		}
	}
	t.Log("read", read)
	if len(read) > 0 && (read["iq"] < 110 || read["event"] < 30) {
		t.Errorf("too little of the examples was seen: %v", read)
	}
}

func checkExample(t *testing.T, xep string, e example, el *stanza.Element, read map[string]int) {
	w := newWorld(3)
	r := w.router(t)
	switch kind := el.Get("type"); {
	case el.Name == "iq" && (kind == "get" || kind == "set"):
		read["iq"]++
		el.Set("to", string(alice))
		answer(t, r, el)
	case el.Name == "iq" && kind == "error":
		read["error"]++
		if err := stanza.ParseError(el); err.Condition == "undefined-condition" && xep == "0060" {
			t.Errorf("%s: condition not read", e.File)
		}
	case el.Name == "iq":
		read["result"]++
		parseResult(t, e, el.Child("", ""), read)
	case el.Name == "message":
		r.HandleMessage(t.Context(), el)
		if len(w.said) != 1 {
			t.Errorf("%s: a message gave %v", e.File, w.said)
		} else if ev, ok := w.said[0].(Event); ok {
			read["event"]++
			if ev.Node == "" && len(ev.Items) > 0 {
				t.Errorf("%s: an event without node", e.File)
			}
		}
	case el.Name == "presence":
		read["presence"]++
		r.HandlePresence(t.Context(), el)
	}
}

// parseResult reads the payload of a result with what asks for such.
func parseResult(t *testing.T, e example, p *stanza.Element, read map[string]int) {
	var err error
	switch {
	case p == nil:
		return
	case p.Child("", "items") != nil:
		_, _, err = ParseItems(p)
		read["items"]++
	case p.Child("", "subscription") != nil && p.Space == stanza.NSPubSub:
		_, err = ParseSubscription(p)
		read["subscription"]++
	case p.Child("", "subscriptions") != nil:
		_, err = ParseSubscriptions(p)
	case p.Child("", "affiliations") != nil:
		_, err = ParseAffiliations(p)
	case p.Child("", "configure") != nil && !strings.Contains(e.File, "0471"):
		_, err = ParseConfig(p)
		read["config"]++
	case p.Is(stanza.NSDiscoInfo, "query"):
		_, err = ParseDiscoInfo(p)
		read["disco"]++
	case p.Is(stanza.NSDiscoItems, "query"):
		_, _, err = ParseDiscoItems(p)
		read["disco"]++
	}
	if err != nil {
		t.Errorf("%s: %v", e.File, err)
	}
}

// TestExampleRequests checks what some requests of XEP-0060 are answered.
func TestExampleRequests(t *testing.T) {
	all := examples(t)
	want := map[string]string{ // condition, and the one of pubsub
		"0060/055": "feature-not-implemented unsupported",
		"0060/069": "feature-not-implemented unsupported",
		"0060/140": "", // a result, not sent
		"0060/189": "feature-not-implemented unsupported",
		"0060/146": "forbidden ",
		"0060/147": "ok", // a form that was cancelled
		"0060/157": "forbidden ",
		"0060/163": "forbidden ",
		"0060/028": "ok",
		"0060/047": "unexpected-request not-subscribed",
		"0060/096": "ok",
		"0060/097": "ok",
		"0060/114": "ok",
		"0060/115": "ok",
		"0060/074": "item-not-found ",
		"0060/016": "ok",
		"0060/022": "ok",
	}
	for _, e := range all["0060"] {
		expect := want[e.File[:8]]
		els, err := e.stanzas(t)
		if expect == "" || err != nil {
			continue
		}
		el := els[0].Set("to", string(alice))
		got := "ok"
		if res := answer(t, newWorld(0).router(t), el); res.Get("type") == "error" {
			err := stanza.ParseError(res)
			got = err.Condition + " "
			if err.Ext != nil {
				got += err.Ext.Name
			}
		}
		if got != expect {
			t.Errorf("%s is answered with %s, want %s", e.File, got, expect)
		}
	}
}
