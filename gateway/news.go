package gateway

import (
	"context"
	"fmt"
	"strings"
	"time"

	"isthmus/cache"
)

// News are told a moment after the first, and what comes after that together with
// all of some minutes, of all posts in one message, so that nobody can flood a
// user with likes (SEC-41, D10). What one person did is told again only after
// newsLife.
const (
	newsSoon  = 3 * time.Second
	newsAgain = 5 * time.Minute
	newsLife  = 7 * 24 * time.Hour
	newsPosts = 5 // that a message names; of more it tells how many
)

// The kinds of news.
const (
	newsLike     = "like"
	newsReact    = "react"
	newsBoost    = "boost"
	newsFollow   = "follow"
	newsAsk      = "ask"
	newsUnfollow = "unfollow"
)

// newsWork is the payload of jobNews: a user hears what there is to tell of a
// kind.
type newsWork struct {
	User string `json:"user"`
	Kind string `json:"kind"`
}

// tell notes something for a user, and queues that they are told unless that is
// queued already.
func (g *Gateway) tell(tx *cache.Tx, n cache.News) error {
	n.At = g.now()
	isNew, err := tx.PutNews(n)
	if err != nil || !isNew {
		return err
	}
	w := newsWork{n.User, n.Kind}
	if busy, err := tx.LaneBusy(w.lane()); err != nil || busy {
		return err // and if that one runs at this moment, it queues the next
	}
	return g.queueNews(tx, w)
}

func (w newsWork) lane() string { return "news " + w.User + " " + w.Kind }

func (g *Gateway) queueNews(tx *cache.Tx, w newsWork) error {
	last, err := tx.LastTold(w.User, w.Kind)
	if err != nil {
		return err
	}
	now := g.now()
	at := now.Add(newsSoon)
	if again := last.Add(newsAgain); again.After(at) && !again.After(now.Add(newsAgain)) { // or the clock has gone back
		at = again
	}
	return tx.Enqueue(cache.Job{
		Kind: jobNews, Lane: w.lane(), RunAt: at, CreatedAt: now, ExpiresAt: at.Add(jobLife),
		Note: "news for " + w.User + ": " + w.Kind, Payload: payload(w),
	})
}

// runNews tells a user what there is to tell, in one message.
func (g *Gateway) runNews(ctx context.Context, j cache.Job) error {
	w, err := decode[newsWork](j)
	if err != nil {
		return err
	}
	var u cache.Untold
	var m messageWork
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if u, err = tx.Untold(w.User, w.Kind, newsPosts); err == nil {
			m, err = g.newsMessage(tx, u)
		}
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	if m.Notice != "" {
		if err := g.notice(ctx, m, stanzaID(j)); err != nil {
			return fmt.Errorf("tell %s: %w", w.User, err)
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.MarkTold(u, g.now()); err != nil {
			return err
		}
		if _, err := tx.Untold(w.User, w.Kind, 1); err != nil {
			return ignoreMissing(err)
		}
		return g.queueNews(tx, w) // came meanwhile
	})
}

// newsMessage says it, a line for each post; a message without text if all posts
// or actors are gone.
func (g *Gateway) newsMessage(tx *cache.Tx, u cache.Untold) (messageWork, error) {
	m := messageWork{User: u.User}
	var lines []string
	for _, p := range u.Posts {
		who, err := tx.ActorByURI(p.First.Actor)
		if ignoreMissing(err) != nil {
			return m, err
		}
		if err != nil {
			continue
		}
		text := newsText(who, p)
		if p.First.Post != "" {
			stored, err := tx.PostByURI(p.First.Post, operator)
			if ignoreMissing(err) != nil {
				return m, err
			}
			if err != nil {
				continue
			}
			m.URI, m.Ref = stored.Post.URI, refOf(stored.Post)
			text += " " + naming(stored.Post)
		}
		lines = append(lines, text)
	}
	if u.More > 0 {
		lines = append(lines, fmt.Sprintf("… and %s %d more of your posts", newsMany(u.Kind), u.More))
	}
	if len(lines) > 1 {
		m.URI, m.Ref = "", ""
	}
	m.Notice = strings.Join(lines, "\n")
	return m, nil
}

// newsText is what is told of one person or of many, up to the post that it is about.
func newsText(first cache.Actor, u cache.UntoldPost) string {
	one, many := newsVerbs(first, u.First)
	who := nameAndHandle(first)
	switch n := u.Count - 1; n {
	case 0:
		return who + " " + one
	case 1:
		return who + " and 1 other " + many
	default:
		return fmt.Sprintf("%s and %d others %s", who, n, many)
	}
}

// newsMany is what happened to posts that are not named.
func newsMany(kind string) string {
	return map[string]string{newsLike: "likes of", newsReact: "reactions to", newsBoost: "boosts of"}[kind]
}

func newsVerbs(first cache.Actor, n cache.News) (one, many string) {
	switch n.Kind {
	case newsLike:
		return "likes", "like"
	case newsReact:
		return "reacted " + n.Word + " to", "reacted to"
	case newsBoost:
		return "boosted", "boosted"
	case newsFollow:
		return "follows you now.", "follow you now."
	case newsAsk:
		h := handleOf(first)
		return fmt.Sprintf("asks to follow you. Answer with: approve %s  or: deny %s", h, h), "ask to follow you. To see who, send: followers"
	}
	return "does not follow you any more.", "do not follow you any more."
}
