package gateway

import (
	"slices"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// adHoc is a client that goes through an ad-hoc command.
type adHoc struct {
	w         *world
	node, id  string
	user      string
	form      *xmpp.Form
	note      string
	noteType  string
	status    string
	actions   string // the default one first
	answerXML string
}

func (w *world) adHoc(user, node string) *adHoc {
	w.t.Helper()
	a := &adHoc{w: w, node: node, user: user}
	a.step("execute", nil)
	return a
}

func (a *adHoc) step(action string, values *xmpp.Form) {
	a.w.t.Helper()
	c := stanza.New(stanza.NSCommands, "command").Set("node", a.node).Set("action", action).Set("sessionid", a.id)
	answer := a.w.xmpp.ask("set", a.user, ourComponent, c.Add(values.Element()))
	el := answer.Child(stanza.NSCommands, "command")
	if answer.Get("type") == "error" || el == nil {
		a.w.t.Fatalf("%s of %s is answered %s", action, a.node, answer)
	}
	a.id, a.status, a.form, a.answerXML = el.Get("sessionid"), el.Get("status"), xmpp.ParseForm(el.Child(stanza.NSForm, "x")), el.String()
	a.note, a.noteType, a.actions = el.ChildContent("", "note"), el.Child("", "note").Get("type"), ""
	if actions := el.Child("", "actions"); actions != nil {
		a.actions = actions.Get("execute") + ":"
		for x := range actions.Elements() {
			a.actions += " " + x.Name
		}
	}
}

// fill answers a form: name, value, name, value; a field may come several times.
func fill(pairs ...string) *xmpp.Form {
	f := xmpp.NewForm(xmpp.FormSubmit, "")
	for i := 0; i+1 < len(pairs); i += 2 {
		if at := slices.IndexFunc(f.Fields, func(x xmpp.Field) bool { return x.Var == pairs[i] }); at >= 0 {
			f.Fields[at].Values = append(f.Fields[at].Values, pairs[i+1])
			continue
		}
		f.Add(xmpp.Field{Var: pairs[i], Values: []string{pairs[i+1]}})
	}
	return f
}

// TestAdHocForms: every command is there by XEP-0050, and its form can be filled
// in by somebody who does not know the words.
func TestAdHocForms(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	_, err := w.Save(t.Context(), louise, "ferns fern")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		for _, f := range []cache.Follow{
			{Follower: bobURI, Followee: a.URI, State: cache.FollowPending}, {Follower: a.URI, Followee: aliceURI, State: cache.FollowAccepted},
		} {
			f.CreatedAt, f.UpdatedAt = w.clock(), w.clock()
			if err := tx.PutFollow(f); err != nil {
				return err
			}
		}
		return tx.PutBlock(cache.Block{Owner: a.URI, Target: "spam.test", CreatedAt: w.clock()})
	})
	list, err := (&commands{w.Gateway}).Commands(t.Context(), xmpp.Request{From: phone, To: ourComponent})
	w.must(err)
	if last := list[len(list)-2]; last.Node != "unlink" || list[1].Node != "link" {
		t.Errorf("unlink is not away from link: %s, %s", list[1].Node, last.Node)
	}
	want := map[string]string{ // type, whether it is required, options
		"help": "list-single", "link": "text-single", "import": "text-single", "searchable": "boolean", "lock": "boolean", "followers-only": "boolean",
		"follow": "text-single required", "unfollow": "list-multi required Alice (@alice@mast.social)=" + aliceURI, "suggest": "text-single",
		"approve": "list-multi required Bob (@bob@pub.test) (pending)=" + bobURI,
		"deny":    "list-multi required Bob (@bob@pub.test) (pending)=" + bobURI + " Alice (@alice@mast.social)=" + aliceURI,
		"search":  "text-single required", "count": "text-single required", "save": "text-single required", "forget": "list-multi required ferns: fern=ferns",
		"block": "text-single required", "unblock": "list-multi required spam.test=spam.test",
	}
	for _, c := range table() {
		x := list[slices.IndexFunc(list, func(x xmpp.Command) bool { return x.Node == c.name })]
		if !strings.HasPrefix(strings.ToLower(x.Name), c.name+": ") {
			t.Errorf("%s is called %q", c.name, x.Name)
		}
		if want[c.name] == "" {
			continue
		}
		run := w.adHoc(phone, c.name)
		if run.form == nil || run.status != "executing" || run.form.Title == "" || run.form.Instructions == "" {
			t.Errorf("%s asks %s", c.name, run.answerXML)
			continue
		}
		if way := map[bool]string{true: "next: next", false: "complete: complete"}[c.loses != nil]; run.actions != way {
			t.Errorf("%s offers %s, want %s", c.name, run.actions, way)
		}
		for _, f := range run.form.Fields {
			if f.Label == "" || strings.ContainsAny(f.Label, "@") || f.Type == "" || f.Desc == "" && f.Options == nil {
				t.Errorf("%s asks for %+v", c.name, f)
			}
		}
		f, _ := run.form.Field(fieldWhat)
		got := f.Type
		if f.Required {
			got += " required"
		}
		for _, o := range f.Options {
			if f.Type == "list-multi" {
				got += " " + o.Label + "=" + o.Value
			}
		}
		if got != want[c.name] {
			t.Errorf("%s asks for %s, want %s", c.name, got, want[c.name])
		}
		if !f.Required {
			continue
		}
		if run.step("complete", fill()); run.status != "executing" || run.noteType != "error" || run.form == nil {
			t.Errorf("%s without an answer: %s", c.name, run.answerXML)
		}
	}
	if run := w.adHoc(phone, "import"); !strings.Contains(run.answerXML, `datatype="xs:integer"`) && !strings.Contains(run.answerXML, "datatype='xs:integer'") {
		t.Errorf("import takes any text: %s", run.answerXML)
	}
	if actors, err := (&commands{w.Gateway}).Commands(t.Context(), xmpp.Request{From: phone, To: aliceJID}); err != nil || len(actors) > 0 {
		t.Errorf("an actor offers %v, %v", actors, err)
	}
}

// TestAdHocAnswers: what is filled in does what it says.
func TestAdHocAnswers(t *testing.T) {
	w := newWorld(t)
	w.cfg.XMPP.Admins = nil // operators are asked for whom, too
	a := w.linkUser(louise)
	for _, c := range []struct {
		node string
		fill *xmpp.Form
		want string
	}{
		{"help", fill(fieldWhat, "follow"), "follow alice@mast.social – follow somebody"},
		{"follow", fill(fieldWhat, "bob@pub.test"), "Asked Bob"},
		{"lock", fill(fieldWhat, "1"), "you are asked"},
		{"searchable", fill(fieldWhat, "true"), "Anyone can find"},
		{"import", fill(fieldWhat, "5"), "There are no older posts"},
		{"save", fill("name", "ferns", fieldWhat, "fern -moss"), "Saved ferns."},
		{"unfollow", fill(fieldWhat, bobURI), "You do not follow Bob"},
		{"block", fill(fieldWhat, "spam.test"), "Blocked spam.test."},
		{"unblock", fill(fieldWhat, "spam.test"), "spam.test is not blocked any more."},
	} {
		run := w.adHoc(phone, c.node)
		if run.step("", c.fill); run.status != "completed" || !strings.HasPrefix(strings.ToLower(run.note), strings.ToLower(c.want)) && !strings.Contains(run.note, c.want) {
			t.Errorf("%s: %s", c.node, run.answerXML)
		}
	}
	now, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	if !now.ManuallyApproves || !now.Indexable {
		t.Error("what was ticked is not on")
	}
	for _, node := range []string{"lock", "searchable"} {
		if run := w.adHoc(phone, node); run.form.Value(fieldWhat) != "1" {
			t.Errorf("%s shows %s", node, run.answerXML)
		}
	}
	run := w.adHoc(phone, "save")
	if run.step("complete", fill("name", "two words", fieldWhat, "x")); run.noteType != "error" || run.form.Value("name") != "two words" {
		t.Errorf("a name of two words: %s", run.answerXML)
	}
	for node, want := range map[string]string{"approve": "Nobody is waiting for your approval.", "unblock": "You block nobody.", "unfollow": "You follow nobody.", "status": "is linked", "mine": "No comments are waiting"} {
		if run := w.adHoc(phone, node); run.status != "completed" || !strings.Contains(run.note, want) {
			t.Errorf("%s with nothing to choose: %s", node, run.answerXML)
		}
	}
	// Several at once.
	w.follows(bobURI, a, false)
	run = w.adHoc(phone, "deny")
	run.step("next", fill(fieldWhat, aliceURI, fieldWhat, bobURI))
	if run.status != "executing" || !strings.Contains(run.form.Instructions, "Alice") || !strings.Contains(run.form.Instructions, "Bob") {
		t.Fatalf("deny asks %s", run.answerXML)
	}
	if run.step("complete", fill(fieldSure, "1")); strings.Count(run.note, "does not follow you any more") != 2 {
		t.Errorf("deny says %s", run.answerXML)
	}
}

// TestAskBack: nothing that cannot be undone is done without a yes, whichever way
// the command comes.
func TestAskBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		command string
		prepare func(w *world, a cache.Account)
		asks    string // a part of the question
		done    func(w *world, a cache.Account) bool
	}{
		{"unlink", "unlink", nil, "lose 1 post and 1 follower.", func(w *world, a cache.Account) bool {
			now, err := w.accountOf(t.Context(), louise, "")
			return err == nil && now.State == cache.Unlinked
		}},
		{"unlink of a node", "unlink blog", func(w *world, _ cache.Account) {
			w.hold(louise, "blog")
			_, err := w.Link(w.t.Context(), louise, "blog")
			w.must(err)
		}, "@blog---louise@example.org would leave the fediverse.", func(w *world, _ cache.Account) bool {
			now, err := w.accountOf(t.Context(), louise, "blog")
			return err == nil && now.State == cache.Unlinked
		}},
		{"purge", "purge", func(w *world, _ cache.Account) { w.xmpp.node(louise, feed, nodeOpen) }, "1 post is not in your microblog any more", func(w *world, a cache.Account) bool {
			return w.postsOf(a) == 0
		}},
		{"followers-only", "followers-only off", func(w *world, a cache.Account) {
			w.say(louise, "followers-only on", "")
			w.forFollowers(louise, "fern")
		}, "1 post would be taken back", func(w *world, a cache.Account) bool {
			now, err := w.accountOf(t.Context(), louise, "")
			return err == nil && now.FollowersOnly.IsZero()
		}},
		{"forget", "forget ferns", func(w *world, _ cache.Account) {
			_, err := w.Save(w.t.Context(), louise, "ferns fern")
			w.must(err)
		}, "The search ferns (fern) is deleted", func(w *world, _ cache.Account) bool {
			text, err := w.Saved(w.t.Context(), louise, "")
			return err == nil && !strings.Contains(text, "ferns")
		}},
		{"block of a server", "block mast.social", nil, "you lose 1 follower. Unblocking", func(w *world, a cache.Account) bool {
			return w.followersOf(a) == 0
		}},
		{"block of somebody", "block alice@mast.social", nil, "If you block Alice (@alice@mast.social), you lose 1 follower", func(w *world, a cache.Account) bool {
			return w.followersOf(a) == 0
		}},
		{"deny", "deny alice@mast.social", nil, "Alice (@alice@mast.social) follows you", func(w *world, a cache.Account) bool {
			return w.followersOf(a) == 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := func() (*world, cache.Account) {
				w := newWorld(t)
				w.cfg.XMPP.Admins = nil
				a := w.linkUser(louise)
				w.publish(louise, feed, w.entry("fern", "A fern."))
				if c.prepare != nil {
					c.prepare(w, a)
				}
				w.running.Wait()
				return w, a
			}
			check := func(w *world, a cache.Account, how string, want bool) {
				t.Helper()
				w.running.Wait()
				if got := c.done(w, a); got != want {
					t.Errorf("%s: done: %v, want %v", how, got, want)
				}
			}
			w, a := begin()
			text, _ := w.obey(t.Context(), louise, c.command)
			if !strings.Contains(text, c.asks) || !strings.HasSuffix(text, "\nTo do it, send: "+c.command+" yes") {
				t.Errorf("chat asks %q, want %q", text, c.asks)
			}
			check(w, a, "asked by chat", false)
			w.obey(t.Context(), louise, c.command+" YES")
			check(w, a, "confirmed by chat", true)

			w, a = begin()
			name, arg, _ := strings.Cut(c.command, " ")
			run := w.adHoc(phone, name)
			if run.form != nil && run.form.Fields[0].Var != fieldSure {
				values := fill(fieldWhat, arg)
				switch {
				case name == "followers-only":
					values = fill(fieldWhat, "0")
				case arg == "":
					values = fill(fieldWhat, feed)
				case name == "deny":
					values = fill(fieldWhat, aliceURI)
				}
				run.step("next", values)
				if run.actions != "complete: prev complete" {
					t.Errorf("the second stage offers %s", run.actions)
				}
				if run.step("prev", nil); run.actions != "next: next" || run.form.Value(fieldWhat) != values.Value(fieldWhat) {
					t.Errorf("back at the first stage: %s", run.answerXML)
				}
				run.step("next", values)
			}
			field, _ := run.form.Field(fieldSure)
			if !strings.Contains(run.form.Instructions, c.asks) || field.Type != "boolean" || !field.Required || run.form.Value(fieldSure) != "0" {
				t.Fatalf("the form asks %s", run.answerXML)
			}
			if run.step("complete", fill(fieldSure, "0")); run.status != "executing" || run.noteType != "warn" {
				t.Errorf("without the tick: %s", run.answerXML)
			}
			check(w, a, "asked by form", false)
			if run.step("complete", fill(fieldSure, "1")); run.status != "completed" {
				t.Errorf("with the tick: %s", run.answerXML)
			}
			check(w, a, "confirmed by form", true)
		})
	}
}

// forFollowers has an item be for followers only.
func (w *world) forFollowers(jid, item string) {
	w.t.Helper()
	w.update(func(tx *cache.Tx) error {
		s, err := tx.PostByItem(jid, feed, item, operator)
		if err != nil {
			return err
		}
		s.Post.Visibility = translate.Followers
		_, _, err = tx.PutPost(s.Post, nil, cache.PutOptions{Received: w.clock()})
		return err
	})
}

func (w *world) postsOf(a cache.Account) (n int) {
	w.view(func(tx *cache.Tx) (err error) {
		n, err = tx.CountOutbox(a.URI, operator, cache.AnyWidth)
		return err
	})
	return n
}

func (w *world) followersOf(a cache.Account) (n int) {
	w.view(func(tx *cache.Tx) (err error) {
		n, err = tx.CountFollowers(a.URI)
		return err
	})
	return n
}

// TestNothingToAskAbout: a command that ends nothing does not ask.
func TestNothingToAskAbout(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.say(louise, "purge", "There is nothing to delete")
	w.say(louise, "followers-only off", "Followers-only is off.")
	w.say(louise, "block pub.test", "Blocked pub.test.")
	w.say(louise, "deny bob@pub.test", "did not ask to follow you")
	w.say(pierre, "unlink", "is not linked")
	w.say(pierre, "block mast.social", "Blocked mast.social.")
	w.say(louise, "forget nothing", "You have no saved search of that name")
}

// TestWhichAccount: who has several accounts is asked for which, and an operator
// for whom.
func TestWhichAccount(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.hold(louise, "blog")
	_, err := w.Link(t.Context(), louise, "blog")
	w.must(err)
	run := w.adHoc(phone, "status")
	f, _ := run.form.Field(fieldWhat)
	if len(f.Options) != 2 || f.Options[0] != (xmpp.Option{Label: "your microblog (@louise@example.org)", Value: feed}) || f.Options[1].Value != "blog" {
		t.Fatalf("status asks %s", run.answerXML)
	}
	if run.step("", fill(fieldWhat, "blog")); !strings.Contains(run.note, "@blog---louise@example.org") {
		t.Errorf("status of the blog: %s", run.answerXML)
	}
	w.cfg.XMPP.Admins = []string{pierre}
	run = w.adHoc(pierre+"/desk", "status")
	if f, ok := run.form.Field(fieldUser); !ok || f.Type != "jid-single" || f.Required {
		t.Fatalf("an operator is asked %s", run.answerXML)
	}
	if run.step("", fill(fieldUser, louise)); !strings.Contains(run.note, "@louise@example.org is linked") {
		t.Errorf("an operator's status: %s", run.answerXML)
	}
	run = w.adHoc(phone, "status") // others cannot, whatever they send
	if run.step("", fill(fieldUser, pierre)); strings.Contains(run.note, "pierre@") {
		t.Errorf("somebody else's status: %s", run.answerXML)
	}
}

// TestRegisterCommand: registration is among the commands too.
func TestRegisterCommand(t *testing.T) {
	w := newWorld(t)
	w.xmpp.node(louise, feed, nodeOpen)
	run := w.adHoc(phone, stanza.NSRegister)
	if run.form.FormType() != stanza.NSRegister {
		t.Fatalf("it asks %s", run.answerXML)
	}
	run.form.Type = xmpp.FormSubmit
	for i := range run.form.Fields {
		if run.form.Fields[i].Var == fieldSearchable {
			run.form.Fields[i].Values = []string{"1"}
		}
	}
	if run.step("complete", run.form); run.status != "completed" || !strings.Contains(run.note, "@louise@example.org") {
		t.Errorf("it says %s", run.answerXML)
	}
	if a, err := w.accountOf(t.Context(), louise, ""); err != nil || a.State != cache.Linked || !a.Indexable {
		t.Errorf("registered: %+v, %v", a, err)
	}
}

// TestUnlinkLeavesTheContacts: actors go from the contact list of who unlinks
// (XEP-0100 §4.3), and stay in that of others.
func TestUnlinkLeavesTheContacts(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	for _, who := range []string{louise, pierre} {
		w.presenceFrom(who, aliceJID, "subscribe")
		w.xmpp.await("the approval", func(el *stanza.Element) bool {
			return el.Name == "presence" && el.Get("type") == "subscribed" && el.Get("to") == who
		})
	}
	w.running.Wait()
	w.say(louise, "unlink yes", "Unlinked")
	for _, kind := range []string{"unsubscribe", "unsubscribed", "unavailable"} {
		w.xmpp.await(kind, func(el *stanza.Element) bool {
			if el.Name == "presence" && el.Get("to") == pierre && el.Get("type") == kind {
				t.Errorf("pierre gets %s", el)
			}
			return el.Name == "presence" && el.Get("from") == aliceJID && el.Get("to") == louise && el.Get("type") == kind
		})
	}
	if left, err := w.contactsOf(louise); err != nil || slices.Contains(left, aliceJID) {
		t.Errorf("contacts that are left: %v, %v", left, err)
	}
}

func (w *world) contactsOf(user string) (list []string, err error) {
	err = w.eachContact(w.t.Context(), func(c cache.Contact) error {
		if c.User == user {
			list = append(list, c.Our)
		}
		return nil
	})
	return list, err
}
