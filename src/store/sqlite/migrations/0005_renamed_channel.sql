-- Channels that have got another id: under the first one they are known here. The last row of a
-- channel has the id that it has now.
CREATE TABLE renamed_channel (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    later  TEXT NOT NULL,
    first  TEXT NOT NULL
) STRICT;
