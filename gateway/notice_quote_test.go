package gateway

import (
	"strings"
	"testing"
)

// FuzzSplitQuote: what is said is the end of the message, nothing of it is lost, and
// it does not begin with a quote.
func FuzzSplitQuote(f *testing.F) {
	for _, s := range []string{"", "hello", "> a\nb", ">a\n> b\n\nc\n> d", "\n> a\nb", ">", "> a\r\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quote, rest := splitQuote(text)
		if !strings.HasSuffix(text, rest) {
			t.Errorf("%q ends with %q", text, rest)
		}
		quoted := strings.HasPrefix(strings.TrimLeft(text, "\n"), ">")
		if quoted && len(quote) >= len(text) || !quoted && (quote != "" || rest != text) {
			t.Errorf("%q is the quote %q and %q", text, quote, rest)
		}
		if got := strings.Count(text, "") - strings.Count(quote, "") - strings.Count(rest, ""); got < -1 {
			t.Errorf("%q became longer: %q, %q", text, quote, rest)
		}
		fits(text, quote)
	})
}
