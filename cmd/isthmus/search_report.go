package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"isthmus/cache"
	"isthmus/translate"
)

// searchReport is what a search found.
type searchReport struct {
	Hits   []searchHit `json:"hits"`
	Cursor string      `json:"cursor,omitempty"`
	Behind int         `json:"behind,omitempty"`
	Count  int         `json:"count,omitempty"` // if that was asked for
}

// searchHit is a post that was found.
type searchHit struct {
	Post     translate.Post   `json:"post"`
	Received time.Time        `json:"received"`
	Snippet  string           `json:"snippet,omitempty"`
	Marks    [][2]int         `json:"marks,omitempty"` // bytes of the snippet that matched
	Items    []translate.Item `json:"items,omitempty"` // where it stands
	Payload  string           `json:"payload,omitempty"`
}

// maxHits bounds the hits of one answer in bytes; a socket takes maxControl.
const maxHits = maxControl / 2

// search finds posts: as the operator what is public, also of those who would
// not be suggested to strangers, and everything if that is asked for; as a user
// what that user may find.
func (r reports) search(ctx context.Context, c call) (report, error) {
	var req searchRequest
	if err := json.Unmarshal([]byte(c.Options["request"]), &req); err != nil {
		return report{}, fmt.Errorf("read the search: %w", err)
	}
	var out searchReport
	err := r.store.View(ctx, func(tx *cache.Tx) (err error) {
		q := cache.SearchQuery{Text: req.Text, Filters: req.Filters, Order: req.Order, Cursor: req.Cursor, Limit: req.Limit, Now: r.now()}
		q.Any, q.All, q.Viewer.Operator = c.As == "", c.As == "" && req.All, c.As == ""
		if c.As != "" {
			if req.All {
				return errors.New("--all is for the operator; leave --as away")
			}
			account, err := r.user(tx, c.As)
			if err != nil {
				return err
			}
			q.Viewer.Actor = account.URI
		}
		if req.Count {
			n, err := tx.Count(q, 0)
			out = searchReport{Count: n.Posts, Behind: n.Behind}
			return err
		}
		for {
			out, err = found(tx, q, req.Payload)
			if !errors.Is(err, errTooMuch) || q.Limit <= 1 {
				return err
			}
			q.Limit /= 2 // long posts: the cursor leads to the others
		}
	})
	return report{Search: &out}, err
}

var errTooMuch = errors.New("the posts that were found are too long for one answer")

// found runs a search and adds what is shown with each post.
func found(tx *cache.Tx, q cache.SearchQuery, payload bool) (searchReport, error) {
	res, err := tx.Search(q)
	if err != nil {
		return searchReport{}, err
	}
	out, size := searchReport{Cursor: res.Cursor, Behind: res.Behind}, 0
	for _, h := range res.Hits {
		hit := searchHit{Post: h.Post, Received: h.Received, Snippet: h.Snippet, Marks: h.Marks}
		places, err := tx.Placements(h.Post.URI)
		if err != nil {
			return out, err
		}
		for _, p := range places {
			if p.RetractedAt.IsZero() {
				hit.Items = append(hit.Items, translate.Item{Service: p.Service, Node: p.Node, ID: p.ItemID})
			}
		}
		if payload {
			if hit.Payload, err = entry(tx, hit, q); err != nil {
				return out, err
			}
		}
		b, err := json.Marshal(hit, jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return out, fmt.Errorf("show %s: %w", h.Post.URI, err)
		}
		if size += len(b); size > maxHits {
			return out, errTooMuch
		}
		var clean searchHit // without bytes that no text has: the socket is strict
		if err := json.Unmarshal(b, &clean); err != nil {
			return out, fmt.Errorf("show %s: %w", h.Post.URI, err)
		}
		out.Hits = append(out.Hits, clean)
	}
	return out, nil
}

// entry is a post as Atom: as it came, if it came so.
func entry(tx *cache.Tx, h searchHit, q cache.SearchQuery) (string, error) {
	v := q.Viewer
	v.Operator = v.Operator && q.All
	raw, kind, err := tx.Raw(h.Post.URI, v)
	if err == nil && strings.HasPrefix(kind, "application/atom+xml") {
		return string(raw), nil
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return "", err
	}
	post, err := withOriginal(tx, h.Post, v)
	if err != nil {
		return "", err
	}
	l := translate.AtomLinks{AuthorJID: post.Author.JID}
	if len(h.Items) > 0 {
		l.Item = h.Items[0]
	}
	if post.Visibility == translate.Public {
		l.Page = post.URL
	}
	return translate.Atom(post, l).String(), nil
}

// withOriginal is a boost with the words of what it passes on, if the viewer may
// see that, and any other post as it is.
func withOriginal(tx *cache.Tx, p translate.Post, v cache.Viewer) (translate.Post, error) {
	if p.Kind != translate.KindBoost {
		return p, nil
	}
	original, err := tx.PostByURI(p.Boost, v)
	switch {
	case errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone):
		return p, nil
	case err != nil:
		return p, fmt.Errorf("read what %s boosts: %w", p.URI, err)
	}
	return p.WithOriginal(original.Post), nil
}
