-- How calls ended is written together with what was decided.

-- Keeps what was found out or decided for items that are not finished, and how their calls ended, by
-- whoever has them: what others have kept since counts.
CREATE FUNCTION put_held_decisions(
    given bigint, ids bigint[], tokens bigint[], names text[], results text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO step AS s (item, name, begun, tried, attempt, result)
    SELECT i.id, call.name, time_now(given), time_now(given), 0, call.result
    FROM unnest(ids, tokens, names, results) AS call (item, token, name, result)
    JOIN item i ON i.id = call.item AND i.finished IS NULL
    JOIN lane l ON key_of(l.name) = key_of(i.lane) AND l.token = call.token
    ON CONFLICT (item, key_of(name)) DO UPDATE SET result = excluded.result;
END $$;
