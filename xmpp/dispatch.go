package xmpp

import (
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
// the workers, and of the queue.
type dispatcher struct {
	run         func(task)
	peerWorkers int
	peerQueue   int
	queueBytes  int

	mu     sync.Mutex
	work   sync.Cond // there is a ready peer, or the end
	peers  map[string]*peer
	ready  []*peer
	bytes  int           // of all that waits or runs
	room   chan struct{} // closed when a task ended, if wanted
	wanted bool
	refuse bool // nothing new is accepted
	ending bool
}

// peer is a bare JID of which something waits or runs.
type peer struct {
	name    string
	queues  map[string]*queue
	ready   []*queue
	queued  int
	bytes   int // of what waits or runs
	running int
	listed  bool // in dispatcher.ready
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
		peers: make(map[string]*peer), room: make(chan struct{}),
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
		p = &peer{name: t.from, queues: make(map[string]*queue, 1)}
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

// list puts a peer where workers find it, if it has work that may start.
func (d *dispatcher) list(p *peer) {
	if !p.listed && len(p.ready) > 0 && p.running < d.peerWorkers {
		p.listed = true
		d.ready = append(d.ready, p)
		d.work.Signal()
	}
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
	}
	d.list(p)
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
	d.ready = nil
	d.work.Broadcast()
	return left
}
