-- What is due is looked for all over the queue, again and again: the index has all that the look needs.
DROP INDEX queue_recipients_due;
CREATE INDEX queue_recipients_due ON queue_recipients (state, next_attempt_at, destination, lease_until);
