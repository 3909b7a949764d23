-- How the directories of a mailbox were when they and the messages were last seen to agree: what has not changed since, nobody needs to list.
CREATE TABLE looks (
    mailbox_id BIGINT NOT NULL PRIMARY KEY,
    modseq BIGINT NOT NULL,
    new_changed BIGINT NOT NULL,
    cur_changed BIGINT NOT NULL
);
