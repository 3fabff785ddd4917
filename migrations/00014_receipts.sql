-- +goose Up

-- Hosts that got something of an actor of ours other than a post, such as a Like
-- or a Follow, have the actor: when it leaves they are told too. From now on that
-- is noted when it is sent; what was sent before is still among the activities.
INSERT INTO receipts (object, host, owner, at)
    SELECT actor, host, actor, min(at) FROM (
        SELECT actor, at, substr(object, 9, instr(substr(object, 9) || '/', '/') - 1) AS host FROM activities
        WHERE inbound = 0 AND object LIKE 'https://%' AND type NOT IN ('Create', 'Update', 'Announce', 'Delete')
            AND actor IN (SELECT uri FROM accounts)
    ) WHERE host <> '' AND host NOT IN (SELECT substr(uri, 9, instr(substr(uri, 9) || '/', '/') - 1) FROM accounts)
    GROUP BY actor, host
    ON CONFLICT DO NOTHING;
