-- The keys of SCRAM-SHA-256 of a user's password: iterations, salt, stored key and server key with commas between; NULL if there are none.
ALTER TABLE users ADD COLUMN IF NOT EXISTS scram TEXT;
