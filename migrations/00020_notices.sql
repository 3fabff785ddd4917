-- +goose Up

-- What the gateway told users of posts, so that they can answer it.
CREATE TABLE notices (
    user   TEXT NOT NULL,    -- bare JID
    id     TEXT NOT NULL,    -- of the message
    object TEXT NOT NULL,    -- URI of the post
    text   TEXT NOT NULL,    -- as it was sent, which answers quote
    at     INTEGER NOT NULL,
    PRIMARY KEY (user, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_newest ON notices (user, at);
CREATE INDEX notices_object ON notices (object);
CREATE INDEX notices_at ON notices (at);
