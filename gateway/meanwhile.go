package gateway

import (
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// Bounds of what a new follower is told of that came while the follow waited.
const (
	meanwhilePosts = 100
	meanwhileSlack = time.Minute // how far behind another server's clock may be
)

// meanwhile are the jobs that bring a follower what the followed wrote between
// the Follow and the Accept: their server may count the follow from when it sent
// the Accept, and its posts overtake that on the way. What was published before
// is only the backlog, and is not told of (BR-12).
func (g *Gateway) meanwhile(tx *cache.Tx, f cache.Follow, who cache.Account) ([]cache.Job, error) {
	posts, err := tx.Outbox(f.Followee, cache.Viewer{Actor: f.Follower}, cache.Page{Limit: meanwhilePosts})
	if err != nil {
		return nil, err
	}
	var jobs []cache.Job
	for i := len(posts) - 1; i >= 0; i-- { // oldest first
		s := posts[i]
		p := s.Post
		if s.Received.Before(f.CreatedAt) || p.Published.Before(f.CreatedAt.Add(-meanwhileSlack)) {
			continue
		}
		switch {
		case open(p.Visibility):
			if p.Item != nil && p.Item.Node == stanza.NSMicroblog {
				jobs = append(jobs, g.notifyJob(notifyWork{URI: p.URI, Only: who.URI}))
			}
		case p.Visibility == translate.Followers:
			to, err := tx.Addressees(p.URI)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(to, who.URI) { // else it was sent when it came
				jobs = append(jobs, g.messageJob(messageWork{URI: p.URI, To: who.URI}))
			}
		}
	}
	return jobs, nil
}
