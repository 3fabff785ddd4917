-- +goose Up

-- The full-text index tells what posts are, besides their words. It is built
-- anew for that while the store serves.
INSERT OR IGNORE INTO meta (key, value)
    SELECT 'full text is rebuilt up to', CAST('0' AS BLOB) WHERE EXISTS (SELECT 1 FROM posts WHERE indexed = 1);

-- Boosts have no text.
CREATE INDEX posts_boosts ON posts (id) WHERE kind = 'boost';

-- The newest first by another date.
CREATE INDEX posts_received ON posts (received, id);
CREATE INDEX posts_touched ON posts (max(updated, id >> 20), id);

-- No edit is later than when it came, or it would stay the last of all.
UPDATE bodies SET parsed = jsonb_set(parsed, '$.updated', (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', modified / 1000.0, 'unixepoch') FROM posts WHERE id = post_id))
    WHERE post_id IN (SELECT id FROM posts WHERE updated > modified);
UPDATE posts SET updated = modified WHERE updated > modified;

-- What a sync of a node has seen, until it is at the end: what it has not seen may
-- have been retracted.
CREATE TABLE sync_seen (
    target TEXT NOT NULL,
    node   TEXT NOT NULL,
    item   TEXT NOT NULL,
    PRIMARY KEY (target, node, item)
) STRICT, WITHOUT ROWID;
