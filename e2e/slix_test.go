package e2e

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestSlixmpp is TestFlow in short with slixmpp as the client, so that our own
// reading of the XEPs is not the only witness.
func TestSlixmpp(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 3*patience)
		for _, text := range []string{"one", "two", "three"} {
			_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>early " + text + "</p>"})
			s.must(err)
		}
		x, err := s.StartSlix(ctx, s.server, s.jules)
		s.must(err)
		alice := s.jidOf(s.fedi, "alice")
		features, err := x.Features(ctx, alice, "")
		s.must(err)
		for _, want := range []string{"http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/rsm"} {
			if !strings.Contains(strings.Join(features, " "), want) {
				t.Errorf("no feature %s among %v", want, features)
			}
		}
		_, err = x.Subscribe(ctx, alice, lab.Microblog)
		s.must(err)
		s.must(lab.Eventually(ctx, "the backlog", func() error {
			items, err := x.Items(ctx, alice, lab.Microblog, 10)
			if err == nil && len(items) < 3 {
				err = &fewItems{items}
			}
			return err
		}))
		walked, err := x.Walk(ctx, alice, lab.Microblog)
		s.must(err)
		if len(walked) != 3 || !strings.Contains(walked[0].Text, "early one") || !strings.Contains(walked[2].Text, "early three") {
			t.Errorf("slixmpp walks the pages: %+v, want the three posts, oldest first", walked)
		}
		s.must(lab.Eventually(ctx, "the follow to be accepted", func() error {
			state, err := x.Subscribe(ctx, alice, lab.Microblog) // again: the same subscription
			if err == nil && state != "subscribed" {
				err = fmt.Errorf("it is %s", state)
			}
			return err
		}))
		_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>breaking news</p>"})
		s.must(err)
		event, err := x.Await(ctx, "the new post", func(e lab.SlixEvent) bool {
			return e.Event == "pubsub" && e.Kind == "publish" && e.JID == alice
		})
		s.must(err)
		if event.Publisher != alice || event.Node != lab.Microblog {
			t.Errorf("slixmpp reads the event as %+v", event)
		}
		// Whoever publishes has linked before.
		s.must(x.Message(ctx, s.Names.Component, "link"))
		_, err = x.Await(ctx, "the answer to link", func(e lab.SlixEvent) bool {
			return e.Event == "message" && strings.HasPrefix(e.JID, s.Names.Component)
		})
		s.must(err)
		comment := `<entry xmlns="` + lab.NSAtom + `"><title type="text">Noted.</title><updated>2026-11-21T10:00:00Z</updated></entry>`
		_, err = x.Publish(ctx, alice, lab.Comments+event.ID, "slix-1", comment, nil)
		s.must(err)
		made, err := s.fedi.Await(ctx, "the answer", is("Create", "Noted."))
		s.must(err)
		s.must(x.Retract(ctx, alice, lab.Comments+event.ID, "slix-1"))
		_, err = s.fedi.Await(ctx, "the delete", is("Delete", made.Object))
		s.must(err)
		_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>psst, Jules</p>", Visibility: "direct", Mentions: []string{made.Actor}})
		s.must(err)
		_, err = x.Await(ctx, "the direct message", func(e lab.SlixEvent) bool {
			return e.Event == "message" && e.JID == alice && strings.Contains(e.Body, "psst, Jules")
		})
		s.must(err)
		note, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>what does Jules say?</p>", Mentions: []string{made.Actor}})
		s.must(err)
		notice, err := x.Await(ctx, "the notice", func(e lab.SlixEvent) bool {
			return e.Event == "message" && e.JID == s.Names.Component && strings.Contains(e.Body, "what does Jules say?")
		})
		s.must(err)
		s.must(x.Reply(ctx, s.Names.Component, notice.ID, "Jules says moss."))
		answer, err := s.fedi.Await(ctx, "the answer to the notice", is("Create", "Jules says moss."))
		s.must(err)
		if inner, _ := answer.JSON["object"].(map[string]any); inner["inReplyTo"] != note {
			t.Errorf("a reply to the notice answers %v, want %s", inner["inReplyTo"], note)
		}
		s.must(x.React(ctx, s.Names.Component, notice.ID, "👍"))
		_, err = s.fedi.Await(ctx, "the like", is("Like", note))
		s.must(err)
		s.must(x.React(ctx, s.Names.Component, notice.ID))
		_, err = s.fedi.Await(ctx, "the end of the like", func(a lab.Activity) bool { return a.Type == "Undo" })
		s.must(err)
		s.must(x.Unsubscribe(ctx, alice, lab.Microblog))
	})
}

type fewItems struct{ items []lab.SlixItem }

func (e *fewItems) Error() string { return "too few so far" }
