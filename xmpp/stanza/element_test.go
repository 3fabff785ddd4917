package stanza

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestElement(t *testing.T) {
	e := New("n", "a").Set("x", "1").Set("y", "2").Set("x", "3").Set("y", "").Set("z", "").SetLang("fr")
	if diff := cmp.Diff(`<a xmlns='n' x='3' xml:lang='fr'/>`, e.String()); diff != "" {
		t.Error(diff)
	}
	if e.Get("x") != "3" || e.Get("lang") != "" || e.Lang() != "fr" || e.Get("y") != "" {
		t.Error("attributes read wrongly")
	}
	e.Add(nil, Text("n", "b", "1"), Text("m", "b", "2"), nil).AddText("x").AddText("").Add(Text("n", "c", "3")).AddText("y")
	if len(e.Nodes) != 5 || e.Content() != "xy" {
		t.Errorf("%d nodes, content %q", len(e.Nodes), e.Content())
	}
	if e.ChildContent("m", "b") != "2" || e.ChildContent("", "b") != "1" || e.ChildContent("n", "") != "1" || e.Child("m", "c") != nil || e.ChildContent("m", "c") != "" {
		t.Error("children found wrongly")
	}
	var got string
	for c := range e.Children("n", "") {
		got += c.Name
	}
	for range e.Elements() {
		break // an early end must do
	}
	for range e.Children("n", "") {
		break
	}
	if got != "bc" {
		t.Error(got)
	}
	var none *Element
	if none.Get("x") != "" || none.Lang() != "" || none.Child("", "") != nil || none.Content() != "" || none.Is("", "") || none.String() != "" {
		t.Error("nothing is something")
	}
}
