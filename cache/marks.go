package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"isthmus/translate"
)

// Marks are words of the full-text index that say what a post is: its kind,
// language, host and the like. Searches for these walk the index from the newest
// post on, and where they are asked for together, or with words, the index itself
// finds what has all of them. A mark only leads to posts: what is asked is looked
// up on each of them, so a mark may lead to too many but must not miss one.
//
// They begin with a character for private use, which no word that people write
// does. Marks stand with the tags.
const markSign = "\ue000"

// maxMark is how many bytes of a value count.
const maxMark = 32

// mark writes a mark of something that is of letters and numbers.
func mark(what, value string) string {
	return markSign + what + strings.Map(func(r rune) rune {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return -1
		}
		return r
	}, value[:min(len(value), maxMark)])
}

// named is a mark of something that is called anything.
func named(what, value string) string {
	h := sha256.Sum256([]byte(value))
	return markSign + what + hex.EncodeToString(h[:8])
}

// The sorts of marks.
const (
	markIs    = "is"
	markHas   = "has"
	markLang  = "lang"
	markOwner = "owner"
	markHost  = "host"
	markTag   = "tag"
)

// marks are those of a post. edited is whether its row says that it was.
func marks(p translate.Post, edited bool) []string {
	list := []string{
		mark(markIs, string(p.Kind)), mark(markIs, string(p.Origin)), mark(markIs, string(visOf(visCode(p.Visibility)))),
		named(markOwner, p.Owner.URI), named(markHost, hostOf(p.Owner.URI)),
	}
	add := func(does bool, what, value string) {
		if m := mark(what, value); does && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	add(p.ReplyTo != "" || p.ReplyRef != nil, markIs, "reply")
	add(edited, markIs, "edited")
	add(p.Sensitive, markIs, "sensitive")
	add(p.Warning != "" || p.Sensitive, markHas, "cw")
	add(p.Title != "", markHas, "title")
	add(p.Poll != nil, markHas, "poll")
	add(hasLink(p), markHas, "link")
	add(p.Media != nil, markHas, "media")
	for _, m := range p.Media {
		kind, _, _ := strings.Cut(m.MediaType, "/")
		add(slices.Contains(hasValues, kind), markHas, kind)
	}
	for _, t := range p.Tags {
		if tag := foldTag(t); tag != "" {
			add(true, markHas, "tag")
			list = append(list, named(markTag, tag))
		}
	}
	languages := []string{p.Lang}
	for _, t := range p.Translations {
		languages = append(languages, t.Lang)
	}
	for _, l := range languages {
		for _, m := range languageMarks(l) {
			if !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	return list
}

// languageMarks are those of a language and of what it is a kind of: pt-BR is
// found as pt too.
func languageMarks(lang string) (list []string) {
	lang = strings.ToLower(lang)
	lang = lang[:min(len(lang), maxMark)]
	for at, r := range lang + "-" {
		if r == '-' && at > 0 {
			list = append(list, mark(markLang, lang[:at]))
		}
	}
	return list
}

// marksOf writes marks as an expression of FTS5 that finds all that the clauses
// and filters do, "" if there is none. Boosts have no marks, and while the index
// is built anew some posts have none either.
func (w *sqlWriter) marksOf(list []*clause) (string, error) {
	if w.boosts {
		return "", nil
	}
	if building, err := w.tx.Reindexing(); building || err != nil {
		return "", err
	}
	var all []string
	for _, c := range list {
		if _, words := ftsExpr(c); words {
			continue // they are asked for besides
		}
		e, err := w.marked(c)
		if err != nil {
			return "", err
		}
		if e != "" {
			all = append(all, e)
		}
	}
	for _, f := range w.q.Filters {
		if e := f.marked(); e != "" {
			all = append(all, e)
		}
	}
	return strings.Join(all, " AND "), nil
}

// marked writes an expression that finds all that a clause does, "" if there is
// none.
func (w *sqlWriter) marked(c *clause) (string, error) {
	switch c.kind {
	case wordClause:
		e, _ := ftsExpr(c)
		return e, nil
	case notClause:
		return "", nil
	case termClause:
		return w.markedTerm(c)
	}
	var list []string
	for _, l := range c.list {
		e, err := w.marked(l)
		if err != nil || e == "" && c.kind == orClause {
			return "", err
		}
		if e != "" {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return "", nil
	}
	between := " AND "
	if c.kind == orClause {
		between = " OR "
	}
	return "(" + strings.Join(list, between) + ")", nil
}

// markedTerm is marked for an operator.
func (w *sqlWriter) markedTerm(c *clause) (string, error) {
	switch c.op {
	case opFrom:
		who, err := w.tx.people(c.value, w.q.Viewer)
		if err != nil || who.many != "" {
			return "", err
		}
		var any []string
		for _, uri := range who.uris {
			any = append(any, named(markOwner, uri))
		}
		if who.host != "" {
			any = append(any, named(markHost, who.host))
		}
		return anyOf(any), nil
	case opTag:
		return anyOf([]string{named(markTag, c.value)}), nil
	case opIs:
		value := c.value
		if value == "poll" {
			value = string(translate.KindQuestion)
		}
		return anyOf([]string{mark(markIs, value)}), nil
	case opHas:
		return anyOf([]string{mark(markHas, c.value)}), nil
	case opLang:
		return anyOf([]string{mark(markLang, c.value)}), nil
	case opWhere:
		return c.where.marked(), nil
	}
	return "", nil
}

// anyOf is an expression for one of some marks.
func anyOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return `("` + strings.Join(list, `" OR "`) + `")`
}

// marked is the same for a filter.
func (f Filter) marked() string {
	c, err := f.read(time.Time{}) // no date has a mark
	if err != nil || c.not || (c.op != "==" && c.op != "in") {
		return ""
	}
	var any []string
	for _, v := range c.args {
		value, ok := v.(string)
		if !ok || value == "" {
			return ""
		}
		switch {
		case f.Path == "kind", f.Path == "origin", f.Path == "visibility" && slices.Contains(visCodes, translate.Visibility(value)):
			any = append(any, mark(markIs, value))
		case f.Path == "lang":
			any = append(any, mark(markLang, strings.ToLower(value)))
		case f.Path == "owner.uri":
			any = append(any, named(markOwner, value))
		default:
			return ""
		}
	}
	return anyOf(any)
}
