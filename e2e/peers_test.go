package e2e

import (
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestPeers shows that the two Fedify peers can do with each other what the
// other tests will ask of them with the gateway.
func TestPeers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ctx := within(t, patience)
	fedi, err := l.StartPeer(ctx, 0, "alice", "amos")
	if err != nil {
		t.Fatal(err)
	}
	social, err := l.StartPeer(ctx, 1, "-zoe", "zeno")
	if err != nil {
		t.Fatal(err)
	}
	follow, err := fedi.Follow(ctx, "alice", social.Handle("zoe"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := social.Await(ctx, "the follow", func(a lab.Activity) bool { return a.ID == follow }); err != nil {
		t.Fatal(err)
	}
	if err := social.Decide(ctx, "zoe", fedi.Actor("alice"), true); err != nil {
		t.Fatal(err)
	}
	if _, err := fedi.Await(ctx, "the accept", func(a lab.Activity) bool { return a.Type == "Accept" }); err != nil {
		t.Fatal(err)
	}
	note, err := social.Post(ctx, "zoe", lab.Note{HTML: "<p>for friends</p>", Visibility: "followers"})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := fedi.Await(ctx, "the post", func(a lab.Activity) bool { return a.Type == "Create" && a.Object == note }); err != nil {
		t.Fatal(err)
	} else if a.Text() != "<p>for friends</p>" {
		t.Errorf("text %q", a.Text())
	}
	if _, err := fedi.Lookup(ctx, "amos", note); err == nil {
		t.Error("amos, no follower, can read a post for followers")
	}
	if _, err := fedi.Lookup(ctx, "alice", note); err != nil {
		t.Errorf("alice cannot read it: %v", err)
	}
	// A restart keeps followers and keys.
	social.Kill()
	if err := social.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := social.Edit(ctx, "zoe", note, "<p>for good friends</p>"); err != nil {
		t.Fatal(err)
	}
	if _, err := fedi.Await(ctx, "the edit", func(a lab.Activity) bool { return a.Type == "Update" && strings.Contains(a.Text(), "good") }); err != nil {
		t.Error(err)
	}
	if err := social.Delete(ctx, "zoe", note); err != nil {
		t.Fatal(err)
	}
	if _, err := fedi.Await(ctx, "the delete", func(a lab.Activity) bool { return a.Type == "Delete" && a.Object == note }); err != nil {
		t.Error(err)
	}
	dm, err := fedi.Post(ctx, "alice", lab.Note{HTML: "<p>hush</p>", Visibility: "direct", Mentions: []string{social.Handle("zeno")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := social.Await(ctx, "the direct note", func(a lab.Activity) bool { return a.Object == dm }); err != nil {
		t.Error(err)
	}
	hello, err := fedi.Post(ctx, "alice", lab.Note{HTML: "<p>hello, all</p>"})
	if err != nil {
		t.Fatal(err)
	}
	like, err := social.Like(ctx, "zeno", hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := social.Boost(ctx, "zeno", hello); err != nil {
		t.Fatal(err)
	}
	if _, err := fedi.Await(ctx, "the boost", func(a lab.Activity) bool { return a.Type == "Announce" && a.Object == hello }); err != nil {
		t.Error(err)
	}
	if err := social.Undo(ctx, "zeno", like); err != nil {
		t.Fatal(err)
	}
	if _, err := fedi.Await(ctx, "the unlike", func(a lab.Activity) bool { return a.Type == "Undo" && a.Object == like }); err != nil {
		t.Error(err)
	}
	items, err := social.Outbox(ctx, "zoe", fedi.Handle("alice"))
	if err != nil || len(items) != 1 {
		t.Errorf("alice's outbox shows %v, %v to strangers, want the public post alone", items, err)
	}
}
