package cache

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/translate"
)

// persons are those whom a handle, a JID or a URI may mean.
type persons struct {
	uris []string
	host string // everybody there
	many string // a name that more people have than are listed in uris
}

// maxPeople bounds the list of those whom a name without a host means.
const maxPeople = 20

// called is the SQL of the actors who are called something: ?1 and before ?2 is
// their handle, or they have the handle or JID ?3, or the index finds their
// display name by ?4.
const called = `SELECT uri FROM accounts WHERE acct >= %[1]s AND acct < %[2]s
	UNION ALL SELECT uri FROM actors WHERE acct >= %[1]s AND acct < %[2]s
	UNION ALL SELECT a.uri FROM handles h JOIN accounts a ON a.jid = h.jid AND a.node = h.node WHERE h.acct = %[3]s
	UNION ALL SELECT uri FROM accounts WHERE jid = %[3]s AND node = ''
	UNION ALL SELECT uri FROM bindings WHERE jid = %[3]s AND ended_at = 0
	UNION ALL SELECT a.uri FROM people_fts f CROSS JOIN accounts a ON a.id = f.rowid / 2 WHERE people_fts MATCH %[4]s AND f.rowid %% 2 = 1
	UNION ALL SELECT a.uri FROM people_fts f CROSS JOIN actors a ON a.id = f.rowid / 2 WHERE people_fts MATCH %[4]s AND f.rowid %% 2 = 0`

// handles are the range of handles that somebody may have.
func handles(who string) (first, end string) {
	if strings.Contains(who, "@") {
		return who, who + "\x00"
	}
	return who + "@", who + "A" // A comes after @
}

// displayed finds, in the index of people, those whose display name has the words
// of a value; nobody by a value with an address in it.
func displayed(who string) string {
	if strings.Contains(who, "@") || isHost(who) {
		return `name : ""`
	}
	return `name : "` + strings.Join(words(Fold(who)), " ") + `"`
}

// isHost tells whether a value of from: or to: may be a host.
func isHost(who string) bool {
	return strings.Contains(who, ".") && !strings.ContainsAny(who, "@ ")
}

// people finds whom a value of from: or to: means: a URI, a handle, a JID, the
// name before a handle's @, words of a display name, a host, or oneself as "me".
func (tx *Tx) people(who string, v Viewer) (p persons, err error) {
	who = strings.TrimPrefix(strings.TrimPrefix(who, "acct:"), "@")
	if strings.EqualFold(who, "me") {
		if v.Actor != "" {
			p.uris = []string{v.Actor}
		}
		return p, nil
	}
	if strings.Contains(who, "://") {
		p.uris, err = tx.ActorsByPage(who)
		p.uris = append(p.uris, who)
		if site, acct, ok := strings.Cut(who, "/@"); ok { // the page of an actor of ours
			p.uris = append(p.uris, site+"/actor/"+acct)
		}
		return p, err
	}
	if jid, err := translate.ParseJIDURI(who); err == nil {
		who = jid
	}
	who = strings.ToLower(who)
	if isHost(who) {
		p.host = who
	}
	first, end := handles(who)
	p.uris, err = all(tx, value[string], "SELECT DISTINCT uri FROM ("+fmt.Sprintf(called, "?1", "?2", "?3", "?4")+") LIMIT ?5 + 0", first, end, who, displayed(who), maxPeople+1)
	if err == nil && len(p.uris) == 0 && p.host == "" {
		p.uris, err = tx.signers(who)
	}
	if err != nil {
		return p, fmt.Errorf("find %s: %w", who, err)
	}
	if len(p.uris) > maxPeople {
		p.uris, p.many = nil, who
	}
	return p, nil
}

// signersAmong is among how many posts their authors are looked for.
const signersAmong = 200

// signers finds the owners of posts that say such a handle or name themselves: of
// people who are not known otherwise, as after an import, which has no actors.
func (tx *Tx) signers(who string) ([]string, error) {
	list := words(Fold(who))
	if len(list) == 0 {
		return nil, nil
	}
	type signer struct{ uri, handle, name string }
	found, err := all(tx, func(r row) (x signer, err error) {
		err = r.Scan(&x.uri, &x.handle, &x.name)
		return x, err
	}, `SELECT DISTINCT p.owner, coalesce(lower(b.parsed ->> '$.owner.handle'), ''), coalesce(b.parsed ->> '$.owner.name', '')
		FROM (SELECT rowid AS id FROM posts_fts WHERE posts_fts MATCH ?1 ORDER BY rowid DESC LIMIT ?2 + 0) f
		JOIN posts p ON p.id = f.id JOIN bodies b ON b.post_id = p.id`, `author : "`+strings.Join(list, " ")+`"`, signersAmong)
	var uris []string
	for _, x := range found {
		name, _, _ := strings.Cut(x.handle, "@")
		is := x.handle == who || !strings.Contains(who, "@") && (name == who || len(matches(x.name, []term{{words: list}})) > 0)
		if is && !slices.Contains(uris, x.uri) && len(uris) < maxPeople {
			uris = append(uris, x.uri)
		}
	}
	return uris, err
}

// among is the SQL of the list of persons.
func (w *sqlWriter) among(who persons) string {
	if who.many != "" {
		first, end := handles(who.many)
		return "(" + fmt.Sprintf(called, w.arg(first), w.arg(end), w.arg(who.many), w.arg(displayed(who.many))) + ")"
	}
	names := make([]string, len(who.uris))
	for i, uri := range who.uris {
		names[i] = w.arg(uri)
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// from is by whom a post is.
func (w *sqlWriter) from(who persons) string {
	cond := "p.owner IN " + w.among(who)
	if who.host != "" {
		cond = "(" + cond + " OR p.owner_host = " + w.arg(who.host) + ")"
	}
	return cond
}

// to is whom a post names, and whom a private one is for. Those who got it
// without being named stay unnamed. The + looks through the few that a post
// names, not through all of the list.
func (w *sqlWriter) to(who persons) string {
	if len(who.uris) == 0 && who.many == "" {
		return "0"
	}
	list := w.among(who)
	return "(EXISTS (SELECT 1 FROM mentions WHERE post_id = p.id AND +actor IN " + list +
		") OR (p.vis > 1 AND (EXISTS (SELECT 1 FROM json_each(b.parsed, '$.to') WHERE value IN " + list +
		") OR EXISTS (SELECT 1 FROM json_each(b.parsed, '$.cc') WHERE value IN " + list + "))))"
}

// whoArms are the ways to what is from or to somebody: one each if they are few,
// and all at once if there is little.
func (w *sqlWriter) whoArms(op operator, who persons) ([]arm, error) {
	tables := map[operator][]string{opFrom: {"posts"}, opTo: {"mentions", "addressees"}}[op]
	arms := []arm{}
	for _, table := range tables {
		key, actor := "t.post_id", "t.actor"
		if op == opFrom {
			key, actor = "t.id", "t.owner"
		}
		switch {
		case op == opFrom && who.host != "", who.many == "" && len(who.uris) > maxArms/2:
			return nil, nil
		case who.many != "":
			a, err := w.gathered(who, table, key, actor)
			if a == nil || err != nil {
				return nil, err
			}
			arms = append(arms, *a)
			continue
		}
		for _, uri := range who.uris {
			a := arm{from: table + " t CROSS JOIN posts p ON p.id = t.post_id", key: key, cond: actor + " = " + w.arg(uri)}
			if op == opFrom {
				a.from, a.key, a.cond = "posts p", "p.id", "p.owner = "+w.arg(uri)
			}
			arms = append(arms, a)
		}
	}
	return arms, nil
}

// gathered is the way to the posts of many people, nil if they are so many that
// some are soon met by who walks through all posts.
func (w *sqlWriter) gathered(who persons, table, key, actor string) (*arm, error) {
	count := &sqlWriter{}
	within := func(w *sqlWriter) string {
		return "FROM " + w.among(who) + " o CROSS JOIN " + table + " t ON " + actor + " = o.uri"
	}
	from := within(count)
	n, err := w.tx.count(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 %s LIMIT %d)", from, placesArm), append([]any{"", ""}, count.args...)...)
	if err != nil || n == placesArm {
		return nil, err
	}
	return &arm{from: "posts p", key: "p.id", cond: "p.id IN (SELECT " + key + " " + within(w) + ")", size: n + 1}, nil
}
