package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// helpAll is what help is asked for all commands.
const helpAll = "more"

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

// helpCommand says what there is in a dozen lines, or all of it, or one command.
func helpCommand(_ context.Context, o order) (string, error) {
	words := strings.Fields(strings.ToLower(o.arg))
	if len(words) == 0 {
		return shortHelp(o.g.addr.Component()), nil
	}
	word := strings.TrimLeft(words[0], "/!")
	if word == helpAll || word == "all" {
		return longHelp(), nil
	}
	c, ok := findCommand(word)
	if !ok {
		return "", fail(BadRequest, "there is no command “%s”. %sFor the list, send: help", shorten(word, 40), nearCommand(word))
	}
	return c.describe(), nil
}

// commandGroups are those of the commands, in their order, with what is in each.
func commandGroups() (names []string, of map[string][]command) {
	of = map[string][]command{}
	for _, c := range table() {
		if c.group == groupHelp {
			continue
		}
		if !slices.Contains(names, c.group) {
			names = append(names, c.group)
		}
		of[c.group] = append(of[c.group], c)
	}
	return names, of
}

// shortHelp is what fits into a chat window.
func shortHelp(component string) string {
	lines := []string{"I connect your XMPP account to the fediverse. Start with: link, follow, status"}
	names, of := commandGroups()
	for _, group := range names {
		words := make([]string, len(of[group]))
		for i, c := range of[group] {
			words[i] = c.name
		}
		lines = append(lines, group+": "+strings.Join(words, ", "))
	}
	return strings.Join(append(lines,
		"To see what a command does, send for example: help follow. For all of them: help "+helpAll,
		fmt.Sprintf("To write to %s, write to alice\\40mast.social@%s", anActor, component)), "\n")
}

// longHelp is a line for each command.
func longHelp() string {
	var b strings.Builder
	names, of := commandGroups()
	for i, group := range names {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(group + "\n")
		for _, c := range of[group] {
			fmt.Fprintf(&b, "%s – %s\n", c.usage(), c.help)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// statusText is Status for people.
func (g *Gateway) statusText(ctx context.Context, jid stanza.JID, node string) (string, error) {
	s, err := g.Status(ctx, jid, node)
	if isKind(err, NotFound) {
		return "You are not linked. To publish your posts to the fediverse, send: link", nil
	}
	if err != nil {
		return "", err
	}
	state := map[cache.AccountState]string{
		cache.Linked: "linked.", cache.Paused: "paused. To go on, send: resume", cache.FollowerOnly: "only following. To publish too, send: link",
	}[s.State]
	lines := []string{
		fmt.Sprintf("@%s is %s", s.Handle, state),
		fmt.Sprintf("Followers: %d. Following: %d. Posts on the fediverse: %d.", s.Followers, s.Following, s.Posts),
	}
	if s.State == cache.Linked {
		lines = append(lines, s.publishing()...)
	}
	if !s.LastEvent.IsZero() {
		lines = append(lines, "Last news: "+s.LastEvent.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if s.Trouble != "" {
		lines = append(lines, "Last trouble: "+s.Trouble)
	}
	if s.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("Waiting deliveries (whole server): %d", s.Waiting))
	}
	return strings.Join(lines, "\n"), nil
}

// publishing says who gets what a linked account publishes.
func (s Status) publishing() []string {
	access := map[cache.Access]string{
		cache.AccessOpen: "public", cache.AccessClosed: "not public, so nothing is published",
		cache.AccessPresence:  "for your contacts; posts go to the followers you approved",
		cache.AccessAuthorize: "for those you let in; posts go to the followers you approved",
	}[s.Access]
	if access == "" {
		access = "not readable so far, so nothing is published"
	}
	how := map[string]string{
		rungNotify: "Your server tells me of each post.", rungSubscribe: "I am subscribed to it.", rungPull: "I look into it every few minutes.",
	}[s.Rung]
	if how == "" {
		how = "I have not reached it yet."
	}
	what := "The node " + s.Node
	if s.Node == stanza.NSMicroblog {
		what = "Your microblog"
	}
	lines := []string{"Page: " + s.Page, fmt.Sprintf("%s is %s. %s", what, access, how)}
	if s.FollowersOnly {
		lines = append(lines, fmt.Sprintf("Followers-only is on. %s; %s delivered.",
			counted(s.Admitted, "approved follower"), counted(s.FollowersPosts, "followers-only post")))
		if s.Unapproved > 0 {
			lines = append(lines, unapprovedText(s.Unapproved))
		}
	}
	if s.Searchable {
		return append(lines, "Anyone can find your public posts in search.")
	}
	return append(lines, "Only your followers can find your posts in search. To change that, send: searchable on")
}
