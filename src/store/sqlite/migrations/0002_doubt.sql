-- Who may have posted without a trace, for events on messages that are not known. Mostly empty.
CREATE INDEX item_in_doubt ON item (received) WHERE doubt = 1 AND state = 'waiting';
