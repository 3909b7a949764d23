-- After how many days a message is removed from the user's Junk and Trash. 0: never; null: as the server has it.
ALTER TABLE users ADD COLUMN junk_days BIGINT;
ALTER TABLE users ADD COLUMN trash_days BIGINT;
