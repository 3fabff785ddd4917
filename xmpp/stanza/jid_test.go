package stanza

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestJIDParts(t *testing.T) {
	tests := []struct {
		jid                     JID
		bare                    JID
		local, domain, resource string
	}{
		{"a@b/c", "a@b", "a", "b", "c"},
		{"a@b", "a@b", "a", "b", ""},
		{"b", "b", "", "b", ""},
		{"b/c", "b", "", "b", "c"},
		{"b/c@d/e", "b", "", "b", "c@d/e"},
		{"a@b/c/d@e", "a@b", "a", "b", "c/d@e"},
		{`alice\40x@b`, `alice\40x@b`, `alice\40x`, "b", ""},
		{"☃@b/№", "☃@b", "☃", "b", "№"},
		{"@b", "@b", "", "b", ""},
		{"a@", "a@", "a", "", ""},
		{"a@b@c", "a@b@c", "a", "b@c", ""},
		{"/c", "", "", "", "c"},
		{"", "", "", "", ""},
	}
	for _, tt := range tests {
		if got := tt.jid.Bare(); got != tt.bare {
			t.Errorf("%q: bare %q, want %q", tt.jid, got, tt.bare)
		}
		if l, d, r := tt.jid.Local(), tt.jid.Domain(), tt.jid.Resource(); l != tt.local || d != tt.domain || r != tt.resource {
			t.Errorf("%q: %q %q %q, want %q %q %q", tt.jid, l, d, r, tt.local, tt.domain, tt.resource)
		}
	}
	if got := NewJID("", "b"); got != "b" {
		t.Error(got)
	}
	if got := NewJID("a", "b"); got != "a@b" {
		t.Error(got)
	}
}

// XEP-0106 §4.2 and §5.
func TestEscapeLocal(t *testing.T) {
	tests := map[string]string{
		`space cadet`:       `space\20cadet`,
		`call me "ishmael"`: `call\20me\20\22ishmael\22`,
		`at&t guy`:          `at\26t\20guy`,
		`d'artagnan`:        `d\27artagnan`,
		`/.fanboy`:          `\2f.fanboy`,
		`::foo::`:           `\3a\3afoo\3a\3a`,
		`<foo>`:             `\3cfoo\3e`,
		`user@host`:         `user\40host`,
		`c:\net`:            `c\3a\net`,
		`c:\\net`:           `c\3a\\net`,
		`c:\cool stuff`:     `c\3a\cool\20stuff`,
		`c:\5commas`:        `c\3a\5c5commas`,
		`\3and\2is\5cool`:   `\5c3and\2is\5c5cool`,
		`alice@host:8443`:   `alice\40host\3a8443`,
		`é☃`:                `é☃`,
		``:                  ``,
	}
	for plain, escaped := range tests {
		if got := EscapeLocal(plain); got != escaped {
			t.Errorf("%q escaped is %q, want %q", plain, got, escaped)
		}
		if got := UnescapeLocal(escaped); got != plain {
			t.Errorf("%q unescaped is %q, want %q", escaped, got, plain)
		}
	}
	if got := UnescapeLocal(`\2F\3A\4`); got != `/:\4` {
		t.Errorf("upper case and incomplete: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\0-9a-f@ ]*`)).Draw(t, "s")
		e := EscapeLocal(s)
		if got := UnescapeLocal(e); got != s {
			t.Fatalf("%q became %q and %q", s, e, got)
		}
		if strings.ContainsAny(e, ` "&'/:<>@`) {
			t.Fatalf("%q holds what a local part may not", e)
		}
	})
}
