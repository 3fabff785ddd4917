-- +goose Up

-- Digests of the activities that came, to see repeats.
CREATE TABLE seen (
    key BLOB PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);

CREATE TABLE activities (
    id       INTEGER PRIMARY KEY,
    uri      TEXT NOT NULL UNIQUE,
    actor    TEXT NOT NULL,
    type     TEXT NOT NULL,
    object   TEXT NOT NULL,
    state    TEXT NOT NULL,
    inbound  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    raw      BLOB -- NULL once the object is deleted
) STRICT;
CREATE INDEX activities_object ON activities (object) WHERE object <> '';
CREATE INDEX activities_at ON activities (at);

-- One row for each kind and host that has work, or had while the program ran.
-- turn says when it is its turn: the later of its earliest job and the time it
-- was served last, so that hosts take turns and none waits behind another's
-- backlog.
CREATE TABLE job_queues (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    host     TEXT NOT NULL,
    turn     INTEGER NOT NULL,
    served   INTEGER NOT NULL,
    inflight INTEGER NOT NULL,
    UNIQUE (kind, host)
) STRICT;
CREATE INDEX job_queues_turn ON job_queues (kind, turn);
CREATE INDEX job_queues_host ON job_queues (host);

-- head is 1 for the job of its lane that may run: the oldest that is not over.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    queue        INTEGER NOT NULL REFERENCES job_queues (id),
    lane         TEXT NOT NULL,
    note         TEXT NOT NULL,
    state        INTEGER NOT NULL, -- 0 queued, 1 leased, 2 failed
    head         INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_error   TEXT NOT NULL,
    payload      BLOB
) STRICT;
CREATE INDEX jobs_ready ON jobs (queue, run_at, id) WHERE state = 0 AND head = 1;
CREATE INDEX jobs_lane ON jobs (lane, id) WHERE lane <> '';
CREATE INDEX jobs_leased ON jobs (leased_until) WHERE state = 1;

CREATE TABLE messages (
    id     TEXT NOT NULL,
    our    TEXT NOT NULL,
    user   TEXT NOT NULL,
    object TEXT NOT NULL,
    origin TEXT NOT NULL,
    thread TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (id, our, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_object ON messages (object);
CREATE INDEX messages_pair ON messages (our, user, at);

CREATE TABLE media (
    id     TEXT PRIMARY KEY,
    type   TEXT NOT NULL,
    source TEXT NOT NULL,
    owner  TEXT NOT NULL,
    at     INTEGER NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;
CREATE INDEX media_source ON media (source) WHERE source <> '';
CREATE INDEX media_owner ON media (owner);

-- Which posts show a file; the last one's deletion deletes it.
CREATE TABLE media_uses (
    object TEXT NOT NULL,
    media  TEXT NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (object, media)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_uses_media ON media_uses (media);
