-- +goose Up

-- Failed jobs are kept for some time only.
CREATE INDEX jobs_failed ON jobs (created_at) WHERE state = 2;

-- Remote actors who were not read for long, and what may still point to them.
CREATE INDEX actors_fetched ON actors (fetched_at);
CREATE INDEX posts_author ON posts (author) WHERE author IS NOT NULL;
CREATE INDEX blocks_target ON blocks (target);
CREATE INDEX bindings_actor ON bindings (uri);
CREATE INDEX tombstones_owner ON tombstones (owner);
CREATE INDEX news_actor ON news (actor);
