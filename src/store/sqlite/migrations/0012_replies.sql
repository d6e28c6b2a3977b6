-- A ticket has two lanes: what people did in Slack, and their replies that were held, wait in the one
-- towards Blip from now on. What is finished stays where it was.
UPDATE item SET lane = 'reply:' || substr(lane, 8)
    WHERE state IN ('waiting', 'parked') AND lane GLOB 'ticket:*'
        AND (source = 'slack' OR (source = 'desk' AND key GLOB 'send:*'));
INSERT INTO lane (name, due)
    SELECT item.lane, coalesce(min(lane.due), min(item.received))
    FROM item LEFT JOIN lane ON lane.name = 'ticket:' || substr(item.lane, 7)
    WHERE item.state = 'waiting' AND item.lane GLOB 'reply:*' GROUP BY item.lane
    ON CONFLICT DO NOTHING;
DELETE FROM lane WHERE name GLOB 'ticket:*'
    AND NOT EXISTS (SELECT 1 FROM item WHERE state = 'waiting' AND lane = name);
