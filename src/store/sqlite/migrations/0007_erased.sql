-- Salted hashes of the ids of what was forgotten about a customer, and when, so that it does not
-- come back. The salt is in `meta`.
CREATE TABLE erased (
    hash BLOB    PRIMARY KEY,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
