package gateway

import (
	"slices"
	"strings"
	"testing"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// itemOf is where a post stands.
func (w *world) itemOf(uri string) (it translate.Item) {
	w.t.Helper()
	w.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(uri, operator)
		if err == nil {
			it = *stored.Post.Item
		}
		return err
	})
	return it
}

// attachments is a payload of XEP-0470: ♥ for noticed, anything else an emoji.
func attachments(what ...string) *stanza.Element {
	el := stanza.New(stanza.NSAttachments, "attachments")
	list := stanza.New(stanza.NSAttachments, "reactions")
	for _, emoji := range what {
		if emoji == "noticed" {
			el.Add(stanza.New(stanza.NSAttachments, "noticed").Set("timestamp", "2026-11-21T08:00:00Z"))
		} else {
			list.Add(stanza.Text(stanza.NSAttachments, "reaction", emoji))
		}
	}
	return el.Add(list)
}

func publishing(node, id string, payload *stanza.Element) *stanza.Element {
	return stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "publish").Set("node", node).
		Add(stanza.New("", "item").Set("id", id).Add(payload)))
}

func retracting(node, id string) *stanza.Element {
	return stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "retract").Set("node", node).Add(stanza.New("", "item").Set("id", id)))
}

// read is the items of a node as one line, "id payload" each; of a comment only
// the title.
func (w *world) read(from, to, node string, ids ...string) string {
	w.t.Helper()
	items := stanza.New("", "items").Set("node", node)
	for _, id := range ids {
		items.Add(stanza.New("", "item").Set("id", id))
	}
	answer := w.xmpp.ask("get", from, to, stanza.New(stanza.NSPubSub, "pubsub").Add(items))
	if answer.Get("type") == "error" {
		return stanza.ParseError(answer).Condition
	}
	return sayItems(answer.Child(stanza.NSPubSub, "pubsub").Child("", "items"))
}

func sayItems(list *stanza.Element) string {
	var out []string
	for it := range list.Elements() {
		said := it.Name
		for p := range it.Elements() {
			said = strings.TrimSpace(p.ChildContent("", "title"))
			if n := p.Child("", "noticed"); n != nil {
				said += "noticed" + n.Get("count")
			}
			for r := range p.Child("", "reactions").Children("", "reaction") {
				said += r.Content() + r.Get("count")
			}
		}
		out = append(out, it.Get("id")+" "+said)
	}
	return strings.Join(out, ", ")
}

// attachJobs runs the jobs that tell of reactions.
func (w *world) attachJobs() {
	w.t.Helper()
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: jobAttach, Limit: 100})
		return err
	})
	slices.SortFunc(jobs, func(a, b cache.Job) int { return int(a.ID - b.ID) })
	for _, j := range jobs {
		w.must(w.runAttach(w.t.Context(), j))
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
	}
}

// told are the events that somebody got, "node: items" each.
func (w *world) told(to string) (out []string) {
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	keep := w.xmpp.sent[:0]
	for _, el := range w.xmpp.sent {
		items := el.Child(stanza.NSPubSubEvent, "event").Child("", "items")
		if items == nil || el.Get("to") != to {
			keep = append(keep, el)
			continue
		}
		node := items.Get("node")
		out = append(out, node[:31]+": "+sayItems(items))
	}
	w.xmpp.sent = keep
	return out
}

// TestAttach shows what a user's attachments make in the fediverse, once each.
func TestAttach(t *testing.T) {
	w := newWorld(t)
	account := w.linkUser(louise)
	it := w.itemOf(w.remotePost(aliceURI, "moss", "public", ""))
	node := translate.AttachmentsNode(it)
	publish := func(what ...string) {
		t.Helper()
		w.pass(1e9)
		if answer := w.xmpp.ask("set", phone, aliceJID, publishing(node, louise, attachments(what...))); answer.Get("type") != "result" {
			t.Fatalf("%v is answered %s", what, answer)
		}
	}
	publish("noticed")
	like := w.expect("Like")[0]
	if like.uri != aliceURI+"/moss" || like.inbox != aliceURI+"/inbox" {
		t.Errorf("sent %+v", like)
	}
	publish("noticed", "❤️", "👍") // which say no more
	w.expect("")
	publish("noticed", "🥕", "🥕", "words")
	w.expect("Like") // with content, as all know it
	if got := w.read(phone, aliceJID, node); got != louise+" noticed🥕" {
		t.Errorf("the node holds %q", got)
	}
	publish("🥕")
	if undo := w.expect("Undo")[0]; undo.Object["id"] != like.ID {
		t.Errorf("taken back by %+v", undo)
	}
	publish("♥", "🥕")
	w.expect("Like")
	w.view(func(tx *cache.Tx) error {
		got, err := tx.ReactionsBy(account.URI, aliceURI+"/moss")
		if len(got) != 2 {
			t.Errorf("%d reactions", len(got))
		}
		return err
	})
	if answer := w.xmpp.ask("set", phone, aliceJID, retracting(node, louise)); answer.Get("type") != "result" {
		t.Fatalf("retract is answered %s", answer)
	}
	w.expect("Undo Undo")
	if got := w.read(phone, aliceJID, node); got != "" {
		t.Errorf("the node holds %q", got)
	}
}

// TestOneLike shows that a like is one, in whatever form it comes and goes.
func TestOneLike(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	it := w.itemOf(w.remotePost(aliceURI, "moss", "public", ""))
	node, comments := translate.AttachmentsNode(it), stanza.CommentsNodePrefix+it.ID
	ask := func(payload *stanza.Element) {
		t.Helper()
		if answer := w.xmpp.ask("set", phone, aliceJID, payload); answer.Get("type") != "result" {
			t.Fatalf("%s is answered %s", payload, answer)
		}
	}
	heart := func(id string) *stanza.Element {
		return publishing(comments, id, w.entry(id, "♥").Child("", "entry"))
	}
	ask(heart("h1"))
	w.expect("Like")
	ask(publishing(node, louise, attachments("noticed")))
	ask(heart("h2")) // Converse does not look whether there is one
	w.expect("")
	if got := w.read(phone, aliceJID, comments); got != "h2 ♥" {
		t.Errorf("the comments are %q", got)
	}
	ask(publishing(node, louise, attachments()))
	w.expect("Undo")
	if got := w.read(phone, aliceJID, comments); got != "" {
		t.Errorf("the comments are %q", got)
	}
	ask(publishing(node, louise, attachments("noticed")))
	w.expect("Like")
	id, _, ok := strings.Cut(w.read(phone, aliceJID, comments), " ♥")
	if !ok {
		t.Fatalf("the like is no comment: %q", id)
	}
	ask(retracting(comments, id))
	w.expect("Undo")
	if got := w.read(phone, aliceJID, node); got != "" {
		t.Errorf("the node holds %q", got)
	}
}

// TestAttachRefused shows which attachments are refused, and how.
func TestAttachRefused(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	it := w.itemOf(w.remotePost(aliceURI, "moss", "public", ""))
	secret := w.remotePost(aliceURI, "secret", "direct", "")
	node := translate.AttachmentsNode(it)
	for _, c := range []struct {
		name, from string
		payload    *stanza.Element
		want       string
	}{
		{"in the name of another", phone, publishing(node, pierre, attachments("noticed")), "bad-request"},
		{"with a resource", phone, publishing(node, phone, attachments("noticed")), "bad-request"},
		{"without an id", phone, publishing(node, "", attachments("noticed")), "bad-request"},
		{"an entry", phone, publishing(node, louise, w.entry("e", "Moss!").Child("", "entry")), "bad-request"},
		{"without a link", pierre + "/desk", publishing(node, pierre, attachments("noticed")), "registration-required"},
		{"to no item", phone, publishing(translate.AttachmentsNode(translate.Item{Service: aliceJID, Node: it.Node, ID: "none"}), louise, attachments("noticed")), "item-not-found"},
		{"to an item elsewhere", phone, publishing(translate.AttachmentsNode(translate.Item{Service: bobJID, Node: it.Node, ID: it.ID}), louise, attachments("noticed")), "item-not-found"},
		{"to what is in no node", phone, publishing(translate.AttachmentsNode(translate.Item{Service: aliceJID, Node: it.Node, ID: secret}), louise, attachments("noticed")), "item-not-found"},
		{"to a summary", phone, publishing(translate.SummaryNode(it.Node), louise, attachments("noticed")), "forbidden"},
		{"taken away from another", phone, retracting(node, pierre), "forbidden"},
		{"a node made by hand", phone, stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "create").Set("node", node)), "not-allowed"},
		{"a summary made by hand", phone, stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "create").Set("node", translate.SummaryNode(it.Node))), "not-allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.xmpp.t = t, t
			if got := stanza.ParseError(w.xmpp.ask("set", c.from, aliceJID, c.payload)); got.Condition != c.want {
				t.Errorf("answered %s, want %s", got.Condition, c.want)
			}
			w.expect("")
		})
	}
	w.t, w.xmpp.t = t, t
	for _, n := range []string{translate.AttachmentsNode(translate.Item{Service: aliceJID, Node: it.Node, ID: secret}), translate.SummaryNode("urn:example:none")} {
		if got := w.read(phone, aliceJID, n); got != "item-not-found" {
			t.Errorf("%s is answered %q", n, got)
		}
	}
}

// reaction has the gateway receive a reaction of an actor.
func (w *world) reaction(actor, id, object, emoji string) {
	w.t.Helper()
	o, err := as2.Parse([]byte(`{"id":"` + id + `","type":"Like","actor":"` + actor + `","object":"` + object + `","content":"` + emoji + `"}`))
	w.must(err)
	who, err := w.remoteByURI(w.t.Context(), actor)
	w.must(err)
	w.must(w.receiveReaction(w.t.Context(), activity{Object: o, actor: who}))
}

// undo has the gateway receive what takes a reaction back.
func (w *world) undo(actor, id, object, emoji string) {
	w.t.Helper()
	o, err := as2.Parse([]byte(`{"id":"` + id + `/undo","type":"Undo","actor":"` + actor + `","object":{"id":"` + id + `","type":"Like","actor":"` +
		actor + `","object":"` + object + `","content":"` + emoji + `"}}`))
	w.must(err)
	who, err := w.remoteByURI(w.t.Context(), actor)
	w.must(err)
	w.must(w.receiveUndo(w.t.Context(), activity{Object: o, actor: who}))
}

// TestReactionsAreTold shows what subscribers hear of reactions to posts on our
// service, and what they read.
func TestReactionsAreTold(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	post := w.remotePost(aliceURI, "moss", "public", "")
	w.remotePost(aliceURI, "plain", "public", "")
	it := w.itemOf(post)
	node, sums, comments := translate.AttachmentsNode(it), translate.SummaryNode(it.Node), stanza.CommentsNodePrefix+it.ID
	odd := stanza.NSAttachments + "/xmpp:" + strings.ReplaceAll(aliceJID, `\`, "%5C") + "?pubsub;item=" + it.ID + ";node=" + it.Node
	for _, n := range []string{odd, sums, comments} {
		answer := w.xmpp.ask("set", pierre, aliceJID, stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "subscribe").Set("node", n).Set("jid", pierre)))
		if answer.Get("type") != "result" {
			t.Fatalf("subscribing to %s is answered %s", n, answer)
		}
	}
	expect := func(want ...string) {
		t.Helper()
		w.attachJobs()
		w.xmpp.settle(pierre, ourComponent)
		if got := w.told(pierre); !slices.Equal(got, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	short := func(node string) string { return node[:31] + ": " }
	own, sum, comment := short(node), short(sums), short(comments)
	w.reaction(bobURI, bobURI+"/r1", post, "🥕")
	expect(own+bobJID+" 🥕", sum+it.ID+" 🥕")
	w.reaction(bobURI, bobURI+"/r2", post, "❤") // Misskey's way to like
	heart := w.heartID(bobURI, post)
	expect(own+bobJID+" noticed🥕", sum+it.ID+" noticed1🥕", comment+heart+" ♥")
	w.reaction(bobURI, bobURI+"/r3", post, "") // again, under another id
	expect()
	w.xmpp.ask("set", phone, aliceJID, publishing(node, louise, attachments("noticed", "🥕")))
	expect(own+louise+" noticed🥕", sum+it.ID+" noticed2🥕2", comment+w.heartIDOf(louise, post)+" ♥")
	if got := w.read(pierre, aliceJID, node); got != louise+" noticed🥕, "+bobJID+" noticed🥕" {
		t.Errorf("the node holds %q", got)
	}
	if got := w.read(pierre, aliceJID, odd, louise, "eve@example.org"); got != louise+" noticed🥕" {
		t.Errorf("by name the node holds %q", got)
	}
	if got := w.read(pierre, aliceJID, sums); got != it.ID+" noticed2🥕2" {
		t.Errorf("the sums are %q", got)
	}
	if got := w.read(pierre, aliceJID, comments); !strings.Contains(got, heart+" ♥") {
		t.Errorf("the comments are %q", got)
	}
	w.undo(bobURI, bobURI+"/r2", post, "❤")
	expect(own+bobJID+" 🥕", sum+it.ID+" noticed1🥕2", comment+heart+" retract")
	w.undo(bobURI, bobURI+"/unknown", post, "🥕") // found by what it says
	expect(own+bobJID+" retract", sum+it.ID+" noticed1🥕")
	w.xmpp.ask("set", phone, aliceJID, retracting(node, louise))
	w.attachJobs()
	if got := w.read(pierre, aliceJID, sums, it.ID); got != "" {
		t.Errorf("the sums are %q", got)
	}
}

// heartIDOf is the id of the comment that shows a user's like.
func (w *world) heartIDOf(jid, object string) string {
	a, err := w.accountOf(w.t.Context(), stanza.JID(jid), "")
	w.must(err)
	return w.heartID(a.URI, object)
}

// TestBlockedReactions shows that nobody hears of those with whom there is a
// block, or who hide.
func TestBlockedReactions(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	p := w.linkUser(pierre)
	post := w.remotePost(aliceURI, "moss", "public", "")
	node := translate.AttachmentsNode(w.itemOf(post))
	w.xmpp.ask("set", pierre, aliceJID, stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", "subscribe").Set("node", node).Set("jid", pierre)))
	w.update(func(tx *cache.Tx) error {
		return tx.PutBlock(cache.Block{Owner: p.URI, Target: bobURI, CreatedAt: w.clock()})
	})
	w.reaction(bobURI, bobURI+"/r1", post, "")
	w.attachJobs()
	if got := w.told(pierre); len(got) > 0 || w.read(pierre, aliceJID, node) != "" {
		t.Errorf("who blocks hears %q", got)
	}
	if got := w.read(louise, aliceJID, node); got != bobJID+" noticed" {
		t.Errorf("others read %q", got)
	}
}

// TestReactionsElsewhere shows what is published at the services of our users
// when somebody in the fediverse reacts to their posts.
func TestReactionsElsewhere(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	comments, post := w.commentsOf(louise, "fern")
	node := translate.AttachmentsNode(w.itemOf(post))
	w.hold(louise, node)
	w.reaction(bobURI, bobURI+"/r1", post, "")
	w.reaction(bobURI, bobURI+"/r2", post, "🥕")
	w.attachJobs()
	expect := func(want string) {
		t.Helper()
		if got := w.xmpp.held(louise, node); got != want {
			t.Errorf("the node holds %q, want %q", got, want)
		}
	}
	expect(bobJID + " noticed🥕")
	w.undo(bobURI, bobURI+"/r1", post, "")
	w.attachJobs()
	expect(bobJID + " 🥕")
	w.undo(bobURI, bobURI+"/r2", post, "🥕")
	w.attachJobs()
	expect("")
	for i := range heartsMost + 5 { // both forms; of the comments not too many
		uri := "https://pub.test/u/" + string(rune('a'+i))
		w.actor(uri, string(rune('a'+i))+"@pub.test", string(rune('a'+i))+`\40pub.test@ap.example.org`)
		w.reaction(uri, uri+"/like", post, "")
	}
	hearts := func() (list []commentWork) {
		w.view(func(tx *cache.Tx) error {
			jobs, err := tx.Jobs(cache.JobQuery{Kind: jobComment, Limit: 100})
			for _, j := range jobs {
				c, decodeErr := decode[commentWork](j)
				w.must(decodeErr)
				if c.Heart != bobURI {
					list = append(list, c)
				}
			}
			return err
		})
		return list
	}
	if got := hearts(); len(got) != heartsMost || got[0].At.Node != comments {
		t.Errorf("%d hearts", len(got))
	}
	w.attachJobs()
	if got := strings.Count(w.xmpp.held(louise, node), "noticed"); got != heartsMost+5 {
		t.Errorf("%d attachments", got)
	}
	last := "https://pub.test/u/" + string(rune('a'+heartsMost+4))
	w.undo(last, last+"/like", post, "")
	for _, c := range hearts() {
		if c.Retract && (c.Heart != last || !c.Unsure) {
			t.Errorf("retracts %+v", c)
		}
	}
	w.xmpp.remove(louise, node) // a service without such a node
	w.reaction(bobURI, bobURI+"/r3", post, "")
	w.attachJobs()
}

// held is what a node of the fake server holds.
func (s *fakeXMPP) held(jid, node string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := stanza.New("", "items")
	if n := s.nodes[jid+" "+node]; n != nil {
		list.Add(n.items...)
	}
	return sayItems(list)
}
