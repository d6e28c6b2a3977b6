-- What handling an event leads to is written in one transaction, whose statements are sent together.

-- Somebody else has written the ticket since it was read, or it was erased.
CREATE FUNCTION refuse_ticket(hashes bytea[], opened_at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_erased(hashes, opened_at);
    RAISE EXCEPTION 'the ticket was changed meanwhile' USING ERRCODE = 'BL003';
END $$;

-- Locks what a transaction writes to, so that two of them do not wait for each other: first the
-- messages that are linked, then the lanes, each in the order in which events are accepted; tickets
-- come after that.
CREATE FUNCTION lock_lanes(message_lanes text[], lanes text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    message_lane text;
BEGIN
    FOR message_lane IN SELECT DISTINCT unnest(message_lanes) COLLATE "C" ORDER BY 1 LOOP
        PERFORM lock_message(message_lane);
    END LOOP;
    PERFORM FROM lane
    WHERE key_of(name) = ANY (ARRAY(SELECT key_of(given) FROM unnest(lanes) AS given))
    ORDER BY name COLLATE "C" FOR UPDATE;
END $$;

-- Keeps what was found out or decided for items that are not finished.
CREATE FUNCTION put_decisions(given bigint, ids bigint[], names text[], results text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO step AS s (item, name, begun, tried, attempt, result)
    SELECT i.id, call.name, time_now(given), time_now(given), 0, call.result
    FROM unnest(ids, names, results) AS call (item, name, result)
    JOIN item i ON i.id = call.item AND i.finished IS NULL
    ON CONFLICT (item, key_of(name)) DO UPDATE SET result = excluded.result;
END $$;

-- Whether the end of a handling was recorded already, and the answer was lost.
CREATE FUNCTION is_recorded(
    lane_name text, lease bigint, ids bigint[], outcome text, is_released boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN NOT (is_released AND EXISTS (
            SELECT FROM lane WHERE key_of(name) = key_of(lane_name) AND token = lease))
        AND NOT (outcome <> 'waiting' AND EXISTS (
            SELECT FROM item WHERE id = ANY (ids) AND state <> outcome));
END $$;
