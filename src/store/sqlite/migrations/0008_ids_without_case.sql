-- Blip compares ids without case, so they are kept in lower case. How Blip writes the id of a ticket
-- stands beside it, because that is what Blip is sent.
ALTER TABLE ticket ADD COLUMN spelled TEXT;
-- Who is behind a router's tunnel.
ALTER TABLE ticket ADD COLUMN originator TEXT;

-- One ticket that was taken for two: an end is final, whichever of them heard of it, and a claim
-- outlives none. The messages of both stay and belong to the one that is left.
DELETE FROM ticket WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY lower(id)
            ORDER BY state = 'closed' DESC, state = 'claimed' DESC, number IS NULL, opened, id
        ) AS place FROM ticket
    ) WHERE place > 1);
DELETE FROM first_words
    WHERE ticket NOT IN (SELECT id FROM ticket)
        AND lower(ticket) IN (SELECT lower(id) FROM ticket);
UPDATE ticket SET spelled = substr(id, instr(id, '/') + 1), id = lower(id) WHERE id <> lower(id);
UPDATE OR REPLACE first_words SET ticket = lower(ticket) WHERE ticket <> lower(ticket);
UPDATE message SET ticket = lower(ticket) WHERE ticket <> lower(ticket);
UPDATE OR REPLACE twin SET ticket = lower(ticket), blip_id = lower(blip_id)
    WHERE ticket <> lower(ticket) OR blip_id <> lower(blip_id);

-- Keys name the ticket, with its colons written as %3A; the rest of a key may be Slack's, which has
-- a case. A key that is taken already is that of a repeat, and stays.
UPDATE OR IGNORE item SET key = replace(key,
        replace(replace(substr(lane, 8), '%', '%25'), ':', '%3A'),
        replace(replace(lower(substr(lane, 8)), '%', '%25'), ':', '%3A'))
    WHERE lane GLOB 'ticket:*' AND lane <> lower(lane);
-- Done once for each ticket.
UPDATE OR IGNORE item SET key = 'context:' || lower(substr(key, 9))
    WHERE source = 'desk' AND key GLOB 'context:*' AND key <> lower(key);
UPDATE OR IGNORE item SET key = 'handed:' || lower(substr(key, 8))
    WHERE source = 'desk' AND key GLOB 'handed:*' AND key <> lower(key);

-- Both lanes of a ticket go on as one, in the order in which their events came.
INSERT INTO lane (name, due)
    SELECT lower(name), min(due) FROM lane
    WHERE name GLOB 'ticket:*' AND name <> lower(name) GROUP BY lower(name)
    ON CONFLICT DO NOTHING;
DELETE FROM lane WHERE name GLOB 'ticket:*' AND name <> lower(name);
UPDATE item SET lane = lower(lane) WHERE lane GLOB 'ticket:*' AND lane <> lower(lane);
