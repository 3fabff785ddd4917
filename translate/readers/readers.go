// Package readers reads Atom entries by the rules of the programs that people
// read them with, Movim, Converse and Libervia, for tests: what they drop, what
// they show, and what they show twice.
package readers

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// Shown is what a reader shows of an entry.
type Shown struct {
	Title, Body string   // plain words
	Links       []string // that can be followed
}

// Movim reads an entry as Movim 0.34 does. It is false where Movim drops the
// entry: without words in the title, or without the time of the last change. It
// knows content as markup only. A title without content is shown as the post
// itself, and the addresses in it are links.
func Movim(entry *stanza.Element) (Shown, bool) {
	title := strings.TrimSpace(entry.ChildContent(stanza.NSAtom, "title"))
	if title == "" || entry.ChildContent(stanza.NSAtom, "updated") == "" {
		return Shown{}, false
	}
	s := Shown{Title: title}
	for c := range entry.Children(stanza.NSAtom, "content") {
		if c.Get("type") != "text" {
			s.markup(c)
		}
	}
	if s.Body == "" {
		s.Links = append(s.Links, addresses(title)...)
	}
	s.alternates(entry)
	return s, true
}

// Converse reads an entry as Converse 15 does: title, and content of the best
// kind that there is.
func Converse(entry *stanza.Element) (Shown, bool) {
	s := Shown{Title: strings.TrimSpace(entry.ChildContent(stanza.NSAtom, "title"))}
	s.best(entry)
	s.alternates(entry)
	return s, s.Title+s.Body != ""
}

// Libervia reads an entry as Libervia 0.9 does. Without a title, an id or the
// time of the last change it gives up.
func Libervia(entry *stanza.Element) (Shown, bool) {
	for _, name := range []string{"title", "id", "updated"} {
		if entry.Child(stanza.NSAtom, name) == nil {
			return Shown{}, false
		}
	}
	return Converse(entry)
}

// best takes markup before text.
func (s *Shown) best(entry *stanza.Element) {
	for c := range entry.Children(stanza.NSAtom, "content") {
		if c.Get("type") != "text" {
			s.Body = ""
			s.markup(c)
			return
		}
		s.Body = c.Content()
	}
	s.Links = append(s.Links, addresses(s.Title+" "+s.Body)...)
}

// markup adds what XHTML says.
func (s *Shown) markup(content *stanza.Element) {
	var b strings.Builder
	for div := range content.Children(stanza.NSXHTML, "div") {
		for _, n := range div.Nodes {
			if n.El != nil {
				b.WriteString(n.El.String())
			} else {
				b.WriteString(stanza.Text("", "x", n.Text).String())
			}
		}
		s.follow(div)
	}
	_, text := translate.Sanitize(b.String())
	s.Body = strings.TrimSpace(s.Body + "\n" + text)
}

// follow lists the links in markup.
func (s *Shown) follow(el *stanza.Element) {
	for child := range el.Elements() {
		if href := child.Get("href"); child.Name == "a" && href != "" {
			s.Links = append(s.Links, href)
		}
		s.follow(child)
	}
}

func (s *Shown) alternates(entry *stanza.Element) {
	for l := range entry.Children(stanza.NSAtom, "link") {
		if rel := l.Get("rel"); rel == "alternate" || rel == "related" || rel == "enclosure" {
			s.Links = append(s.Links, l.Get("href"))
		}
	}
}

// addresses are the web addresses in plain text.
func addresses(text string) []string {
	var found []string
	for word := range strings.FieldsSeq(text) {
		if i := strings.Index(word, "http"); i >= 0 && strings.Contains(word[i:], "://") {
			found = append(found, strings.TrimRight(word[i:], `.,;:!?)"'`))
		}
	}
	return found
}

// Complaints says what is wrong with an item for its readers: an entry of one of
// our actors, the address that published it, and whether it is a comment.
func Complaints(entry *stanza.Element, publisher string, comment bool) []string {
	var list []string
	complain := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }

	movim, kept := Movim(entry)
	if !kept {
		complain("Movim drops it: no title, or no time of the last change")
	}
	if _, ok := Converse(entry); !ok {
		complain("Converse shows nothing")
	}
	if _, ok := Libervia(entry); !ok {
		complain("Libervia gives up: no title, id or time of the last change")
	}
	for _, name := range []string{"published", "updated"} {
		if at, err := time.Parse(time.RFC3339, entry.ChildContent(stanza.NSAtom, name)); err != nil || at.Unix() == 0 {
			complain("%s is no date of a post: %q", name, entry.ChildContent(stanza.NSAtom, name))
		}
	}
	var text, markup *stanza.Element
	for c := range entry.Children(stanza.NSAtom, "content") {
		if c.Get("type") == "text" {
			text = c
		} else {
			markup = c
		}
	}
	if text != nil && markup == nil {
		complain("Movim shows no body: its content is plain text only")
	}
	author := entry.Child(stanza.NSAtom, "author")
	uri, name := author.ChildContent(stanza.NSAtom, "uri"), author.ChildContent(stanza.NSAtom, "name")
	if name == "" || uri == "" {
		complain("the author has no name or no address")
	}
	boost := false
	for l := range entry.Children(stanza.NSAtom, "link") {
		boost = boost || l.Get("rel") == "via"
		if l.Get("rel") == "enclosure" && l.Get("type") == "" {
			complain("Movim does not show %s: it has no type", l.Get("href"))
		}
		if strings.HasPrefix(l.Get("href"), "xmpp:") && strings.Contains(l.Get("href"), "%5C") {
			complain("Converse does not decode the address in %s", l.Get("href"))
		}
	}
	switch {
	case boost && uri != "xmpp:"+publisher && !comment:
		if !strings.Contains(movim.Title, name) && !strings.Contains(movim.Title, strings.TrimPrefix(uri, "xmpp:")) {
			complain("Movim shows the words of %s as those of %s: %q", name, publisher, movim.Title)
		}
	case publisher == "":
		complain("Movim shows no author: the item has no publisher")
	case uri != "xmpp:"+publisher:
		complain("Movim shows no author: %s is not the publisher %s", uri, publisher)
	}
	if !comment {
		list = append(list, repeats(entry, movim)...)
	}
	return list
}

// repeats says which words are shown twice: the title beside the content that
// begins with it.
func repeats(entry *stanza.Element, s Shown) []string {
	title, body := words(s.Title), words(s.Body)
	if len(title) == 0 || len(title) > len(body) || !slices.Equal(title, body[:len(title)]) || strings.HasSuffix(s.Title, "…") {
		return nil
	}
	if category := entry.Child(stanza.NSAtom, "category"); category.Get("label") == s.Title {
		return nil // the author warned of the very words
	}
	return []string{fmt.Sprintf("the words of the title are shown again in the content: %q", s.Title)}
}

// words are the words of a text in small letters, to compare what it says.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
