-- +goose Up

-- id = sort date in milliseconds << 20 | number: newest first is id downwards.
CREATE TABLE posts (
    id          INTEGER PRIMARY KEY,
    uri         TEXT NOT NULL UNIQUE,
    owner       TEXT NOT NULL,
    owner_host  TEXT NOT NULL,
    author      TEXT,             -- NULL: the owner
    author_host TEXT,
    kind        TEXT NOT NULL,
    origin      TEXT NOT NULL,
    vis         INTEGER NOT NULL, -- 0 public, 1 unlisted, 2 followers, 3 limited, 4 direct
    reply_to    TEXT,
    boost       TEXT,
    hash        BLOB NOT NULL,    -- of the normalised post: what makes an edit
    published   INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    rev         INTEGER NOT NULL, -- counts changes, for the indexer
    indexed     INTEGER NOT NULL  -- 0 waits, 1 is in posts_fts, 2 is not for it
) STRICT;
CREATE INDEX posts_owner ON posts (owner, id);
CREATE INDEX posts_reply ON posts (reply_to, id) WHERE reply_to IS NOT NULL;
CREATE INDEX posts_boost ON posts (boost, owner) WHERE boost IS NOT NULL;
CREATE INDEX posts_unindexed ON posts (id) WHERE indexed = 0;

-- Apart from posts, so that walks over posts stay narrow.
CREATE TABLE bodies (
    post_id  INTEGER PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    parsed   BLOB NOT NULL, -- translate.Post as JSONB
    raw_type TEXT NOT NULL,
    raw      BLOB           -- the first byte says how it is packed
) STRICT;

-- Who besides its owner may see a post that is not for everybody.
CREATE TABLE addressees (
    post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    actor   TEXT NOT NULL,
    extra   INTEGER NOT NULL, -- 1: not from to and cc, so an edit leaves it
    PRIMARY KEY (post_id, actor)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    tag     TEXT NOT NULL, -- folded
    post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_post ON tags (post_id);

CREATE TABLE mentions (
    actor   TEXT NOT NULL,
    post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    PRIMARY KEY (actor, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_post ON mentions (post_id);

CREATE TABLE nodes (
    id      INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    name    TEXT NOT NULL,
    UNIQUE (service, name)
) STRICT;

-- Where posts appear in XMPP. A row stays after its item was retracted.
CREATE TABLE placements (
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    item         TEXT NOT NULL,
    life         INTEGER NOT NULL,
    uri          TEXT NOT NULL,
    post_id      INTEGER, -- NULL once the post is deleted
    publisher    TEXT NOT NULL,
    via          TEXT NOT NULL,
    placed_at    INTEGER NOT NULL,
    modified     INTEGER NOT NULL,
    retracted_at INTEGER NOT NULL,
    PRIMARY KEY (node_id, item, life)
) STRICT, WITHOUT ROWID;
CREATE INDEX placements_sorted ON placements (node_id, post_id) WHERE retracted_at = 0;
CREATE INDEX placements_uri ON placements (uri, node_id);

-- Which hosts ever got an object; kept when the object is deleted.
CREATE TABLE receipts (
    object TEXT NOT NULL,
    host   TEXT NOT NULL,
    owner  TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (object, host)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_owner ON receipts (owner, host);

CREATE TABLE tombstones (
    uri        TEXT PRIMARY KEY,
    post_id    INTEGER NOT NULL, -- never given to another post
    owner      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    origin     TEXT NOT NULL,
    vis        INTEGER NOT NULL,
    reply_to   TEXT,             -- keeps threads whole
    deleted_by TEXT NOT NULL,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_reply ON tombstones (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX tombstones_post ON tombstones (post_id);

-- Deletes that came before what they delete.
CREATE TABLE early_deletes (
    uri    TEXT NOT NULL,
    signer TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (uri, signer)
) STRICT, WITHOUT ROWID;
CREATE INDEX early_deletes_at ON early_deletes (at);

CREATE TABLE reactions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    object     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    content    TEXT NOT NULL,
    activity   TEXT NOT NULL,
    heart_item TEXT NOT NULL,
    origin     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX reactions_key ON reactions (object, actor, kind, content);
CREATE INDEX reactions_list ON reactions (object, kind, id);
CREATE INDEX reactions_activity ON reactions (activity) WHERE activity <> '';
CREATE INDEX reactions_actor ON reactions (actor);

-- Folded text only; the rows are those of posts. Snippets are cut in Go.
CREATE VIRTUAL TABLE posts_fts USING fts5 (
    title, text, warning, author, tags,
    content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 0"
);
