package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/ap"
	"isthmus/cache"
	"isthmus/web"
	"isthmus/xmpp/stanza"
)

// look has somebody of the fediverse, or a stranger, look at everything there is
// over HTTP.
func (w *walk) look(who string) {
	f, ctx := w.facts(), w.t.Context()
	w.must(w.store.Index(ctx))
	b := w.Backend()
	for _, jid := range []string{louise, pierre} {
		a := f.account[jid]
		acct := acctOf(a)
		lookup := func(id string) ap.Lookup { return ap.Lookup{Host: "example.org", Acct: acct, ID: id, Viewer: who} }
		for uri, o := range w.m.objects {
			if o.owner != a.URI {
				continue
			}
			w.shown(f, "the object", who, describe(b.Object(ctx, lookup(idOf(uri)))))
			w.shown(f, "its Create", who, describe(b.Creation(ctx, lookup(idOf(uri)))))
			for _, kind := range []ap.CollectionKind{ap.Replies, ap.Likes, ap.Shares} {
				text := describe(b.Collection(ctx, ap.CollectionLookup{Lookup: lookup(idOf(uri)), Kind: kind, Page: "0", Paged: true}))
				w.namedIn(f, string(kind), who, text)
			}
			if who == "" {
				w.shown(f, "its page", who, describe(w.Pages().Post(ctx, acct, idOf(uri))))
			}
		}
		w.shown(f, "the outbox", who, describe(b.Collection(ctx, ap.CollectionLookup{Lookup: lookup(""), Kind: ap.Outbox, Page: "0", Paged: true})))
		if who == "" {
			w.shown(f, "the page of the actor", who, describe(w.Pages().Actor(ctx, acct)))
		}
	}
	for id := range w.acts {
		w.shown(f, "the activity", who, describe(b.Activity(ctx, ap.Lookup{Host: "example.org", ID: idOf(id), Viewer: who})))
	}
	if who != "" {
		return
	}
	for n := max(1, w.m.words-12); n <= w.m.words; n++ {
		text := describe(w.Searcher().Search(ctx, web.SearchQuery{Text: w.wordAt(n)}))
		for _, word := range wordsIn(text) {
			if r, ok := w.reachOfWord(word); ok && !r.listed {
				w.wrong("a search shows %s, which is for %s", word, r)
			}
		}
		w.shown(f, "a search", who, text)
	}
}

func (w *walk) wordAt(n int) string {
	m := model{words: n - 1}
	return m.newWord()
}

func (w *walk) reachOfWord(word string) (reach, bool) {
	if o := w.m.objects[w.m.wordOf[word]]; o != nil {
		return o.reach, true
	}
	r, ok := w.m.wordWas[word]
	return r, ok
}

// shown judges what a door shows to a viewer.
func (w *walk) shown(f facts, door, who, text string) {
	m := &w.m
	for _, word := range wordsIn(text) {
		if p := m.byWord[word]; p != nil {
			w.theirWordShown(f, door, who, word)
			continue
		}
		o := m.objects[m.wordOf[word]]
		switch {
		case o == nil:
			w.wrong("%s shows %q %s, which never went out", door, who, word)
		case o.dead:
			w.wrong("%s shows %q %s, which was deleted", door, who, word)
		case w.accountAt(f, o.owner).State != cache.Linked:
			w.wrong("%s shows %q %s of who is %s", door, who, word, w.accountAt(f, o.owner).State)
		case !f.holds(o.reach, o.owner, who):
			w.wrong("%s shows %q %s, which is for %s", door, who, word, o.reach)
		}
	}
	w.namedIn(f, door, who, text)
}

// namedIn judges the ids of posts that a door names.
func (w *walk) namedIn(f facts, door, who, text string) {
	for uri, o := range w.m.objects {
		if !strings.Contains(text, uri) || o.dead || o.reach.all {
			continue
		}
		if !f.holds(o.reach, o.owner, who) && !slices.Contains(o.once, who) {
			w.wrong("%s names to %q %s, which is for %s", door, who, o.place, o.reach)
		}
	}
}

// theirWordShown judges a word of the fediverse that a viewer there is shown:
// on our pages there are answers to our posts.
func (w *walk) theirWordShown(f facts, door, who, word string) {
	p := w.m.byWord[word]
	now := w.m.theirs[slices.IndexFunc([]string{theirURI(0), theirURI(1), theirURI(2)}, func(u string) bool { return u == p.uri })]
	if !now.reach.all || now.gone || f.hides("", p.owner) {
		w.wrong("%s shows %q %s of %s, which is for %s", door, who, word, p.owner, now.reach)
	}
}

// peek has a user of XMPP read all nodes of those in the fediverse.
func (w *walk) peek(jid string) {
	f := w.facts()
	for _, service := range jids {
		nodes := []string{feed, NodeReplies, NodePrivatePrefix + louise, NodePrivatePrefix + jid}
		for _, p := range w.m.theirs {
			if it := w.itemIfAny(p.uri); it != "" {
				nodes = append(nodes, stanza.CommentsNodePrefix+it)
			}
		}
		for _, node := range nodes {
			items := stanza.New("", "items").Set("node", node)
			answer := w.xmpp.ask("get", jid+"/x", service, stanza.New(stanza.NSPubSub, "pubsub").Add(items))
			w.heardBy(f, "the node "+node, jid, answer, true)
		}
	}
}

func (w *walk) itemIfAny(uri string) (id string) {
	w.view(func(tx *cache.Tx) error {
		s, err := tx.PostByURI(uri, operator)
		if err == nil && s.Post.Item != nil {
			id = s.Post.Item.ID
		}
		return ignoreMissing(err)
	})
	return id
}

// heardBy judges what a user of XMPP is told. What they read says no more than
// posts say by now.
func (w *walk) heardBy(f facts, door, jid string, el *stanza.Element, now bool) {
	uri := ""
	if a, ok := f.account[jid]; ok && a.State != cache.Unlinked {
		uri = a.URI
	}
	for _, word := range wordsIn(string(stanza.Append(nil, el, ""))) {
		if p := w.m.byWord[word]; p != nil {
			r := w.m.wordWas[word]
			if now && (p.gone || p.token != word) {
				w.wrong("%s shows %s %s, which is not what %s says any more", door, jid, word, p.owner)
			}
			follows := r.followers != "" && uri != "" && f.accepted[[2]string{uri, r.followers}]
			if !r.all && !slices.Contains(r.names, uri) && !follows || uri != "" && now && f.hides(uri, p.owner) {
				w.wrong("%s tells %s %s of %s, which is for %s", door, jid, word, p.owner, r)
			}
			continue
		}
		s := w.m.said[word]
		if o := w.m.objects[w.m.wordOf[word]]; jid != s.by && (o == nil || !o.reach.all && !slices.Contains(o.reach.names, uri)) {
			w.wrong("%s tells %s %s of %s", door, jid, word, s.by)
		}
	}
}

// tellAll does the jobs that tell users of XMPP, and judges what they send.
func (w *walk) tellAll() {
	for {
		var jobs []cache.Job
		w.update(func(tx *cache.Tx) (err error) {
			jobs, err = tx.Lease(cache.LeaseQuery{Kinds: groups[2].kinds, Now: w.clock(), Limit: 100, For: time.Minute})
			return err
		})
		if len(jobs) == 0 {
			break
		}
		for _, j := range jobs {
			if done := w.runJob(w.t.Context(), groups[2], j); done != 0 {
				w.update(func(tx *cache.Tx) error { return tx.Ack(done) })
			}
		}
	}
	w.xmpp.settle(louise, ourComponent)
	f := w.facts()
	w.xmpp.mu.Lock()
	sent := w.xmpp.sent
	w.xmpp.sent = nil
	comments := w.xmpp.nodes[louise+" "+rootComments].items
	w.xmpp.mu.Unlock()
	for _, el := range sent {
		w.heardBy(f, el.Name, string(stanza.JID(el.Get("to")).Bare()), el, false)
	}
	for _, it := range comments {
		for _, word := range wordsIn(string(stanza.Append(nil, it, ""))) {
			if r, theirs := w.m.wordWas[word]; theirs && !r.all {
				w.wrong("the comments of Louise show %s, which is for %s", word, r)
			}
		}
	}
}

// describe is a document as text, whatever it is.
func describe(v any, err error) string {
	if err != nil {
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(raw)
}
