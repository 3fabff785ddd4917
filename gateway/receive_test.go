package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// rule is a case of the security checklist: what comes, what is to be done
// then, and what the store holds afterwards.
type rule struct {
	name string
	come func() (asked, held string)
	want string // what is asked for
	hold string // what is held
}

func (f *fediverse) rules(t *testing.T, list []rule) {
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			f.t, f.xmpp.t = t, t
			asked, held := c.come()
			if asked != c.want || held != c.hold {
				t.Errorf("asks for %q and holds %q; want %q and %q", asked, held, c.want, c.hold)
			}
		})
	}
	f.t, f.xmpp.t = t, t
}

// TestReceivePosts is SEC-1, SEC-8, SEC-9 and L9: a post is its owner's, and
// says what its owner says.
func TestReceivePosts(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	create := func(signer *aptest.Actor, note aptest.Doc, target string) func() (string, string) {
		return func() (string, string) {
			asked := f.get(signer, signer.Activity(as2.TypeCreate, note), target)
			return asked, f.held(note["id"].(string))
		}
	}
	// changed gives a post that is held, and what an Update does to it.
	changed := func(signer *aptest.Actor, change aptest.Doc) func() (string, string) {
		return func() (string, string) {
			note := f.ann.Note("Before.")
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), "")
			asked := f.get(signer, signer.Activity(as2.TypeUpdate, with(note, change)), "")
			return asked, f.held(note["id"].(string))
		}
	}
	private := many(f.ann.Followers)
	us := many(f.louise.URI)
	lies := f.ann.Note("As it is.")
	hidden := with(f.ann.Note("For followers."), aptest.Doc{"to": private, "cc": many()})
	f.mast.Remove(strings.TrimPrefix(hidden["id"].(string), f.mast.URL))
	f.rules(t, []rule{
		{"of somebody followed", create(f.ann, f.ann.Note("Hello."), ""), "notify", "public ann Hello."},
		{"of a stranger, for nobody here", create(f.mal, f.mal.Note("Buy."), ""), "", "absent"},
		{"of a stranger, to one of ours", create(f.mal, with(f.mal.Note("Buy."), aptest.Doc{"cc": us}), ""),
			"notice " + louise + ", notify", "public mal Buy."},
		{"of somebody else, embedded", create(f.mal, with(lies, aptest.Doc{"content": "A lie.", "cc": us}), "louise@example.org"), "notify", "public ann As it is."},
		{"of somebody else, who is said to have sent it", func() (string, string) {
			note := f.ann.Note("True.")
			doc := with(f.mal.Activity(as2.TypeCreate, with(note, aptest.Doc{"content": "False."})), aptest.Doc{"actor": f.ann.ID})
			return f.get(f.mal, doc, ""), f.held(note["id"].(string))
		}, "notify", "public ann True."},
		{"of somebody else, wider and to one of ours", create(f.mal, with(hidden, aptest.Doc{"to": many(as2.Public), "cc": us}), "louise@example.org"), "", "absent"},
		{"said to be of somebody else", func() (string, string) {
			note := f.mal.Note("As Ann.")
			f.evil.Change(func() { note["attributedTo"], note["cc"] = f.ann.ID, us })
			return create(f.mal, note, "")()
		}, "", "absent"},
		{"said to be of somebody else by the sender only", create(f.mal, with(f.mal.Note("As Ann."), aptest.Doc{"attributedTo": f.ann.ID, "cc": us}), ""), "", "absent"},
		{"of a neighbour, embedded", create(f.carl, with(f.ann.Note("Ann's."), aptest.Doc{"content": "Carl's."}), ""), "notify", "public ann Ann's."},
		{"with our own id", create(f.mal, with(f.mal.Note("Ours."), aptest.Doc{"id": "https://example.org/_ap/item/louise@example.org/x", "cc": us}), ""), "", "absent"},
		{"an actor as a post", create(f.ann, with(f.ann.Doc, aptest.Doc{"attributedTo": f.ann.ID}), ""), "", "absent"},
		{"without text", create(f.ann, with(f.ann.Note(""), aptest.Doc{"content": nil}), ""), "", "absent"},
		{"without id", func() (string, string) {
			return f.get(f.ann, f.ann.Activity(as2.TypeCreate, with(f.ann.Note("No id."), aptest.Doc{"id": nil})), ""), ""
		}, "", ""},
		{"for followers", create(f.ann, with(f.ann.Note("Psst."), aptest.Doc{"to": private, "cc": many()}), ""), "chat louise@example.org", "followers ann Psst."},
		{"for one of ours", create(f.mal, with(f.mal.Note("Hey you."), aptest.Doc{"to": us, "cc": many()}), ""), "chat louise@example.org", "direct mal Hey you."},
		{"an edit", changed(f.ann, aptest.Doc{"content": "After.", "updated": "2026-11-21T09:00:00Z"}), "notify", "public ann After."},
		{"an edit by another", changed(f.mal, aptest.Doc{"content": "After.", "updated": "2026-11-21T09:00:00Z"}), "", "public ann Before."},
		{"an edit by a neighbour", changed(f.carl, aptest.Doc{"content": "After.", "updated": "2026-11-21T09:00:00Z"}), "", "public ann Before."},
		{"an edit by a neighbour who says it is theirs",
			changed(f.carl, aptest.Doc{"content": "After.", "attributedTo": f.carl.ID, "updated": "2026-11-21T09:00:00Z"}), "", "public ann Before."},
		{"a post that becomes a person", changed(f.ann, aptest.Doc{"type": "Person", "inbox": f.ann.Inbox, "content": "After."}), "", "public ann Before."},
		{"narrowed", changed(f.ann, aptest.Doc{"to": private, "cc": many(), "updated": "2026-11-21T09:00:00Z"}), "chat louise@example.org, retract", "followers ann Before."},
		{"a reply wider than what it answers", func() (string, string) {
			secret := with(f.ann.Note("Secret."), aptest.Doc{"to": private, "cc": many()})
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, secret), "")
			re := with(f.ann.Note("Re: secret."), aptest.Doc{"inReplyTo": secret["id"]})
			return create(f.ann, re, "")()
		}, "chat louise@example.org", "followers ann Re: secret."},
		{"our own post, back", func() (string, string) {
			uri := f.ourPost("back", "Mine.")
			doc := f.ann.Activity(as2.TypeCreate, aptest.Doc{"id": uri, "type": "Note", "attributedTo": f.ann.ID, "content": "Theirs.", "to": many(as2.Public)})
			return f.get(f.ann, doc, "louise@example.org"), f.held(uri)
		}, "", "public louise@example.org Mine."},
		{"an edit of our own post", func() (string, string) {
			uri := f.ourPost("edited", "Mine.")
			doc := f.ann.Activity(as2.TypeUpdate, aptest.Doc{"id": uri, "type": "Note", "attributedTo": f.louise.URI, "content": "Theirs.", "to": many(as2.Public)})
			return f.get(f.ann, doc, ""), f.held(uri)
		}, "", "public louise@example.org Mine."},
	})
	f.view(func(tx *cache.Tx) error { // SEC-9: who is addressed is what the origin says
		to, err := tx.Addressees(lies["id"].(string))
		if err == nil && len(to) > 0 {
			t.Errorf("addressed to %v", to)
		}
		return err
	})
}

// TestReceiveAgain is D7: what came before has no effect, and what came before
// with another body has.
func TestReceiveAgain(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	note := f.ann.Note("One.")
	act := f.ann.Activity(as2.TypeCreate, note)
	update := with(act, aptest.Doc{"type": as2.TypeUpdate, "object": with(note, aptest.Doc{"content": "Two.", "updated": "2026-11-21T09:00:00Z"})})
	third := with(update, aptest.Doc{"object": with(note, aptest.Doc{"content": "Three.", "updated": "2026-11-21T10:00:00Z"})})
	for i, c := range []struct {
		doc        aptest.Doc
		asks, text string
	}{
		{act, "notify", "One."}, {act, "", "One."}, {update, "notify", "Two."}, {update, "", "Two."}, {third, "notify", "Three."}, {update, "", "Three."},
	} {
		if asked := f.get(f.ann, c.doc, ""); asked != c.asks || f.held(note["id"].(string)) != "public ann "+c.text {
			t.Errorf("%d: asks for %q, holds %q", i, asked, f.held(note["id"].(string)))
		}
	}
	like := with(f.ann.Activity(as2.TypeLike, f.ourPost("liked", "Mine.")), aptest.Doc{"id": nil}) // V22: without id
	if first, again := f.get(f.ann, like, ""), f.get(f.ann, like, ""); first == "" || again != "" {
		t.Errorf("a like without id asks for %q, and then for %q", first, again)
	}
}

// TestReceiveDelete is L8 for deletions: only the owner's counts, also when it
// comes first.
func TestReceiveDelete(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.follows(f.louise, f.carl, cache.FollowAccepted)
	deletes := func(signer *aptest.Actor, early bool) func() (string, string) {
		return func() (string, string) {
			note := f.ann.Note("Ann's.")
			create, gone := f.ann.Activity(as2.TypeCreate, note), signer.Activity(as2.TypeDelete, aptest.Doc{"id": note["id"], "type": "Tombstone"})
			docs := []aptest.Doc{create, gone}
			by := []*aptest.Actor{f.ann, signer}
			if early {
				docs[0], docs[1], by[0], by[1] = gone, create, signer, f.ann
			}
			first := f.get(by[0], docs[0], "")
			return first + " | " + f.get(by[1], docs[1], ""), f.held(note["id"].(string))
		}
	}
	f.rules(t, []rule{
		{"by its author", deletes(f.ann, false), "notify | retract", "gone"},
		{"by a neighbour", deletes(f.carl, false), "notify | ", "public ann Ann's."},
		{"by another", deletes(f.mal, false), "notify | ", "public ann Ann's."},
		{"by its author, before it came", deletes(f.ann, true), " | ", "absent"},
		{"by a neighbour, before it came", deletes(f.carl, true), " | notify", "public ann Ann's."},
		{"by another, before it came", deletes(f.mal, true), " | notify", "public ann Ann's."},
		{"of ours", func() (string, string) {
			uri := f.ourPost("kept", "Mine.")
			return f.get(f.ann, f.ann.Activity(as2.TypeDelete, uri), ""), f.held(uri)
		}, "", "public louise@example.org Mine."},
		{"by its bare id", func() (string, string) {
			note := f.ann.Note("Ann's.")
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), "")
			return f.get(f.ann, f.ann.Activity(as2.TypeDelete, note["id"]), ""), f.held(note["id"].(string))
		}, "retract", "gone"},
		{"created again", func() (string, string) {
			note := f.ann.Note("Ann's.")
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), "")
			f.get(f.ann, f.ann.Activity(as2.TypeDelete, note["id"]), "")
			return f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), ""), f.held(note["id"].(string))
		}, "", "gone"},
		{"of a message", func() (string, string) {
			note := with(f.ann.Note("Psst."), aptest.Doc{"to": many(f.louise.URI), "cc": many()})
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), "")
			f.must(f.privatePost(t.Context(), messageWork{URI: note["id"].(string), To: f.louise.URI}))
			return f.get(f.ann, f.ann.Activity(as2.TypeDelete, note["id"]), ""), f.held(note["id"].(string))
		}, "unsay " + louise, "gone"},
		{"of an actor, by another", func() (string, string) {
			return f.get(f.mal, f.mal.Activity(as2.TypeDelete, f.carl.ID), ""), f.follow(f.louise.URI, f.carl.ID)
		}, "", "accepted"},
		{"of an actor", func() (string, string) {
			note := f.carl.Note("Carl's.")
			f.get(f.carl, f.carl.Activity(as2.TypeCreate, note), "")
			asked := f.get(f.carl, f.carl.Activity(as2.TypeDelete, f.carl.ID), "")
			return asked, f.held(note["id"].(string)) + " " + f.follow(f.louise.URI, f.carl.ID)
		}, "retract, state rejected", "gone none"},
		{"of somebody deleted", func() (string, string) {
			note := f.carl.Note("Carl's ghost.")
			return f.get(f.carl, f.carl.Activity(as2.TypeCreate, with(note, aptest.Doc{"cc": many(f.louise.URI)})), ""), f.held(note["id"].(string))
		}, "", "absent"},
	})
}

// TestReceiveFollow is SEC-10 and L8 for follows: only the followed decides,
// and only about what was asked.
func TestReceiveFollow(t *testing.T) {
	f := newFediverse(t)
	p := f.linkUser(pierre)
	f.asked()
	f.update(func(tx *cache.Tx) error { // his approval is needed
		a, err := tx.AccountByURI(p.URI)
		if err != nil {
			return err
		}
		a.ManuallyApproves = true
		return tx.PutAccount(a)
	})
	decide := func(signer *aptest.Actor, kind string, object func(cache.Follow) any) func() (string, string) {
		return func() (string, string) {
			edge := f.follows(f.louise, f.ann, cache.FollowPending)
			asked := f.get(signer, signer.Activity(kind, object(edge)), "")
			return asked, f.follow(f.louise.URI, f.ann.ID)
		}
	}
	whole := func(e cache.Follow) any {
		return aptest.Doc{"id": e.ActivityID, "type": "Follow", "actor": e.Follower, "object": e.Followee}
	}
	request := func(kind string) func(cache.Follow) any { // as GoToSocial embeds them (V18)
		return func(e cache.Follow) any {
			return aptest.Doc{"id": f.louise.URI + "/requests/1", "type": kind, "actor": e.Follower, "object": f.ann.ID + "/statuses/1", "instrument": f.louise.URI + "/x"}
		}
	}
	asks := func(signer *aptest.Actor, of cache.Account, change aptest.Doc) func() (string, string) {
		return func() (string, string) {
			return f.get(signer, with(signer.Activity(as2.TypeFollow, of.URI), change), ""), f.follow(signer.ID, of.URI)
		}
	}
	f.rules(t, []rule{
		{"accepted", decide(f.ann, as2.TypeAccept, whole), "backfill, state accepted", "accepted"},
		{"accepted by its id", decide(f.ann, as2.TypeAccept, func(e cache.Follow) any { return e.ActivityID }), "backfill, state accepted", "accepted"},
		{"accepted by an older id", decide(f.ann, as2.TypeAccept, func(e cache.Follow) any {
			return aptest.Doc{"id": "https://example.org/_ap/activity/old", "type": "Follow", "actor": e.Follower, "object": e.Followee}
		}), "backfill, state accepted", "accepted"},
		{"accepted by another", decide(f.mal, as2.TypeAccept, whole), "", "pending"},
		{"accepted by a neighbour", decide(f.carl, as2.TypeAccept, whole), "", "pending"},
		{"accepted by another, as if they were followed", decide(f.mal, as2.TypeAccept, func(e cache.Follow) any {
			return aptest.Doc{"id": e.ActivityID, "type": "Follow", "actor": e.Follower, "object": f.mal.ID}
		}), "", "pending"},
		{"refused", decide(f.ann, as2.TypeReject, whole), "state rejected", "none"},
		{"refused by another", decide(f.mal, as2.TypeReject, whole), "", "pending"},
		{"a like refused", decide(f.ann, as2.TypeReject, request("LikeRequest")), "", "pending"},
		{"a reply accepted", decide(f.ann, as2.TypeAccept, request("ReplyRequest")), "", "pending"},
		{"a quote accepted", decide(f.ann, as2.TypeAccept, request("QuoteRequest")), "", "pending"},
		{"the Accept taken back", func() (string, string) {
			edge := f.follows(f.louise, f.ann, cache.FollowAccepted)
			return f.get(f.ann, f.ann.Activity(as2.TypeUndo, f.ann.Activity(as2.TypeAccept, whole(edge))), ""), f.follow(f.louise.URI, f.ann.ID)
		}, "state rejected", "none"},
		{"the Accept taken back by another", func() (string, string) {
			edge := f.follows(f.louise, f.ann, cache.FollowAccepted)
			return f.get(f.mal, f.mal.Activity(as2.TypeUndo, f.ann.Activity(as2.TypeAccept, whole(edge))), ""), f.follow(f.louise.URI, f.ann.ID)
		}, "", "accepted"},
		{"accepted, never asked", func() (string, string) {
			doc := aptest.Doc{"id": "https://example.org/_ap/activity/never", "type": "Follow", "actor": f.louise.URI, "object": f.carl.ID}
			return f.get(f.carl, f.carl.Activity(as2.TypeAccept, doc), ""), f.follow(f.louise.URI, f.carl.ID)
		}, "", "none"},
		{"refused after all", func() (string, string) {
			edge := f.follows(f.louise, f.ann, cache.FollowAccepted)
			return f.get(f.ann, f.ann.Activity(as2.TypeReject, whole(edge)), ""), f.follow(f.louise.URI, f.ann.ID)
		}, "state rejected", "none"},
		{"asks to follow", asks(f.ann, f.louise, nil), "news " + louise + ", send Accept", "accepted"},
		{"asks again", asks(f.ann, f.louise, nil), "send Accept", "accepted"},
		{"asks for somebody else", func() (string, string) {
			doc := with(f.mal.Activity(as2.TypeFollow, f.louise.URI), aptest.Doc{"actor": f.carl.ID})
			return f.get(f.mal, doc, ""), f.follow(f.carl.ID, f.louise.URI)
		}, "news " + louise + ", send Accept", "none"}, // it is the signer who follows
		{"asks who approves by hand", asks(f.ann, p, nil), "news " + pierre, "pending"},
		{"asks who approves by hand again", asks(f.ann, p, nil), "", "pending"},
		{"asks nobody", func() (string, string) {
			return f.get(f.ann, f.ann.Activity(as2.TypeFollow, "https://example.org/_ap/actor/nobody@example.org"), ""), ""
		}, "", ""},
		{"accepts their own request", func() (string, string) {
			doc := aptest.Doc{"type": "Follow", "actor": f.ann.ID, "object": p.URI}
			return f.get(f.ann, f.ann.Activity(as2.TypeAccept, doc), ""), f.follow(f.ann.ID, p.URI)
		}, "", "pending"},
		{"blocked", func() (string, string) {
			f.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: f.louise.URI, Target: f.carl.ID, CreatedAt: f.clock()})
			})
			return asks(f.carl, f.louise, nil)()
		}, "send Reject", "none"},
		{"blocks", func() (string, string) {
			f.follows(f.louise, f.ann, cache.FollowAccepted)
			asked := f.get(f.ann, f.ann.Activity(as2.TypeBlock, f.louise.URI), "")
			return asked, f.follow(f.louise.URI, f.ann.ID) + " " + f.follow(f.ann.ID, f.louise.URI)
		}, "state rejected", "none none"},
	})
}

// TestReceiveWhilePaused shows that a Follow does not tell that there is somebody
// who hides, and that a Block holds also after that.
func TestReceiveWhilePaused(t *testing.T) {
	f := newFediverse(t)
	_, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	f.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: f.ann.ID, Followee: f.louise.URI, State: cache.FollowAccepted, CreatedAt: f.clock(), UpdatedAt: f.clock()})
	})
	_, err = f.Pause(t.Context(), louise, "")
	f.must(err)
	f.asked()
	if got := f.get(f.carl, f.carl.Activity(as2.TypeFollow, f.louise.URI), ""); got != "" {
		t.Errorf("a Follow is answered with %q", got)
	}
	if got := f.get(f.ann, f.ann.Activity(as2.TypeBlock, f.louise.URI), ""); got != "" {
		t.Errorf("a Block asks for %q", got)
	}
	if got := f.follow(f.ann.ID, f.louise.URI); got != "none" {
		t.Errorf("Ann's follow is %s", got)
	}
	f.view(func(tx *cache.Tx) error {
		blocked, err := tx.Blocked(f.ann.ID, f.louise.URI)
		if !blocked {
			t.Error("the Block is lost")
		}
		return err
	})
}

// TestReceiveUndo is L8 for what is taken back: by whom, and in which form.
func TestReceiveUndo(t *testing.T) {
	f := newFediverse(t)
	mine := f.ourPost("mine", "Mine.")
	n := 0
	undo := func(signer *aptest.Actor, kind string, object any, form func(aptest.Doc) any) (string, aptest.Doc) {
		act := f.ann.Activity(kind, object)
		f.get(f.ann, act, "")
		return f.get(signer, signer.Activity(as2.TypeUndo, form(act)), ""), act
	}
	whole := func(d aptest.Doc) any { return d }
	byID := func(d aptest.Doc) any { return d["id"] }
	as := func(who *aptest.Actor) func(aptest.Doc) any {
		return func(d aptest.Doc) any { return with(d, aptest.Doc{"actor": who.ID}) }
	}
	follow := func(signer *aptest.Actor, form func(aptest.Doc) any) func() (string, string) {
		return func() (string, string) {
			asked, _ := undo(signer, as2.TypeFollow, f.louise.URI, form)
			return asked, f.follow(f.ann.ID, f.louise.URI)
		}
	}
	like := func(signer *aptest.Actor, form func(aptest.Doc) any) func() (string, string) {
		return func() (string, string) {
			n++
			asked, _ := undo(signer, as2.TypeLike, f.ourPost("liked "+string(rune('a'+n)), "Mine."), form)
			return asked, ""
		}
	}
	boost := func(signer *aptest.Actor, form func(aptest.Doc) any) func() (string, string) {
		return func() (string, string) {
			n++
			act := with(f.ann.Activity(as2.TypeAnnounce, f.ourPost("boosted "+string(rune('a'+n)), "Mine.")), aptest.Doc{"to": many(as2.Public)})
			f.get(f.ann, act, "")
			asked := f.get(signer, signer.Activity(as2.TypeUndo, form(act)), "")
			return asked, f.held(act["id"].(string))
		}
	}
	// both has somebody like and boost a post, and take back one of it.
	both := func(kind string) func() (string, string) {
		return func() (string, string) {
			n++
			uri := f.ourPost("both "+string(rune('a'+n)), "Mine.")
			acts := map[string]aptest.Doc{}
			for _, k := range []string{as2.TypeLike, as2.TypeAnnounce, as2.TypeDislike} {
				acts[k] = with(f.ann.Activity(k, uri), aptest.Doc{"to": many(as2.Public)})
				f.get(f.ann, acts[k], "")
			}
			asked := f.get(f.ann, f.ann.Activity(as2.TypeUndo, acts[kind]), "")
			var left []string
			f.view(func(tx *cache.Tx) error {
				if _, err := tx.Reaction(f.ann.ID, uri, cache.Like, ""); err == nil {
					left = append(left, "like")
				}
				if _, err := tx.BoostBy(f.ann.ID, uri); err == nil {
					left = append(left, "boost")
				}
				return nil
			})
			return asked, strings.Join(left, " ")
		}
	}
	f.rules(t, []rule{
		{"a follow", follow(f.ann, whole), "news " + louise, "none"},
		{"a follow by its id", follow(f.ann, byID), "", "none"}, // of which she knows already
		{"another's follow", follow(f.mal, whole), "", "accepted"},
		{"another's follow by its id", follow(f.mal, byID), "", "accepted"},
		{"another's follow, in their name", follow(f.mal, as(f.mal)), "", "accepted"},
		{"a like", like(f.ann, whole), "attach", ""},
		{"a like by its id", like(f.ann, byID), "attach", ""},
		{"another's like", like(f.mal, whole), "", ""},
		{"a neighbour's like, in their name", like(f.carl, as(f.carl)), "", ""},
		{"a boost", boost(f.ann, whole), "retract", "gone"},
		{"another's boost", boost(f.mal, whole), "", "public ann boost"},
		{"a neighbour's boost by its id", boost(f.carl, byID), "", "public ann boost"},
		{"a boost before it came", func() (string, string) {
			act := with(f.carl.Activity(as2.TypeAnnounce, mine), aptest.Doc{"to": many(as2.Public)})
			first := f.get(f.carl, f.carl.Activity(as2.TypeUndo, act), "")
			return first + f.get(f.carl, act, ""), f.held(act["id"].(string))
		}, "", "absent"},
		{"a boost of what they like too", both(as2.TypeAnnounce), "retract", "like"},
		{"a like of what they boost too", both(as2.TypeLike), "attach", "boost"},
		{"a dislike of what they like and boost", both(as2.TypeDislike), "", "like boost"},
		{"a like before it came", func() (string, string) {
			act := f.carl.Activity(as2.TypeLike, mine)
			first := f.get(f.carl, f.carl.Activity(as2.TypeUndo, act), "")
			return first + f.get(f.carl, act, ""), ""
		}, "", ""},
		{"a like before it came, by another", func() (string, string) {
			act := f.carl.Activity(as2.TypeLike, mine)
			first := f.get(f.mal, f.mal.Activity(as2.TypeUndo, act), "")
			return first + f.get(f.carl, act, ""), ""
		}, "attach, news " + louise, ""},
	})
}

// TestReceiveBoosts shows what may be boosted, by whom, and whose word counts.
func TestReceiveBoosts(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	mine := f.ourPost("mine", "Mine.")
	boosts := func(by *aptest.Actor, uri any, change aptest.Doc) (string, string) {
		act := with(with(by.Activity(as2.TypeAnnounce, uri), aptest.Doc{"to": many(as2.Public)}), change)
		asked := f.get(by, act, "")
		id, _ := act["id"].(string)
		if id == "" {
			return asked, ""
		}
		return asked, f.held(id)
	}
	simple := func(by *aptest.Actor, object any, change aptest.Doc) func() (string, string) {
		return func() (string, string) { return boosts(by, object, change) }
	}
	ofMal := f.mal.Note("News.")
	known := f.mal.Note("Old news.")["id"].(string)
	f.follows(f.louise, f.carl, cache.FollowAccepted)
	boosts(f.carl, known, nil)
	f.update(func(tx *cache.Tx) error {
		_, err := tx.DeleteFollow(f.louise.URI, f.carl.ID)
		return err
	})
	f.rules(t, []rule{
		{"of ours", simple(f.carl, mine, nil), "news " + louise + ", notify", "public carl boost"},
		{"by somebody followed", simple(f.ann, ofMal["id"], nil), "notify", "public ann boost"},
		{"by a stranger", func() (string, string) {
			note := f.mal.Note("Noise.")
			asked, boost := boosts(f.carl, note["id"], nil)
			return asked, boost + " " + f.held(note["id"].(string))
		}, "", "absent absent"},
		{"with a copy that lies", func() (string, string) {
			note := f.mal.Note("True.")
			_, boost := boosts(f.ann, with(note, aptest.Doc{"content": "False."}), nil)
			return f.held(note["id"].(string)), boost
		}, "public mal True.", "public ann boost"},
		{"unlisted", simple(f.ann, with(f.mal.Note("Quietly."), aptest.Doc{})["id"], aptest.Doc{"to": many(f.ann.Followers), "cc": many(as2.Public)}),
			"notify", "unlisted ann boost"},
		{"for followers only", simple(f.ann, f.mal.Note("More news.")["id"], aptest.Doc{"to": many(f.ann.Followers)}), "", "absent"},
		{"of what is for followers", func() (string, string) {
			note := with(f.ann.Note("Psst."), aptest.Doc{"to": many(f.ann.Followers), "cc": many()})
			f.get(f.ann, f.ann.Activity(as2.TypeCreate, note), "")
			return boosts(f.ann, note["id"], nil)
		}, "", "absent"},
		{"of what is for one of ours", func() (string, string) {
			note := with(f.mal.Note("Psst."), aptest.Doc{"to": many(f.louise.URI), "cc": many()})
			f.get(f.mal, f.mal.Activity(as2.TypeCreate, note), "")
			return boosts(f.ann, note["id"], nil)
		}, "", "absent"},
		{"of an unlisted post", func() (string, string) {
			note := f.mal.Note("Quietly.")
			f.evil.Change(func() { note["to"], note["cc"] = many(f.mal.Followers), many(as2.Public) })
			return boosts(f.ann, note["id"], nil)
		}, "notify", "public ann boost"},
		{"with an id elsewhere", simple(f.ann, mine, aptest.Doc{"id": f.mal.ID + "/boost"}), "", "absent"},
		{"without id", simple(f.ann, mine, aptest.Doc{"id": nil}), "", ""},
		{"of what is not there", simple(f.ann, "https://example.org/_ap/item/louise@example.org/none", nil), "", "absent"},
		{"of what its origin does not have", simple(f.ann, f.evil.URL+"/nothing", nil), "", "absent"},
		{"of somebody blocked", func() (string, string) { // SEC-29
			f.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Target: "evil.test", CreatedAt: f.clock()})
			})
			return boosts(f.ann, known, nil)
		}, "", "absent"},
		{"by somebody blocked", simple(f.mal, mine, nil), "refused", "absent"},
	})
}

// TestReceiveFromBlocked shows that whom a user blocks does not reach them
// (SEC-16, SEC-29).
func TestReceiveFromBlocked(t *testing.T) {
	f := newFediverse(t)
	p := f.linkUser(pierre)
	f.asked()
	_, mine := f.commentsOf(louise, "mine")
	f.asked()
	_, err := f.remoteByURI(t.Context(), f.mal.ID)
	f.must(err)
	f.update(func(tx *cache.Tx) error {
		return tx.PutBlock(cache.Block{Owner: f.louise.URI, Target: f.mal.ID, CreatedAt: f.clock()})
	})
	send := func(kind string, object any) func() (string, string) {
		return func() (string, string) {
			doc := f.mal.Activity(kind, object)
			if kind == as2.TypeAnnounce {
				doc = with(doc, aptest.Doc{"to": many(as2.Public)})
			}
			return f.get(f.mal, doc, "louise@example.org"), ""
		}
	}
	both := many(f.louise.URI, p.URI)
	f.rules(t, []rule{
		{"a like", send(as2.TypeLike, mine), "", ""},
		{"a boost", send(as2.TypeAnnounce, mine), "", ""},
		{"a mention", send(as2.TypeCreate, with(f.mal.Note("Hey."), aptest.Doc{"cc": both})), "notice " + pierre + ", notify", ""},
		{"a reply", send(as2.TypeCreate, with(f.mal.Note("Re."), aptest.Doc{"inReplyTo": mine, "cc": both})), "notice " + pierre + ", notify", ""},
		{"a message", func() (string, string) {
			note := with(f.mal.Note("Psst."), aptest.Doc{"to": both, "cc": many()})
			f.get(f.mal, f.mal.Activity(as2.TypeCreate, note), "")
			for _, to := range []string{f.louise.URI, p.URI} {
				f.must(f.privatePost(t.Context(), messageWork{URI: note["id"].(string), To: to}))
			}
			var users []string
			f.view(func(tx *cache.Tx) error {
				sent, err := tx.MessagesByObject(note["id"].(string))
				for _, m := range sent {
					users = append(users, m.User)
				}
				return err
			})
			return strings.Join(users, " "), ""
		}, pierre, ""},
	})
}

// TestReceiveAtOnce does in the transaction that takes a Create in what needs
// nothing else, and leaves it to a job otherwise.
func TestReceiveAtOnce(t *testing.T) {
	f := newFediverse(t)
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	incoming := func(note aptest.Doc) ap.Incoming {
		body, err := json.Marshal(f.ann.Activity("Create", note))
		f.must(err)
		o, err := as2.Parse(body)
		f.must(err)
		return ap.Incoming{Body: body, Object: o, Signer: f.ann.ID, Host: "example.org", Digest: sha256.Sum256(body)}
	}
	waits := func() string {
		var kinds []string
		f.view(func(tx *cache.Tx) error {
			jobs, err := tx.Jobs(cache.JobQuery{Limit: 10})
			for _, j := range jobs {
				kinds = append(kinds, j.Kind)
			}
			return err
		})
		slices.Sort(kinds)
		return strings.Join(kinds, ", ")
	}
	first := f.ann.Note("one")
	f.must(f.Receive(t.Context(), incoming(first)))
	if got := waits(); got != "notify" || f.held(first["id"].(string)) != "public ann one" {
		t.Errorf("a Create left %q, %s", got, f.held(first["id"].(string)))
	}
	f.asked()

	second := f.ann.Note("two")
	in := incoming(second)
	f.update(func(tx *cache.Tx) error {
		return tx.Enqueue(cache.Job{Kind: jobActivity, Lane: laneOf(in.Signer, in.Object), CreatedAt: f.clock(), Payload: []byte("{}")})
	})
	f.must(f.Receive(t.Context(), in))
	if got := waits(); got != "activity, activity" || f.held(second["id"].(string)) != "absent" {
		t.Errorf("it did not wait for what came before: %q, %s", got, f.held(second["id"].(string)))
	}
	f.asked()

	third := f.ann.Note("three")
	in = incoming(third)
	var failed atOnceError
	err := f.receive(t.Context(), in, func(*cache.Tx) error { return fail(BadRequest, "no") })
	if !errors.As(err, &failed) || waits() != "" {
		t.Errorf("what failed: %v, %q", err, waits())
	}
	f.must(f.Receive(t.Context(), in))
	if got := waits(); got != "notify" {
		t.Errorf("what failed before is taken for a repeat: %q", got)
	}
}
