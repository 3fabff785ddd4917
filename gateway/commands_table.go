package gateway

// The groups in which help lists the commands.
const (
	groupPublish   = "Publish"
	groupFollow    = "Follow"
	groupFollowers = "Followers"
	groupSearch    = "Search"
	groupBlock     = "Block"
	groupLeave     = "Leave"
	groupHelp      = "Help"
)

// anActor is the example of what to give.
const anActor = "alice@mast.social"

// table lists the commands in the order in which help and clients show them.
// What leaves for ever stands at the end, away from what joins.
func table() []command {
	onOff := "on or off"
	return []command{
		{name: "help", group: groupHelp, arg: "command", maybe: true, help: "list the commands, or explain one", aliases: []string{"?", "hello", "hi"}, run: helpCommand,
			asks: []asked{{name: fieldWhat, label: "Command", kind: "list-single", options: commandOptions, start: helpAll}}},
		{name: "link", group: groupPublish, arg: "node", maybe: true, help: "publish your posts to the fediverse", aliases: []string{"register"}, run: onNode((*Gateway).Link),
			asks: []asked{{name: fieldWhat, label: "Node", desc: "Leave it empty for your microblog. The name of another public node of yours gives that node an address of its own."}, forUser()},
			more: "What you publish in your microblog goes out from then on, if everybody can read it. With the name of another public node of yours, that node gets an address of its own. " +
				"What you post in a node of a service that is linked too is yours there, if the service says who posts."},
		{name: "status", group: groupPublish, arg: "node", maybe: true, help: "show how it goes: reach, followers, trouble", run: onNode((*Gateway).statusText), asks: whichNode()},
		{name: "import", group: groupPublish, arg: "number of posts", maybe: true, help: "publish posts from before you linked, too", run: importCommand,
			asks: []asked{{name: fieldWhat, label: "Number of posts", desc: "The newest first, at most 200.", start: "20", whole: [2]string{"1", "200"}}},
			more: "The newest 20, or as many as you say, up to 200."},
		{name: "searchable", group: groupPublish, arg: onOff, help: "let anyone find your public posts in search, or only your followers", aliases: []string{"indexable"}, run: searchableCommand,
			asks: []asked{{name: fieldWhat, label: "Anyone can find my posts in search", kind: "boolean", desc: "Otherwise only your followers find them.", now: isIndexable}}},
		{name: "mine", group: groupPublish, arg: "number", maybe: true, help: "confirm a comment in your name", run: mineCommand,
			asks: []asked{{name: fieldWhat, label: "Comment", kind: "list-single", desc: "The comment that you wrote.", options: heldOptions}},
			more: "Some servers do not say who wrote a comment. It is published as yours when you confirm it. Without a number you see which comments wait."},
		{name: "undo", group: groupPublish, help: "take back the last answer that you gave to a notice", run: undoCommand,
			more: "A reply to a notice of mine that tells of a post answers that post; a reaction to it is a reaction to the post. Retracting your message takes it back too."},
		{name: "pause", group: groupPublish, arg: "node", maybe: true, help: "hide your account for now", run: onNode((*Gateway).Pause), asks: whichNode()},
		{name: "resume", group: groupPublish, arg: "node", maybe: true, help: "end a pause", run: onNode((*Gateway).Resume), asks: whichNode()},

		{name: "follow", group: groupFollow, arg: anActor, help: "follow somebody", run: onActor((*Gateway).FollowHandle),
			asks: []asked{{name: fieldWhat, label: "Fediverse address", required: true, desc: "For example " + anActor + ", or the address of a profile page."}},
			more: "You can give a fediverse address, the address of a profile page, or an XMPP address of mine. Adding that XMPP address to your contacts does the same."},
		{name: "unfollow", group: groupFollow, arg: anActor, help: "stop following somebody", run: onActor((*Gateway).UnfollowHandle),
			asks: people("Stop following", followeeOptions), none: "You follow nobody."},
		{name: "following", group: groupFollow, help: "list whom you follow", run: followingCommand},
		{name: "suggest", group: groupFollow, arg: "hashtag", maybe: true, help: "show whom and what you could follow", run: onActor((*Gateway).Suggest),
			asks: []asked{{name: fieldWhat, label: "Hashtag", desc: "For example moss. Leave it empty to see whom others follow who follow the same people as you."}}},

		{name: "followers", group: groupFollowers, help: "list who follows you, and who asks to", aliases: []string{"requests"}, run: followersCommand},
		{name: "approve", group: groupFollowers, arg: anActor, help: "let somebody follow you who asked", aliases: []string{"accept"}, run: decideCommand(true),
			asks: people("Let follow you", requestOptions), none: "Nobody is waiting for your approval."},
		{name: "deny", group: groupFollowers, arg: anActor, help: "refuse somebody who asks, or remove a follower", aliases: []string{"reject"}, run: decideCommand(false), loses: denyLoses,
			asks: people("Refuse or remove", followerOptions), none: "Nobody follows you, or asks to."},
		{name: "lock", group: groupFollowers, arg: onOff, help: "approve your followers yourself, or let everybody follow you", run: lockCommand,
			asks: []asked{{name: fieldWhat, label: "I approve my followers", kind: "boolean", desc: "You are asked before somebody follows you.", now: isLocked}}},
		{name: "followers-only", group: groupFollowers, arg: onOff, help: "send what is for your contacts to the followers you approved", run: followersOnlyCommand, loses: followersOnlyLoses,
			asks: []asked{{name: fieldWhat, label: "Approved followers get my posts for contacts", kind: "boolean", desc: "For a microblog that is open to your contacts only.", now: isFollowersOnly}},
			more: "While your microblog is open to your contacts only, what you publish goes to the followers you approved, and to nobody else. Off takes it back."},

		{name: "search", group: groupSearch, arg: "words", help: "find posts", run: searchCommand, pages: searchPage,
			asks: []asked{{name: fieldWhat, label: "Words", required: true, desc: "For example moss \"a phrase\" -without from:" + anActor + " tag:moss"}},
			more: "Words, \"a phrase\", -without, from:" + anActor + ", tag:moss, lang:en, has:media, after:2026-11-01. Ten at a time; more goes on."},
		{name: "more", group: groupSearch, help: "show more results of the last search", aliases: []string{"next"}, run: moreCommand},
		{name: "count", group: groupSearch, arg: "words", help: "count the posts that a search finds, up to 10000", run: countCommand,
			asks: []asked{{name: fieldWhat, label: "Words", required: true, desc: "As for search, for example tag:moss after:2026-11-01"}}},
		{name: "save", group: groupSearch, arg: "ferns fern -moss", help: "keep a search under a name, to subscribe to", run: onActor((*Gateway).Save),
			asks: []asked{{name: "name", label: "Name", required: true, word: true, desc: "One word, for example ferns."}, {name: fieldWhat, label: "Words", required: true, desc: "What to search for, for example fern -moss"}},
			more: "A name, then what to search for. Subscribe to the node in the answer to be told of new posts."},
		{name: "saved", group: groupSearch, help: "list your saved searches", run: onActor((*Gateway).Saved)},
		{name: "forget", group: groupSearch, arg: "ferns", help: "delete a saved search", run: onActor((*Gateway).Forget), loses: forgetLoses,
			asks: []asked{{name: fieldWhat, label: "Saved searches", kind: "list-multi", required: true, desc: "The searches to delete.", options: savedOptions}}, none: "You have no saved searches."},

		{name: "block", group: groupBlock, arg: anActor, help: "hide from somebody, or from a whole server, and see nothing of them", run: blockCommand, loses: blockLoses,
			asks: []asked{{name: fieldWhat, label: "Address or server", required: true, desc: "For example " + anActor + ", or mast.social for everybody there."}},
			more: "Give somebody's address, or a server such as mast.social. Follows between you end; they are not told why."},
		{name: "unblock", group: groupBlock, arg: anActor, help: "lift a block", run: onActor((*Gateway).Unblock),
			asks: people("Unblock", blockOptions), none: "You block nobody."},
		{name: "blocks", group: groupBlock, help: "list whom you block", run: blocksCommand},

		{name: "purge", group: groupLeave, arg: "node", maybe: true, help: "delete posts on the fediverse that are no longer in your microblog", run: onNode((*Gateway).Purge), loses: purgeLoses, asks: whichNode(),
			more: "Use it when you have emptied or deleted your microblog and want your posts gone on the fediverse too."},
		{name: "unlink", group: groupLeave, arg: "node", maybe: true, help: "leave the fediverse, and delete all that you have there", aliases: []string{"unregister"}, run: onNode((*Gateway).Unlink), loses: unlinkLoses, asks: whichNode(),
			more: "Every server that ever got something of you is told to delete it. It cannot be undone; pause hides you for a while."},
	}
}
