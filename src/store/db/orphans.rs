//! Rows that belong to something that is not there: there is nothing that could see them, but room that they take.

use super::Tx;
use crate::store::Error;

/// Each table with what an orphan is there.
const RULES: &[(&str, &str)] = &[
    ("mailboxes", "NOT EXISTS (SELECT 1 FROM users WHERE users.id = mailboxes.user_id)"),
    (
        "uidvalidities",
        "NOT EXISTS (SELECT 1 FROM users WHERE users.id = uidvalidities.user_id)",
    ),
    (
        "subscriptions",
        "NOT EXISTS (SELECT 1 FROM users WHERE users.id = subscriptions.user_id)",
    ),
    (
        "messages",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = messages.mailbox_id)",
    ),
    (
        "keywords",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = keywords.mailbox_id)",
    ),
    (
        "expunged",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = expunged.mailbox_id)",
    ),
    ("acls", "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = acls.mailbox_id)"),
    (
        "imports",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = imports.mailbox_id)",
    ),
    (
        "recoveries",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = recoveries.mailbox_id)",
    ),
    (
        "looks",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = looks.mailbox_id)",
    ),
    (
        "snapshots",
        "NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = snapshots.mailbox_id)",
    ),
    (
        "metadata",
        "(mailbox_id <> 0 AND NOT EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.id = metadata.mailbox_id)) \
         OR (user_id <> 0 AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = metadata.user_id))",
    ),
    (
        "structures",
        "NOT EXISTS (SELECT 1 FROM messages WHERE messages.mailbox_id = structures.mailbox_id AND messages.uid = structures.uid)",
    ),
    (
        "previews",
        "NOT EXISTS (SELECT 1 FROM messages WHERE messages.mailbox_id = previews.mailbox_id AND messages.uid = previews.uid)",
    ),
    (
        "objects",
        "NOT EXISTS (SELECT 1 FROM messages WHERE messages.mailbox_id = objects.mailbox_id AND messages.uid = objects.uid)",
    ),
    (
        "headers",
        "NOT EXISTS (SELECT 1 FROM messages WHERE messages.mailbox_id = headers.mailbox_id AND messages.uid = headers.uid)",
    ),
    (
        "queue_recipients",
        "NOT EXISTS (SELECT 1 FROM queue_messages WHERE queue_messages.id = queue_recipients.message_id)",
    ),
    (
        "queue_contents",
        "NOT EXISTS (SELECT 1 FROM queue_messages WHERE queue_messages.id = queue_contents.message_id)",
    ),
    (
        "labels",
        "NOT EXISTS (SELECT 1 FROM domains WHERE domains.id = labels.owner) AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = labels.owner) \
         AND NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.id = labels.owner)",
    ),
    (
        "trace_words",
        "NOT EXISTS (SELECT 1 FROM trace_chapters WHERE trace_chapters.message_id = trace_words.message_id)",
    ),
];

/// How many there are, by table; tables without any are left out.
pub async fn count(tx: &mut Tx) -> Result<Vec<(&'static str, u64)>, Error> {
    let mut found = Vec::new();
    for (table, orphan) in RULES {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {orphan}");
        let count = tx.query_built(sql).optional(|row| row.integer(0)).await?.unwrap_or(0);
        if let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) {
            found.push((*table, count));
        }
    }
    Ok(found)
}

/// Removes them, also those that are orphans only by the removal of others; how many.
pub async fn remove(tx: &mut Tx) -> Result<u64, Error> {
    let mut removed = 0_u64;
    for (table, orphan) in RULES {
        let sql = format!("DELETE FROM {table} WHERE {orphan}");
        removed = removed.saturating_add(tx.query_built(sql).execute().await?);
    }
    Ok(removed)
}
