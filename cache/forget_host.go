package cache

import (
	"context"
	"fmt"
	"time"
)

// hostPage is how many rows are looked at in one transaction.
const hostPage = 1000

// idleHost is the condition on a host called h that nobody has heard of it since
// ?1, no job is for it and no block needs it.
const idleHost = ` h.last_inbound < ?1 AND h.failing_since < ?1 AND NOT EXISTS (SELECT 1 FROM hidden WHERE name = h.name)
	AND NOT EXISTS (SELECT 1 FROM job_queues WHERE host = h.name AND (turn < ?2 OR inflight > 0))`

// ForgetHosts forgets the remote hosts that were not heard of since a time and
// of which there is no actor and no post: anybody who has a domain can make any
// number of them (SEC-39). It returns how many they were.
func (s *Store) ForgetHosts(ctx context.Context, before time.Time) (int, error) {
	used, err := s.hostsInUse(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for hosts in use: %w", err)
	}
	forgotten := 0
	for after := ""; ; {
		var page, idle []string
		err := s.View(ctx, func(tx *Tx) (err error) {
			page, err = all(tx, value[string], "SELECT name FROM hosts h WHERE name > ?3 AND"+idleHost+" ORDER BY name LIMIT ?4 + 0",
				millis(before), int64(never), after, hostPage)
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("look for hosts to forget: %w", err)
		}
		if len(page) == 0 {
			return forgotten, nil
		}
		after = page[len(page)-1]
		for _, name := range page {
			if !used[name] {
				idle = append(idle, name)
			}
		}
		n, err := s.forgetHosts(ctx, idle, before)
		if forgotten += n; err != nil {
			return forgotten, fmt.Errorf("forget hosts: %w", err)
		}
	}
}

// hostsInUse are the hosts of all actors, and of whoever wrote a post.
func (s *Store) hostsInUse(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	for _, query := range []string{
		"SELECT uri FROM actors WHERE uri > ? ORDER BY uri LIMIT ? + 0",
		"SELECT DISTINCT owner FROM posts WHERE owner > ? ORDER BY owner LIMIT ? + 0",
		"SELECT DISTINCT author FROM posts WHERE author IS NOT NULL AND author > ? ORDER BY author LIMIT ? + 0",
	} {
		for after, more := "", true; more; {
			err := s.View(ctx, func(tx *Tx) error {
				uris, err := all(tx, value[string], query, after, hostPage)
				for _, uri := range uris {
					used[hostOf(uri)], after = true, uri
				}
				more = len(uris) == hostPage
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return used, nil
}

// forgetHosts deletes hosts, but those of which there is somebody now.
func (s *Store) forgetHosts(ctx context.Context, names []string, before time.Time) (int, error) {
	if len(names) == 0 {
		return 0, nil
	}
	list, err := toJSON(names)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	err = s.Update(ctx, func(tx *Tx) (err error) {
		tx.wrote(heldHost, "")
		n, err = tx.exec(`DELETE FROM hosts AS h WHERE name IN (SELECT value FROM json_each(?3)) AND`+idleHost+`
			AND NOT EXISTS (SELECT 1 FROM actors WHERE uri >= 'https://' || h.name || '/' AND uri < 'https://' || h.name || '0')
			AND NOT EXISTS (SELECT 1 FROM posts WHERE owner >= 'https://' || h.name || '/' AND owner < 'https://' || h.name || '0')`,
			millis(before), int64(never), list)
		return err
	})
	return int(n), err
}
