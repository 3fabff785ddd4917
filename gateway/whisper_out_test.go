package gateway

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// queued is a delivery that waits.
type queued struct {
	job cache.Job
	deliverJob
	sentActivity
	raw string
}

// waiting are the deliveries that wait, in order.
func (w *walk) waiting() (list []queued) {
	w.view(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobDeliver, Limit: 1000})
		if err != nil {
			return err
		}
		slices.SortFunc(jobs, func(a, b cache.Job) int { return int(a.ID - b.ID) })
		for _, j := range jobs {
			d, err := decode[deliverJob](j)
			if err != nil {
				return err
			}
			act, err := tx.Activity(d.Activity)
			if err != nil {
				return err
			}
			q := queued{job: j, deliverJob: d, raw: string(act.Raw)}
			if len(act.Raw) > 0 {
				if q.sentActivity, err = readActivity(act.Raw); err != nil {
					return err
				}
			}
			list = append(list, q)
		}
		return nil
	})
	return list
}

func readActivity(raw []byte) (a sentActivity, err error) {
	var doc struct {
		Object json.RawMessage `json:"object"`
	}
	if err = errors.Join(json.Unmarshal(raw, &a), json.Unmarshal(raw, &doc)); err != nil {
		return a, err
	}
	if json.Unmarshal(doc.Object, &a.uri) != nil {
		err = json.Unmarshal(doc.Object, &a.Object)
		a.uri, _ = a.Object["id"].(string)
	}
	return a, err
}

// observe looks at what was queued since it looked last.
func (w *walk) observe() {
	f := w.facts()
	batch := map[string][]queued{}
	for _, q := range w.waiting() {
		if q.job.ID <= w.lastJob {
			continue
		}
		w.lastJob = q.job.ID
		if q.raw == "" {
			continue // said and taken back in one step
		}
		batch[q.Activity] = append(batch[q.Activity], q)
		switch q.Type {
		case as2.TypeCreate, as2.TypeUpdate:
			if q.uri != q.Sender { // else a profile
				w.goesOut(f, q)
			}
		case as2.TypeAnnounce, as2.TypeLike, as2.TypeFollow:
			if sender := w.accountAt(f, q.Sender); sender.State == cache.Paused || sender.State == cache.Unlinked {
				w.wrong("%s for who is %s", q.Type, sender.State)
			}
		}
	}
	w.kept(f)
	for _, qs := range batch {
		w.reaches(f, qs)
	}
}

func (w *walk) accountAt(f facts, uri string) cache.Account {
	for _, a := range f.account {
		if a.URI == uri {
			return a
		}
	}
	return cache.Account{State: cache.Unlinked}
}

// goesOut judges a Create or an Update to an inbox.
func (w *walk) goesOut(f facts, q queued) {
	words := wordsIn(q.raw)
	if len(words) == 0 {
		w.wrong("%s of nothing that was said: %s", q.Type, q.raw)
	}
	if q.Type == as2.TypeUpdate && w.m.objects[q.uri] == nil {
		w.wrong("Update of %s, which never went out", q.uri)
	}
	r := reachOf(q.sentActivity, q.Sender)
	w.judge(f, q.uri, q.Sender, words[0], r)
	for _, word := range words {
		if w.m.said[word].by == "" {
			w.wrong("%s goes out, which is not ours", word)
		}
	}
	w.acts[q.ID] = true
	who := inboxOwner(q.Inbox)
	if r.all { // a block of one person counts when it is sent
		who = ""
	}
	if !f.mayGet(r, q.Sender, who, hostname(q.Inbox)) {
		w.wrong("%s of %s for %s is queued for %s", q.Type, words[0], r, q.Inbox)
	}
}

// judge compares whom a post of ours is for with whom it may be for.
func (w *walk) judge(f facts, uri, owner, word string, r reach) {
	m := &w.m
	s, o := m.said[word], m.objects[uri]
	m.wordOf[word] = uri
	if o != nil && o.word == word {
		return
	}
	was := m.objects[m.lives[s.place]] // which an edit may have ended
	if widest := w.mayBe(f, s, was); !f.within(r, widest) {
		w.wrong("%s is for %s, and may at most be for %s", word, r, widest)
	}
	if o == nil {
		m.objects[uri] = &object{uri: uri, place: s.place, owner: owner, reach: r, word: word, once: r.names, sent: map[string]bool{}}
		m.lives[s.place] = uri
		return
	}
	switch {
	case !f.within(r, o.reach):
		w.wrong("the edit %s is for %s, what it changes was for %s", word, r, o.reach)
	case o.reach.all && !r.all:
		w.wrong("the edit %s takes a post from everybody and does not delete it: it is for %s", word, r)
	}
	o.reach, o.word, o.once = r, word, append(o.once, r.names...)
}

// kept judges what is kept of ours, also if it went to nobody.
func (w *walk) kept(f facts) {
	var list []cache.Stored
	w.view(func(tx *cache.Tx) error {
		for node, n := range map[string]int{feed: feedItems, rootComments: commentItems} {
			for i := range n {
				place := postPlace(i)
				if node != feed {
					place = commentPlace(i)
				}
				s, err := tx.PostByItem(louise, node, w.itemID(place), operator)
				if ignoreMissing(err) != nil {
					return err
				}
				if err == nil {
					list = append(list, s)
				}
			}
		}
		return nil
	})
	for _, s := range list {
		if words := wordsIn(s.Post.Text + " " + s.Post.Title); len(words) > 0 {
			w.judge(f, s.Post.URI, s.Post.Owner.URI, words[0], reachOf(sentActivity{To: s.Post.To, Cc: s.Post.Cc}, s.Post.Owner.URI))
		}
	}
}

// within tells whether a reach is no wider than another one.
func (f facts) within(r, widest reach) bool {
	switch {
	case r.all:
		return widest.all && (widest.listed || !r.listed)
	case widest.all:
		return true
	case r.followers != "" && r.followers != widest.followers:
		return false
	}
	return !slices.ContainsFunc(r.names, func(who string) bool {
		return slices.Contains(cast, who) && !slices.Contains(widest.names, who) && !(widest.followers != "" && f.admits(widest.followers, who))
	})
}

// mayGet tells whether something may be sent to an inbox: of one person, or of
// their server.
func (f facts) mayGet(r reach, owner, who, host string) bool {
	if f.blocks[[2]string{"", host}] || f.blocks[[2]string{owner, host}] {
		return false
	}
	if who == "" {
		return r.all
	}
	return f.holds(r, owner, who)
}

// reaches looks whether all deliveries of an activity together reach whom they
// have to.
func (w *walk) reaches(f facts, qs []queued) {
	q := qs[0]
	hosts, inboxes := map[string]bool{}, map[string]bool{}
	for _, d := range qs {
		if inboxes[d.Inbox] {
			w.wrong("%s %s is queued twice for %s", q.Type, q.uri, d.Inbox)
		}
		inboxes[d.Inbox], hosts[hostname(d.Inbox)] = true, true
	}
	var about []*object
	switch {
	case q.Type == as2.TypeDelete && q.uri == q.Sender:
		for _, o := range w.m.objects {
			if o.owner == q.Sender {
				about = append(about, o)
			}
		}
	case q.Type == as2.TypeDelete, q.Type == as2.TypeUpdate:
		if o := w.m.objects[q.uri]; o != nil {
			about = append(about, o)
		}
	}
	for _, o := range about {
		for inbox := range o.sent {
			who, host := inboxOwner(inbox), hostname(inbox)
			switch {
			case f.blocks[[2]string{"", host}] || !f.inhabited(host):
			case q.Type == as2.TypeDelete && !hosts[host] && !(o.dead && q.uri == q.Sender):
				w.wrong("the Delete of %s does not go to %s, where it is", q.uri, host)
			case q.Type == as2.TypeUpdate && !hosts[host] && f.mayGet(o.reach, o.owner, who, host):
				w.wrong("the Update of %s does not go to %s, which has it", q.uri, inbox)
			}
		}
		if q.Type == as2.TypeDelete {
			o.dead = true
		}
	}
}

// inhabited tells whether anybody is known to be on a host.
func (f facts) inhabited(host string) bool {
	return slices.ContainsFunc(cast, func(uri string) bool { return hostname(uri) == host && !f.gone[uri] })
}

// mustBeGone looks whether what was at a place is deleted where it went, after
// its author took it back.
func (w *walk) mustBeGone(place string) {
	w.observe()
	if o := w.m.objects[w.m.lives[place]]; o != nil && !o.dead {
		f := w.facts()
		for inbox := range o.sent {
			if host := hostname(inbox); f.inhabited(host) && !f.blocks[[2]string{"", host}] {
				w.wrong("%s was taken back, and %s is not told", place, host)
			}
		}
		o.dead = true
	}
}

// deliverAll makes the deliveries that wait, but for those to one of the hosts.
func (w *walk) deliverAll(away int) {
	w.observe()
	f := w.facts()
	for _, q := range w.waiting() {
		if away%4 > 0 && hostname(q.Inbox) == hostname(cast[away%len(cast)]) {
			continue
		}
		sender, body, err := w.atHand(w.t.Context(), q.deliverJob)
		if errors.Is(err, errPaused) {
			continue
		}
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(q.job.ID) })
		if err == nil && len(body) > 0 {
			w.sends(f, q, sender)
		}
	}
}

// sends judges a delivery that is made.
func (w *walk) sends(f facts, q queued, sender cache.Account) {
	key := q.Activity + " " + q.Inbox
	if w.told[key] {
		w.wrong("%s is sent twice to %s", q.Type, q.Inbox)
	}
	w.told[key] = true
	switch q.Type {
	case as2.TypeDelete:
		w.deleted[q.uri+" "+q.Inbox] = true
		if q.uri == q.Sender {
			w.deleted[q.Sender+" "+hostname(q.Inbox)] = true
		}
		return
	case as2.TypeUndo, as2.TypeReject:
		return
	}
	if sender.State != cache.Linked && sender.State != cache.FollowerOnly {
		w.wrong("%s is sent for who is %s", q.Type, sender.State)
	}
	if who := inboxOwner(q.Inbox); who != "" && f.hides(q.Sender, who) {
		w.wrong("%s is sent to %s, who is blocked or blocks", q.Type, who)
	}
	o := w.m.objects[q.uri]
	if o == nil || q.Type != as2.TypeCreate && q.Type != as2.TypeUpdate {
		return
	}
	switch who := inboxOwner(q.Inbox); {
	case o.dead || w.deleted[q.uri+" "+q.Inbox]:
		w.wrong("%s of %s is sent after it was deleted", q.Type, q.uri)
	case !f.mayGet(reachOf(q.sentActivity, q.Sender), q.Sender, who, hostname(q.Inbox)):
		w.wrong("%s of %s for %s is sent to %s", q.Type, strings.Join(wordsIn(q.raw), " "), o.reach, q.Inbox)
	case q.Type == as2.TypeCreate && o.sent[q.Inbox]:
		w.wrong("%s is created twice at %s", q.uri, q.Inbox)
	}
	o.sent[q.Inbox] = true
}
