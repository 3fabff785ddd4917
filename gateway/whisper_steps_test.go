package gateway

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// step is one thing that happens. Its numbers are read by each kind of step as
// it likes, so that every sequence of steps can be walked.
type step struct {
	Do      string
	A, B, C int
}

// GoString is short: a sequence that fails is read by people.
func (s step) GoString() string { return fmt.Sprintf("{%q, %d, %d, %d}", s.Do, s.A, s.B, s.C) }

// doings are the kinds of steps; those named twice come more often.
var doings = []string{
	"publish", "publish", "publish", "edit", "edit", "hold", "retract", "drop", "pull", "pull", "comment", "comment", "comment", "uncomment",
	"node", "node", "followers-only", "pause", "resume", "unlink", "link",
	"follow", "follow", "unfollow", "approve", "deny", "block", "unblock", "they block", "they unblock", "bar", "unbar",
	"they post", "they post", "they post", "they delete", "they leave", "they follow back",
	"message", "message", "correct", "unsay", "boost", "boost", "like", "send", "send", "tell", "look", "look", "look", "wait",
}

// places of what Louise says in her feed, and of the comments under the first.
const (
	feedItems    = 3
	commentItems = 2
	theirPosts   = 3
)

func postPlace(i int) string    { return fmt.Sprintf("post %d", i%feedItems) }
func commentPlace(i int) string { return fmt.Sprintf("comment %d", i%commentItems) }
func theirURI(i int) string     { return fmt.Sprintf("%s/post%d", theirOwner(i), i%theirPosts) }
func theirOwner(i int) string   { return []string{aliceURI, bobURI, daveURI}[i%theirPosts] }

// theirItem is the node in XMPP of what they say.
func (w *walk) itemID(place string) string { return strings.ReplaceAll(place, " ", "") }

var rootComments = stanza.CommentsNodePrefix + "post0"

// do does a step.
func (w *walk) do(s step) {
	w.pass(2 * time.Second)
	who := cast[s.A%len(cast)]
	switch s.Do {
	case "publish", "edit":
		w.say(s, true)
	case "hold":
		w.say(s, false)
	case "retract":
		w.takeBack(postPlace(s.A), true)
	case "drop":
		w.takeBack(postPlace(s.A), false)
	case "pull":
		if a := w.facts().account[louise]; a.State == cache.Linked || a.State == cache.Paused {
			w.Gateway.pull(w.t.Context(), a, false)
		}
	case "comment":
		w.comment(s)
	case "uncomment":
		w.takeBack(commentPlace(s.A), true)
	case "node":
		w.changeNode(s.A)
	case "followers-only":
		w.command(louise, "followers-only "+[]string{"on", "off", "on"}[s.A%3])
	case "pause", "resume", "link":
		w.command(louise, s.Do)
	case "unlink":
		if s.A == 0 { // seldom: nothing is left then
			w.command(louise, "unlink")
		}
	case "approve", "deny", "block", "unblock":
		w.command(louise, s.Do+" "+handles[s.A%len(cast)])
	case "bar":
		if s.B == 0 {
			w.update(func(tx *cache.Tx) error { return tx.PutBlock(cache.Block{Target: hostname(who), CreatedAt: w.clock()}) })
		} else {
			w.command(louise, "block "+hostname(who))
		}
	case "unbar":
		w.update(func(tx *cache.Tx) error { _, err := tx.DeleteBlock("", hostname(who)); return err })
		w.command(louise, "unblock "+hostname(who))
	case "message", "correct", "unsay":
		w.message(s)
	case "boost", "like":
		w.react(s)
	case "send":
		w.deliverAll(s.A)
	case "tell":
		w.tellAll()
	case "look":
		w.look(append(slices.Clone(cast), "")[s.A%(len(cast)+1)])
		w.peek([]string{louise, pierre, eve}[s.B%3])
	case "wait":
		w.pass(time.Minute)
	default:
		w.they(s, who)
	}
	w.running.Wait()
}

// command gives a command, and a yes where it asks back, whatever comes of it.
func (w *walk) command(jid, text string) {
	if text == "unlink" || text == "link" { // a new actor has a key of its own
		keys, _ := testKeys()
		select {
		case w.keys.spare <- keys[3]:
		default:
		}
	}
	name, _, _ := strings.Cut(text, " ")
	if c, _ := findCommand(name); c.loses != nil {
		text += " yes"
	}
	w.obey(w.t.Context(), stanza.JID(jid), text)
}

func (w *walk) changeNode(to int) {
	w.m.nodeOpen = []string{nodeOpen, modelPresence, modelWhitelist, nodeOpen, modelPresence, nodeAway}[to%6]
	w.m.letIn = to%6 != 4
	w.xmpp.mu.Lock()
	n := w.xmpp.nodes[louise+" "+feed]
	n.access, n.tells, n.lets = w.m.nodeOpen, true, map[string]bool{ourComponent: w.m.letIn}
	w.xmpp.mu.Unlock()
}

// entryOf is what one of ours says at a place: a new word, with mentions, in
// answer to something.
func (w *walk) entryOf(by, kind, place string, s step) *stanza.Element {
	m := &w.m
	said := saying{by: by, kind: kind, place: place, at: w.clock()}
	text := m.newWord()
	m.said[text] = said
	for i, h := range handles {
		if s.C>>i&1 == 1 {
			text += " @" + h
		}
	}
	if m.items[place].IsZero() {
		m.items[place] = w.clock()
	}
	var more []*stanza.Element
	in := stanza.New(stanza.NSThread, "in-reply-to")
	switch n := s.B % 8; {
	case n < theirPosts:
		said.answers = theirURI(n)
		more = append(more, in.Set("ref", theirURI(n)))
	case n == 3 && place != postPlace(0):
		said.answers = postPlace(0)
		more = append(more, in.Set("href", translate.InReplyToURI(louise, feed, w.itemID(postPlace(0)))))
	case n == 4:
		more = append(more, in.Set("href", translate.InReplyToURI(pierre, feed, "unknown")))
	}
	if kind == "comment" && said.answers == "" {
		said.answers = postPlace(0)
	}
	if place == postPlace(0) {
		more = append(more, stanza.New(stanza.NSAtom, "link").Set("rel", "replies").Set("href", translate.PubSubURI(louise, rootComments, "")))
	}
	m.said[wordsIn(text)[0]] = said
	e := stanza.New(stanza.NSAtom, "entry").Add(
		stanza.Text(stanza.NSAtom, "id", "tag:example.org,2026:"+w.itemID(place)),
		stanza.Text(stanza.NSAtom, "title", text),
		stanza.Text(stanza.NSAtom, "published", m.items[place].UTC().Format(time.RFC3339)),
		stanza.Text(stanza.NSAtom, "updated", w.clock().UTC().Format(time.RFC3339)))
	return stanza.New("", "item").Set("id", w.itemID(place)).Add(e.Add(more...))
}

func (w *walk) say(s step, told bool) {
	place := postPlace(s.A)
	item := w.entryOf(louise, "post", place, s)
	w.hold(louise, feed, item)
	if told {
		w.event(louise, louise, feed, item)
	}
}

func (w *walk) comment(s step) {
	place, by := commentPlace(s.A), []string{louise, pierre}[s.A%commentItems]
	item := w.entryOf(by, "comment", place, s)
	w.hold(louise, rootComments, item)
	w.event(louise, by, rootComments, item)
}

// takeBack takes something out of its node, which is told or not.
func (w *walk) takeBack(place string, told bool) {
	node := feed
	if strings.HasPrefix(place, "comment") {
		node = rootComments
	}
	delete(w.m.items, place)
	if told {
		w.retractItem(louise, node, w.itemID(place))
		w.mustBeGone(place)
		return
	}
	w.xmpp.mu.Lock()
	w.xmpp.nodes[louise+" "+node].drop(w.itemID(place))
	w.xmpp.mu.Unlock()
}

// message has Louise write to somebody, or change or take back what she wrote.
func (w *walk) message(s step) {
	m := &w.m
	place := fmt.Sprintf("dm %d", s.A%len(cast))
	to, id := jids[s.A%len(cast)], w.itemID(place)
	switch s.Do {
	case "unsay":
		w.chat(phone, to, id+"x", "", stanza.New(stanza.NSRetract, "retract").Set("id", w.lastDM[place]))
		delete(w.lastDM, place)
		w.mustBeGone(place)
		return
	case "correct":
		if w.lastDM[place] == "" {
			return
		}
	}
	text := m.newWord()
	m.said[text] = saying{by: louise, kind: "dm", place: place, to: cast[s.A%len(cast)], at: w.clock()}
	if s.Do == "correct" {
		w.chat(phone, to, text, text, stanza.New(stanza.NSCorrect, "replace").Set("id", w.lastDM[place]))
		return
	}
	if w.lastDM[place] == "" {
		w.lastDM[place] = text
		w.chat(phone, to, text, text)
	}
}

func (w *walk) react(s step) {
	uri := theirURI(s.A)
	id := fmt.Sprintf("boost%d", s.A%theirPosts)
	if s.Do == "like" {
		var stored cache.Stored
		w.view(func(tx *cache.Tx) (err error) {
			stored, err = tx.PostByURI(uri, operator)
			return ignoreMissing(err)
		})
		if stored.ID != 0 && stored.Post.Item != nil {
			node := translate.AttachmentsNode(*stored.Post.Item)
			w.xmpp.ask("set", phone, stored.Post.Owner.JID, publishing(node, louise, attachments("noticed")))
		}
		return
	}
	via := stanza.New(stanza.NSAtom, "link").Set("rel", "via").Set("href", uri)
	if s.B%3 == 0 {
		w.retractItem(louise, feed, id)
		return
	}
	w.publish(louise, feed, w.entry(id, "boost", via))
}

// they does what somebody in the fediverse does.
func (w *walk) they(s step, who string) {
	f := w.facts()
	a := f.account[louise]
	act := func(kind, object string) {
		if f.gone[who] || f.hides("", who) {
			return
		}
		id := fmt.Sprintf("%s/%s/%d", who, kind, w.clock().UnixNano())
		w.dispatched(who, fmt.Sprintf(`{"id":%q,"type":%q,"actor":%q,"object":%s}`, id, kind, who, object))
	}
	louiseURI := fmt.Sprintf("%q", a.URI)
	switch s.Do {
	case "follow":
		act(as2.TypeFollow, louiseURI)
	case "unfollow":
		act(as2.TypeUndo, fmt.Sprintf(`{"type":"Follow","actor":%q,"object":%q}`, who, a.URI))
	case "they block":
		act(as2.TypeBlock, louiseURI)
	case "they unblock":
		act(as2.TypeUndo, fmt.Sprintf(`{"type":"Block","actor":%q,"object":%q}`, who, a.URI))
	case "they leave":
		if s.B == 0 && !f.gone[who] {
			w.must(w.receiveActorDelete(w.t.Context(), who))
			for _, p := range w.m.theirs {
				p.gone = p.gone || p.owner == who
			}
		}
	case "they follow back": // who of ours follows Alice
		by := f.account[[]string{louise, pierre}[s.B%2]]
		w.update(func(tx *cache.Tx) error {
			if s.C%2 == 0 {
				_, err := tx.DeleteFollow(by.URI, aliceURI)
				return err
			}
			return tx.PutFollow(cache.Follow{Follower: by.URI, Followee: aliceURI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock()})
		})
	case "they post":
		w.theyPost(s, f)
	case "they delete":
		owner := theirOwner(s.A)
		if p := w.m.theirs[s.A%theirPosts]; p != nil && !p.gone && !f.gone[owner] && !f.hides("", owner) {
			p.gone = true
			w.dispatched(owner, fmt.Sprintf(`{"id":"%s/delete%d","type":"Delete","actor":%q,"object":%q}`, p.uri, w.clock().UnixNano(), owner, p.uri))
		}
	}
}

// theyPost has somebody post, or change what they posted.
func (w *walk) theyPost(s step, f facts) {
	m, n, owner := &w.m, s.A%theirPosts, theirOwner(s.A)
	if f.gone[owner] || f.hides("", owner) || m.theirs[n] != nil && m.theirs[n].gone {
		return
	}
	a := f.account[louise]
	kind := as2.TypeCreate
	if m.theirs[n] != nil {
		kind = as2.TypeUpdate
	}
	p := &theirPost{uri: theirURI(n), owner: owner, token: m.newWord()}
	var to, cc []string
	switch s.B % 6 {
	case 0, 1:
		to, cc, p.reach = []string{as2.Public}, []string{owner + "/followers"}, reach{all: true, listed: true}
	case 2:
		to, cc, p.reach = []string{owner + "/followers"}, []string{as2.Public}, reach{all: true}
	case 3:
		to, p.reach = []string{owner + "/followers", a.URI}, reach{followers: owner, names: []string{a.URI}}
	case 4:
		to, p.reach = []string{a.URI}, reach{names: []string{a.URI}}
	case 5:
		to, p.reach = []string{a.URI, carlURI}, reach{names: []string{a.URI, carlURI}}
	}
	m.theirs[n], m.byWord[p.token], m.wordWas[p.token] = p, p, p.reach
	answers := ""
	if uri := m.lives[postPlace(0)]; s.C%4 == 1 && uri != "" {
		answers = fmt.Sprintf(`,"inReplyTo":%q`, uri)
	}
	now := w.clock().UTC().Format(time.RFC3339)
	list := func(l []string) string { return `["` + strings.Join(l, `","`) + `"]` }
	if cc == nil {
		cc = []string{owner}
	}
	note := fmt.Sprintf(`{"id":%q,"type":"Note","attributedTo":%q,"content":"<p>%s</p>","published":%q,"updated":%q,"to":%s,"cc":%s%s}`,
		p.uri, owner, p.token, now, now, list(to), list(cc), answers)
	w.dispatched(owner, fmt.Sprintf(`{"id":"%s/%s%d","type":%q,"actor":%q,"to":%s,"cc":%s,"object":%s}`,
		p.uri, kind, w.clock().UnixNano(), kind, owner, list(to), list(cc), note))
	if !w.knows(w.t.Context(), p.uri) { // nobody here asked for it
		delete(m.theirs, n)
	}
}

// dispatched has the gateway do what an activity says.
func (w *walk) dispatched(who, body string) {
	o, err := as2.Parse([]byte(body))
	w.must(err)
	actor, err := w.remoteByURI(w.t.Context(), who)
	w.must(err)
	_ = w.dispatch(w.t.Context(), activity{Object: o, actor: actor, target: "", body: []byte(body)})
}
