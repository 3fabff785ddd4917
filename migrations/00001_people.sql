-- +goose Up
-- Times are Unix milliseconds, 0 is "none". Actor and object ids are URIs.

PRAGMA application_id = 0x49737468;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Our own actors. A link after an unlink is a new row with the next generation.
CREATE TABLE accounts (
    id                INTEGER PRIMARY KEY,
    uri               TEXT NOT NULL UNIQUE,
    acct              TEXT NOT NULL,
    generation        INTEGER NOT NULL,
    jid               TEXT NOT NULL,
    node              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    state             TEXT NOT NULL,
    private_pem       TEXT NOT NULL,
    public_pem        TEXT NOT NULL,
    name              TEXT NOT NULL,
    summary           TEXT NOT NULL,
    icon_url          TEXT NOT NULL,
    icon_type         TEXT NOT NULL,
    image_url         TEXT NOT NULL,
    fields            TEXT NOT NULL,
    manually_approves INTEGER NOT NULL,
    discoverable      INTEGER NOT NULL,
    indexable         INTEGER NOT NULL,
    access            TEXT NOT NULL,
    linked_at         INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    unlinked_at       INTEGER NOT NULL,
    reach             TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_acct ON accounts (acct, generation);
CREATE INDEX accounts_jid ON accounts (jid, node, generation);
CREATE INDEX accounts_state ON accounts (state, uri);

-- Every handle that was ever given out, so that it resolves for ever.
CREATE TABLE handles (
    acct       TEXT PRIMARY KEY,
    jid        TEXT NOT NULL,
    node       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX handles_jid ON handles (jid, node);

CREATE TABLE actors (
    id                INTEGER PRIMARY KEY,
    uri               TEXT NOT NULL UNIQUE,
    acct              TEXT NOT NULL,
    type              TEXT NOT NULL,
    name              TEXT NOT NULL,
    name_key          TEXT NOT NULL, -- folded
    summary           TEXT NOT NULL,
    url               TEXT NOT NULL,
    inbox             TEXT NOT NULL,
    shared_inbox      TEXT NOT NULL,
    outbox            TEXT NOT NULL,
    followers         TEXT NOT NULL,
    following         TEXT NOT NULL,
    featured          TEXT NOT NULL,
    icon_url          TEXT NOT NULL,
    icon_type         TEXT NOT NULL,
    image_url         TEXT NOT NULL,
    manually_approves INTEGER NOT NULL,
    discoverable      INTEGER NOT NULL,
    indexable         INTEGER NOT NULL,
    fields            TEXT NOT NULL,
    software          TEXT NOT NULL,
    fetched_at        INTEGER NOT NULL,
    published         INTEGER NOT NULL,
    gone_at           INTEGER NOT NULL,
    raw               BLOB
) STRICT;
CREATE INDEX actors_acct ON actors (acct);
CREATE INDEX actors_name ON actors (name_key);

-- JID <-> actor, at first sight. Old bindings are kept with their end.
CREATE TABLE bindings (
    id       INTEGER PRIMARY KEY,
    jid      TEXT NOT NULL,
    uri      TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX bindings_jid ON bindings (jid) WHERE ended_at = 0;
CREATE UNIQUE INDEX bindings_uri ON bindings (uri) WHERE ended_at = 0;
CREATE INDEX bindings_old ON bindings (jid, id);

CREATE TABLE keys (
    id           TEXT PRIMARY KEY,
    owner        TEXT NOT NULL,
    pem          TEXT NOT NULL,
    fetched_at   INTEGER NOT NULL,
    failed_until INTEGER NOT NULL
) STRICT;
CREATE INDEX keys_owner ON keys (owner);

CREATE TABLE hosts (
    name          TEXT PRIMARY KEY,
    reversed      TEXT NOT NULL, -- org.example.www. so that a domain's hosts are a range
    software      TEXT NOT NULL DEFAULT '',
    knock         TEXT NOT NULL DEFAULT '',
    failing_since INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    circuit_until INTEGER NOT NULL DEFAULT 0,
    last_inbound  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX hosts_reversed ON hosts (reversed);

-- owner '' is the operator: for everybody.
CREATE TABLE blocks (
    owner      TEXT NOT NULL,
    target     TEXT NOT NULL, -- actor, or domain
    domain     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, target)
) STRICT, WITHOUT ROWID;

-- Whose posts nobody sees: actors and known hosts behind the operator's blocks
-- (why = 'block'), accounts that are paused or unlinked (why = 'account').
CREATE TABLE hidden (
    name TEXT NOT NULL,
    why  TEXT NOT NULL,
    PRIMARY KEY (name, why)
) STRICT, WITHOUT ROWID;

CREATE TABLE follows (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    follower   TEXT NOT NULL,
    followee   TEXT NOT NULL,
    state      TEXT NOT NULL,
    activity   TEXT NOT NULL,
    inbox      TEXT NOT NULL, -- where the follower gets posts; '' if it is ours or not known
    meta       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX follows_pair ON follows (follower, followee);
CREATE INDEX follows_of ON follows (followee, state, id);
CREATE INDEX follows_by ON follows (follower, state, id);
CREATE INDEX follows_inbox ON follows (followee, inbox) WHERE state = 'accepted' AND inbox <> '';
CREATE INDEX follows_activity ON follows (activity) WHERE activity <> '';

CREATE TABLE subscriptions (
    service    TEXT NOT NULL,
    node       TEXT NOT NULL,
    jid        TEXT NOT NULL,
    subid      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (service, node, jid)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriptions_jid ON subscriptions (jid, service, node);
