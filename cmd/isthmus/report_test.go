package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
)

func TestPrint(t *testing.T) {
	r := report{Text: []string{"Two\ntables\x1b."}, Tables: []table{
		{Name: "users", Columns: []string{"handle", "jobs", "ok"}, Rows: [][]any{{"louise@example.org", 3.0, true}, {"", nil, false}, {"evil\x1b[2J\u202e\tx", 1e15, "a\nb"}}},
		{Name: "queue", Columns: []string{"kind"}},
	}}
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	const want = "Two\ntables\ufffd.\n" + `
Users:
HANDLE                          JOBS  OK
louise@example.org                 3  yes
-                                  -  no
evil` + "\ufffd" + `[2J` + "\ufffd" + ` x         1000000000000000  a b

Queue:
none
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	if err := r.printJSON(&b); err != nil {
		t.Fatal(err)
	}
	const wantJSON = `{
  "queue": [],
  "text": [
    "Two\ntables\u001b."
  ],
  "users": [
    {
      "handle": "louise@example.org",
      "jobs": 3,
      "ok": true
    },
    {
      "handle": "",
      "jobs": null,
      "ok": false
    },
    {
      "handle": "evil\u001b[2J` + "\u202e" + `\tx",
      "jobs": 1000000000000000,
      "ok": "a\nb"
    }
  ]
}
`
	if diff := cmp.Diff(wantJSON, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var (
	day    = time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC)
	louise = translate.Actor{URI: "https://example.org/_ap/actor/louise@example.org", Handle: "louise@example.org", JID: "louise@example.org"}
)

func post(id string, v translate.Visibility, text string) translate.Post {
	p := translate.Post{URI: "https://example.org/_ap/item/louise@example.org/" + id, Kind: translate.KindNote, Origin: translate.OriginXMPP,
		Owner: louise, Author: louise, Text: text, HTML: "<p>" + text + "</p>", Visibility: v, Published: day,
		Item: &translate.Item{Service: "louise@example.org", Node: "urn:xmpp:microblog:0", ID: id}}
	switch v {
	case translate.Public:
		p.To = []string{"https://www.w3.org/ns/activitystreams#Public"}
	case translate.Direct:
		p.To = []string{"https://mast.social/users/alice"}
	}
	return p
}

// filled is a store in which something of everything is.
func filled(t *testing.T, b *bench) *cache.Store {
	t.Helper()
	store, err := cache.Open(t.Context(), filepath.Join(b.dir, "isthmus.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), func(tx *cache.Tx) error {
		account := cache.Account{URI: louise.URI, Acct: louise.Handle, Generation: 1, JID: louise.JID, Kind: cache.Person, State: cache.Linked,
			Access: cache.AccessOpen, LinkedAt: day, CreatedAt: day, PrivateKeyPEM: "no key", PublicKeyPEM: "no key",
			Reach: cache.Reach{Rung: "notify", Event: day, Pull: day, Error: "timeout", ErrorAt: day}}
		if err := tx.PutAccount(account); err != nil {
			return err
		}
		for i, p := range []translate.Post{post("7q", translate.Public, "the harbour at six"), post("8r", translate.Direct, "a harbour nobody may find")} {
			if _, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: day.Add(time.Duration(i) * time.Second)}); err != nil {
				return err
			}
		}
		if err := tx.AddReceipt(post("7q", translate.Public, "").URI, louise.URI, "mast.social", day); err != nil {
			return err
		}
		if err := tx.PutBlock(cache.Block{Target: "spam.example", Reason: "spam", CreatedAt: day}); err != nil {
			return err
		}
		if err := tx.PutBlock(cache.Block{Owner: louise.URI, Target: "https://mast.social/users/mallory", CreatedAt: day}); err != nil {
			return err
		}
		later := day.Add(24 * 365 * time.Hour)
		return tx.Enqueue(
			cache.Job{Kind: "deliver", Host: "mast.social", Note: "a post", RunAt: later, CreatedAt: day},
			cache.Job{Kind: "deliver", Host: "other.example", RunAt: later, CreatedAt: day.Add(time.Hour)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// What the commands find in the file, as tables and as JSON.
func TestReports(t *testing.T) {
	b := newBench(t, serveConfig(t))
	store := filled(t, b)
	awaitIndex(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args []string
		want []string
		not  string
	}{
		{[]string{"status"}, []string{"louise@example.org  linked  open    notify  2026-11-20T06:30:00Z  2026-11-20T06:30:00Z  timeout (2026-11-20T06:30:00Z)", "deliver  queued     2      2  2026-11-20T06:30:00Z"}, ""},
		{[]string{"status", "Louise@example.org/phone"}, []string{"louise@example.org  linked"}, "deliver"},
		{[]string{"search", "harbour"}, []string{"2026-11-20T06:30:00Z  louise@example.org  the harbour at six"}, "nobody"},
		{[]string{"search", "harbour", "six", "--json"}, []string{`"text": "the harbour at six"`, `"posts": [`}, "nobody"},
		{[]string{"search", "harbour at six"}, []string{"the harbour at six"}, ""},
		{[]string{"search", "harbour six"}, []string{"none"}, "the harbour"},
		{[]string{"search", "harbour", "--as", "louise@example.org"}, []string{"the harbour at six", "nobody may find"}, ""},
		{[]string{"links"}, []string{"louise@example.org  louise@example.org  -     linked  2026-11-20T06:30:00Z          0  " + louise.URI}, ""},
		{[]string{"links", "--json"}, []string{`"followers": 0`, `"node": ""`}, ""},
		{[]string{"blocks"}, []string{"spam.example  2026-11-20T06:30:00Z  spam"}, "mallory"},
		{[]string{"blocks", "--as", "louise@example.org"}, []string{"https://mast.social/users/mallory"}, "spam"},
		{[]string{"queue"}, []string{"deliver  mast.social    queued      0  2027-11-20T06:30:00Z  a post  -", "other.example"}, ""},
		{[]string{"queue", "list", "--host", "mast.social"}, []string{"mast.social"}, "other.example"},
		{[]string{"queue", "--failed"}, []string{"none"}, "mast.social"},
		{[]string{"cache", "stats"}, []string{"posts                      2", "jobs                       2", "audience  public", "full-text index"}, ""},
		{[]string{"trace", post("7q", "", "").URI}, []string{"audience   public", "louise@example.org  urn:xmpp:microblog:0  7q", "mast.social"}, ""},
		{[]string{"trace", "xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=7q"}, []string{"audience   public"}, ""},
	}
	for _, tt := range tests {
		status, out, errs := b.with(tt.args...)
		if status != exitDone {
			t.Errorf("%q: status %d: %s", tt.args, status, errs)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: no %q in\n%s", tt.args, want, out)
			}
		}
		if tt.not != "" && strings.Contains(out, tt.not) {
			t.Errorf("%q: %q in\n%s", tt.args, tt.not, out)
		}
	}
	for want, args := range map[string][]string{
		"nobody@example.org is not linked":         {"status", "nobody@example.org"},
		"nobody@example.org has no account here":   {"search", "x", "--as", "nobody@example.org"},
		"no such post is stored":                   {"trace", "https://example.org/x"},
		"queue retry needs the running gateway":    {"queue", "retry", "1"},
		"queue drop needs the running gateway":     {"queue", "drop", "1"},
		"nobody@example.org has no account here; ": {"blocks", "--as", "nobody@example.org"},
	} {
		if status, _, errs := b.with(args...); status != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%q: status %d: %s", args, status, errs)
		}
	}

	_, stop := b.serve()
	defer stop()
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"queue", "drop", "1"}, exitDone, "Job 1 is dropped."},
		{[]string{"queue", "drop", "1"}, exitFailed, "there is no job 1 any more"},
		{[]string{"queue", "retry", "2"}, exitDone, "Job 2 is tried again."},
		{[]string{"queue", "retry", "3"}, exitFailed, "there is no job 3 any more"},
		{[]string{"search", "harbour"}, exitDone, "the harbour at six"},
	} {
		if status, out, errs := b.with(tt.args...); status != tt.status || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%q: status %d: %s%s", tt.args, status, out, errs)
		}
	}
}

func awaitIndex(t *testing.T, store *cache.Store) {
	t.Helper()
	for {
		s, err := store.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Unindexed == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// motor is an engine that stands still.
type motor struct{ site }

func (motor) Run(context.Context) error { return nil }
func (motor) Online() bool              { return false }
func (motor) LinkError() error          { return &xmpp.StreamError{Condition: "host-unknown"} }
func (motor) Stats() xmpp.Stats         { return xmpp.Stats{StanzasIn: 7, Connects: 3} }
func (motor) Do(context.Context, call) (report, error) {
	return report{}, nil
}

// Health and metrics come from the store and the link.
func TestGatewayService(t *testing.T) {
	b := newBench(t, "")
	s := &gatewayService{reports: reports{filled(t, b), time.Now, nil, testResolver(t)}, engine: motor{hall{}}, log: slog.New(slog.DiscardHandler)}
	h := s.Health(t.Context())
	h.Started = time.Time{}
	want := health{Version: version, Link: "the XMPP server closed the stream: host-unknown",
		LinkRemedy: (&xmpp.StreamError{Condition: "host-unknown"}).Remedy(), Keys: []string{"louise@example.org"}, Accounts: []string{"louise@example.org"}, Peers: []string{"mast.social"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{"isthmus_xmpp_connects_total": 3, "isthmus_xmpp_stanzas_total in": 7, "isthmus_jobs deliver queued": 2, "isthmus_store_rows posts": 2} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if h := s.Health(t.Context()); h.Database == "" {
		t.Error("a closed store is healthy")
	}
	if err := s.Alive(t.Context()); err == nil {
		t.Error("a closed store is alive")
	}
}
