-- +goose Up

-- The ways of a search to what is for somebody, and to a node by its name.
CREATE INDEX addressees_actor ON addressees (actor, post_id);
CREATE INDEX nodes_name ON nodes (name);
