-- How often a ticket was written: who writes it says what they have read. The release before counts
-- as well, without knowing.
ALTER TABLE ticket ADD COLUMN version bigint NOT NULL DEFAULT 1;

CREATE FUNCTION count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER ticket_version BEFORE UPDATE ON ticket
FOR EACH ROW EXECUTE FUNCTION count_version();
