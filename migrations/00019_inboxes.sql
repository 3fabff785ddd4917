-- +goose Up

-- Whose inbox a delivery is for: what is queued is not sent to those who may not
-- have it any more.
CREATE INDEX actors_inbox ON actors (inbox);
