-- +goose Up

-- How many live items of a node are of an owner, an author ('' is the owner) and
-- an audience: a page of items tells how many there are (XEP-0059) for who asks,
-- and asks of these rows instead of each post. Triggers keep it, so that nobody
-- who writes places or posts can forget it.
CREATE TABLE node_counts (
    node_id     INTEGER NOT NULL REFERENCES nodes (id),
    owner       TEXT NOT NULL,
    author      TEXT NOT NULL,
    vis         INTEGER NOT NULL,
    boosts      INTEGER NOT NULL,
    owner_host  TEXT NOT NULL,
    author_host TEXT NOT NULL,
    items       INTEGER NOT NULL,
    PRIMARY KEY (node_id, owner, author, vis, boosts)
) STRICT, WITHOUT ROWID;

INSERT INTO node_counts (node_id, owner, author, vis, boosts, owner_host, author_host, items)
    SELECT l.node_id, p.owner, coalesce(p.author, ''), p.vis, p.boost IS NOT NULL, p.owner_host, coalesce(p.author_host, ''), count(*)
    FROM placements l JOIN posts p ON p.id = l.post_id WHERE l.retracted_at = 0
    GROUP BY l.node_id, p.owner, coalesce(p.author, ''), p.vis, p.boost IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER counts_placed AFTER INSERT ON placements WHEN new.retracted_at = 0 BEGIN
    INSERT INTO node_counts (node_id, owner, author, vis, boosts, owner_host, author_host, items)
        SELECT new.node_id, owner, coalesce(author, ''), vis, boost IS NOT NULL, owner_host, coalesce(author_host, ''), 1
        FROM posts WHERE id = new.post_id
        ON CONFLICT DO UPDATE SET items = items + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER counts_removed AFTER DELETE ON placements WHEN old.retracted_at = 0 BEGIN
    UPDATE node_counts SET items = items - 1 WHERE (node_id, owner, author, vis, boosts) =
        (SELECT old.node_id, owner, coalesce(author, ''), vis, boost IS NOT NULL FROM posts WHERE id = old.post_id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER counts_moved AFTER UPDATE OF node_id, post_id, retracted_at ON placements BEGIN
    UPDATE node_counts SET items = items - 1 WHERE old.retracted_at = 0 AND (node_id, owner, author, vis, boosts) =
        (SELECT old.node_id, owner, coalesce(author, ''), vis, boost IS NOT NULL FROM posts WHERE id = old.post_id);
    INSERT INTO node_counts (node_id, owner, author, vis, boosts, owner_host, author_host, items)
        SELECT new.node_id, owner, coalesce(author, ''), vis, boost IS NOT NULL, owner_host, coalesce(author_host, ''), 1
        FROM posts WHERE id = new.post_id AND new.retracted_at = 0
        ON CONFLICT DO UPDATE SET items = items + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER counts_changed AFTER UPDATE OF owner, owner_host, author, author_host, vis, boost ON posts
WHEN (old.owner, old.author, old.vis, old.boost IS NULL) IS NOT (new.owner, new.author, new.vis, new.boost IS NULL) BEGIN
    UPDATE node_counts SET items = items -
        (SELECT count(*) FROM placements l WHERE l.uri = old.uri AND l.node_id = node_counts.node_id AND l.post_id = old.id AND l.retracted_at = 0)
        WHERE node_id IN (SELECT node_id FROM placements WHERE uri = old.uri)
        AND (owner, author, vis, boosts) = (old.owner, coalesce(old.author, ''), old.vis, old.boost IS NOT NULL);
    INSERT INTO node_counts (node_id, owner, author, vis, boosts, owner_host, author_host, items)
        SELECT node_id, new.owner, coalesce(new.author, ''), new.vis, new.boost IS NOT NULL, new.owner_host, coalesce(new.author_host, ''), count(*)
        FROM placements WHERE uri = new.uri AND post_id = new.id AND retracted_at = 0 GROUP BY node_id
        ON CONFLICT DO UPDATE SET items = items + excluded.items;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER counts_deleted BEFORE DELETE ON posts BEGIN
    UPDATE node_counts SET items = items -
        (SELECT count(*) FROM placements l WHERE l.uri = old.uri AND l.node_id = node_counts.node_id AND l.post_id = old.id AND l.retracted_at = 0)
        WHERE node_id IN (SELECT node_id FROM placements WHERE uri = old.uri)
        AND (owner, author, vis, boosts) = (old.owner, coalesce(old.author, ''), old.vis, old.boost IS NOT NULL);
END;
-- +goose StatementEnd
-- Nothing is left of who has no items any more.
-- +goose StatementBegin
CREATE TRIGGER counts_empty AFTER UPDATE OF items ON node_counts WHEN new.items = 0 BEGIN
    DELETE FROM node_counts WHERE (node_id, owner, author, vis, boosts) = (new.node_id, new.owner, new.author, new.vis, new.boosts);
END;
-- +goose StatementEnd
