-- A bot takes at most half of a pool (`src/inbox/hands.rs`), so that its lanes are passed over for as
-- long as it has that. The functions of the release before stay, for as long as it runs.

-- As `lease_lanes_of`, but for lanes whose names begin with one of these.
CREATE FUNCTION lease_lanes_but(
    given bigint, instance_id bigint, due_in bigint, term bigint, taken text[],
    closed text[], places bigint[], most_lanes bigint, most_items bigint
) RETURNS TABLE (
    lane text, token bigint, id bigint, source text, key text, body bytea, received_in bigint,
    attempts integer, doubt boolean, begun boolean
) LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
    leased text[];
    gone bigint;
BEGIN
    LOOP
        WITH head AS MATERIALIZED (
            SELECT h.place FROM unnest(places) WITH ORDINALITY AS p (most, number)
            CROSS JOIN LATERAL (
                SELECT l.ctid AS place, l.due FROM lane l
                WHERE l.pool = p.number - 1 AND l.due <= now_at + due_in AND l.name <> ALL (taken)
                    AND NOT EXISTS (
                        SELECT FROM unnest(closed) AS c (prefix) WHERE starts_with(l.name, c.prefix))
                    AND (l.holder IS NULL OR l.holder = instance_id OR l.until <= now_at
                        OR NOT EXISTS (
                            SELECT FROM instance i WHERE i.id = l.holder AND i.until > now_at))
                ORDER BY l.due LIMIT p.most FOR UPDATE OF l SKIP LOCKED
            ) h
            ORDER BY h.due LIMIT most_lanes
        ), changed AS (
            UPDATE lane l
            SET holder = instance_id, token = nextval('lease_token'), until = now_at + term
            FROM head WHERE l.ctid = head.place RETURNING l.name
        )
        SELECT array_agg(changed.name) INTO leased FROM changed;
        IF leased IS NULL THEN
            RETURN;
        END IF;
        -- Whoever held it has handled all, and died before giving it back.
        DELETE FROM lane l WHERE key_of(l.name) IN (SELECT key_of(n) FROM unnest(leased) n)
            AND NOT EXISTS (
                SELECT FROM item w WHERE w.state = 'waiting' AND key_of(w.lane) = key_of(l.name));
        GET DIAGNOSTICS gone = ROW_COUNT;
        EXIT WHEN gone < cardinality(leased);
    END LOOP;
    RETURN QUERY
    SELECT l.name, l.token, w.id, w.source, w.key, w.body, w.received - now_at, w.attempts,
        w.doubt, EXISTS (SELECT FROM step s WHERE s.item = w.id)
    FROM unnest(leased) n
    JOIN lane l ON key_of(l.name) = key_of(n)
    CROSS JOIN LATERAL (
        SELECT * FROM item i WHERE i.state = 'waiting' AND key_of(i.lane) = key_of(l.name)
        ORDER BY i.id LIMIT most_items
    ) w
    ORDER BY l.due, l.name, w.id;
END $$;

-- As `next_due_of`, but for the same.
CREATE FUNCTION next_due_but(given bigint, taken text[], closed text[], pools bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
    first_at bigint;
BEGIN
    SELECT min(at) INTO first_at FROM (
        SELECT CASE
            WHEN l.holder IS NULL THEN l.due
            ELSE greatest(l.due, least(l.until, coalesce(i.until, now_at)))
        END AS at
        FROM lane l LEFT JOIN instance i ON i.id = l.holder
        WHERE l.due <= now_at AND l.pool = ANY (pools) AND l.name <> ALL (taken)
            AND NOT EXISTS (
                SELECT FROM unnest(closed) AS c (prefix) WHERE starts_with(l.name, c.prefix))
        UNION ALL
        (SELECT l.due FROM lane l
         WHERE l.due > now_at AND l.pool = ANY (pools) AND l.name <> ALL (taken)
            AND NOT EXISTS (
                SELECT FROM unnest(closed) AS c (prefix) WHERE starts_with(l.name, c.prefix))
         ORDER BY l.due LIMIT 1)
    ) times;
    RETURN first_at - now_at;
END $$;
