-- Tells our files from those of other programs: "blip" as a number.
PRAGMA application_id = 0x626c6970;
