package gateway

import (
	"context"
	"fmt"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// suggestMost is how many people, and how many hashtags, are suggested.
const suggestMost = 10

// Suggest names people and nodes that a user could follow: those who write with
// a hashtag, or whom others follow who follow the same people. It is made of
// what is public alone.
func (g *Gateway) Suggest(ctx context.Context, user stanza.JID, arg string) (string, error) {
	tag := ""
	if arg = strings.TrimSpace(arg); arg != "" {
		var ok bool
		if tag, ok = tagName(arg); !ok {
			return "", fail(BadRequest, "give a hashtag, or nothing. For example: suggest moss")
		}
	}
	v := g.viewer(ctx, user)
	var lines []string
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		people, err := suggested(tx, tag, v)
		if err != nil {
			return err
		}
		for _, s := range people {
			why := fmt.Sprintf("%d who show whom they follow do", s.Followers)
			if tag != "" {
				why = fmt.Sprintf("%d posts with #%s", s.Posts, tag)
			}
			lines = append(lines, fmt.Sprintf("%s (%s): %s\nxmpp:%s", oneLine(s.Name), s.Handle, why, s.JID))
		}
		if tag != "" {
			lines = append(lines, fmt.Sprintf("#%s: its public posts\n%s", tag, g.listURI(NodeTagPrefix+tag)))
			return nil
		}
		tags, err := tx.PopularTags(suggestMost)
		for _, t := range tags {
			if name, ok := tagName(t.Tag); ok {
				lines = append(lines, fmt.Sprintf("#%s: %d people write with it now\n%s", name, t.Authors, g.listURI(NodeTagPrefix+name)))
			}
		}
		return err
	})
	if err == nil && len(lines) == 0 {
		return "I do not know enough yet to suggest anybody.", nil
	}
	return strings.Join(lines, "\n\n"), itemsError(err)
}

func suggested(tx *cache.Tx, tag string, v cache.Viewer) ([]cache.Suggestion, error) {
	if tag != "" {
		return tx.SuggestByTag(tag, v, suggestMost)
	}
	return tx.SuggestByFollows(v, suggestMost)
}
