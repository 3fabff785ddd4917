package cache

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Block hides an owner from a target, and the target from the owner.
type Block struct {
	Owner     string // actor URI; "" for everybody (the operator's)
	Target    string // actor URI, or a domain with its subdomains
	Reason    string
	CreatedAt time.Time
}

// BlockTarget is how a target is written: domains in lower case.
func BlockTarget(target string) string {
	if isDomain(target) {
		return strings.ToLower(strings.Trim(target, "."))
	}
	return target
}

func isDomain(target string) bool { return !strings.Contains(target, "/") }

// PutBlock stores a block; it works from the next read on.
func (tx *Tx) PutBlock(b Block) error {
	if b.Target == "" {
		return errors.New("put block: Target is needed")
	}
	b.Target = BlockTarget(b.Target)
	tx.wrote(heldBlocks, "")
	err := tx.run(`INSERT INTO blocks (owner, target, domain, reason, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET reason = excluded.reason`,
		b.Owner, b.Target, isDomain(b.Target), b.Reason, millis(b.CreatedAt))
	if err == nil && b.Owner == "" {
		err = tx.hideTarget(b.Target)
	}
	if err != nil {
		return fmt.Errorf("put block of %s: %w", b.Target, err)
	}
	return nil
}

// hideTarget makes the audience condition follow an operator's block.
func (tx *Tx) hideTarget(target string) error {
	if !isDomain(target) {
		return tx.run("INSERT OR IGNORE INTO hidden (name, why) VALUES (?, 'block')", target)
	}
	r := reversed(target)
	return tx.run(`INSERT OR IGNORE INTO hidden (name, why)
		SELECT name, 'block' FROM hosts WHERE reversed >= ? AND reversed < ?`, r, r+"\U0010FFFF")
}

// DeleteBlock takes a block back and reports whether there was one.
func (tx *Tx) DeleteBlock(owner, target string) (bool, error) {
	target = BlockTarget(target)
	tx.wrote(heldBlocks, "")
	n, err := tx.exec("DELETE FROM blocks WHERE owner = ? AND target = ?", owner, target)
	if err == nil && n > 0 && owner == "" {
		err = tx.showTarget(target)
	}
	if err != nil {
		return false, fmt.Errorf("delete block of %s: %w", target, err)
	}
	return n > 0, nil
}

// showTarget is the reverse of hideTarget, as far as no other block holds.
func (tx *Tx) showTarget(target string) error {
	if !isDomain(target) {
		return tx.run("DELETE FROM hidden WHERE name = ? AND why = 'block'", target)
	}
	r := reversed(target)
	hosts, err := all(tx, value[string], "SELECT name FROM hosts WHERE reversed >= ? AND reversed < ?", r, r+"\U0010FFFF")
	if err != nil {
		return err
	}
	for _, h := range hosts {
		blocked, err := tx.HostBlocked(h)
		if err != nil {
			return err
		}
		if blocked {
			continue
		}
		if err := tx.run("DELETE FROM hidden WHERE name = ? AND why = 'block'", h); err != nil {
			return err
		}
	}
	return nil
}

// Blocks returns the blocks of an owner, or of the operator for "".
func (tx *Tx) Blocks(owner string) ([]Block, error) {
	return all(tx, func(r row) (b Block, err error) {
		err = r.Scan(&b.Owner, &b.Target, &b.Reason, when{&b.CreatedAt})
		return b, err
	}, "SELECT owner, target, reason, created_at FROM blocks WHERE owner = ? ORDER BY target", owner)
}

// maxHeldBlocks is how many blocks are held in memory at most; when there are
// more, the table is asked each time.
const maxHeldBlocks = 10_000

// blockSet are all blocks, if there are not too many.
type blockSet struct {
	whole bool
	has   map[blockPair]bool
}

type blockPair struct{ owner, target string }

// anyOf tells whether an owner blocks one of the targets.
func (s blockSet) anyOf(owner string, targets []string) bool {
	for _, t := range targets {
		if s.has[blockPair{owner, t}] {
			return true
		}
	}
	return false
}

// blocks are all blocks.
func (tx *Tx) blocks() (blockSet, error) {
	return remembered(tx, heldKey{kind: heldBlocks}, func() (blockSet, error) {
		list, err := all(tx, func(r row) (p blockPair, err error) {
			err = r.Scan(&p.owner, &p.target)
			return p, err
		}, "SELECT owner, target FROM blocks LIMIT ? + 0", maxHeldBlocks+1)
		s := blockSet{whole: len(list) <= maxHeldBlocks, has: make(map[blockPair]bool)}
		if s.whole {
			for _, p := range list {
				s.has[p] = true
			}
		}
		return s, err
	})
}

// blocked tells whether an owner blocks one of the targets.
func (tx *Tx) blocked(owner string, targets []string) (bool, error) {
	s, err := tx.blocks()
	if err != nil || s.whole {
		return s.anyOf(owner, targets), err
	}
	for _, t := range targets {
		blocked, err := tx.exists("SELECT 1 FROM blocks WHERE owner = ? AND target = ?", owner, t)
		if err != nil || blocked {
			return blocked, err
		}
	}
	return false, nil
}

// Blocked reports whether the owner or the operator blocks an actor or its
// domain.
func (tx *Tx) Blocked(owner, actor string) (bool, error) {
	if actor == "" {
		return false, nil
	}
	targets := append([]string{actor}, domains(hostOf(actor))...)
	blocked, err := tx.blocked("", targets)
	if err != nil || blocked || owner == "" {
		return blocked, err
	}
	return tx.blocked(owner, targets)
}

// HostBlocked reports whether the operator blocks a host or a domain above it.
func (tx *Tx) HostBlocked(host string) (bool, error) {
	return tx.blocked("", domains(strings.ToLower(host)))
}

// targetsOf returns, as a JSON list, what a block of an actor may name.
func targetsOf(actor string) (string, error) {
	if actor == "" {
		return "[]", nil
	}
	return toJSON(append([]string{actor}, domains(hostOf(actor))...))
}
