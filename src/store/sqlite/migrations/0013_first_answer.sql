-- When an agent first answered, and who: what people who lead a team are told. It is written with the
-- answer's own change of the ticket, and goes when the ticket goes.
ALTER TABLE ticket ADD COLUMN answered INTEGER;
ALTER TABLE ticket ADD COLUMN answered_by TEXT;
