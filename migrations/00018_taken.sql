-- +goose Up

-- When a node that is not ours last took an item of ours; 0: not yet, or before
-- this was noted. Only what was there can be missing from it.
ALTER TABLE placements ADD COLUMN taken_at INTEGER NOT NULL DEFAULT 0;

-- What is still to be told of a kind, and when it was last told of.
CREATE INDEX news_told ON news (user, kind, told);
