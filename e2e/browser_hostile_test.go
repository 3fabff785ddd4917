package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// evil is well-formed markup that wants to do what no post may.
const evil = `<p onclick="alert(1)" style="position:fixed;inset:0;font-size:900px" class="skip" id="main">A hostile harbour</p>` +
	`<script>alert(2)</script><style>body { display: none }</style><img src="https://FILES/none.png" onerror="alert(3)" alt="a picture that is not there"/>` +
	`<a href="javascript:alert(4)">javascript</a> <a href="data:text/html,&lt;script&gt;alert(5)&lt;/script&gt;">data</a> <a href="//evil.example/x" target="_blank" ping="https://evil.example/ping">elsewhere</a>` +
	`<iframe src="https://evil.example/frame"></iframe><object data="https://evil.example/o"></object><embed src="https://evil.example/e"/>` +
	`<form action="https://evil.example/form"><input name="q" autofocus="autofocus" onfocus="alert(6)"/><button>Send</button></form>` +
	`<meta http-equiv="refresh" content="0;url=https://evil.example/"/><base href="https://evil.example/"/><link rel="stylesheet" href="https://evil.example/s.css"/>` +
	`<svg onload="alert(7)"><script>alert(8)</script></svg><details open="open" ontoggle="alert(9)"><summary>more</summary>details</details>` +
	`<p>&#x202e;gnp.exe &lt;script&gt;alert(10)&lt;/script&gt;</p><table><tr><td>WIDE</td></tr></table><pre>WIDE</pre><p>WIDE</p><h1>A heading of its own</h1>`

// TestHostilePages opens the pages of somebody who means no good, and of a thread
// in which others mean none either.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	s := newSight(t, mainSetups[0])
	ctx := within(t, patience)
	wide := strings.Repeat("unbroken", 150)
	markup := strings.NewReplacer("WIDE", wide, "FILES", s.files).Replace(evil)
	_, err := s.louise.Publish(ctx, "", "http://jabber.org/protocol/nick", "current",
		"<nick xmlns='http://jabber.org/protocol/nick'>"+lab.Escape("\u202e<script>alert(11)</script>"+wide[:60])+"</nick>", lab.OpenNode())
	s.must(err)
	s.link(s.louise)
	s.followedBy(s.fedi, "alice", s.louise)
	s.must(s.louise.OpenComments(ctx, "evil"))
	_, err = s.louise.Subscribe(ctx, s.louise.Account.JID(), lab.Comments+"evil")
	s.must(err)
	e := s.louise.Entry("evil", "A hostile harbour \u202e"+wide)
	e.XHTML = markup
	e.Categories = []string{`"><script>alert(12)</script>`, "\u202ertl", "harbour"}
	e.Extra = []string{s.enclosure(`"><img src=x onerror=alert(13)>` + wide),
		"<link rel='enclosure' type='image/svg+xml' title='a drawing' href='https://" + s.files + "/evil.svg'/>",
		"<link rel='enclosure' type='text/html' title='a page' href='javascript:alert(14)'/>",
		"<link rel='related' href='javascript:alert(15)'/>"}
	post := s.published(s.louise, e, "hostile harbour")
	note := lab.Note{HTML: markup + "<p>an answer that means no good</p>", InReplyTo: post, Mentions: []string{"@" + s.louise.Account.JID()}, Warning: `<b onmouseover="alert(16)">warned` + "\u202e"}
	_, err = s.fedi.Post(ctx, "alice", note)
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "the answer", isEvent(s.louise.Account.JID(), "warned"))
	s.must(err)
	for name, address := range map[string]string{"hostile-actor": s.actorURL(s.louise.Account.JID()), "hostile-post": post} {
		for _, o := range []lab.TabOptions{{Width: 360, Height: 740}, {Dark: true}} {
			s.withstands(t, o, name, address)
		}
	}
}

// leaks lists what a hostile post brought into the page.
const leaks = `(() => {
	const out = [];
	for (const e of document.querySelectorAll("script, iframe, object, embed, form, main style, meta[http-equiv], base, svg, main input, main button"))
		out.push(e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("*"))
		for (const a of e.attributes)
			if (a.name.startsWith("on") || a.name == "style" || a.name == "ping" || a.name == "target" || /^\s*(javascript|data):/i.test(a.value) && a.name != "alt")
				out.push(e.tagName + " " + a.name + "=" + a.value.slice(0, 60));
	const seen = document.body.getBoundingClientRect();
	if (getComputedStyle(document.body).display == "none" || seen.width == 0) out.push("nothing is shown");
	for (const e of document.querySelectorAll("main *"))
		if (getComputedStyle(e).position == "fixed") out.push("fixed: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("time, footer, body > header a"))
		if (getComputedStyle(e).direction != "ltr") out.push("turned round: " + e.outerHTML);
	return out;
})()`

// withstands opens a page, with its details and everything that can be clicked
// without leaving, and looks for what should not have happened.
func (s *sight) withstands(t *testing.T, o lab.TabOptions, name, address string) {
	ctx := within(t, patience)
	tab, err := s.browser.Tab(ctx, o)
	s.must(err)
	s.visit(t, tab, address, http.StatusOK)
	s.must(tab.Eval(ctx, `document.querySelectorAll("main *:not(a, a *)").forEach(e => { e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})); e.click?.() })`, new(any)))
	s.must(tab.Eval(ctx, `document.querySelectorAll("main details").forEach(d => d.open = true)`, new(any)))
	text := s.text(t, tab)
	has(t, text, "A hostile harbour")
	if name == "hostile-post" {
		has(t, text, "<script>alert(10)</script>", "means no good", "#scriptalert12script")
	}
	s.sound(t, tab, name)
	s.picture(t, tab, name)
	var found []string
	s.must(tab.Eval(ctx, leaks, &found))
	for _, leak := range found {
		t.Errorf("%s: %s", name, leak)
	}
	seen, err := tab.Seen(ctx)
	s.must(err)
	if len(seen.Complaints)+len(seen.Dialogs)+seen.Popups > 0 {
		t.Errorf("%s did what it should not: %+v", name, seen)
	}
	for _, request := range seen.Requests {
		if u, err := url.Parse(request); err != nil || u.Scheme != "https" || u.Host != s.files && !slices.Contains(s.Names.Domains[:], u.Host) {
			t.Errorf("%s asked for %s", name, request)
		}
	}
}
