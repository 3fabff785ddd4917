-- +goose Up

-- Histories that are fetched to their end, page by page: of the actor that is
-- target, or of a node of the service that is target.
CREATE TABLE syncs (
    target     TEXT NOT NULL,
    node       TEXT NOT NULL,
    state      TEXT NOT NULL,
    cursor     TEXT NOT NULL, -- the page that is next; '' is the first
    mark       TEXT NOT NULL, -- a page from before, to notice pages that go round
    pages      INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    fresh      INTEGER NOT NULL,
    note       TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (target, node)
) STRICT, WITHOUT ROWID;
