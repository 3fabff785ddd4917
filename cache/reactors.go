package cache

import "fmt"

// Reactor is somebody who reacted to an object, with all that they said of it.
type Reactor struct {
	Actor     string // URI
	JID       string // bare
	Reactions []Reaction
}

// reactors are the reactions of the first ?2 people who reacted to ?1, or of
// the one with the address ?3.
const reactors = `SELECT r.id, r.actor, r.object, r.kind, r.content, r.activity, r.heart_item, r.origin, r.created_at,
		coalesce(b.jid, a.jid, '')
	FROM (SELECT actor, min(id) AS first FROM reactions WHERE object = ?1 AND (?3 = ''
			OR actor IN (SELECT uri FROM bindings WHERE jid = ?3 AND ended_at = 0 UNION ALL SELECT uri FROM accounts WHERE jid = ?3))
		GROUP BY actor ORDER BY first LIMIT ?2 + 0) t
	CROSS JOIN reactions r ON r.object = ?1 AND r.actor = t.actor
	LEFT JOIN bindings b ON b.uri = t.actor AND b.ended_at = 0
	LEFT JOIN accounts a ON a.uri = t.actor
	ORDER BY t.first, r.id`

// Reactors returns the first people who reacted to an object, in the order in
// which they came. Who has no address in XMPP, or is hidden from the viewer, is
// left out. With a JID there is that person only.
func (tx *Tx) Reactors(object, jid string, v Viewer, limit int) ([]Reactor, error) {
	type reaction struct {
		Reaction
		jid string
	}
	rows, err := all(tx, func(r row) (x reaction, err error) {
		err = r.Scan(&x.ID, &x.Actor, &x.Object, &x.Kind, &x.Content, &x.Activity, &x.HeartItem, &x.Origin, when{&x.CreatedAt}, &x.jid)
		return x, err
	}, reactors, object, limitOr(limit, 100), jid)
	if err != nil {
		return nil, fmt.Errorf("who reacted to %s: %w", object, err)
	}
	var list []Reactor
	last, shown := "", false
	for _, x := range rows {
		if x.Actor != last {
			last = x.Actor
			if shown, err = tx.maySee(v, x.Actor); err != nil {
				return nil, fmt.Errorf("who reacted to %s: %w", object, err)
			}
			if shown = shown && x.jid != ""; shown {
				list = append(list, Reactor{Actor: x.Actor, JID: x.jid})
			}
		}
		if shown {
			list[len(list)-1].Reactions = append(list[len(list)-1].Reactions, x.Reaction)
		}
	}
	return list, nil
}

// ReactionCount is how many people reacted to an object in the same way.
type ReactionCount struct {
	Kind    ReactionKind
	Content string
	Count   int
}

// ReactionCounts sums up the reactions to an object that a stranger may know
// of: the most frequent first, and of those the oldest.
func (tx *Tx) ReactionCounts(object string, limit int) ([]ReactionCount, error) {
	return all(tx, func(r row) (c ReactionCount, err error) {
		err = r.Scan(&c.Kind, &c.Content, &c.Count)
		return c, err
	}, `SELECT kind, content, count(*) FROM reactions WHERE object = ?
		AND NOT EXISTS (SELECT 1 FROM hidden WHERE name = actor)
		GROUP BY kind, content ORDER BY count(*) DESC, min(id) LIMIT ? + 0`, object, limitOr(limit, 100))
}
