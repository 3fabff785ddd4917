package stanza

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestErrorRoundTrip(t *testing.T) {
	for _, e := range []*Error{
		NewError("item-not-found", ""),
		NewError("not-authorized", "Ask <first> & wait").PubSub("presence-subscription-required"),
		NewError("forbidden", "no").With("urn:x", "y"),
		{Type: "modify", Condition: "not-acceptable"},
	} {
		iq := New(NSComponent, "iq").Set("type", "error").Add(New("urn:request", "query"), e.Element())
		parsed, err := Parse(Append(nil, iq, ""), "", Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, ParseError(parsed), sameElement); diff != "" {
			t.Error(diff)
		}
	}
}

func TestParseErrorOfAnything(t *testing.T) {
	for xml, want := range map[string]string{
		`<iq type='error'/>`:                     "undefined-condition",
		`<iq><error/></iq>`:                      "undefined-condition",
		`<iq><error>text</error></iq>`:           "undefined-condition",
		`<iq><error><x xmlns='n'/></error></iq>`: "undefined-condition (x)",
	} {
		el, err := Parse([]byte(xml), NSComponent, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := ParseError(el).Error(); got != want {
			t.Errorf("%s: %s, want %s", xml, got, want)
		}
	}
	if got := ParseError(nil).Condition; got != "undefined-condition" {
		t.Error(got)
	}
}

func TestErrorKinds(t *testing.T) {
	if e := NewError("no-such-condition", "x"); e.Condition != "undefined-condition" || e.Type != "cancel" || e.Text != "x" {
		t.Errorf("%+v", e)
	}
	err := fmt.Errorf("ask: %w", NewError("forbidden", "no"))
	if !IsCondition(err, "forbidden") || IsCondition(err, "gone") || IsCondition(errors.New("forbidden"), "forbidden") {
		t.Error("conditions are told apart wrongly")
	}
	if got := NewError("forbidden", "no").PubSub("closed-node").Error(); got != "forbidden (closed-node): no" {
		t.Error(got)
	}
}
