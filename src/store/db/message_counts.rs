//! The table `message_counts`, and what else is counted for graphs.

use super::{Error, Tx};

/// Adds to the counts of hours.
pub async fn add(tx: &mut Tx, counts: &[(i64, &'static str, i64)]) -> Result<(), Error> {
    for (hour, kind, times) in counts {
        let insert = tx
            .dialect()
            .insert_or_ignore("INTO message_counts (hour, kind, times) VALUES (?, ?, 0)");
        tx.query_built(insert).bind(*hour).bind(*kind).execute().await?;
        tx.query("UPDATE message_counts SET times = times + ? WHERE hour = ? AND kind = ?")
            .bind(*times)
            .bind(*hour)
            .bind(*kind)
            .execute()
            .await?;
    }
    Ok(())
}

/// The counts from an hour to before another one, by hour and kind.
pub async fn list(tx: &mut Tx, from: i64, to: i64) -> Result<Vec<(i64, String, i64)>, Error> {
    tx.query("SELECT hour, kind, times FROM message_counts WHERE hour >= ? AND hour < ? ORDER BY hour, kind")
        .bind(from)
        .bind(to)
        .all(|row| Ok((row.integer(0)?, row.text(1)?, row.integer(2)?)))
        .await
}

/// Drops those of the hours before.
pub async fn forget(tx: &mut Tx, before: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM message_counts WHERE hour < ?");
    delete.bind(before).execute().await.map(drop)
}

/// What there is at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Domains.
    pub domains: i64,
    /// Users, but those who are deleted.
    pub users: i64,
    /// Users who are deleted and can be restored.
    pub deleted_users: i64,
    /// Aliases.
    pub aliases: i64,
    /// Messages in mailboxes.
    pub stored_messages: i64,
    /// Octets in mailboxes.
    pub stored_bytes: i64,
    /// Messages in the queue.
    pub queued_messages: i64,
    /// Recipients in the queue that wait or are held.
    pub waiting_recipients: i64,
}

/// Counts what there is.
pub async fn totals(tx: &mut Tx) -> Result<Totals, Error> {
    let (messages, bytes) = (tx.dialect().sum("messages"), tx.dialect().sum("bytes"));
    let one = async |tx: &mut Tx, sql: String| {
        let found = tx.query_built(sql).optional(|row| row.integer(0)).await?;
        Ok::<_, Error>(found.unwrap_or_default())
    };
    Ok(Totals {
        domains: one(tx, "SELECT COUNT(*) FROM domains".into()).await?,
        users: one(tx, "SELECT COUNT(*) FROM users WHERE deleted_at IS NULL".into()).await?,
        deleted_users: one(tx, "SELECT COUNT(*) FROM users WHERE deleted_at > 0".into()).await?,
        aliases: one(tx, "SELECT COUNT(*) FROM aliases".into()).await?,
        stored_messages: one(tx, format!("SELECT {messages} FROM mailboxes")).await?,
        stored_bytes: one(tx, format!("SELECT {bytes} FROM mailboxes")).await?,
        queued_messages: one(tx, "SELECT COUNT(*) FROM queue_messages".into()).await?,
        waiting_recipients: one(tx, "SELECT COUNT(*) FROM queue_recipients WHERE state = 0".into()).await?,
    })
}
