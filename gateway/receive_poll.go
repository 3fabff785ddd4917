package gateway

import (
	"slices"

	"isthmus/translate"
)

// onlyVotes tells whether a poll is as it was, but for what was voted. Servers
// send that every few minutes (V16); nobody is told each time.
func onlyVotes(before, now translate.Post) bool {
	if before.Poll == nil || now.Poll == nil || before.Poll.Multiple != now.Poll.Multiple ||
		!before.Poll.Ends.Equal(now.Poll.Ends) || !before.Poll.Closed.Equal(now.Poll.Closed) {
		return false
	}
	sameChoice := func(a, b translate.Option) bool { return a.Text == b.Text }
	return slices.EqualFunc(before.Poll.Options, now.Poll.Options, sameChoice) &&
		before.Title == now.Title && before.HTML == now.HTML && before.Warning == now.Warning && before.Visibility == now.Visibility &&
		slices.EqualFunc(before.Media, now.Media, func(a, b translate.Media) bool { return a.URL == b.URL && a.Alt == b.Alt })
}
