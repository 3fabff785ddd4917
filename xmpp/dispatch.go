package xmpp

import (
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/xmpp/stanza"
)

// task is a stanza that waits for its handler.
type task struct {
	link     *link
	start    *stanza.Element // its start tag
	frame    frame
	from, to string // bare
	arrived  time.Time
}

// isRequest tells whether the stanza must be answered.
func (t task) isRequest() bool {
	kind := t.start.Get("type")
	return t.start.Name == "iq" && kind != "result" && kind != "error"
}

// peerShare is which part of the queue's bytes one peer may fill.
const peerShare = 8

// dispatcher hands stanzas to a bounded number of workers. Those of one peer to
// one address of ours keep their order; a peer never has more than its share of
// the workers, and of the queue. Nor has a domain of strangers, whose number of
// peers costs nothing, and all strangers leave some workers to those at home.
type dispatcher struct {
	run             func(task)
	home            map[string]bool // domains
	peerWorkers     int
	domainWorkers   int
	strangerWorkers int
	peerQueue       int
	queueBytes      int

	mu        sync.Mutex
	work      sync.Cond // there is a ready peer, or the end
	peers     map[string]*peer
	ready     []*peer
	crowds    map[string]*crowd
	strangers int           // workers that strangers have, or are about to
	kept      []*crowd      // crowds that wait for other strangers to end
	bytes     int           // of all that waits or runs
	room      chan struct{} // closed when a task ended, if wanted
	wanted    bool
	refuse    bool // nothing new is accepted
	ending    bool
}

// crowd is a domain of strangers of which something waits or runs.
type crowd struct {
	name    string
	peers   int
	workers int     // that it has, or is about to
	waiting []*peer // for its turn
	kept    bool    // in dispatcher.kept
}

// peer is a bare JID of which something waits or runs.
type peer struct {
	name    string
	crowd   *crowd // nil at home
	queues  map[string]*queue
	ready   []*queue
	queued  int
	bytes   int // of what waits or runs
	running int
	listed  bool // in dispatcher.ready, or in crowd.waiting
}

// queue is what a peer sent to one of our addresses.
type queue struct {
	to      string
	tasks   []task
	running bool
}

func newDispatcher(cfg Config, run func(task)) *dispatcher {
	d := &dispatcher{
		run: run, peerWorkers: cfg.PeerWorkers, peerQueue: cfg.PeerQueue, queueBytes: cfg.QueueBytes,
		domainWorkers: max(1, cfg.Workers/4), strangerWorkers: max(1, cfg.Workers*3/4),
		home: map[string]bool{strings.ToLower(string(cfg.Domain)): true}, peers: make(map[string]*peer), crowds: make(map[string]*crowd), room: make(chan struct{}),
	}
	for _, domain := range slices.Concat(cfg.Home, cfg.Services) {
		d.home[strings.ToLower(domain)] = true
	}
	d.work.L = &d.mu
	return d
}

// add queues a task. When there is no room it returns what to wait for; that is
// nil when waiting is of no use.
func (d *dispatcher) add(t task) (ok bool, room <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse {
		return false, nil
	}
	size := len(t.frame.data)
	p := d.peers[t.from]
	full := d.bytes > 0 && d.bytes+size > d.queueBytes
	if p != nil { // one that runs or waits for nothing always gets its chance
		full = full || p.queued >= d.peerQueue || p.bytes+size > d.queueBytes/peerShare
	}
	if full {
		d.wanted = true
		return false, d.room
	}
	if p == nil {
		p = &peer{name: t.from, queues: make(map[string]*queue, 1), crowd: d.crowdOf(t.from)}
		d.peers[t.from] = p
	}
	q := p.queues[t.to]
	if q == nil {
		q = &queue{to: t.to}
		p.queues[t.to] = q
		p.ready = append(p.ready, q)
	}
	q.tasks = append(q.tasks, t)
	p.queued++
	p.bytes += size
	d.bytes += size
	d.list(p)
	return true, nil
}

// crowdOf is the crowd of a new peer.
func (d *dispatcher) crowdOf(from string) *crowd {
	domain := strings.ToLower(stanza.JID(from).Domain())
	if d.home[domain] {
		return nil
	}
	c := d.crowds[domain]
	if c == nil {
		c = &crowd{name: domain}
		d.crowds[domain] = c
	}
	c.peers++
	return c
}

// list puts a peer where workers find it, if it has work that may start.
func (d *dispatcher) list(p *peer) {
	if p.listed || len(p.ready) == 0 || p.running >= d.peerWorkers {
		return
	}
	p.listed = true
	if p.crowd == nil {
		d.begin(p)
		return
	}
	p.crowd.waiting = append(p.crowd.waiting, p)
	d.admit(p.crowd)
}

// admit gives the peers of a crowd the workers that it may have.
func (d *dispatcher) admit(c *crowd) {
	for len(c.waiting) > 0 && c.workers < d.domainWorkers {
		if d.strangers >= d.strangerWorkers {
			if !c.kept {
				c.kept = true
				d.kept = append(d.kept, c)
			}
			return
		}
		p := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.workers++
		d.strangers++
		d.begin(p)
	}
}

func (d *dispatcher) begin(p *peer) {
	d.ready = append(d.ready, p)
	d.work.Signal()
}

// leave takes back the worker that a peer had.
func (d *dispatcher) leave(c *crowd) {
	if c == nil {
		return
	}
	c.workers--
	d.strangers--
	for d.strangers < d.strangerWorkers && len(d.kept) > 0 {
		next := d.kept[0]
		d.kept = d.kept[1:]
		next.kept = false
		d.admit(next)
	}
	d.admit(c)
}

// worker runs tasks until the end.
func (d *dispatcher) worker() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		for len(d.ready) == 0 {
			if d.ending {
				return
			}
			d.work.Wait()
		}
		p := d.ready[0]
		d.ready = d.ready[1:]
		p.listed = false
		q := p.ready[0]
		p.ready = p.ready[1:]
		t := q.tasks[0]
		q.tasks[0] = task{}
		q.tasks = q.tasks[1:]
		q.running = true
		p.queued--
		p.running++
		d.list(p)
		d.mu.Unlock()
		d.run(t)
		d.mu.Lock()
		q.running = false
		p.running--
		p.bytes -= len(t.frame.data)
		d.bytes -= len(t.frame.data)
		d.done(p, q)
	}
}

// done puts a queue back whose task ended, or forgets it.
func (d *dispatcher) done(p *peer, q *queue) {
	if len(q.tasks) > 0 {
		p.ready = append(p.ready, q)
	} else {
		delete(p.queues, q.to)
	}
	if len(p.queues) == 0 {
		delete(d.peers, p.name)
		if c := p.crowd; c != nil {
			if c.peers--; c.peers == 0 {
				delete(d.crowds, c.name)
			}
		}
	}
	d.list(p)
	d.leave(p.crowd)
	if d.wanted {
		close(d.room)
		d.room, d.wanted = make(chan struct{}), false
	}
}

// expired takes requests that have waited since before a time out of the
// queues: whoever sent them has given up.
func (d *dispatcher) expired(before time.Time) []task {
	d.mu.Lock()
	defer d.mu.Unlock()
	var old []task
	for _, p := range d.peers {
		for _, q := range p.queues {
			// The first one of a queue that is ready is as good as begun.
			first := 1
			if q.running {
				first = 0
			}
			kept := q.tasks[:first]
			for _, t := range q.tasks[first:] {
				if !t.isRequest() || !t.arrived.Before(before) {
					kept = append(kept, t)
					continue
				}
				old = append(old, t)
				p.queued--
				p.bytes -= len(t.frame.data)
				d.bytes -= len(t.frame.data)
			}
			clear(q.tasks[len(kept):])
			q.tasks = kept
		}
	}
	return old
}

// idle tells whether nothing waits or runs.
func (d *dispatcher) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.peers) == 0
}

// stop refuses what comes from now on.
func (d *dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = true
}

// end lets the workers end, and returns what they have not begun.
func (d *dispatcher) end() []task {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse, d.ending = true, true
	var left []task
	for _, p := range d.peers {
		for _, q := range p.queues {
			left = append(left, q.tasks...)
			q.tasks = nil
		}
		p.ready, p.queued = nil, 0
	}
	d.ready, d.kept = nil, nil
	for _, c := range d.crowds {
		c.waiting = nil
	}
	d.work.Broadcast()
	return left
}
