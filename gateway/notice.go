package gateway

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"isthmus/cache"
	"isthmus/translate"
)

// How much of a post a notice shows: of one that the notice is about, and of one
// that it brings.
const (
	teaserMost  = 80
	excerptMost = 400
)

// noticeLife is how long a notice can be answered.
const noticeLife = 90 * 24 * time.Hour

// personName names the author of a post for people.
func personName(a translate.Actor) string {
	return nameAndHandle(cache.Actor{Name: a.Name, Acct: a.Handle, URI: cmp.Or(a.URI, a.JID)})
}

// naming is what a post of a user is called when they are told of it.
func naming(p translate.Post) string {
	noun := "post"
	switch {
	case p.Visibility == translate.Direct:
		noun = "message"
	case p.ReplyTo != "":
		noun = "comment"
	}
	if t := teaser(p); t != "" {
		return "your " + noun + " " + t
	}
	return "your " + noun
}

// teaser is the start of a post, for notices; of a post with a warning it is that.
func teaser(p translate.Post) string {
	text := cutWords(strings.Join(strings.Fields(cmp.Or(p.WarningLine(), p.Title, p.Text, shownFile(p))), " "), teaserMost)
	if text == "" {
		return ""
	}
	return "“" + translate.Isolated(text) + "”"
}

// excerpt is what a notice shows of a post that it brings.
func excerpt(p translate.Post) string {
	if w := p.WarningLine(); w != "" {
		return w
	}
	var lines []string
	for line := range strings.Lines(p.Title + "\n" + p.Text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return translate.Balanced(cutWords(cmp.Or(strings.Join(lines, "\n"), shownFile(p)), excerptMost))
}

// shownFile says what a post without words shows.
func shownFile(p translate.Post) string {
	if len(p.Media) == 0 {
		return ""
	}
	return cmp.Or(p.Media[0].Alt, "(a file)")
}

// cutWords cuts a text to at most n characters, after a word if one ends nearby and
// not within what is drawn as one character.
func cutWords(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	end := n - 1
	for joined := func(i int) bool {
		return unicode.Is(unicode.M, r[i]) || r[i] == '\u200d' || r[i-1] == '\u200d' || unicode.Is(unicode.Sk, r[i]) && r[i] > 0xffff
	}; end > 1 && joined(end); {
		end--
	}
	for i := end; i > end-end/3; i-- {
		if unicode.IsSpace(r[i]) {
			end = i
			break
		}
	}
	return strings.TrimRightFunc(string(r[:end]), unicode.IsSpace) + "…"
}

// postNotice tells an addressee of a public post what it is to them: an answer, a
// quote, or that they are mentioned. It is "" if they are not, or get it as a
// comment on their own post anyway.
func (g *Gateway) postNotice(tx *cache.Tx, p translate.Post, to cache.Account, comment *commentWork) (string, error) {
	if comment != nil && comment.User == to.JID || p.Owner.URI == to.URI || !slices.Contains(slices.Concat(p.To, p.Cc), to.URI) {
		return "", nil
	}
	for _, about := range []struct{ uri, verb string }{{p.ReplyTo, " replied to "}, {p.Quote, " quoted "}} {
		if about.uri == "" {
			continue
		}
		stored, err := tx.PostByURI(about.uri, operator)
		if err == nil && stored.Post.Owner.URI == to.URI {
			return noticeOf(p, about.verb+naming(stored.Post)), nil
		}
		if err != nil && !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
			return "", err
		}
	}
	return noticeOf(p, " mentioned you"), nil
}

// noticeOf is the text of a notice that brings a post.
func noticeOf(p translate.Post, done string) string {
	lines := []string{personName(p.Owner) + done + ":"}
	for _, line := range []string{excerpt(p), p.URL} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
