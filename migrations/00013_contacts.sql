-- +goose Up

-- Whom one of our addresses has shown itself to as available: they are told when
-- the gateway goes, and when it is back. Both are bare JIDs.
CREATE TABLE contacts (
    our  TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (our, user)
) STRICT, WITHOUT ROWID;
