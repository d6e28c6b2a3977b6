-- How often a ticket was written: who writes it says what they have read.
ALTER TABLE ticket ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
