package gateway

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// TestReceiveReactions takes emoji and their shortcodes, and nothing that a
// stranger would have a notice say; and of each person no more than so many.
func TestReceiveReactions(t *testing.T) {
	f := newFediverse(t)
	mine := f.ourPost("mine", "Mine.")
	said := func() string {
		var out []string
		f.update(func(tx *cache.Tx) error {
			list, err := tx.ReactionsBy(f.ann.ID, mine)
			for _, r := range list {
				out = append(out, strings.TrimSpace(string(r.Kind)+" "+r.Content))
				if _, err := tx.DeleteReaction(r.Actor, r.Object, r.Kind, r.Content); err != nil {
					return err
				}
			}
			return err
		})
		return strings.Join(out, ", ")
	}
	for content, want := range map[string]string{
		"👍": "like", "❤️": "like", "": "like", "🎉": "emoji 🎉", " 🏳️‍🌈 ": "emoji 🏳️‍🌈", "1️⃣": "emoji 1️⃣", "🇩🇪": "emoji 🇩🇪",
		":blobcat:": "emoji :blobcat:", ":blob_cat@.:": "emoji :blob_cat@.:", ":a@mi.test:": "emoji :a@mi.test:",
		"Pay at https://evil.test/x": "like", "👍\n\nYour account is locked": "like", ":two words:": "like", "::": "like", ":": "like",
		":" + strings.Repeat("a", 70) + ":": "like", strings.Repeat("🎉", 100): "like",
	} {
		doc := aptest.Doc{"content": content, "_misskey_reaction": content}
		f.get(f.ann, with(f.ann.Activity(as2.TypeLike, mine), doc), "")
		if got := said(); got != want {
			t.Errorf("%q is %q, want %q", content, got, want)
		}
	}
	for i := range 2 * translate.MaxReactions {
		f.get(f.ann, with(f.ann.Activity(as2.TypeEmojiReact, mine), aptest.Doc{"content": fmt.Sprintf(":e%d:", i)}), "")
	}
	if got := strings.Count(said(), "emoji"); got != translate.MaxReactions {
		t.Errorf("%d reactions of one person to a post", got)
	}
}
