package cache

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Host is what we know of a remote host.
type Host struct {
	Name         string
	Software     string
	Knock        string    // dialect of signatures that it took last
	FailingSince time.Time // zero while it works
	Failures     int       // in a row
	CircuitUntil time.Time // no job for it is leased before this
	LastInbound  time.Time
}

func scanHost(r row) (h Host, err error) {
	err = r.Scan(&h.Name, &h.Software, &h.Knock, when{&h.FailingSince}, &h.Failures, when{&h.CircuitUntil}, when{&h.LastInbound})
	return h, err
}

// Host returns what is known of a host; of an unknown one it is its name.
func (tx *Tx) Host(name string) (Host, error) {
	h, err := remembered(tx, heldKey{heldHost, name}, func() (Host, error) {
		return one(tx, scanHost, `SELECT name, software, knock, failing_since, failures, circuit_until, last_inbound
			FROM hosts WHERE name = ?`, name)
	})
	if errors.Is(err, ErrNotFound) {
		return Host{Name: name}, nil
	}
	return h, err
}

// PutHost stores what is known of a host.
func (tx *Tx) PutHost(h Host) error {
	err := tx.seeHost(h.Name)
	if err == nil {
		tx.wrote(heldHost, h.Name)
		err = tx.run(`UPDATE hosts SET software = ?, knock = ?, failing_since = ?, failures = ?, circuit_until = ?,
			last_inbound = ? WHERE name = ?`,
			h.Software, h.Knock, millis(h.FailingSince), h.Failures, millis(h.CircuitUntil), millis(h.LastInbound), h.Name)
	}
	if err == nil {
		err = tx.turnHost(h.Name)
	}
	if err != nil {
		return fmt.Errorf("put host %s: %w", h.Name, err)
	}
	return nil
}

// HostFailed counts a failure and keeps jobs for the host back until
// circuitUntil (zero: does not).
func (tx *Tx) HostFailed(name string, at, circuitUntil time.Time) (Host, error) {
	h, err := tx.Host(name)
	if err != nil {
		return h, fmt.Errorf("host %s failed: %w", name, err)
	}
	h.Failures++
	if h.FailingSince.IsZero() {
		h.FailingSince = at
	}
	h.CircuitUntil = circuitUntil
	return h, tx.PutHost(h)
}

// HostWorked forgets the failures of a host.
func (tx *Tx) HostWorked(name string) error {
	tx.wrote(heldHost, name)
	n, err := tx.exec(`UPDATE hosts SET failures = 0, failing_since = 0, circuit_until = 0
		WHERE name = ? AND (failures > 0 OR circuit_until > 0)`, name)
	if err == nil && n > 0 {
		err = tx.turnHost(name)
	}
	if err != nil {
		return fmt.Errorf("host %s worked: %w", name, err)
	}
	return nil
}

// heardEvery is how coarse LastInbound is, so that a busy host costs no writes.
const heardEvery = time.Minute

// HostHeard notes that the host talked to us, which revives it: jobs for it
// run again (D5).
func (tx *Tx) HostHeard(name string, at time.Time) error {
	h, err := tx.Host(name)
	if err != nil {
		return fmt.Errorf("host %s heard: %w", name, err)
	}
	if ago := at.Sub(h.LastInbound); h.CircuitUntil.IsZero() && ago < heardEvery && ago > -heardEvery {
		return nil
	}
	h.LastInbound, h.CircuitUntil = at, time.Time{}
	return tx.PutHost(h)
}

// HostBusy tells whether jobs for a host wait or run.
func (tx *Tx) HostBusy(name string) (bool, error) {
	return tx.exists("SELECT 1 FROM job_queues WHERE host = ? AND (turn < ? OR inflight > 0) LIMIT 1", name, int64(never))
}

// seeHost makes sure that a host has a row, and is hidden if it is blocked.
func (tx *Tx) seeHost(name string) error {
	if name == "" {
		return nil
	}
	if tx.holds(heldKey{heldHost, name}) {
		return nil
	}
	known, err := tx.exists("SELECT 1 FROM hosts WHERE name = ?", name)
	if err != nil || known {
		return err
	}
	tx.wrote(heldHost, name)
	if err := tx.run("INSERT INTO hosts (name, reversed) VALUES (?, ?)", name, reversed(name)); err != nil {
		return err
	}
	blocked, err := tx.HostBlocked(name)
	if err == nil && blocked {
		err = tx.run("INSERT OR IGNORE INTO hidden (name, why) VALUES (?, 'block')", name)
	}
	return err
}

// reversed turns a.example.org into org.example.a. so that a domain and its
// subdomains are a range.
func reversed(host string) string {
	labels := strings.Split(host, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}

// domains returns a host and the domains above it.
func domains(host string) []string {
	var list []string
	for d := host; d != ""; {
		list = append(list, d)
		_, d, _ = strings.Cut(d, ".")
	}
	return list
}

// hostOf returns the host of a URI, without port, in lower case; of a JID its
// domain.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if u.Scheme == "xmpp" { // xmpp:louise@example.org
		host = u.Opaque[strings.LastIndexByte(u.Opaque, '@')+1:]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
