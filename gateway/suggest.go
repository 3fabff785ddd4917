package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// suggestMost is how many people, and how many hashtags, are suggested.
const suggestMost = 10

// Suggest names people and nodes that a user could follow: those who write with
// a hashtag, or whom others follow who follow the same people; and nodes in which
// much is posted. It is made of what is public alone.
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
			why := counted(s.Posts, "post") + " there lately"
			switch {
			case tag != "":
				why = counted(s.Posts, "post") + " with #" + tag
			case s.Followers > 0:
				why = "followed by " + counted(s.Followers, "person", "people") + " you may know"
			}
			at := translate.JIDURI(s.JID)
			if s.Node != "" {
				at = translate.PubSubURI(s.JID, s.Node, "")
			}
			lines = append(lines, fmt.Sprintf("%s (%s): %s\n%s", translate.Isolated(oneLine(s.Name)), s.Handle, why, at))
		}
		if tag != "" {
			lines = append(lines, fmt.Sprintf("#%s: its public posts\n%s", tag, g.listURI(NodeTagPrefix+tag)))
			return nil
		}
		tags, err := tx.PopularTags(suggestMost)
		for _, t := range tags {
			if name, ok := tagName(t.Tag); ok {
				lines = append(lines, fmt.Sprintf("#%s: %s with it now\n%s", name, counted(t.Authors, "person writes", "people write"), g.listURI(NodeTagPrefix+name)))
			}
		}
		return err
	})
	if err == nil && len(lines) == 0 {
		return "I do not know enough yet to suggest anybody.", nil
	}
	return strings.Join(lines, "\n\n"), itemsError(err)
}

// suggested are people, and nodes that are not among them already.
func suggested(tx *cache.Tx, tag string, v cache.Viewer) (list []cache.Suggestion, err error) {
	if tag != "" {
		list, err = tx.SuggestByTag(tag, v, suggestMost)
	} else {
		list, err = tx.SuggestByFollows(v, suggestMost)
	}
	if err != nil {
		return nil, err
	}
	nodes, err := tx.SuggestNodes(tag, v, suggestMost)
	for _, n := range nodes {
		if !slices.ContainsFunc(list, func(s cache.Suggestion) bool { return s.URI == n.URI }) {
			list = append(list, n)
		}
	}
	return list, err
}
