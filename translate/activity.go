package translate

import (
	"isthmus/ap/as2"
)

// Create is the activity that publishes an object: its audience is the
// object's, or Akkoma refuses it.
func Create(id string, n *as2.Note) *as2.Activity {
	a := carry(id, as2.TypeCreate, n)
	a.Published = n.Published
	return a
}

// Update is the activity that replaces an object. Its id is its own: it must
// differ from that of each other edit, and n.Updated be later than the last
// (V2).
func Update(id string, n *as2.Note) *as2.Activity {
	a := carry(id, as2.TypeUpdate, n)
	a.Updated = n.Updated
	return a
}

// carry is an activity around a whole object.
func carry(id, kind string, n *as2.Note) *as2.Activity {
	inner := *n
	inner.Context = ""
	return &as2.Activity{Context: as2.ContextNote, ID: id, Type: kind, Actor: n.AttributedTo, To: n.To, Cc: n.Cc, Object: &inner}
}

// UpdateActor replaces a profile, which is sent whole (V3).
func UpdateActor(id string, actor *as2.Actor) *as2.Activity {
	inner := *actor
	inner.Context = ""
	a := act(id, as2.TypeUpdate, actor.ID, &inner, Audience{To: []string{as2.Public}})
	a.Context, a.Updated = as2.ContextActor, actor.Updated
	return a
}

// Delete takes back an object; to is the audience that it had (V4).
func Delete(id, actor string, gone *as2.Tombstone, to Audience) *as2.Activity {
	inner := *gone
	inner.Context = ""
	return act(id, as2.TypeDelete, actor, &inner, to)
}

// DeleteActor takes back an actor and all that it said (V5).
func DeleteActor(id, actor string) *as2.Activity {
	return act(id, as2.TypeDelete, actor, actor, Audience{To: []string{as2.Public}})
}

// Tombstone is what stands for a deleted post.
func Tombstone(p Post) *as2.Tombstone {
	return &as2.Tombstone{Context: as2.ContextAS2, ID: p.URI, Type: as2.TypeTombstone, FormerType: typeOfKind(p.Kind)}
}

// Announce writes a boost: public, and known to the author of the original
// (V7).
func Announce(p Post, followersURL string) *as2.Activity {
	a := p.audience(followersURL)
	if len(p.To)+len(p.Cc) == 0 && p.Author.URI != "" && p.Author.URI != p.Owner.URI {
		a.Cc = append(a.Cc, p.Author.URI)
	}
	announce := act(p.URI, as2.TypeAnnounce, p.Owner.URI, p.Boost, a)
	announce.Published = as2.Time{Time: p.Published}
	return announce
}

// Like likes an object; to is its author (V8).
func Like(id, actor, object, to string) *as2.Activity {
	return act(id, as2.TypeLike, actor, object, Audience{To: []string{to}})
}

// React reacts to an object with an emoji, or with :shortcode: and its picture.
// It is a Like with content, which those read who know reactions, and which is
// a plain like for all others (V9, FEP-c0e0); Pleroma's own type is given with
// litepub.
func React(id, actor, object, to, emoji string, litepub bool) *as2.Activity {
	a := Like(id, actor, object, to)
	if litepub {
		a.Type = as2.TypeEmojiReact
	}
	a.Context, a.Content = as2.ContextNote, emoji
	return a
}

// Follow asks to follow an actor.
func Follow(id, actor, object string) *as2.Activity {
	return act(id, as2.TypeFollow, actor, object, Audience{To: []string{object}})
}

// Accept answers a Follow, which is given back whole: as it came
// (jsontext.Value), or as an *as2.Activity (F2).
func Accept(id, actor string, follow any, follower string) *as2.Activity {
	return act(id, as2.TypeAccept, actor, embed(follow), Audience{To: []string{follower}})
}

// Reject refuses a Follow, or ends one that was accepted.
func Reject(id, actor string, follow any, follower string) *as2.Activity {
	return act(id, as2.TypeReject, actor, embed(follow), Audience{To: []string{follower}})
}

// Undo takes back an activity, which is embedded whole (F3).
func Undo(id string, of *as2.Activity) *as2.Activity {
	a := act(id, as2.TypeUndo, of.Actor, embed(of), Audience{of.To, of.Cc})
	a.Context = of.Context
	return a
}

// act is an activity. Those without extensions need no other context.
func act(id, kind, actor string, object any, to Audience) *as2.Activity {
	a := Post{To: to.To, Cc: to.Cc}.audience("")
	return &as2.Activity{Context: as2.ContextAS2, ID: id, Type: kind, Actor: actor, To: a.To, Cc: a.Cc, Object: object}
}

// embed is a document without @context, which belongs to the outermost one.
func embed(doc any) any {
	if a, ok := doc.(*as2.Activity); ok {
		inner := *a
		inner.Context = ""
		return &inner
	}
	return doc
}
