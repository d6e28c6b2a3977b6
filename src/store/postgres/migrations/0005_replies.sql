-- A ticket has two lanes: what people did in Slack, and their replies that were held, wait in the one
-- towards Blip from now on. What is finished stays where it was. The release before, as long as it
-- runs, goes on with the other lanes and leaves these alone: it would not know whose they are.
CREATE INDEX item_reply ON item (key_of(lane), id) WHERE lane LIKE 'reply:%';

UPDATE item SET lane = 'reply:' || substr(lane, 8)
    WHERE state IN ('waiting', 'parked') AND lane LIKE 'ticket:%'
        AND (source = 'slack' OR (source = 'desk' AND key LIKE 'send:%'));
INSERT INTO lane (name, due)
    SELECT i.lane, coalesce(min(l.due), min(i.received))
    FROM item i LEFT JOIN lane l ON key_of(l.name) = key_of('ticket:' || substr(i.lane, 7))
    WHERE i.state = 'waiting' AND i.lane LIKE 'reply:%' GROUP BY i.lane
    ON CONFLICT (key_of(name)) DO NOTHING;
DELETE FROM lane l WHERE l.name LIKE 'ticket:%' AND l.holder IS NULL AND NOT EXISTS (
    SELECT FROM item i WHERE i.state = 'waiting' AND key_of(i.lane) = key_of(l.name));

-- As `accept_item`: what is about a message goes into the lane towards Blip. 0: a repeat; 1: new; 2: new in a lane in which nothing waited.
CREATE FUNCTION accept_event(
    given bigint, item_source text, lane_name text, message_channel text, message_ts text,
    item_key text, item_body bytea, received_in bigint, due_in bigint, own bigint,
    event bytea, job_hashes bytea[], job_ticket text
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
    known bigint;
    is_new boolean;
BEGIN
    IF is_forgotten(event, job_hashes, job_ticket) THEN
        RETURN 0;
    END IF;
    SELECT token INTO known FROM item WHERE source = item_source AND key_of(key) = key_of(item_key);
    IF FOUND THEN
        RETURN (known = own)::integer;
    END IF;
    IF message_channel IS NOT NULL THEN
        PERFORM lock_message(lane_name);
        SELECT 'reply:' || ticket INTO lane_name FROM message
        WHERE channel = message_channel AND ts = message_ts
        UNION ALL SELECT lane_name LIMIT 1;
    END IF;
    is_new := lock_lane(lane_name, now_at + due_in);
    INSERT INTO item (source, lane, key, body, received, token)
    VALUES (item_source, lane_name, item_key, item_body, now_at + received_in, own)
    ON CONFLICT (source, key_of(key)) DO NOTHING;
    IF NOT FOUND THEN
        IF is_new THEN
            DELETE FROM lane WHERE key_of(name) = key_of(lane_name);
        END IF;
        RETURN 0;
    END IF;
    RETURN CASE WHEN is_new THEN 2 ELSE 1 END;
END $$;

-- For the release before.
CREATE OR REPLACE FUNCTION lease_lanes(
    given bigint, instance_id bigint, due_in bigint, term bigint, taken text[],
    most_lanes bigint, most_items bigint
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
            SELECT l.ctid AS place FROM lane l
            WHERE l.due <= now_at + due_in AND l.name <> ALL (taken)
                AND l.name NOT LIKE 'reply:%'
                AND (l.holder IS NULL OR l.holder = instance_id OR l.until <= now_at
                    OR NOT EXISTS (
                        SELECT FROM instance i WHERE i.id = l.holder AND i.until > now_at))
            ORDER BY l.due LIMIT most_lanes FOR UPDATE OF l SKIP LOCKED
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

-- For the release before.
CREATE OR REPLACE FUNCTION next_due(given bigint, taken text[]) RETURNS bigint LANGUAGE plpgsql AS $$
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
        WHERE l.due <= now_at AND l.name NOT LIKE 'reply:%' AND l.name <> ALL (taken)
        UNION ALL
        (SELECT l.due FROM lane l WHERE l.due > now_at AND l.name NOT LIKE 'reply:%' AND l.name <> ALL (taken)
         ORDER BY l.due LIMIT 1)
    ) times;
    RETURN first_at - now_at;
END $$;

CREATE OR REPLACE FUNCTION is_forgotten(event bytea, job_hashes bytea[], job_ticket text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Nearly always there is none at all.
    IF NOT EXISTS (SELECT FROM erased) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM erased WHERE hash = event)
        OR EXISTS (SELECT FROM erased WHERE hash = ANY (job_hashes))
            AND NOT EXISTS (SELECT FROM ticket WHERE id = job_ticket)
            AND NOT EXISTS (SELECT FROM item WHERE lane LIKE 'ticket:%'
                            AND key_of(lane) = key_of('ticket:' || job_ticket))
            AND NOT EXISTS (SELECT FROM item WHERE lane LIKE 'reply:%'
                            AND key_of(lane) = key_of('reply:' || job_ticket));
END $$;
