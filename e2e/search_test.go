package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

const (
	tagNode   = "urn:xmpp:isthmus:tag:"
	savedNode = "urn:xmpp:isthmus:search:"
)

// TestSearchFaces finds posts and people with slixmpp, in every way that there
// is in XMPP.
func TestSearchFaces(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 3*patience)
		for i := range 12 {
			_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: fmt.Sprintf("<p>fern number %d</p>", i), Tags: []string{"Ferns"}})
			s.must(err)
		}
		x, err := s.StartSlix(ctx, s.server, s.jules)
		s.must(err)
		alice := s.jidOf(s.fedi, "alice")
		s.must(lab.Eventually(ctx, "the subscription", func() error { // a busy machine takes its time to make keys
			_, err := x.Subscribe(ctx, alice, lab.Microblog)
			return err
		}))
		s.must(lab.Eventually(ctx, "the backlog to be found", func() error {
			found, err := x.Archive(ctx, s.Names.Component, "", "fern")
			if err == nil && len(found) < 12 {
				err = fmt.Errorf("%d posts so far", len(found))
			}
			return err
		}))
		s.searchCommand(x)
		s.findPeople(x, alice)
		s.archives(x, alice)
		s.tagNews(x)
		s.savedNews(x)
	})
}

// searchCommand turns the pages of a search.
func (s *site) searchCommand(x *lab.Slix) {
	ctx, gateway := within(s.t, patience), s.Names.Component
	form, err := x.Step(ctx, gateway, "search", "execute", "", nil)
	s.must(err)
	first, err := x.Step(ctx, gateway, "search", "complete", form.Session, map[string]string{"what": "fern"})
	s.must(err)
	if len(first.Rows) != 10 || !slices.Contains(first.Actions, "next") || slices.Contains(first.Actions, "prev") {
		s.t.Errorf("the first page is %+v", first)
	}
	second, err := x.Step(ctx, gateway, "search", "next", form.Session, nil)
	s.must(err)
	if len(second.Rows) != 2 || !slices.Contains(second.Actions, "prev") || slices.Contains(second.Actions, "next") {
		s.t.Errorf("the second page is %+v", second)
	}
	back, err := x.Step(ctx, gateway, "search", "prev", form.Session, nil)
	s.must(err)
	if len(back.Rows) != 10 {
		s.t.Errorf("back again is %+v", back)
	}
	s.must(x.Message(ctx, gateway, "search is:fern"))
	_, err = x.Await(ctx, "the place of the mistake", func(e lab.SlixEvent) bool {
		return e.Event == "message" && e.JID == gateway && strings.Contains(e.Body, "at character 4")
	})
	s.must(err)
}

// findPeople asks the directory.
func (s *site) findPeople(x *lab.Slix, alice string) {
	ctx := within(s.t, patience)
	features, err := x.Features(ctx, s.Names.Component, "")
	s.must(err)
	for _, want := range []string{"jabber:iq:search", "urn:xmpp:mam:2", "urn:xmpp:fulltext:0"} {
		if !slices.Contains(features, want) {
			s.t.Errorf("no feature %s among %v", want, features)
		}
	}
	rows, err := x.People(ctx, s.Names.Component, map[string]string{"nick": "ali"})
	s.must(err)
	if len(rows) != 1 || rows[0]["jid"] != alice {
		s.t.Errorf("found %v", rows)
	}
}

// archives reads what was, by XEP-0313 and XEP-0431.
func (s *site) archives(x *lab.Slix, alice string) {
	ctx := within(s.t, patience)
	for _, c := range []struct {
		to, node, words string
		want            int
	}{
		{alice, lab.Microblog, "", 12},
		{alice, lab.Microblog, `"number 3"`, 1},
		{s.Names.Component, "", "fern -7", 11},
		{s.Names.Component, tagNode + "ferns", "number", 12},
	} {
		found, err := x.Archive(ctx, c.to, c.node, c.words)
		s.must(err)
		if len(found) != c.want {
			s.t.Errorf("%s %s %q: %d found, want %d", c.to, c.node, c.words, len(found), c.want)
			continue
		}
		if c.want > 1 && !strings.Contains(found[0].Text, "number 0") {
			s.t.Errorf("%s %s %q begins with %+v", c.to, c.node, c.words, found[0])
		}
	}
}

// tagNews subscribes to a hashtag.
func (s *site) tagNews(x *lab.Slix) {
	ctx, gateway := within(s.t, patience), s.Names.Component
	nodes, err := x.Nodes(ctx, gateway)
	s.must(err)
	if !slices.Contains(nodes, tagNode+"ferns") {
		s.t.Errorf("the nodes are %v", nodes)
	}
	walked, err := x.Walk(ctx, gateway, tagNode+"ferns")
	s.must(err)
	if len(walked) != 12 || !strings.Contains(walked[0].Text, "number 0") {
		s.t.Errorf("the node of the hashtag holds %d: %+v", len(walked), walked)
	}
	_, err = x.Subscribe(ctx, gateway, tagNode+"moss")
	s.must(err)
	id, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>first moss</p>", Tags: []string{"Moss"}})
	s.must(err)
	told, err := x.Await(ctx, "the post with the hashtag", func(e lab.SlixEvent) bool {
		return e.Event == "pubsub" && e.Kind == "publish" && e.JID == gateway && e.Node == tagNode+"moss"
	})
	s.must(err)
	s.must(s.fedi.Delete(ctx, "alice", id))
	_, err = x.Await(ctx, "its retract", func(e lab.SlixEvent) bool {
		return e.Event == "pubsub" && e.Kind == "retract" && e.Node == tagNode+"moss" && e.ID == told.ID
	})
	s.must(err)
	s.must(x.Unsubscribe(ctx, gateway, tagNode+"moss"))
}

// savedNews saves a search, subscribes to it, and shows that it is nobody
// else's.
func (s *site) savedNews(x *lab.Slix) {
	ctx, gateway := within(s.t, patience), s.Names.Component
	node := savedNode + "lichen"
	saved, err := x.Step(ctx, gateway, "save", "execute", "", map[string]string{"name": "Lichen", "what": "lichen -oak"})
	s.must(err)
	if len(saved.Notes) != 1 || !strings.Contains(saved.Notes[0], "Saved lichen") {
		s.t.Errorf("save says %+v", saved)
	}
	_, err = x.Subscribe(ctx, gateway, node)
	s.must(err)
	_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>lichen on an oak</p>"})
	s.must(err)
	_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: "<p>lichen on a stone</p>"})
	s.must(err)
	told, err := x.Await(ctx, "the post that matches", func(e lab.SlixEvent) bool {
		return e.Event == "pubsub" && e.Kind == "publish" && e.Node == node
	})
	s.must(err)
	if told.JID != gateway || !strings.Contains(told.Title, "stone") {
		s.t.Errorf("told of %+v", told)
	}
	items, err := x.Items(ctx, gateway, node, 5)
	s.must(err)
	if len(items) != 1 || items[0].ID != told.ID {
		s.t.Errorf("the node shows %+v", items)
	}
	if _, err := s.pierre.Items(ctx, gateway, node, lab.Page{MaxItems: 5}); err == nil || !strings.Contains(err.Error(), "item-not-found") {
		s.t.Errorf("somebody else is told: %v", err)
	}
}
