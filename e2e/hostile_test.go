package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// hostileStanzas are read from testdata/hostile.txt: one a line, # for remarks.
// {to} is an address of the gateway, {n} a number for ids, {long} 150 kB of text
// and {deep} 200 elements inside each other.
func hostileStanzas(t *testing.T) []string {
	t.Helper()
	file, err := os.Open("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text := strings.TrimSpace(lines.Text()); text != "" && !strings.HasPrefix(text, "#") {
			all = append(all, text)
		}
	}
	return all
}

// TestHostileStanzas sends what strangers may send through real servers, from
// addresses that not every library can read. The gateway stays connected, and
// answers every request once.
func TestHostileStanzas(t *testing.T) {
	fill := func(text, to string, n int) string {
		return strings.NewReplacer("{to}", lab.Escape(to), "{n}", fmt.Sprintf("h%d", n), "{long}", strings.Repeat("long ", 30_000),
			"{deep}", strings.Repeat("<d>", 200)+strings.Repeat("</d>", 200)).Replace(text)
	}
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 4*patience)
		s.link(s.louise)
		pid, lost := s.gateway.Pid(), s.lost()
		strangers := []lab.Account{
			{User: "☃", Domain: s.Names.Domains[0], Password: "snow-and-ice"},
			{User: "a.b_c~d", Domain: s.Names.Domains[1], Password: "snow-and-ice"},
		}
		resources := []string{"plain", "r\u00e9s '\"&<>", "№1 ☃ \U0001F600"}
		n := 0
		for i, a := range strangers {
			s.must(s.server.AddUser(ctx, a))
			raw, err := lab.DialRaw(ctx, s.server, a, s.CA.Pool(), resources[i])
			s.must(err)
			var asked []string
			for _, to := range []string{s.Names.Component, s.jidOf(s.fedi, "alice"), "nobody@" + s.Names.Component, "☃@" + s.Names.Component + "/x"} {
				for _, stanza := range hostileStanzas(t) {
					n++
					if strings.HasPrefix(stanza, "<iq type='get'") || strings.HasPrefix(stanza, "<iq type='set'") {
						asked = append(asked, fmt.Sprintf("h%d", n))
					}
					text := fill(stanza, to, n)
					err := raw.Write(text)
					select {
					case <-raw.Done():
					default:
						if err == nil {
							continue
						}
					}
					// The server's own judgement, not ours; what it has not
					// answered by then it has not passed on.
					t.Logf("%s closes, lately over %.120s", s.server.Kind, text)
					asked = nil
					raw, err = lab.DialRaw(ctx, s.server, a, s.CA.Pool(), resources[2])
					s.must(err)
				}
			}
			if len(asked) < 20 {
				t.Errorf("only %d requests came through", len(asked))
			}
			s.answeredOnce(raw, asked)
			raw.Close()
		}
		s.alive(pid, lost)
	})
}

// answeredOnce waits for a ping that goes last, and then counts the answers to
// what was asked before.
func (s *site) answeredOnce(raw *lab.Raw, asked []string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	s.must(raw.Write("<iq type='get' id='last' to='" + s.Names.Component + "'><ping xmlns='urn:xmpp:ping'/></iq>"))
	_, err := raw.Inbox.Await(ctx, "the pong", func(n *lab.Node) bool { return n.Attr("id") == "last" })
	s.must(err)
	for _, id := range asked {
		s.must(lab.Eventually(ctx, "one answer to "+id, func() error {
			if got := raw.Answers(id); len(got) != 1 {
				return fmt.Errorf("%d answers: %v", len(got), got)
			}
			return nil
		}))
	}
}

// lost counts in the server's log how often the gateway's connection ended.
func (s *site) lost() int {
	s.t.Helper()
	log, err := os.ReadFile(s.serverLog())
	s.must(err)
	n := strings.Count(string(log), "component disconnected")
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "ejabberd_service") && strings.Contains(line, "clos") || strings.Contains(line, "unregistered") {
			n++
		}
	}
	return n
}

// alive checks that the gateway is the same process on the same connection as
// when so many connections had been lost.
func (s *site) alive(pid, lost int) {
	s.t.Helper()
	_, err := s.louise.IQ(within(s.t, patience), "get", s.Names.Component, "<ping xmlns='urn:xmpp:ping'/>")
	s.must(err)
	if s.gateway.Pid() != pid {
		s.t.Error("the gateway was started anew")
	}
	if n := s.lost(); n != lost {
		s.t.Errorf("the server's log tells of %d lost component connections, not %d", n, lost)
	}
	if n := strings.Count(s.gateway.Log(), "linked to the XMPP server"); n != 1 {
		s.t.Errorf("the gateway connected %d times", n)
	}
}

// TestHostileNotes has a peer post what would end a stream if it were passed on
// as it is. The stream stays up, and the next post arrives.
func TestHostileNotes(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		s.link(s.louise)
		s.follow(s.louise, s.fedi, "alice")
		ctx := within(t, 3*patience)
		alice, pid, lost := s.jidOf(s.fedi, "alice"), s.gateway.Pid(), s.lost()
		for i, html := range []string{
			"control \x01\x02\x0b\x1b characters\ufffe\uffff, NUL \x00, &#0; &#1; &#xFFFF; &#xD800;",
			"lone " + "\xed\xa0\x80" + " surrogate",
			"<p>soup <b><i>of</b> tags</i> <table><td>&nbsp;&bogus;<![CDATA[ x ]]> <!-- c --> <?pi?> <script>alert(1)</script>",
			"<svg xmlns='x' xmlns:y='z'><y:a y:a='1' a='2' a='3'/></svg> <a href='javascript:alert(1)'>x</a> </div></message></stream:stream>",
			"<p>" + strings.Repeat("<blockquote>", 500) + "deep" + "</p>",
			"<p>" + strings.Repeat("A long article. ", 60_000) + "</p>",
			strings.Repeat("\U0001F600", 70_000),
			"",
		} {
			_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: html, Warning: fmt.Sprintf("case %d \x08", i), Tags: []string{"a\x01b", strings.Repeat("t", 5000)}})
			s.must(err)
			mark := fmt.Sprintf("after case %d.", i)
			_, err = s.fedi.Post(ctx, "alice", lab.Note{HTML: mark})
			s.must(err)
			_, err = s.louise.Inbox.Await(ctx, mark, isEvent(alice, mark))
			s.must(err)
		}
		items, err := s.louise.Items(ctx, alice, lab.Microblog, lab.Page{MaxItems: 50})
		s.must(err)
		for _, n := range items.List {
			if text := n.String(); strings.Contains(text, "javascript:") || strings.Contains(text, "<script") {
				t.Errorf("a script came through: %.500s", text)
			}
		}
		s.alive(pid, lost)
	})
}

// serverLog is the file in which the XMPP server tells of its connections.
func (s *site) serverLog() string {
	if s.server.Kind == lab.Ejabberd {
		return s.Dir + "/ejabberd/ejabberd-server.log"
	}
	return s.Dir + "/prosody/prosody.log"
}
