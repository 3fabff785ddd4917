package cache

// PostsByPage returns up to two posts that have their web page at an address, if
// the viewer may see them: two, so that nobody takes the one for the other.
func (tx *Tx) PostsByPage(address string, v Viewer) ([]Stored, error) {
	return tx.list(v, "bodies b JOIN posts p ON p.id = b.post_id", ` AND iif(json_valid(b.parsed, 8), b.parsed ->> '$.url', NULL) = ?3
		AND iif(json_valid(b.parsed, 8), b.parsed ->> '$.url' <> b.parsed ->> '$.uri', 0) ORDER BY p.id LIMIT 2`, address)
}

// ActorsByPage returns the ids of up to two remote actors who have their profile
// at an address.
func (tx *Tx) ActorsByPage(address string) ([]string, error) {
	return all(tx, value[string], "SELECT uri FROM actors WHERE url = ? AND url <> uri LIMIT 2", address)
}

// PostsByItemID returns up to two posts that a node of any service has under an
// item id. It looks into each node once.
func (tx *Tx) PostsByItemID(id string, v Viewer) ([]Stored, error) {
	return tx.list(v, "nodes n CROSS JOIN placements l ON l.node_id = n.id AND l.item = ?3 AND l.post_id IS NOT NULL CROSS JOIN "+
		"posts p ON p.id = l.post_id JOIN bodies b ON b.post_id = p.id", " GROUP BY p.id ORDER BY p.id LIMIT 2", id)
}
