package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// order is a command as a user gives it.
type order struct {
	g    *Gateway
	user stanza.JID // bare
	arg  string
}

// command is something that a user can have the gateway do. It has one
// implementation, and faces in chat and ad-hoc (XEP-0050); the command line
// calls what it calls.
type command struct {
	name    string
	arg     string // what to give, by an example; "" for nothing
	maybe   bool   // the argument can be left out
	help    string
	aliases []string
	run     func(ctx context.Context, o order) (string, error)
	pages   pager  // of an answer that goes on
	more    string // what help for this one adds
}

// usage is how the command is typed.
func (c command) usage() string {
	switch {
	case c.arg == "":
		return c.name
	case c.maybe:
		return c.name + " [" + c.arg + "]"
	}
	return c.name + " " + c.arg
}

// describe is help for one command.
func (c command) describe() string {
	text := c.usage() + " – " + c.help
	if c.more != "" {
		text += ".\n" + c.more
	}
	if len(c.aliases) > 0 {
		text += "\nAlso: " + strings.Join(c.aliases, ", ")
	}
	return text
}

// anActor is the example of what to give.
const anActor = "alice@mast.social"

// table lists the commands in the order in which help shows them.
func table() []command {
	return []command{
		{name: "help", arg: "word", maybe: true, help: "what I can do, or what one of these words does", aliases: []string{"?", "hello", "hi"}, run: helpCommand},
		{name: "link", arg: "node", maybe: true, help: "make me an actor: what I publish from now on is federated", aliases: []string{"register"}, run: onNode((*Gateway).Link),
			more: "Your node urn:xmpp:microblog:0 has to be open to everybody. With the name of another open node of yours, that one becomes an actor of its own."},
		{name: "unlink", arg: "node", maybe: true, help: "take me off the fediverse again, with all my posts, for good", aliases: []string{"unregister"}, run: onNode((*Gateway).Unlink),
			more: "Every server that ever got something of you is told to delete it. It cannot be undone; pause hides you for a while."},
		{name: "pause", arg: "node", maybe: true, help: "hide me for now", run: onNode((*Gateway).Pause)},
		{name: "resume", arg: "node", maybe: true, help: "end a pause", run: onNode((*Gateway).Resume)},
		{name: "status", arg: "node", maybe: true, help: "how I am doing: reach, followers, trouble", run: onNode((*Gateway).statusText)},
		{name: "import", arg: "number of posts", maybe: true, help: "federate posts from before the link too", run: importCommand,
			more: "The newest 20, or as many as you say, up to 200."},
		{name: "purge", arg: "node", maybe: true, help: "delete on the fediverse what is not in my node any more", run: onNode((*Gateway).Purge),
			more: "Use it when you have emptied or deleted your node and want your posts gone on the fediverse too."},
		{name: "follow", arg: anActor, help: "follow somebody", run: onActor((*Gateway).FollowHandle),
			more: "An address, the URL of a profile, or an XMPP address of mine. Adding that address to your contacts does the same."},
		{name: "unfollow", arg: anActor, help: "stop following somebody", run: onActor((*Gateway).UnfollowHandle)},
		{name: "following", help: "whom I follow", run: followingCommand},
		{name: "followers", help: "who follows me, and who asks to", aliases: []string{"requests"}, run: followersCommand},
		{name: "approve", arg: anActor, help: "let somebody follow me who asked", aliases: []string{"accept"}, run: decideCommand(true)},
		{name: "deny", arg: anActor, help: "refuse a follower, or remove one", aliases: []string{"reject"}, run: decideCommand(false)},
		{name: "lock", arg: "on or off", help: "decide myself who follows me, or not", run: lockCommand},
		{name: "followers-only", arg: "on or off", help: "let the followers that I approved have what is in my node while it is open to contacts only", run: followersOnlyCommand,
			more: "What you publish while your node is for contacts only goes to the followers whom you approve, and to nobody else. Off takes it back."},
		{name: "searchable", arg: "on or off", help: "let everybody find my public posts by search, or not", aliases: []string{"indexable"}, run: searchableCommand},
		{name: "mine", arg: "number", maybe: true, help: "say that a comment in my name is mine, where its server does not say so", run: mineCommand},
		{name: "undo", help: "take back the last answer that you gave to a notice", run: undoCommand,
			more: "A reply to a notice of mine that tells of a post answers that post; a reaction to it is a reaction to the post. Retracting your message takes it back too."},
		{name: "search", arg: "words", help: "find posts that passed through here", run: searchCommand, pages: searchPage,
			more: "Words, \"a phrase\", -without, from:alice@mast.social, tag:moss, lang:en, has:media, after:2026-11-01. Ten at a time; more goes on."},
		{name: "more", help: "go on with the last search", aliases: []string{"next"}, run: moreCommand},
		{name: "count", arg: "words", help: "how many posts a search finds, up to 10000", run: countCommand},
		{name: "suggest", arg: "hashtag", maybe: true, help: "whom and what I could follow", run: onActor((*Gateway).Suggest)},
		{name: "save", arg: "ferns fern -moss", help: "keep a search under a name, as a node that you can subscribe to", run: onActor((*Gateway).Save),
			more: "A name, then what to search for. Subscribe to the node that I name, and you are told of new posts."},
		{name: "saved", help: "which searches I keep", run: onActor((*Gateway).Saved)},
		{name: "forget", arg: "ferns", help: "drop a search that I keep", run: onActor((*Gateway).Forget)},
		{name: "block", arg: anActor, help: "see nothing of somebody, or of a whole server, and show them nothing", run: blockCommand,
			more: "Somebody's address, or a server, such as mast.social. Follows between you end; they are not told."},
		{name: "unblock", arg: anActor, help: "lift a block", run: onActor((*Gateway).Unblock)},
		{name: "blocks", help: "whom I block", run: blocksCommand},
	}
}

// findCommand finds a command by its name or another word for it.
func findCommand(name string) (command, bool) {
	for _, c := range table() {
		if c.name == name || slices.Contains(c.aliases, name) {
			return c, true
		}
	}
	return command{}, false
}

// obey runs a command as it is typed and gives the answer; known is false if
// there is no such command.
func (g *Gateway) obey(ctx context.Context, user stanza.JID, text string) (answer string, known bool) {
	answer, known, err := g.understand(ctx, user, text)
	if err != nil {
		return sentence(sayError(err)), known
	}
	return answer, known
}

// Command runs a command in the words in which users give it by chat.
func (g *Gateway) Command(ctx context.Context, user stanza.JID, text string) (string, error) {
	answer, _, err := g.understand(ctx, user, text)
	return answer, err
}

func (g *Gateway) understand(ctx context.Context, user stanza.JID, text string) (answer string, known bool, err error) {
	name, arg, _ := strings.Cut(strings.TrimLeft(text, "/!"), " ")
	if first, rest, ok := strings.Cut(name, "\n"); ok {
		name, arg = first, rest+" "+arg
	}
	c, known := findCommand(strings.ToLower(strings.TrimSpace(name)))
	if !known {
		return "", false, fail(BadRequest, "I do not know that word. %sSend help for what I can do.", meant(text, name))
	}
	answer, err = g.carryOut(ctx, c, user, arg)
	return answer, true, err
}

// meant is what somebody probably wanted whose first word is no command, as a
// sentence before others, or "".
func meant(text, name string) string {
	if who := cleanHandle(text); !strings.ContainsAny(who, " \n") &&
		(strings.HasPrefix(who, "https://") || strings.Contains(who, "@")) {
		return "To follow somebody, send: follow " + shorten(who, findLongest) + "\n"
	}
	names := make([]string, 0, 32)
	for _, c := range table() {
		names = append(names, c.name)
	}
	if near := cache.Nearest(name, names); near != "" {
		return "Did you mean " + near + "? "
	}
	return ""
}

// carryOut runs a command for a user, whichever way it came.
func (g *Gateway) carryOut(ctx context.Context, c command, user stanza.JID, arg string) (string, error) {
	arg = strings.TrimSpace(arg)
	if arg == "" && c.arg != "" && !c.maybe {
		return "", fail(BadRequest, "write it like this: %s", c.usage())
	}
	answer, err := c.run(ctx, order{g, user.Bare(), arg})
	if err != nil {
		level := slog.LevelInfo
		if isKind(err, BadRequest) || isKind(err, NotFound) || isKind(err, Conflict) || isKind(err, Forbidden) { // they were told
			level = slog.LevelDebug
		}
		g.log.Log(ctx, level, "command failed", "command", c.name, "error", err)
	}
	return answer, err
}

// onNode is a command about the user's microblog, or another node of theirs. An
// operator may name somebody else, and a service: JID, or JID/node.
func onNode(fn func(*Gateway, context.Context, stanza.JID, string) (string, error)) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) {
		jid, node := o.user, o.arg
		first, rest, _ := strings.Cut(node, "/")
		if o.g.isAdmin(o.user) && (o.g.addr.IsUserDomain(stanza.JID(first).Domain()) || o.g.addr.IsService(first)) {
			jid, node = stanza.JID(strings.ToLower(first)), rest
		}
		return fn(o.g, ctx, jid, node)
	}
}

// onActor is a command about somebody on the fediverse.
func onActor(fn func(*Gateway, context.Context, stanza.JID, string) (string, error)) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) { return fn(o.g, ctx, o.user, o.arg) }
}

func helpCommand(_ context.Context, o order) (string, error) {
	if words := strings.Fields(strings.ToLower(o.arg)); len(words) > 0 {
		if c, ok := findCommand(strings.TrimLeft(words[0], "/!")); ok {
			return c.describe(), nil
		}
	}
	var b strings.Builder
	b.WriteString("I join you to the fediverse. Send me one of these:\n")
	for _, c := range table() {
		fmt.Fprintf(&b, "%s – %s\n", c.usage(), c.help)
	}
	fmt.Fprintf(&b, "Everybody on the fediverse has an address here: alice@mast.social is alice\\40mast.social@%s. "+
		"Write to it to write to them, and subscribe to it in a client for social posts to read them.", o.g.addr.Component())
	return b.String(), nil
}

// statusText is Status for people.
func (g *Gateway) statusText(ctx context.Context, jid stanza.JID, node string) (string, error) {
	s, err := g.Status(ctx, jid, node)
	if isKind(err, NotFound) {
		return "You are not linked. Send link, and what you publish from then on is federated.", nil
	}
	if err != nil {
		return "", err
	}
	state := map[cache.AccountState]string{
		cache.Linked: "linked", cache.Paused: "paused; send resume to go on", cache.FollowerOnly: "following only; send link to publish too",
	}[s.State]
	lines := []string{
		fmt.Sprintf("@%s is %s.", s.Handle, state),
		fmt.Sprintf("Followers: %d. Following: %d. Posts on the fediverse: %d.", s.Followers, s.Following, s.Posts),
	}
	if s.State == cache.Linked {
		access := map[cache.Access]string{
			cache.AccessOpen: "open to everybody", cache.AccessClosed: "not open to everybody, so nothing crosses",
			cache.AccessPresence:  "for those who see your presence; what is in it goes to the followers whom you approved",
			cache.AccessAuthorize: "for those whom you let in; what is in it goes to the followers whom you approved",
		}[s.Access]
		if access == "" {
			access = "not readable so far, so nothing crosses"
		}
		how := map[string]string{
			rungNotify: "your server tells me of each post", rungSubscribe: "I am subscribed to it", rungPull: "I look into it every few minutes",
		}[s.Rung]
		if how == "" {
			how = "I have not reached it yet"
		}
		lines = append(lines, fmt.Sprintf("Your node %s is %s; %s.", s.Node, access, how))
		if s.FollowersOnly {
			lines = append(lines, fmt.Sprintf("Followers-only is on: %d followers get what is not for everybody; %d such posts are with them.", s.Admitted, s.FollowersPosts))
			if s.Unapproved > 0 {
				lines = append(lines, unapprovedText(s.Unapproved))
			}
		}
		found := "Your posts are found by search only by those who follow you; send searchable on to change that."
		if s.Searchable {
			found = "Everybody can find your public posts by search."
		}
		lines = append(lines, found)
	}
	if !s.LastEvent.IsZero() {
		lines = append(lines, "Last news: "+s.LastEvent.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if s.Trouble != "" {
		lines = append(lines, "Last trouble: "+s.Trouble)
	}
	if s.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("Deliveries that wait, of everybody here: %d", s.Waiting))
	}
	return strings.Join(lines, "\n"), nil
}

func importCommand(ctx context.Context, o order) (string, error) {
	most := pullMost
	if o.arg != "" {
		n, err := strconv.Atoi(o.arg)
		if err != nil || n < 1 {
			return "", fail(BadRequest, "how many posts? For example: import 50")
		}
		most = n
	}
	return o.g.Import(ctx, o.user, "", most)
}
