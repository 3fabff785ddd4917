-- +goose Up

-- What happened to users and their posts, by whom: told once of each person, and
-- many at a time (SEC-41).
CREATE TABLE news (
    seq   INTEGER PRIMARY KEY,
    user  TEXT NOT NULL,    -- bare JID
    kind  TEXT NOT NULL,    -- of the gateway: like, boost, follow...
    post  TEXT NOT NULL,    -- URI, '' if it is about the user
    actor TEXT NOT NULL,    -- URI of who did it
    word  TEXT NOT NULL,    -- what they said with it, such as an emoji
    at    INTEGER NOT NULL,
    told  INTEGER NOT NULL, -- 0: not yet
    UNIQUE (user, kind, post, actor)
) STRICT;
CREATE INDEX news_at ON news (at);
