-- When each agent was given a ticket last, as the number of that turn.
CREATE TABLE agent_turn (
    agent text COLLATE "C" PRIMARY KEY,
    turn  bigint NOT NULL
) WITH (fillfactor = 80);

-- To whom an open ticket was given last: theirs to take, unless they have let it pass at a time.
CREATE TABLE assignment (
    ticket  text COLLATE "C" PRIMARY KEY,
    agent   text COLLATE "C" NOT NULL,
    turn    bigint NOT NULL,
    passed  bigint,
    -- How often in a row Blip has refused those to whom it was given.
    refused bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

-- Gives a ticket to whose turn it is of these agents, if any of them has a slot free; what was given
-- already stays with whom it was given to. Turns are taken by one instance after the other, so that
-- none sees a slot as free that another one is taking.
CREATE FUNCTION take_turn(
    ticket_id text, agents text[], is_first boolean[], slots bigint, passed_after bigint,
    most_refusals bigint
) RETURNS TABLE (given_to text, given_turn bigint) LANGUAGE plpgsql AS $$
DECLARE
    known assignment%ROWTYPE;
    chosen text;
    next_turn bigint;
BEGIN
    LOCK TABLE agent_turn IN SHARE ROW EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM ticket WHERE id = ticket_id AND state = 'unclaimed') THEN
        RETURN;
    END IF;
    SELECT * INTO known FROM assignment WHERE ticket = ticket_id;
    IF FOUND AND known.passed IS NULL THEN
        RETURN QUERY SELECT known.agent, known.turn;
        RETURN;
    END IF;
    IF known.refused >= most_refusals THEN
        RETURN;
    END IF;
    SELECT asked.agent INTO chosen
    FROM unnest(agents, is_first) WITH ORDINALITY AS asked (agent, is_first, place)
    LEFT JOIN agent_turn ON agent_turn.agent = asked.agent COLLATE "C"
    WHERE (known.agent IS NULL OR asked.agent <> known.agent OR known.passed <= passed_after)
        AND slots > (
            SELECT count(*) FROM ticket
            LEFT JOIN assignment AS given ON given.ticket = ticket.id AND given.passed IS NULL
            WHERE ticket.state <> 'closed'
                AND (ticket.state = 'claimed' AND ticket.agent = asked.agent COLLATE "C"
                    OR ticket.state = 'unclaimed' AND given.agent = asked.agent COLLATE "C"))
    ORDER BY asked.is_first DESC, coalesce(agent_turn.turn, 0), asked.place LIMIT 1;
    IF chosen IS NULL THEN
        RETURN;
    END IF;
    SELECT coalesce(max(turn), 0) + 1 INTO next_turn FROM agent_turn;
    INSERT INTO agent_turn (agent, turn) VALUES (chosen, next_turn)
    ON CONFLICT (agent) DO UPDATE SET turn = excluded.turn;
    INSERT INTO assignment (ticket, agent, turn) VALUES (ticket_id, chosen, next_turn)
    ON CONFLICT (ticket) DO UPDATE
    SET agent = excluded.agent, turn = excluded.turn, passed = NULL;
    RETURN QUERY SELECT chosen, next_turn;
END $$;
