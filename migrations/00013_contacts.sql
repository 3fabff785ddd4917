-- +goose Up

-- Whom one of our addresses has shown itself to as available: they are told when
-- the gateway goes, and when it is back. Both are bare JIDs.
CREATE TABLE contacts (
    our  TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (our, user)
) STRICT, WITHOUT ROWID;

-- Pictures of those who left before, which nobody is shown any more.
INSERT INTO meta (key, value) SELECT 'deleted since the last vacuum', x'31'
    WHERE EXISTS (SELECT 1 FROM media WHERE owner IN (SELECT uri FROM accounts WHERE state = 'unlinked'))
    ON CONFLICT DO NOTHING;
DELETE FROM media WHERE owner IN (SELECT uri FROM accounts WHERE state = 'unlinked')
    AND NOT EXISTS (SELECT 1 FROM media_uses WHERE media = media.id);
