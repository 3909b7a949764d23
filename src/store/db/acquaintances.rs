//! The table `acquaintances`.

use super::{Error, Tx, Value};
use crate::model::ids::UserId;

/// How many rows go into one statement.
const CHUNK: usize = 500;

/// Which of the users know any of the marks, from this moment on.
pub async fn who_knows(tx: &mut Tx, users: &[UserId], marks: &[[u8; 16]], since_ms: i64) -> Result<Vec<UserId>, Error> {
    if users.is_empty() || marks.is_empty() {
        return Ok(Vec::new());
    }
    let list = |count: usize| vec!["?"; count].join(",");
    let select = format!(
        "SELECT DISTINCT user_id FROM acquaintances WHERE user_id IN ({}) AND mark IN ({}) AND met_at >= ?",
        list(users.len()),
        list(marks.len())
    );
    let query = tx.query_built(select).bind_all(users.iter().map(|user| Value::from(user.0)));
    let query = query.bind_all(marks.iter().map(|mark| Value::from(mark.as_slice()))).bind(since_ms);
    query.all(|row| Ok(UserId(row.integer(0)?))).await
}

/// Notes that a user has met these, for the first time or again.
pub async fn meet(tx: &mut Tx, user: UserId, marks: &[[u8; 16]], now_ms: i64) -> Result<(), Error> {
    let end = tx.dialect().or_update(&["user_id", "mark"], &["met_at"]);
    // A user who is gone by now has met nobody.
    let there = tx.query("SELECT id FROM users WHERE id = ?").bind(user.0);
    if there.optional(|row| row.integer(0)).await?.is_none() {
        return Ok(());
    }
    for chunk in marks.chunks(CHUNK) {
        let rows = vec!["(?, ?, ?)"; chunk.len()].join(", ");
        let insert = tx.query_built(format!("INSERT INTO acquaintances (user_id, mark, met_at) VALUES {rows}{end}"));
        let values = chunk
            .iter()
            .flat_map(|mark| [Value::from(user.0), Value::from(mark.as_slice()), Value::from(now_ms)]);
        insert.bind_all(values).execute().await?;
    }
    Ok(())
}

/// Forgets those that a user has not met for the longest time, so that no more than `most` are left.
pub async fn keep(tx: &mut Tx, user: UserId, most: i64) -> Result<(), Error> {
    let query = tx.query("SELECT COUNT(*) FROM acquaintances WHERE user_id = ?").bind(user.0);
    let count = query.optional(|row| row.integer(0)).await?.unwrap_or_default();
    if count <= most {
        return Ok(());
    }
    let oldest = tx.query("SELECT mark FROM acquaintances WHERE user_id = ? ORDER BY met_at LIMIT ?");
    let oldest = oldest.bind(user.0).bind(count.saturating_sub(most)).all(|row| row.blob(0)).await?;
    for chunk in oldest.chunks(CHUNK) {
        let list = vec!["?"; chunk.len()].join(",");
        let delete = tx.query_built(format!("DELETE FROM acquaintances WHERE user_id = ? AND mark IN ({list})"));
        let values = chunk.iter().map(|mark| Value::from(mark.as_slice()));
        delete.bind(user.0).bind_all(values).execute().await?;
    }
    Ok(())
}

/// Forgets all that were met before this moment.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.query("DELETE FROM acquaintances WHERE met_at < ?")
        .bind(before_ms)
        .execute()
        .await
}
