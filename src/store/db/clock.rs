//! The time by the database.

use super::{Error, Tx};

/// Milliseconds since 1970; none where the database has the clock of this process.
pub async fn now_ms(tx: &mut Tx) -> Result<Option<i64>, Error> {
    let Some(now) = tx.dialect().clock() else { return Ok(None) };
    tx.query_built(format!("SELECT {now}")).optional(|row| row.integer(0)).await
}
