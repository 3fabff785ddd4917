-- +goose Up

-- Posts by the address of their web page, where that is not their id. What is
-- damaged in a body must not keep it from being repaired.
CREATE INDEX bodies_page ON bodies (iif(json_valid(parsed, 8), parsed ->> '$.url', NULL))
    WHERE iif(json_valid(parsed, 8), parsed ->> '$.url' <> parsed ->> '$.uri', 0);

-- Actors by the page of their profile.
CREATE INDEX actors_page ON actors (url) WHERE url <> uri;
