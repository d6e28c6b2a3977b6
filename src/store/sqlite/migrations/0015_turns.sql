-- When each agent was given a ticket last, as the number of that turn.
CREATE TABLE agent_turn (
    agent TEXT    PRIMARY KEY,
    turn  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- To whom an open ticket was given last: theirs to take, unless they have let it pass at a time.
CREATE TABLE assignment (
    ticket  TEXT    PRIMARY KEY,
    agent   TEXT    NOT NULL,
    turn    INTEGER NOT NULL,
    passed  INTEGER,
    -- How often in a row Blip has refused those to whom it was given.
    refused INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
