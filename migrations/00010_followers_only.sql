-- +goose Up

-- Since when the followers whom its owner approved get what is in a node that is
-- not open to everybody; 0: they do not.
ALTER TABLE accounts ADD COLUMN followers_only INTEGER NOT NULL DEFAULT 0;

-- 1: the followed has let this follower in. Who follows an account of ours came
-- in by itself, as far as we know.
ALTER TABLE follows ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
UPDATE follows SET approved = 1 WHERE state = 'accepted' AND followee NOT IN (SELECT uri FROM accounts);

-- The follower's. A server shows what is for followers to all followers there.
ALTER TABLE follows ADD COLUMN host TEXT NOT NULL DEFAULT '';
UPDATE follows SET host = lower(substr(follower, instr(follower, '//') + 2));
UPDATE follows SET host = substr(host, 1, instr(host || '/', '/') - 1);
UPDATE follows SET host = substr(host, 1, instr(host || ':', ':') - 1) WHERE host NOT LIKE '[%';
UPDATE follows SET host = substr(host, 2, instr(host || ']', ']') - 2) WHERE host LIKE '[%';
CREATE INDEX follows_unapproved ON follows (followee, host) WHERE state = 'accepted' AND approved = 0;
