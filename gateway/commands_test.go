package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestCommands shows what the gateway answers in chat.
func TestCommands(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ says, want string }{
		{"help", "unlink"},
		{"HELP", "Follow: follow, unfollow, following"},
		{"/help", "Publish: link, status"},
		{"hello", "I connect your XMPP account to the fediverse. Start with: link, follow, status"},
		{"help more", "follow alice@mast.social – follow somebody\n"},
		{"help all", "link [node] – publish your posts to the fediverse\n"},
		{"help foo", "There is no command “foo”. For the list, send: help"},
		{"help folow", "There is no command “folow”. Did you mean follow? For the list"},
		{"status", "You are not linked"},
		{"followers", "Nobody follows you."},
		{"following", "You follow nobody. To follow somebody, send for example: follow alice@mast.social"},
		{"blocks", "You block nobody."},
		{"pause", "is not linked"},
		{"resume", "is not linked"},
		{"unlink", "is not linked"},
		{"import", "is not linked. First send: link"},
		{"help follow", "follow alice@mast.social – follow somebody"},
		{"Help /REGISTER now", "link [node]"},
		{"hello there", "I connect your XMPP account"},
		{"follow", "Write it like this: follow alice@mast.social"},
		{"follow pierre@example.net", "is an XMPP user here"},
		{"follow @louise@example.org", "That is you"},
		{"follow nonsense", "Give an address like"},
		{"follow https://example.org/_ap/actor/pierre@example.net", "That is an XMPP user here"},
		{"folow alice@mast.social", "I do not know that word. Did you mean follow? Send help"},
		{"@Alice@mast.social", "To follow somebody, send: follow alice@mast.social\n"},
		{"https://mast.social/@alice", "send: follow https://mast.social/@alice\n"},
		{"unfollow alice@mast.social", "You do not follow"},
		{"approve alice@mast.social", "is not linked. First send: link"},
		{"unblock alice@mast.social", "alice@mast.social is not blocked"},
		{"search ferns", "Nothing found."},
		{"lock", "Write it like this: lock on or off"},
		{"make me a sandwich", "I do not know that word"},
	} {
		w.chat(phone, ourComponent, "m", c.says)
		if text := w.xmpp.said(phone); !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", c.says, text, c.want)
		}
	}
	w.chat(phone, ourComponent, "m", "make me a sandwich") // an echo is not answered for ever
	w.chat(phone, ourComponent, "m", "status")
	if text := w.xmpp.said(phone); !strings.Contains(text, "not linked") {
		t.Errorf("the second nonsense was answered %q", text)
	}
}

// TestCommandsOfAUser shows what a linked user is told.
func TestCommandsOfAUser(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: bobURI, Followee: a.URI, State: cache.FollowPending, ActivityID: bobURI + "/f", CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.publish(louise, feed, w.entry("fern", "The fern uncurls."))
	w.expect("Create")
	w.must(w.store.Index(t.Context()))
	for _, c := range []struct{ says, want string }{
		{"status", "Your microblog is public. I am subscribed to it."},
		{"status", "Followers: 1. Following: 0. Posts on the fediverse: 1."},
		{"followers", "Bob (@bob@pub.test) (pending)\nAlice (@alice@mast.social)"},
		{"approve bob@pub.test", "Bob (@bob@pub.test) follows you now."},
		{"deny alice@mast.social", "Alice (@alice@mast.social) follows you, and would have to ask again.\nTo do it, send: deny alice@mast.social yes"},
		{"followers", "Alice"},
		{"deny alice@mast.social yes", "does not follow you"},
		{"approve alice@mast.social", "did not ask"},
		{"lock on", "you are asked"},
		{"lock off", "Everybody can follow"},
		{"lock sideways", "Say lock on or lock off"},
		{"searchable ON", "Anyone can find"},
		{"searchable no", "Say searchable on or searchable off"},
		{"search fern", "The fern uncurls."},
		{"import none", "How many posts?"},
		{"pause", "Paused"},
		{"status", "paused"},
		{"resume", "Resumed"},
		{"resume", "You are not paused"},
	} {
		if text, known := w.obey(t.Context(), phone, c.says); !known || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", c.says, text, c.want)
		}
	}
}

// TestLongLists: who waits for an answer is seen, however many do not.
func TestLongLists(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		for i := range 2 * listMost {
			uri := fmt.Sprintf("https://mast.social/users/u%03d", i)
			if err := tx.PutFollow(cache.Follow{Follower: uri, Followee: a.URI, State: cache.FollowAccepted, ActivityID: uri + "/f", CreatedAt: w.clock(), UpdatedAt: w.clock()}); err != nil {
				return err
			}
		}
		return tx.PutFollow(cache.Follow{Follower: bobURI, Followee: a.URI, State: cache.FollowPending, ActivityID: bobURI + "/f", CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	text, _ := w.obey(t.Context(), phone, "followers")
	lines := strings.Split(text, "\n")
	if lines[0] != "Bob (@bob@pub.test) (pending)" || len(lines) != listMost+1 || lines[listMost] != "… and more" {
		t.Errorf("%d lines: %s", len(lines), text)
	}
}

// TestFaces shows linking and looking up by the older protocols.
func TestFaces(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.xmpp.node(louise, feed, nodeOpen)
	req := xmpp.Request{From: phone, To: ourComponent}
	reg := &registration{w.Gateway}
	if s, err := reg.Registration(ctx, req); err != nil || s.Registered {
		t.Errorf("before: %+v, %v", s, err)
	}
	if err := reg.Unregister(ctx, req); !isKind(err, Unauthorized) {
		t.Errorf("unregister before: %v", err)
	}
	w.must(reg.Register(ctx, req, nil))
	if s, err := reg.Registration(ctx, req); err != nil || !s.Registered || !strings.Contains(s.Instructions, louise) {
		t.Errorf("after: %+v, %v", s, err)
	}
	w.must(reg.Unregister(ctx, req))
	w.running.Wait()

	p := &prompt{w.Gateway}
	for _, c := range []struct{ typed, want string }{
		{"alice@mast.social", aliceJID}, {"@Alice@mast.social", aliceJID}, {"acct:alice@mast.social", aliceJID},
		{aliceURI, aliceJID}, {aliceJID, aliceJID}, {"xmpp:" + aliceJID, aliceJID}, {"xmpp:alice%5c40mast.social@ap.example.org?subscribe", aliceJID},
		{"<" + aliceURI + ">", aliceJID}, {"http" + strings.TrimPrefix(aliceURI, "https"), aliceJID}, {"pierre@example.net", ""}, {"alice", ""},
	} {
		jid, err := p.Resolve(ctx, req, c.typed)
		if string(jid) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %s, %v", c.typed, jid, err)
		}
	}
	if desc, name, err := p.Prompt(ctx, req); desc == "" || name == "" || err != nil {
		t.Errorf("prompt: %q, %q, %v", desc, name, err)
	}
}

// TestIdentify finds people of both sides, whichever way they are named.
func TestIdentify(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	for _, who := range []string{louise, "@" + louise, a.URI, "xmpp:" + louise} {
		if i, err := w.Identify(t.Context(), who); err != nil || i.URI != a.URI || i.State != "linked" {
			t.Errorf("%s: %+v, %v", who, i, err)
		}
	}
	for _, who := range []string{"alice@mast.social", aliceURI, aliceJID} {
		if i, err := w.Identify(t.Context(), who); err != nil || i.URI != aliceURI || i.JID != aliceJID {
			t.Errorf("%s: %+v, %v", who, i, err)
		}
	}
	if _, err := w.Identify(t.Context(), pierre); err == nil {
		t.Error("a user without an account is somebody")
	}
	s, err := w.Status(t.Context(), stanza.JID(louise), "")
	if err != nil || s.Handle != louise || s.Access != cache.AccessOpen || s.Followers != 1 || s.LastPull.After(w.clock().Add(time.Second)) {
		t.Errorf("status: %+v, %v", s, err)
	}
}

// TestCommandForAUser: what an operator says for a user is what the user says by
// chat; what went wrong is an error.
func TestCommandForAUser(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	for _, tt := range []struct{ text, wrong string }{
		{"lock on", ""},
		{"status", ""},
		{"dance", "I do not know that word"},
		{"follow", "write it like this: follow"},
	} {
		answer, err := w.Command(t.Context(), louise, tt.text)
		if (err != nil) != (tt.wrong != "") || err != nil && !strings.Contains(err.Error(), tt.wrong) || err == nil && answer == "" {
			t.Errorf("%s: %q, %v", tt.text, answer, err)
		}
	}
	if a, err := w.accountOf(t.Context(), louise, ""); err != nil || !a.ManuallyApproves {
		t.Errorf("lock on did nothing: %v", err)
	}
}
