-- What is more than one statement, so that it takes one round trip. In each function, every
-- statement sees what was committed before it began: what is read after a lock was taken is as new
-- as the lock.
--
-- Lanes are locked by their rows. A message that is not known has a lock of its own besides, so that
-- nothing comes into its lane while it is being linked.

-- Nobody has the lane any more, or another one than whoever asks.
CREATE FUNCTION raise_lost() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the lease was lost' USING ERRCODE = 'BL001';
END $$;

-- Refuses what belongs to a ticket that was opened before it was forgotten.
CREATE FUNCTION refuse_erased(hashes bytea[], opened_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM erased WHERE hash = ANY (hashes) AND opened_at < at) THEN
        RAISE EXCEPTION 'the ticket was erased' USING ERRCODE = 'BL002';
    END IF;
END $$;

-- Locks a lane, which is made if nothing waits in it. Says whether it was made.
CREATE FUNCTION lock_lane(lane_name text, due_at bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    is_new boolean;
BEGIN
    PERFORM FROM lane WHERE key_of(name) = key_of(lane_name) FOR UPDATE;
    IF FOUND THEN
        RETURN false;
    END IF;
    -- A lane that waits already keeps its time: it may be pausing after a failure.
    INSERT INTO lane AS l (name, due) VALUES (lane_name, due_at)
    ON CONFLICT (key_of(name)) DO UPDATE SET due = l.due
    RETURNING xmax = 0 INTO is_new;
    RETURN is_new;
END $$;

-- Locks a lane for the one who has leased it with this token.
CREATE FUNCTION lock_leased(lane_name text, lease bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM lane WHERE key_of(name) = key_of(lane_name) AND token = lease FOR UPDATE;
    RETURN FOUND;
END $$;

CREATE FUNCTION has_waiting(lane_name text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM item WHERE state = 'waiting' AND key_of(lane) = key_of(lane_name));
END $$;

CREATE FUNCTION lock_message(lane_name text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT pg_advisory_xact_lock(hashtextextended(lane_name, 0));
END;

-- Whether an event, or a job for a ticket, was forgotten. A job belongs to what there is of the
-- ticket again.
CREATE FUNCTION is_forgotten(event bytea, job_hashes bytea[], job_ticket text)
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
                            AND key_of(lane) = key_of('ticket:' || job_ticket));
END $$;

-- Accepts an event. 0: a repeat; 1: new; 2: new in a lane in which nothing waited.
CREATE FUNCTION accept_item(
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
        SELECT 'ticket:' || ticket INTO lane_name FROM message
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

-- Leases lanes that are due, with the items at their heads. A lane that somebody else is just locking
-- is left to whoever comes next. What this instance holds as far as the database knows, but not as
-- far as it knows itself (`taken`), it leases anew: it never got the answer.
CREATE FUNCTION lease_lanes(
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

-- Records what became of items that must all still wait in a leased lane. `again` says that it may
-- have been recorded already, and the answer was lost.
CREATE FUNCTION record_outcome(
    given bigint, lane_name text, lease bigint, ids bigint[], outcome text, why text,
    is_failed boolean, again boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
    changed bigint;
BEGIN
    IF again AND NOT is_failed AND NOT EXISTS (
        SELECT FROM item WHERE id = ANY (ids) AND state <> outcome) THEN
        RETURN;
    END IF;
    IF NOT lock_leased(lane_name, lease) THEN
        PERFORM raise_lost();
    END IF;
    IF outcome = 'forgotten' THEN
        DELETE FROM item WHERE id = ANY (ids) AND key_of(lane) = key_of(lane_name)
            AND state = 'waiting';
    ELSE
        UPDATE item
        SET state = outcome, reason = why, attempts = attempts + is_failed::integer,
            finished = CASE WHEN outcome IN ('done', 'ignored') THEN now_at END,
            body = CASE WHEN outcome <> 'ignored' THEN body END
        WHERE id = ANY (ids) AND key_of(lane) = key_of(lane_name) AND state = 'waiting';
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(ids) THEN
        PERFORM raise_lost();
    END IF;
    IF outcome IN ('done', 'ignored') THEN
        DELETE FROM step WHERE item = ANY (ids);
    END IF;
END $$;

-- Gives a lane back. One that is gone was taken along by a message that was linked.
CREATE FUNCTION release_lane(given bigint, lane_name text, lease bigint, due_in bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT lock_leased(lane_name, lease) THEN
        PERFORM FROM lane WHERE key_of(name) = key_of(lane_name);
        IF FOUND THEN
            PERFORM raise_lost();
        END IF;
        RETURN;
    END IF;
    IF has_waiting(lane_name) THEN
        UPDATE lane SET holder = NULL, token = NULL, until = NULL, due = time_now(given) + due_in
        WHERE key_of(name) = key_of(lane_name);
    ELSE
        DELETE FROM lane WHERE key_of(name) = key_of(lane_name);
    END IF;
END $$;

-- In how long there is something to lease: a lane that is free, or the end of a lease. Whoever holds
-- a lane had it when it was due.
CREATE FUNCTION next_due(given bigint, taken text[]) RETURNS bigint LANGUAGE plpgsql AS $$
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
        WHERE l.due <= now_at AND l.name <> ALL (taken)
        UNION ALL
        (SELECT l.due FROM lane l WHERE l.due > now_at AND l.name <> ALL (taken)
         ORDER BY l.due LIMIT 1)
    ) times;
    RETURN first_at - now_at;
END $$;

-- Marks a call as begun, unless it was begun before.
CREATE FUNCTION begin_call(
    given bigint, item_id bigint, lease bigint, call_name text, post_channel text, own bigint,
    instance_id bigint, term bigint
) RETURNS TABLE (is_fresh boolean, tried_in bigint, result text) LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint;
    lane_name text;
    known step%ROWTYPE;
BEGIN
    SELECT lane INTO lane_name FROM item WHERE id = item_id AND state = 'waiting';
    IF NOT FOUND OR NOT lock_leased(lane_name, lease) THEN
        PERFORM raise_lost();
    END IF;
    now_at := time_now(given);
    -- Nobody has taken the lane, even if this instance was not heard of for long: nobody is to take
    -- it while the call is made.
    UPDATE instance SET until = now_at + term WHERE id = instance_id AND until < now_at + term / 2;
    IF NOT FOUND THEN
        INSERT INTO instance (id, until) VALUES (instance_id, now_at + term) ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO step AS s (item, name, channel, begun, tried, attempt)
    VALUES (item_id, call_name, post_channel, now_at, now_at, own)
    ON CONFLICT (item, key_of(name)) DO NOTHING;
    SELECT * INTO known FROM step s
    WHERE s.item = item_id AND key_of(s.name) = key_of(call_name);
    RETURN QUERY SELECT known.attempt = own AND known.result IS NULL, known.tried - now_at,
        known.result;
END $$;

-- Ties a message to a ticket, and moves what waits for it to the ticket's lane. Says whether
-- anything does.
CREATE FUNCTION link_message(
    given bigint, from_lane text, to_lane text, message_channel text, message_ts text,
    message_ticket text, message_role text, message_user text, message_blip_id text,
    hashes bytea[], opened_at bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    oldest bigint;
    has_moved boolean;
BEGIN
    PERFORM refuse_erased(hashes, opened_at);
    PERFORM lock_message(from_lane);
    INSERT INTO message AS m (channel, ts, ticket, role, "user")
    VALUES (message_channel, message_ts, message_ticket, message_role, message_user)
    ON CONFLICT (channel, ts) DO UPDATE
    SET ticket = excluded.ticket, role = excluded.role, "user" = excluded."user";
    IF message_blip_id IS NOT NULL THEN
        INSERT INTO twin (channel, ts, ticket, blip_id)
        VALUES (message_channel, message_ts, message_ticket, message_blip_id)
        ON CONFLICT DO NOTHING;
    END IF;
    -- Whoever leases it finishes first.
    PERFORM FROM lane WHERE key_of(name) = key_of(from_lane) FOR UPDATE;
    SELECT min(received) INTO oldest FROM item
    WHERE state = 'waiting' AND key_of(lane) = key_of(from_lane);
    IF oldest IS NOT NULL THEN
        PERFORM lock_lane(to_lane, oldest);
    END IF;
    UPDATE item SET lane = to_lane WHERE id IN (
        SELECT id FROM item WHERE state = 'waiting' AND key_of(lane) = key_of(from_lane)
        UNION ALL SELECT id FROM item WHERE state = 'parked' AND key_of(lane) = key_of(from_lane));
    has_moved := FOUND;
    IF has_moved THEN
        DELETE FROM lane WHERE key_of(name) = key_of(from_lane);
    END IF;
    RETURN has_moved;
END $$;

-- Takes the next slot of a channel for a lane, as `src/store/pace.rs` reckons, and says in how long
-- it is. One that is to come is reserved for the lane.
CREATE FUNCTION take_slot(
    given bigint, lane_name text, slot_of text, gap bigint, ahead bigint, most_ahead bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint;
    slot_start bigint;
    farthest bigint;
    kept slot%ROWTYPE;
BEGIN
    INSERT INTO slot (channel) VALUES (slot_of) ON CONFLICT DO NOTHING;
    SELECT * INTO kept FROM slot WHERE channel = slot_of FOR UPDATE;
    now_at := time_now(given);
    SELECT slot_at INTO slot_start FROM lane
    WHERE key_of(name) = key_of(lane_name) AND slot_channel = slot_of;
    IF NOT FOUND THEN
        farthest := now_at + most_ahead;
        slot_start := greatest(least(kept.next_at, farthest + ahead),
                               least(kept.hold_until, farthest) + ahead);
        UPDATE slot SET next_at = greatest(slot_start, now_at) + gap WHERE channel = slot_of;
        slot_start := greatest(now_at, slot_start - ahead);
    END IF;
    -- A lane waits for one turn only.
    UPDATE lane SET slot_channel = CASE WHEN slot_start > now_at THEN slot_of END,
        slot_at = CASE WHEN slot_start > now_at THEN slot_start END
    WHERE key_of(name) = key_of(lane_name)
        AND (slot_start > now_at OR slot_channel IS NOT NULL);
    RETURN slot_start - now_at;
END $$;

-- Lets a parked item wait again and says whether it is parked.
CREATE FUNCTION retry_parked(given bigint, item_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
    lane_name text;
BEGIN
    SELECT lane INTO lane_name FROM item WHERE id = item_id AND state = 'parked';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM lock_lane(lane_name, now_at);
    UPDATE item SET state = 'waiting', attempts = 0, reason = NULL
    WHERE id = item_id AND state = 'parked' AND key_of(lane) = key_of(lane_name);
    IF NOT FOUND THEN
        -- Somebody else was faster, or it was moved.
        DELETE FROM lane WHERE key_of(name) = key_of(lane_name) AND NOT has_waiting(lane_name)
            AND holder IS NULL;
        RETURN false;
    END IF;
    UPDATE lane SET due = least(due, now_at) WHERE key_of(name) = key_of(lane_name);
    RETURN true;
END $$;

-- Says that an instance is alive, which renews all its leases, and how many others are. What is
-- unfinished is in doubt if this is not the database, or not the history of it, that was served
-- before: what it has lost may have been done.
CREATE FUNCTION beat(given bigint, instance_id bigint, term bigint, era text)
RETURNS TABLE (server_now bigint, others bigint) LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint := time_now(given);
BEGIN
    PERFORM mark_era(era);
    INSERT INTO instance AS i (id, until) VALUES (instance_id, now_at + term)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until;
    DELETE FROM instance i WHERE i.until < now_at - 10 * term AND i.id <> instance_id;
    RETURN QUERY SELECT now_at, count(*) FROM instance i
        WHERE i.id <> instance_id AND i.until > now_at;
END $$;

-- The history of this database; with a mark of the caller's.
CREATE FUNCTION mark_era(mark text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_era text;
BEGIN
    now_era := concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()), mark);
    IF EXISTS (SELECT FROM meta WHERE key = 'era' AND value = now_era) THEN
        RETURN;
    END IF;
    UPDATE item SET doubt = true WHERE state IN ('waiting', 'parked');
    INSERT INTO meta (key, value) VALUES ('era', now_era)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
END $$;
