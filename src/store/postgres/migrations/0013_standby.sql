-- Whether it is on standby at Blip: 1 if it is.
ALTER TABLE ticket ADD COLUMN standby bigint;
