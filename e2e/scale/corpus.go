package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// start is when the first post is published; two years of them follow.
var start = time.Date(2024, 11, 21, 0, 0, 0, 0, time.UTC)

const span = 2 * 365 * 24 * time.Hour

// The numbers of what posts are made of.
const (
	actors = 20_000
	hosts  = 800
	tags   = 5_000
	words  = 60_000 // of each language that puts spaces between them
)

// corpus makes posts as a gateway of middling size sees them: a few people write
// most of them, a few words and tags are in most, and scripts are mixed.
type corpus struct {
	random    *rand.Rand
	languages []language
	who, tag  *rand.Zipf
	total     int
}

// language makes words.
type language struct {
	code      string
	share     int      // of a hundred posts
	syllables []string // of its words; none where words have no spaces between them
	first     rune     // of its letters then
	count     int      // and how many there are
	zipf      *rand.Zipf
}

func newCorpus(seed uint64, total int) *corpus {
	r := rand.New(rand.NewPCG(seed, 7))
	c := &corpus{random: r, total: total, who: rand.NewZipf(r, 1.1, 20, actors-1), tag: rand.NewZipf(r, 1.15, 5, tags-1)}
	latin := strings.Fields("ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu ar en il or un ste pra dro")
	c.languages = []language{
		{code: "en", share: 48, syllables: latin},
		{code: "fr", share: 12, syllables: append(strings.Fields(" é è ça ou ai eau"), latin...)},
		{code: "de", share: 12, syllables: append(strings.Fields(" ü ö ä ß sch ei"), latin...)},
		{code: "ru", share: 8, syllables: strings.Fields("ба ве ги до жу зя кё ли ма но пу ры сю та фе ха це чо ши щу")},
		{code: "ar", share: 5, syllables: strings.Fields("با تو ثي جا حو خي دا ذو ري زا سو شي صا ضو طي ظا عو غي فا قو")},
		{code: "ja", share: 8, first: 'ぁ', count: 86},
		{code: "zh", share: 5, first: '一', count: 3000},
		{code: "th", share: 2, first: 'ก', count: 46},
	}
	for i := range c.languages {
		l := &c.languages[i]
		n := uint64(words)
		if l.syllables == nil {
			n = uint64(l.count)
		}
		l.zipf = rand.NewZipf(r, 1.07, 4, n-1)
	}
	return c
}

// word is the nth most frequent word of a language.
func (l language) word(n uint64) string {
	if l.syllables == nil {
		return string(l.first + rune(n))
	}
	base := uint64(len(l.syllables))
	var w strings.Builder
	for n += base; n > 0; n /= base {
		w.WriteString(l.syllables[n%base])
	}
	return w.String()
}

// text is so many words, with a stop now and then.
func (c *corpus) text(l language, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 && l.syllables != nil {
			b.WriteByte(' ')
		}
		b.WriteString(l.word(l.zipf.Uint64()))
		if i%12 == 11 {
			b.WriteString(". ")
		}
	}
	return b.String()
}

func (c *corpus) language() language {
	at := c.random.IntN(100)
	for _, l := range c.languages {
		if at -= l.share; at < 0 {
			return l
		}
	}
	return c.languages[0]
}

// actor is the nth most productive one.
func actor(n uint64) translate.Actor {
	host := fmt.Sprintf("host%d.example", n*7919%hosts)
	user := fmt.Sprintf("user%d", n)
	return translate.Actor{
		URI: "https://" + host + "/users/" + user, Handle: user + "@" + host,
		JID: user + `\40` + host + "@ap.example.org", Name: "User " + translate.MintItemID(nil, user)[:6],
	}
}

// cached is what the store knows of an actor. Three of four want to be found.
func cached(n uint64) cache.Actor {
	a := actor(n)
	return cache.Actor{URI: a.URI, Acct: a.Handle, Type: "Person", Name: a.Name, Discoverable: true, Indexable: n%4 != 3,
		Inbox: a.URI + "/inbox", Outbox: a.URI + "/outbox", Followers: a.URI + "/followers", FetchedAt: start}
}

// post is the nth post of total as the gateway reads it, with its document.
func (c *corpus) post(n int) (translate.Post, []byte, error) {
	l, r := c.language(), c.random
	owner := actor(c.who.Uint64())
	d := document{ID: fmt.Sprintf("%s/statuses/%d", owner.URI, 110_000_000_000_000_000+n), Type: as2.TypeNote, AttributedTo: owner.URI}
	size := 8 + r.IntN(60)
	if l.syllables == nil {
		size *= 4
	}
	if r.IntN(100) < 3 {
		d.Type, size, d.Name = as2.TypeArticle, size*10, c.text(l, 6)
	}
	d.Content = "<p>" + c.text(l, size)
	if r.IntN(5) == 0 {
		d.Content += c.link(n)
	}
	for range max(0, r.IntN(8)-4) {
		t := fmt.Sprintf("tag%d", c.tag.Uint64())
		href := fmt.Sprintf("https://%s/tags/%s", host(owner), t)
		d.Tag = append(d.Tag, hashtag{"Hashtag", href, "#" + t})
		d.Content += fmt.Sprintf(` <a href="%s" class="mention hashtag" rel="tag">#<span>%s</span></a>`, href, t)
	}
	d.Content += "</p>"
	d.ContentMap = map[string]string{l.code: d.Content}
	if r.IntN(100) < 5 {
		d.Summary, d.Sensitive = c.text(l, 3), true
	}
	if r.IntN(5) == 0 {
		d.Attachment = append(d.Attachment, picture{"Document", "image/webp", fmt.Sprintf("https://media.example/%d.webp", n), c.text(l, 12), 1200, 800})
	}
	d.URL, d.AtomURI, d.Conversation = d.ID, d.ID, fmt.Sprintf("tag:thread-%d", n)
	d.Published = start.Add(time.Duration(float64(n)/float64(c.total)*float64(span)) - time.Duration(r.IntN(90))*time.Second).Truncate(time.Second)
	d.To, d.Cc = c.audience(owner)
	return d.read(owner)
}

// link is a page to read, written as Mastodon writes links.
func (c *corpus) link(n int) string {
	page := fmt.Sprintf("pages.example/%s/%d", strings.ReplaceAll(c.text(c.languages[0], 4), " ", "-"), n)
	return fmt.Sprintf(` <a href="https://%[1]s"><span class="invisible">https://</span><span class="ellipsis">%[2]s</span><span class="invisible">%[3]s</span></a>`,
		page, page[:20], page[20:])
}

func host(a translate.Actor) string { return a.Handle[strings.IndexByte(a.Handle, '@')+1:] }

// audience makes nine of ten posts public.
func (c *corpus) audience(owner translate.Actor) (to, cc []string) {
	everybody, followers := []string{as2.Public}, []string{owner.URI + "/followers"}
	switch n := c.random.IntN(100); {
	case n < 90:
		return everybody, followers
	case n < 96:
		return followers, everybody
	}
	return followers, nil
}
