-- +goose Up

-- Folded names, handles and texts of people: actors under twice their id,
-- accounts under twice theirs and one. It is written anew with each profile.
CREATE VIRTUAL TABLE people_fts USING fts5 (
    name, handle, bio,
    content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 0"
);
INSERT INTO people_fts (rowid, name, handle, bio) SELECT id * 2, name_key, acct, summary FROM actors;
INSERT INTO people_fts (rowid, name, handle, bio) SELECT id * 2 + 1, name, acct, summary FROM accounts;
-- +goose StatementBegin
CREATE TRIGGER actors_forgotten AFTER DELETE ON actors BEGIN
    DELETE FROM people_fts WHERE rowid = old.id * 2;
END;
-- +goose StatementEnd

-- Searches that people keep under a name; owner is a bare JID. A watched one
-- tells its owner of new matches.
CREATE TABLE saved_searches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL, -- folded
    query      TEXT NOT NULL,
    watched    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;
CREATE INDEX saved_searches_watched ON saved_searches (id) WHERE watched = 1;

-- Posts that wait to be compared with the watched searches. rev is the change
-- of the post that waits.
CREATE TABLE fresh_posts (
    post_id INTEGER PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    rev     INTEGER NOT NULL
) STRICT;

-- Which posts the owner of a search was told of.
CREATE TABLE saved_hits (
    search  INTEGER NOT NULL REFERENCES saved_searches (id) ON DELETE CASCADE,
    post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    PRIMARY KEY (search, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_hits_post ON saved_hits (post_id);
