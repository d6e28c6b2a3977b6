-- The database as version 0.1.0 of the program made it: its two migrations, as they were, and how far
-- it had come with them. Never to be changed.

PRAGMA journal_mode = WAL;

-- Times are milliseconds since 1970. Ids of both platforms are kept as they were sent.

-- What arrived. Unfinished while `finished` is null; then it is either waiting or parked.
CREATE TABLE item (
    -- AUTOINCREMENT: a number is never given twice, so numbers are the order of acceptance.
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    source   TEXT    NOT NULL,
    lane     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    received INTEGER NOT NULL,
    state    TEXT    NOT NULL DEFAULT 'waiting'
             CHECK (state IN ('waiting', 'parked', 'done', 'ignored', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    doubt    INTEGER NOT NULL DEFAULT 0,
    reason   TEXT,
    finished INTEGER,
    -- Last, so that nobody has to read past it.
    body     BLOB,
    UNIQUE (source, key),
    CHECK ((finished IS NULL) = (state IN ('waiting', 'parked')))
) STRICT;

-- The heads of the lanes and the depth, without reading the items themselves.
CREATE INDEX item_waiting ON item (lane, id, received) WHERE state = 'waiting';
CREATE INDEX item_parked ON item (lane) WHERE state = 'parked';
-- What is to be erased, then forgotten.
CREATE INDEX item_erasable ON item (finished) WHERE finished IS NOT NULL AND body IS NOT NULL;
CREATE INDEX item_finished ON item (finished) WHERE finished IS NOT NULL;

-- A lane is here exactly as long as an item waits in it.
CREATE TABLE lane (
    name         TEXT    PRIMARY KEY,
    due          INTEGER NOT NULL,
    slot_channel TEXT,
    slot_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX lane_due ON lane (due);

-- Outside calls of unfinished items.
CREATE TABLE step (
    item    INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    channel TEXT,
    begun   INTEGER NOT NULL,
    -- The same, or when it was made for the last time.
    tried   INTEGER NOT NULL,
    result  TEXT,
    PRIMARY KEY (item, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX step_channel ON step (channel, begun) WHERE channel IS NOT NULL;

CREATE TABLE ticket (
    id             TEXT    PRIMARY KEY, -- bot/id
    bot            TEXT    NOT NULL,
    address        TEXT    NOT NULL,
    number         INTEGER,
    parent         INTEGER,
    customer       TEXT    NOT NULL,
    customer_name  TEXT,
    domain         TEXT    NOT NULL,
    team           TEXT,
    tags           TEXT    NOT NULL, -- JSON
    opened         INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('unclaimed', 'claimed', 'closed')),
    changed        INTEGER,
    ending         TEXT,
    agent          TEXT,
    agent_name     TEXT,
    agent_identity TEXT,
    channel        TEXT,
    root           TEXT,
    heard          INTEGER,
    unanswered     INTEGER,
    revision       INTEGER NOT NULL
) STRICT;

CREATE INDEX ticket_number ON ticket (bot, number);
CREATE INDEX ticket_parent ON ticket (bot, parent) WHERE parent IS NOT NULL;
CREATE INDEX ticket_customer ON ticket (bot, customer, opened);
CREATE INDEX ticket_open ON ticket (opened) WHERE state <> 'closed';

-- What customers said to begin with, for the cards.
CREATE TABLE first_words (
    ticket TEXT PRIMARY KEY,
    words  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Slack messages that belong to a ticket.
CREATE TABLE message (
    channel TEXT NOT NULL,
    ts      TEXT NOT NULL,
    ticket  TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('card', 'customer', 'reply', 'held', 'note')),
    user    TEXT,
    PRIMARY KEY (channel, ts)
) STRICT, WITHOUT ROWID;

-- Which Blip messages a Slack message shows, or went out as: one to many either way.
CREATE TABLE twin (
    channel TEXT NOT NULL,
    ts      TEXT NOT NULL,
    ticket  TEXT NOT NULL,
    blip_id TEXT NOT NULL,
    PRIMARY KEY (channel, ts, blip_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX twin_blip ON twin (ticket, blip_id);

-- The pace of each Slack channel.
CREATE TABLE slot (
    channel    TEXT    PRIMARY KEY,
    next_at    INTEGER NOT NULL DEFAULT 0,
    hold_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT
) STRICT, WITHOUT ROWID;

-- Who may have posted without a trace, for events on messages that are not known. Mostly empty.
CREATE INDEX item_in_doubt ON item (received) WHERE doubt = 1 AND state = 'waiting';

PRAGMA user_version = 2;
