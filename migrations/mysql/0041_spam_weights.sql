-- How much a message counts that was learned: more where it was hard to tell. Those learned before count once. What is learned of a token
-- is from now on marked by its lowest bit, so that some of what was learned before is not met again, and is forgotten by and by.
ALTER TABLE spam_classes ADD COLUMN IF NOT EXISTS spam_weight BIGINT NOT NULL DEFAULT 0;
ALTER TABLE spam_classes ADD COLUMN IF NOT EXISTS ham_weight BIGINT NOT NULL DEFAULT 0;
UPDATE spam_classes SET spam_weight = spam, ham_weight = ham;
ALTER TABLE spam_lessons ADD COLUMN IF NOT EXISTS weight BIGINT NOT NULL DEFAULT 1;
