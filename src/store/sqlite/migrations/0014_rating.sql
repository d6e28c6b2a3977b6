-- What the customer thought of it, which Blip tells after the end. It goes when the ticket goes.
ALTER TABLE ticket ADD COLUMN rating TEXT;
