package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// noticesMost is among how many of the last notices a quote is looked for.
const noticesMost = 200

// toNotice takes what a user says to a notice: an answer to the post that it tells
// of, a reaction to it, and what changes or takes back such an answer. It tells
// whether the message was that, and gives what is left of it for commands if not.
func (g *Gateway) toNotice(ctx context.Context, m xmpp.Message) (rest string, done bool) {
	d := dispatch{Message: m}
	d.To = stanza.JID(g.addr.Component()) // by whichever address of the gateway
	var said string
	var err error
	switch {
	case m.Retracts != "":
		said, err = g.takeBackAnswer(ctx, d)
	case m.Reactions != nil:
		said, err = g.reactToNotice(ctx, d)
	default:
		if m.Replaces != "" {
			said, done, err = g.correctAnswer(ctx, d)
		}
		if !done && err == nil {
			said, rest, done, err = g.answerNotice(ctx, d)
		}
		if !done && err == nil {
			return rest, false
		}
	}
	if err != nil {
		if !isRefusal(err) && ctx.Err() == nil {
			g.log.Error("answer to a notice", "user", m.From.Bare(), "error", err)
		}
		said = sentence(sayError(err))
	}
	if said != "" {
		g.say(ctx, m.From, said)
	}
	return "", true
}

// isRefusal tells whether an error is said to a user as it is.
func isRefusal(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// answerer is the account in whose name a notice is answered.
func (g *Gateway) answerer(ctx context.Context, jid stanza.JID) (cache.Account, error) {
	a, err := g.author(ctx, jid)
	if isKind(err, Unauthorized) && a.State == cache.Paused {
		return a, fail(Forbidden, "your account is paused. To go on, send: resume")
	}
	return a, err
}

// answerNotice publishes an answer: by a reply to the notice (XEP-0461), or by
// lines that quote it.
func (g *Gateway) answerNotice(ctx context.Context, d dispatch) (said, rest string, done bool, err error) {
	quote, text := splitQuote(d.Text)
	if d.Reply == nil && quote == "" || strings.TrimSpace(text) == "" && len(d.Files) == 0 {
		return "", d.Text, false, nil
	}
	n, err := g.noticeMeant(ctx, d, quote)
	if errors.Is(err, cache.ErrNotFound) {
		if quote == "" || d.Reply == nil {
			d.Text = text
		}
		first, _, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(text), "/!"), " ")
		if c, known := findCommand(strings.ToLower(first)); known && strings.EqualFold(c.name, first) { // not by another word: hello
			return "", text, false, nil
		}
		return g.once(d.From, d.Text, "I cannot tell which post you answer: that message is not about one post, or the post is gone. "+
			"To write to a person, send a message to their own address."), "", true, nil
	}
	if err != nil {
		return "", "", true, err
	}
	if quote != "" && fits(n.Text, quote) {
		d.Raw = withText(d.Raw, text)
	}
	said, err = g.publishAnswer(ctx, d, n)
	return said, "", true, err
}

// once gives a text to say unless somebody has just been told so for the same
// words: two programs must not talk to each other for ever.
func (g *Gateway) once(user stanza.JID, words, say string) string {
	key := "command " + string(user.Bare()) + " " + hashOf(words)
	if g.recent.failed(key) != nil {
		return ""
	}
	g.recent.note(key, errUnknownCommand)
	return say
}

// noticeMeant finds the notice that a message answers.
func (g *Gateway) noticeMeant(ctx context.Context, d dispatch, quote string) (n cache.Notice, err error) {
	user := string(d.From.Bare())
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if d.Reply != nil {
			n, err = tx.NoticeByID(user, d.Reply.ID)
			return err
		}
		last, err := tx.Notices(user, noticesMost)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(last, func(n cache.Notice) bool { return fits(n.Text, quote) })
		if i < 0 {
			return cache.ErrNotFound
		}
		n = last[i]
		return nil
	})
	return n, err
}

// splitQuote splits the lines that quote another message from what is said to
// them.
func splitQuote(text string) (quote, rest string) {
	rest = strings.TrimLeft(text, "\n")
	var lines []string
	for {
		line, more, _ := strings.Cut(rest, "\n")
		said, ok := strings.CutPrefix(line, ">")
		if !ok {
			break
		}
		lines = append(lines, said)
		rest = more
	}
	if len(lines) == 0 {
		return "", text
	}
	return strings.Join(lines, "\n"), strings.TrimLeft(rest, "\n")
}

// quoteLeast is how much of a notice a quote has to have, in bytes.
const quoteLeast = 8

// fits tells whether a quote is of a notice: all of it, or a part.
func fits(notice, quote string) bool {
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	q := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(plain(quote), "…"), "..."))
	return len(q) >= quoteLeast && strings.Contains(plain(notice), q)
}

// withText is a message with another body, without marks of what was in the old
// one.
func withText(raw *stanza.Element, text string) *stanza.Element {
	body := raw.Child("", "body")
	out := stanza.New(raw.Space, raw.Name).SetLang(raw.Lang()).
		Add(stanza.Text(body.Space, "body", text).SetLang(body.Lang()))
	for c := range raw.Elements() {
		if c.Name != "body" && !c.Is(stanza.NSFallback, "fallback") {
			out.Add(c)
		}
	}
	return out
}

// answerable is the post that a notice tells of, as long as it may be answered: it
// is there, open, and somebody else's.
func (g *Gateway) answerable(tx *cache.Tx, account cache.Account, n cache.Notice) (translate.Post, error) {
	stored, err := tx.PostByURI(n.Object, cache.Viewer{Actor: account.URI})
	p := stored.Post
	switch {
	case errors.Is(err, cache.ErrNotFound), errors.Is(err, cache.ErrGone):
		return p, because(NotFound, err, "that post is not there any more. Nothing was sent.")
	case err != nil:
		return p, err
	case p.Owner.URI == account.URI:
		return p, fail(BadRequest, "that notice is about your own post, so nothing was sent. To write to a person, send a message to their own address.")
	case !open(p.Visibility) || p.Comments == nil || !g.ours(stanza.JID(p.Comments.Service)):
		return p, fail(Forbidden, "that post is not for everybody any more. Nothing was sent. To write to %s, send a message to %s", personName(p.Owner), p.Owner.JID)
	}
	blocked, err := anyBlock(tx, account.URI, p.Owner.URI)
	if err != nil || blocked {
		return p, errOr(err, fail(Forbidden, "%s cannot be answered. Nothing was sent.", personName(p.Owner)))
	}
	return p, nil
}

// publishAnswer publishes what is said to a notice as a comment on its post, in the
// post's own node, as if it had been published there (design: threads).
func (g *Gateway) publishAnswer(ctx context.Context, d dispatch, n cache.Notice) (said string, err error) {
	if d.account, err = g.answerer(ctx, d.From); err != nil {
		return "", err
	}
	mentions := g.mentionsIn(ctx, d.Raw)
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		tx.Durable()
		for _, id := range d.ids() {
			if _, err := tx.MessageByID(id, string(d.To), d.account.JID); !errors.Is(err, cache.ErrNotFound) {
				return err // sent again
			}
		}
		parent, err := g.answerable(tx, d.account, n)
		if err != nil {
			return err
		}
		p, err := translate.FromChat(d.Raw, actorOf(d.account), mentions)
		if err != nil {
			return because(BadRequest, err, "the message is empty")
		}
		id, err := g.newID()
		if err != nil {
			return err
		}
		p.Item = &translate.Item{Service: parent.Comments.Service, Node: parent.Comments.Name, ID: id}
		p.Comments = &translate.Node{Service: parent.Comments.Service, Name: stanza.CommentsNodePrefix + id}
		p.ReplyTo, p.Visibility = parent.URI, parent.Visibility
		if p, err = g.submitAnswer(tx, d, p); err != nil {
			return err
		}
		said = "You answered " + personName(parent.Owner) + ". " + whoReads(p.Visibility) + ": " + p.URL + "\nTo take it back, retract your message or send: undo"
		return nil
	})
	return said, err
}

// whoReads says whom a post is for, before a colon and its address.
func whoReads(v translate.Visibility) string {
	if v == translate.Public {
		return "Everybody can read it"
	}
	return "It is unlisted: everybody who has its address can read it"
}

// submitAnswer stores and sends an answer, and notes by which ids it is known.
func (g *Gateway) submitAnswer(tx *cache.Tx, d dispatch, p translate.Post) (translate.Post, error) {
	p, _, err := g.submit(tx, submission{account: d.account, post: p, raw: stanza.Append(nil, d.Raw, ""), rawType: "application/xmpp+xml"})
	for _, id := range d.ids() {
		if err != nil {
			break
		}
		err = tx.PutMessage(cache.Message{
			ID: id, Our: string(d.To), User: d.account.JID, Object: p.URI, Origin: translate.OriginXMPP, Thread: d.Thread, At: g.now(),
		})
		if errors.Is(err, cache.ErrConflict) {
			err = nil
		}
	}
	return p, err
}

// mentionsIn are those whom a message names: by @user@host, and by references
// (XEP-0372).
func (g *Gateway) mentionsIn(ctx context.Context, raw *stanza.Element) []translate.Mention {
	m := xmpp.ParseMessage(raw)
	var p translate.Post
	for _, handle := range translate.FindMentions(m.Text) {
		p.Mentions = append(p.Mentions, translate.Mention{Actor: translate.Actor{Handle: handle}, Text: "@" + handle})
	}
	for _, ref := range m.Mentions {
		if jid, err := translate.ParseJIDURI(ref.URI); err == nil {
			p.Mentions = append(p.Mentions, translate.Mention{Actor: translate.Actor{JID: jid}})
		}
	}
	return g.resolveMentions(ctx, p)
}

// correctAnswer edits an answer (XEP-0308); known is false for what is none.
func (g *Gateway) correctAnswer(ctx context.Context, d dispatch) (said string, known bool, err error) {
	if d.account, err = g.answerer(ctx, d.From); err != nil {
		return "", false, nil // who has no account has answered nothing
	}
	if quote, text := splitQuote(d.Text); quote != "" && text != "" {
		d.Raw = withText(d.Raw, text)
	}
	mentions := g.mentionsIn(ctx, d.Raw)
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		tx.Durable()
		old, err := d.own(tx, d.Replaces)
		if isKind(err, NotFound) {
			return nil
		}
		if known = true; err != nil {
			return err
		}
		o := old.Post
		p, err := translate.FromChat(d.Raw, actorOf(d.account), mentions)
		if err != nil {
			return because(BadRequest, err, "the message is empty")
		}
		p.URI, p.URL, p.Kind, p.ReplyTo, p.Thread, p.Published = o.URI, o.URL, o.Kind, o.ReplyTo, o.Thread, o.Published
		p.Item, p.Comments, p.Visibility = o.Item, o.Comments, o.Visibility
		if p.Updated = g.now(); !p.Updated.After(o.Updated) {
			p.Updated = o.Updated.Add(time.Second)
		}
		if p, err = g.submitAnswer(tx, d, p); err == nil {
			said = "Your answer was changed: " + p.URL
		}
		return err
	})
	return said, known, err
}

// takeBackAnswer deletes an answer (XEP-0424).
func (g *Gateway) takeBackAnswer(ctx context.Context, d dispatch) (said string, err error) {
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if d.account, err = tx.AccountByJID(string(d.From.Bare()), ""); err != nil {
			return ignoreMissing(err)
		}
		stored, err := d.own(tx, d.Retracts)
		if isKind(err, NotFound) {
			return nil // a command that was taken back
		}
		if err == nil {
			said, err = g.retireAnswer(tx, d.account, stored)
		}
		return err
	})
	return said, err
}

func (g *Gateway) retireAnswer(tx *cache.Tx, account cache.Account, stored cache.Stored) (string, error) {
	tx.Durable()
	return "Your answer was deleted: " + teaser(stored.Post), g.retire(tx, account, stored)
}

// undoCommand takes the last answer to a notice back, for clients that cannot
// retract a message.
func undoCommand(ctx context.Context, o order) (said string, err error) {
	g := o.g
	account, err := g.answerer(ctx, o.user)
	if err != nil {
		return "", err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		last, err := tx.LastMessage(g.addr.Component(), account.JID)
		if err == nil {
			var stored cache.Stored
			stored, err = tx.PostByURI(last.Object, operator)
			if err == nil && stored.Post.Owner.URI != account.URI { // from before an unlink
				err = cache.ErrNotFound
			}
			if err == nil {
				said, err = g.retireAnswer(tx, account, stored)
			}
		}
		if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
			return because(NotFound, err, "there is no answer of yours to take back. I take back the last one only")
		}
		return err
	})
	return said, err
}

// reactToNotice makes reactions to a notice reactions to its post: a heart or a
// thumb is a like. Reactions to anything else that the gateway said are nothing.
func (g *Gateway) reactToNotice(ctx context.Context, d dispatch) (said string, err error) {
	var n cache.Notice
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		n, err = tx.NoticeByID(string(d.From.Bare()), d.Reactions.ID)
		return err
	})
	emoji := emojisOf(d.Reactions)
	if err != nil || len(emoji.Reactions) == 0 && len(d.Reactions.Emoji) > 0 {
		return "", ignoreMissing(err)
	}
	if d.account, err = g.answerer(ctx, d.From); err != nil {
		return "", err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		tx.Durable()
		p, err := g.answerable(tx, d.account, n)
		if err != nil {
			return err
		}
		have, err := tx.ReactionsBy(d.account.URI, p.URI)
		if err != nil {
			return err
		}
		want := reactionsOf(emoji)
		if len(have) == len(want) && !slices.ContainsFunc(have, func(r cache.Reaction) bool { return want[r.Content] != r.Kind }) {
			return nil // sent again
		}
		said = reactedText(p, emoji.Reactions)
		return g.setReactions(tx, d.account, p, want)
	})
	return said, err
}

// reactedText says what became of the reactions to a notice.
func reactedText(p translate.Post, emoji []string) string {
	post := strings.TrimSpace("the post "+teaser(p)) + " by " + personName(p.Owner)
	if len(emoji) == 0 {
		return "You took back your reaction to " + post + "."
	}
	done := "reacted " + strings.Join(emoji, " ") + " to"
	if len(emoji) == 1 && translate.IsLike(emoji[0]) {
		done = "liked"
	}
	return "You " + done + " " + post + ". Everybody who can read the post may see that. To take it back, remove your reaction."
}
