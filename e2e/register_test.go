package e2e

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestRegister registers, changes and unregisters as Gajim does: what is sent is
// what its library nbxmpp makes of the form.
func TestRegister(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx, gateway := within(t, patience), s.Names.Component
		s.must(s.louise.OpenMicroblog(ctx))
		ask := func() *lab.Node {
			answer, err := s.louise.IQ(ctx, "get", gateway, "<query xmlns='jabber:iq:register'/>")
			s.must(err)
			return answer
		}
		submit := func(fields ...string) {
			t.Helper()
			_, err := s.louise.IQ(ctx, "set", gateway, s.nbxmpp(ask(), fields...))
			s.must(err)
		}
		if ask().Find("jabber:iq:register", "registered") != nil {
			t.Error("Louise is registered before she is")
		}
		submit("searchable=1", "lock=0")
		jid := s.louise.Account.JID()
		if status := s.finger(jid).Status; status != http.StatusOK {
			t.Errorf("WebFinger after she registered: %d", status)
		}
		if ask().Find("jabber:iq:register", "registered") == nil {
			t.Error("Louise has registered and is not")
		}
		s.tells(s.louise, "status", "Anyone can find your public posts in search.")
		submit("searchable=0", "lock=1")
		s.tells(s.louise, "status", "Only your followers can find your posts in search.")
		_, err := s.louise.IQ(ctx, "set", gateway, "<query xmlns='jabber:iq:register'><remove/></query>")
		s.must(err)
		if status := s.finger(jid).Status; status != http.StatusNotFound {
			t.Errorf("WebFinger after she unregistered: %d", status)
		}
	})
}

// nbxmpp fills in the form in an answer.
func (s *site) nbxmpp(answer *lab.Node, fields ...string) string {
	s.t.Helper()
	root, err := lab.Root()
	s.must(err)
	// Debian's nbxmpp belongs to Debian's Python, whatever else is in the path.
	cmd := exec.Command("/usr/bin/python3", append([]string{filepath.Join(root, "e2e", "nbx", "register.py")}, fields...)...)
	cmd.Stdin = strings.NewReader(spelled(answer))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("nbxmpp does not take %s: %v\n%s", answer, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// spelled writes a stanza with the namespace of each element.
func spelled(n *lab.Node) string {
	var b strings.Builder
	b.WriteString("<" + n.XMLName.Local + " xmlns='" + lab.Escape(n.XMLName.Space) + "'")
	for _, a := range n.Attrs {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			b.WriteString(" " + a.Name.Local + "='" + lab.Escape(a.Value) + "'")
		}
	}
	b.WriteString(">" + lab.Escape(n.Text))
	for _, c := range n.Nodes {
		b.WriteString(spelled(c))
	}
	return b.String() + "</" + n.XMLName.Local + ">"
}
