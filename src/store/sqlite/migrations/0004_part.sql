-- A reply of which the customer got a part only is told from one that went out whole.
CREATE TABLE message_now (
    channel TEXT NOT NULL,
    ts      TEXT NOT NULL,
    ticket  TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('card', 'customer', 'reply', 'part', 'held', 'note')),
    user    TEXT,
    PRIMARY KEY (channel, ts)
) STRICT, WITHOUT ROWID;
INSERT INTO message_now (channel, ts, ticket, role, user)
    SELECT channel, ts, ticket, role, user FROM message;
DROP TABLE message;
ALTER TABLE message_now RENAME TO message;
