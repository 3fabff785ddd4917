package translate

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"isthmus/xmpp/stanza"
)

// TestHandle holds the examples of the design, of the list of traps and what
// Libervia writes for the same addresses.
func TestHandle(t *testing.T) {
	a := testAddresses(t)
	tests := []struct{ jid, node, want string }{
		// The design's table.
		{"louise@example.org", stanza.NSMicroblog, "louise@example.org"},
		{"louise@example.org", "", "louise@example.org"},
		{"louise@example.org/phone", "", "louise@example.org"},
		{"louise@example.org", "blog", "blog---louise@example.org"},
		{"pubsub.example.org", "news", "___news---.40pubsub.2eexample.2eorg@example.org"},
		{"pierre@example.net", "", "___pierre.40example.2enet@example.org"},
		{"jørgen@example.org", "", "___j.c3.b8rgen@example.org"},
		// Libervia's rows; ours are in lower case, escape less and more.
		{"louise@example.org", "urn:xmpp:events:0", "___urn.3axmpp.3aevents.3a0---louise@example.org"},
		{"louise.michel@example.org", "", "louise.michel@example.org"},
		{"a+b@example.org", "", "___a.2bb@example.org"},
		{"___x@example.org", "", "___.5f.5f.5fx@example.org"},
		{"louise@example.org", "my---node", "___my.2d.2d.2dnode---louise@example.org"},
		{"pierre@example.net", "blog", "___blog---pierre.40example.2enet@example.org"},
		{"news.example", "blog", "blog@news.example"},
		{"news.example", "news.2022", "news.2022@news.example"},
		{"news.example", stanza.NSMicroblog, "___urn.3axmpp.3amicroblog.3a0@news.example"},
		// A second domain, whose website has another name.
		{"marie@b.example", "", "marie@social.b.example"},
		{"marie@b.example", "Blog", "___.42log---marie@social.b.example"},
		{"marie@social.b.example", "", "___marie.40social.2eb.2eexample@example.org"},
		// Domains that hold nodes only.
		{"news.example", "louise@example.org", "___louise.40example.2eorg@news.example"},
		{"news.example", "a---b", "___a.2d.2d.2db@news.example"},
		{"louise@news.example", "", "___louise.40news.2eexample@example.org"},
		{"louise@pubsub.example.org", "n", "___n---louise.40pubsub.2eexample.2eorg@example.org"},
		{"example.org", "news", "___news---.40example.2eorg@example.org"},
		{"pubsub.example.net", stanza.NSMicroblog, "___urn.3axmpp.3amicroblog.3a0---.40pubsub.2eexample.2enet@example.org"},
		// Names at the edges of the grammar.
		{"alice@example.org", "", "alice@example.org"},
		{"ALICE@Example.ORG", "", "alice@example.org"}, // XMPP has no case there
		{"a.b-c_d@example.org", "", "a.b-c_d@example.org"},
		{"_a__@example.org", "", "_a__@example.org"},
		{".a@example.org", "", "___.2ea@example.org"},
		{"a-@example.org", "", "___a.2d@example.org"},
		{"a..b@example.org", "", "___a.2e.2eb@example.org"},
		{"a%b@example.org", "", "___a.25b@example.org"},
		{"é@example.org", "", "___.c3.a9@example.org"},
		{"日本@example.org", "", "___.e6.97.a5.e6.9c.ac@example.org"},
		{`a\20b@example.org`, "", "___a.5c20b@example.org"},
		{"____@example.org", "", "___.5f.5f.5f.5f@example.org"},
		{"a__@example.org", "b___c__é", "___b.5f.5f.5fc__.c3.a9---a__@example.org"},
		{"alice@example.org", "blog/Sub Node", "___blog.2f.53ub.20.4eode---alice@example.org"},
		{"alice@example.org", "ALICE", "___.41.4c.49.43.45---alice@example.org"},
		{"a---b@example.org", "", "___a.2d.2d.2db@example.org"},
		{"alice@192.0.2.1", "", "___alice.40192.2e0.2e2.2e1@example.org"},
		{"alice@münchen.example", "", "___alice.40xn.2d.2dmnchen.2d3ya.2eexample@example.org"},
		{strings.Repeat("a", 64) + "@example.org", "", strings.Repeat("a", 64) + "@example.org"},
		// HOST@HOST is the gateway's own actor.
		{"example.org@example.org", "", "___example.2eorg@example.org"},
		{"social.b.example@b.example", "", "___social.2eb.2eexample@social.b.example"},
		{"b.example@b.example", "", "b.example@social.b.example"},
		{"news.example", "news.example", "___news.2eexample@news.example"},
	}
	for _, tt := range tests {
		got, long, err := a.Handle(tt.jid, tt.node)
		if got != tt.want || long || err != nil {
			t.Errorf("Handle(%q, %q) = %q, %v, %v; want %q", tt.jid, tt.node, got, long, err, tt.want)
		}
	}
}

func TestHandleLong(t *testing.T) {
	a := testAddresses(t)
	seen := make(map[string]string)
	for _, tt := range []struct{ jid, node string }{
		{strings.Repeat("a", 65) + "@example.org", ""},
		{strings.Repeat("a", 65) + "@b.example", ""},
		{strings.Repeat("a", 300) + "@example.org", ""},
		{"alice@example.org", strings.Repeat("a", 300)},
		{"alice@example.org", strings.Repeat("A", 300)},
		{"alice@example.org", "urn:xmpp:microblog:0:comments/abcdefghijklmnopqrstuvwxyz"},
		{"pubsub.example.org", strings.Repeat("a", 300)},
		{"news.example", strings.Repeat("a", 300)},
	} {
		h, long, err := a.Handle(tt.jid, tt.node)
		if err != nil || !long {
			t.Errorf("Handle(%q, %q) = %q, %v, %v", tt.jid, tt.node, h, long, err)
		}
		if again, _, _ := a.Handle(tt.jid, tt.node); again != h {
			t.Errorf("%q became %q", h, again)
		}
		if other, ok := seen[h]; ok {
			t.Errorf("%q is both %q and %q", h, other, tt.jid)
		}
		seen[h] = tt.jid + " " + tt.node
		if !regexp.MustCompile(`^___\.x[a-z2-7]{26}@`).MatchString(h) {
			t.Errorf("form of %q", h)
		}
		if _, _, err := a.ParseHandle(strings.ToUpper(h)); !errors.Is(err, ErrHashed) {
			t.Errorf("ParseHandle: %v", err)
		}
		if c, err := a.Canonical(strings.ToUpper(h)); c != h || err != nil {
			t.Errorf("Canonical = %q, %v", c, err)
		}
	}
	// Pinned: a table remembers these for ever.
	if h, _, _ := a.Handle(strings.Repeat("a", 65)+"@example.org", ""); h != "___.xdrebrqemvqd7mdxw5veib77yvm@example.org" {
		t.Errorf("hashed handle changed: %q", h)
	}
}

func TestHandleNone(t *testing.T) {
	a := testAddresses(t)
	for _, tt := range []struct{ jid, node string }{
		{"example.org", ""}, {"pubsub.example.org", ""}, {"news.example", ""}, {"", ""}, {"", "n"},
		{"alice@[::1]", ""}, {"[::1]", "news"}, {"@example.org", ""}, {"@", ""},
		{`alice\40mast.social@ap.example.org`, ""}, {"ap.example.org", "n"}, {"x@AP.example.org", "n"},
		{"a b@example.org", ""}, {"a@b@example.org", ""}, {"a\xff@example.org", ""}, {"a\x00@example.org", ""},
		{"a@example.org", "n\x00"}, {"a@example.org", "\xff"}, {"a@exa mple.org", ""}, {"a@-x.example", ""},
		{strings.Repeat("a", 1024) + "@example.org", ""},
	} {
		if h, _, err := a.Handle(tt.jid, tt.node); !errors.Is(err, ErrNoHandle) || h != "" {
			t.Errorf("Handle(%q, %q) = %q, %v", tt.jid, tt.node, h, err)
		}
	}
}

func TestParseHandle(t *testing.T) {
	a := testAddresses(t)
	tests := []struct{ handle, jid, node, canonical string }{
		// What Libervia's gateway reads and writes.
		{"louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"Louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"louise.michel@example.org", "louise.michel@example.org", "", "louise.michel@example.org"},
		{"___louise.2emichel@example.org", "louise.michel@example.org", "", "louise.michel@example.org"},
		{"blog---louise@example.org", "louise@example.org", "blog", "blog---louise@example.org"},
		{"alice---bob---louise@example.org", "louise@example.org", "alice---bob", "___alice.2d.2d.2dbob---louise@example.org"},
		{"___urn.3Axmpp.3Aevents.3A0---louise@example.org", "louise@example.org", "urn:xmpp:events:0", "___urn.3axmpp.3aevents.3a0---louise@example.org"},
		{"___a.2Bb@example.org", "a+b@example.org", "", "___a.2bb@example.org"},
		{"___j.C3.B8rgen@example.org", "jørgen@example.org", "", "___j.c3.b8rgen@example.org"},
		{"___.5f.5f.5fx@example.org", "___x@example.org", "", "___.5f.5f.5fx@example.org"},
		{"___my.2d.2d.2dnode---louise@example.org", "louise@example.org", "my---node", "___my.2d.2d.2dnode---louise@example.org"},
		{"___my-node---louise.2emichel@example.org", "louise.michel@example.org", "my-node", "my-node---louise.michel@example.org"},
		{"blog@pubsub.example.org", "pubsub.example.org", "blog", "___blog---.40pubsub.2eexample.2eorg@example.org"},
		{"___urn.3axmpp.3amicroblog.3a0@pubsub.example.org", "pubsub.example.org", stanza.NSMicroblog, "___urn.3axmpp.3amicroblog.3a0---.40pubsub.2eexample.2eorg@example.org"},
		{"blog@news.example", "news.example", "blog", "blog@news.example"},
		{"___pierre.40example.2enet@ap.example.org", "pierre@example.net", "", "___pierre.40example.2enet@example.org"},
		{"___pierre.40example.2enet@example.org", "pierre@example.net", "", "___pierre.40example.2enet@example.org"},
		{"___blog---pierre.40example.2enet@ap.example.org", "pierre@example.net", "blog", "___blog---pierre.40example.2enet@example.org"},
		// Ours, spelled otherwise.
		{"___news---.40pubsub.2eexample.2eorg@example.org", "pubsub.example.org", "news", "___news---.40pubsub.2eexample.2eorg@example.org"},
		{"@louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"acct:louise@EXAMPLE.ORG:443", "louise@example.org", "", "louise@example.org"},
		{"ACCT:louise@example.org.", "louise@example.org", "", "louise@example.org"},
		{"___louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"___---louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"___urn.3axmpp.3amicroblog.3a0---louise@example.org", "louise@example.org", "", "louise@example.org"},
		{"___louise.40example.2eorg@social.b.example", "louise@example.org", "", "louise@example.org"},
		{"___pierre.40example.2enet@social.b.example", "pierre@example.net", "", "___pierre.40example.2enet@example.org"},
		{"___.4couise@example.org", "louise@example.org", "", "louise@example.org"},
		{"marie@social.b.example", "marie@b.example", "", "marie@social.b.example"},
		{"a+b@example.org", "a+b@example.org", "", "___a.2bb@example.org"},
		{"jørgen@example.org", "jørgen@example.org", "", "___j.c3.b8rgen@example.org"},
		{"___alice.40xn.2d.2dmnchen.2d3ya.2eexample@example.org", "alice@münchen.example", "", "___alice.40xn.2d.2dmnchen.2d3ya.2eexample@example.org"},
		{"___alice.40m.c3.bcnchen.2eexample@example.org", "alice@münchen.example", "", "___alice.40xn.2d.2dmnchen.2d3ya.2eexample@example.org"},
		{"___n---louise@news.example", "louise@news.example", "n", "___n---louise.40news.2eexample@example.org"},
		{"___example.2eorg@example.org", "example.org@example.org", "", "___example.2eorg@example.org"},
	}
	for _, tt := range tests {
		jid, node, err := a.ParseHandle(tt.handle)
		if jid != tt.jid || node != tt.node || err != nil {
			t.Errorf("ParseHandle(%q) = %q, %q, %v; want %q, %q", tt.handle, jid, node, err, tt.jid, tt.node)
		}
		if c, err := a.Canonical(tt.handle); c != tt.canonical || err != nil {
			t.Errorf("Canonical(%q) = %q, %v; want %q", tt.handle, c, err, tt.canonical)
		}
	}
}

func TestParseHandleErrors(t *testing.T) {
	a := testAddresses(t)
	tests := []struct {
		handle string
		want   error
	}{
		{"noat", ErrUnknown},
		{"a@b@c", ErrUnknown},
		{"", ErrUnknown},
		{"@", ErrUnknown},
		{"@@example.org", ErrUnknown},
		{"@example.org", ErrUnknown},
		{"louise@", ErrUnknown},
		{"louise@[::1]", ErrUnknown},
		{"louise@example.org:x", ErrUnknown},
		{"___bad.zz@example.org", ErrUnknown}, // Libervia lets it pass
		{"___bad.4@example.org", ErrUnknown},
		{"___bad.@example.org", ErrUnknown},
		{"___a+b@example.org", ErrUnknown},
		{"___@example.org", ErrUnknown},
		{"___blog---@example.org", ErrUnknown},
		{"blog---@example.org", ErrUnknown},
		{"---louise@example.org", ErrUnknown},
		{"___a.ff@example.org", ErrUnknown}, // not UTF-8
		{"___a.00@example.org", ErrUnknown},
		{"___a.20b@example.org", ErrUnknown}, // no local part has a space
		{"___n.00---a@example.org", ErrUnknown},
		{"___n.00@news.example", ErrUnknown},
		{"___.40example.2enet@example.org", ErrUnknown}, // a domain is nobody
		{"___a.40b.40c@example.org", ErrUnknown},
		{"___a.40.5b.3a.3a1.5d@example.org", ErrUnknown},                            // IPv6
		{"___alice.5c40mast.2esocial.40ap.2eexample.2eorg@example.org", ErrUnknown}, // a loop
		{"louise@ap.example.org", ErrUnknown},
		{"___.xabc@example.org", ErrUnknown},
		{"___.x0bcdefghijklmnopqrstuvwxyz@example.org", ErrUnknown},
		{"___.xabcdefghijklmnopqrstuvwxyz@example.org", ErrHashed},
		{"___.XABCDEFGHIJKLMNOPQRSTUVWXYZ@example.org", ErrHashed},
		{"___.xabcdefghijklmnopqrstuvwxyz@pubsub.example.org", ErrUnknown},
		{"a b@example.org", ErrUnknown},
		{"a\nb@example.org", ErrUnknown},
		{"a\xff@example.org", ErrUnknown},
		{strings.Repeat("a", 3000) + "@example.org", ErrUnknown},
		{"alice@mast.social", ErrNotOurs},
		{"alice@b.example", ErrNotOurs},
		{"alice@example.org:8443", ErrNotOurs},
		{"example.org@example.org", ErrInstance},
		{"acct:News.example@news.example", ErrInstance},
	}
	for _, tt := range tests {
		if jid, node, err := a.ParseHandle(tt.handle); !errors.Is(err, tt.want) || jid != "" || node != "" {
			t.Errorf("ParseHandle(%q) = %q, %q, %v; want %v", tt.handle, jid, node, err, tt.want)
		}
	}
	if c, err := a.Canonical("@Example.org@example.org"); c != "example.org@example.org" || err != nil {
		t.Errorf("Canonical = %q, %v", c, err)
	}
	if got := a.InstanceHandle("mast.social"); got != "" {
		t.Errorf("InstanceHandle = %q", got)
	}
}

func TestAcct(t *testing.T) {
	a := testAddresses(t)
	tests := []struct {
		acct, handle string
		generation   int
	}{
		{"louise@example.org", "louise@example.org", 1},
		{"louise@example.org~2", "louise@example.org", 2},
		{"louise@example.org~10", "louise@example.org", 10},
		{"blog---louise@example.org~2", "blog---louise@example.org", 2},
		{"___.xabcdefghijklmnopqrstuvwxyz@example.org~3", "___.xabcdefghijklmnopqrstuvwxyz@example.org", 3},
	}
	for _, tt := range tests {
		h, g, err := a.ParseAcct(tt.acct)
		if h != tt.handle || g != tt.generation || err != nil {
			t.Errorf("ParseAcct(%q) = %q, %d, %v", tt.acct, h, g, err)
		}
		if got := Acct(tt.handle, tt.generation); got != tt.acct {
			t.Errorf("Acct(%q, %d) = %q", tt.handle, tt.generation, got)
		}
	}
	for _, acct := range []string{"louise@example.org~", "louise@example.org~1", "louise@example.org~0", "louise@example.org~02",
		"louise@example.org~-2", "louise@example.org~+2", "louise@example.org~2~3", "louise@example.org~99999999999999999999", "louise~2@example.org",
		"louise@example.org~x", "example.org@example.org", "~2"} {
		if h, g, err := a.ParseAcct(acct); err == nil {
			t.Errorf("ParseAcct(%q) = %q, %d", acct, h, g)
		}
	}
	if h, g, err := a.ParseAcct("___Louise.2Emichel@example.org~2"); h != "louise.michel@example.org" || g != 2 || err != nil {
		t.Errorf("ParseAcct = %q, %d, %v", h, g, err)
	}
}
