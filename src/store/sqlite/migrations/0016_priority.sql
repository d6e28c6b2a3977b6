-- How urgent Blip says that it is, as Blip's number of the level; of tickets from before nothing is known.
ALTER TABLE ticket ADD COLUMN priority INTEGER;
