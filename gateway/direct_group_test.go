package gateway

import (
	"slices"
	"strings"
	"testing"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestDirectGroup shows that a Note to a user of ours and to people who are not
// known here is a message and never an item, that an answer goes to all of them,
// and that its author hears who of them cannot be reached.
func TestDirectGroup(t *testing.T) {
	f := newFediverse(t)
	mention := func(uri string) any {
		return aptest.Doc{"type": as2.TypeMention, "href": uri, "name": "@" + uri}
	}
	const away = "https://away.test/users/zoe"
	ann, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	for _, c := range []struct {
		name  string
		to    []string
		tags  []any
		want  translate.Visibility
		reach []string
		lost  string
	}{
		{"an actor that is mentioned", []string{f.carl.ID}, []any{mention(f.carl.ID)}, translate.Direct, []string{f.ann.ID, f.carl.ID}, ""},
		{"an actor that is only addressed", []string{f.mal.ID}, nil, translate.Direct, []string{f.ann.ID, f.mal.ID}, ""},
		{"one whose server is away", []string{f.carl.ID, away}, []any{mention(away)}, translate.Direct, []string{f.ann.ID, f.carl.ID}, away},
		{"whoever is mentioned, but not addressed", nil, []any{mention(f.carl.ID)}, translate.Direct, []string{f.ann.ID}, ""},
		{"a collection", []string{f.ann.ID + "/outbox"}, nil, translate.Limited, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.t, f.xmpp.t = t, t
			n := f.ann.Note("Meet at noon.")
			n["to"], n["cc"], n["tag"] = append([]string{f.louise.URI}, c.to...), []any{}, append(c.tags, mention(f.louise.URI))
			f.get(f.ann, f.ann.Activity("Create", n), f.louise.Acct)
			uri := n["id"].(string)
			f.view(func(tx *cache.Tx) error {
				s, err := tx.PostByURI(uri, operator)
				if err == nil && s.Post.Visibility != c.want {
					t.Errorf("it is %s, want %s", s.Post.Visibility, c.want)
				}
				return err
			})
			if c.want != translate.Direct {
				return
			}
			if got := f.read(phone, ann.JID, NodePrivatePrefix+louise); strings.Contains(got, "Meet at noon") {
				t.Errorf("it is an item: %s", got)
			}
			f.update(func(tx *cache.Tx) error {
				return tx.PutMessage(cache.Message{ID: "of " + c.name, Our: ann.JID, User: louise, Object: uri, Origin: translate.OriginAP, At: f.clock()})
			})
			f.chat(phone, ann.JID, "m "+c.name, "I come.", stanza.New(stanza.NSReply, "reply").Set("id", "of "+c.name).Set("to", ann.JID))
			made := f.deliveries()
			var inboxes []string
			for _, d := range made {
				inboxes = append(inboxes, strings.TrimSuffix(d.inbox, "/inbox"))
			}
			slices.Sort(c.reach)
			if !slices.Equal(slices.Sorted(slices.Values(inboxes)), c.reach) || !slices.Equal(slices.Sorted(slices.Values(made[0].To)), c.reach) {
				t.Errorf("delivered to %v, addressed to %v; want %v", inboxes, made[0].To, c.reach)
			}
			f.turnOf("stanza")
			if c.lost == "" {
				return
			}
			if condition, text := f.xmpp.bounced("m " + c.name); condition != "remote-server-not-found" || !strings.Contains(text, c.lost) {
				t.Errorf("told %s: %s", condition, text)
			}
		})
	}
}

// TestDirectNamesRecipients shows that a message to several says so once.
func TestDirectNamesRecipients(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	group := w.remotePost(aliceURI, "group", "direct", `,"cc":["`+bobURI+`"],"tag":[{"type":"Mention","href":"`+bobURI+`","name":"@bob@pub.test"},{"type":"Mention","href":"`+a.URI+`","name":"@louise@example.org"}]`)
	w.must(w.privatePost(t.Context(), messageWork{URI: group, To: a.URI}))
	el := w.xmpp.await("the message", func(el *stanza.Element) bool { return el.Name == "message" && el.Get("from") == aliceJID })
	if got := el.ChildContent(stanza.NSComponent, "body"); got != "group\n\n→ @louise@example.org, @bob@pub.test" {
		t.Errorf("it says %q", got)
	}
}
