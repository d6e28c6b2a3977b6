-- What the cards of open tickets show: the ticket's revision when the card was last drawn, and a
-- hash of it.
CREATE TABLE drawn_card (
    ticket   TEXT    PRIMARY KEY,
    revision INTEGER NOT NULL,
    look     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
