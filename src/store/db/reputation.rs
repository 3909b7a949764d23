//! The table `reputation`.

use super::{Error, Row, Tx, Value};

/// How many rows go into one statement.
const CHUNK: usize = 500;

/// What came from somewhere, in thousandths of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Of spam.
    pub spam: i64,
    /// Of other mail.
    pub ham: i64,
    /// When that was so, in milliseconds since 1970.
    pub updated_ms: i64,
}

fn counts(row: &Row<'_>) -> Result<(String, Counts), Error> {
    let counts = Counts {
        spam: row.integer(1)?,
        ham: row.integer(2)?,
        updated_ms: row.integer(3)?,
    };
    Ok((row.text(0)?, counts))
}

/// What is known of these; those of which nothing is are left out. With `lock` nobody else changes them until the end of the transaction.
pub async fn find(tx: &mut Tx, subjects: &[String], lock: bool) -> Result<Vec<(String, Counts)>, Error> {
    let mut all = Vec::with_capacity(subjects.len());
    for chunk in subjects.chunks(CHUNK) {
        let list = vec!["?"; chunk.len()].join(",");
        let end = if lock { tx.for_update() } else { "" };
        let select = format!("SELECT subject, spam, ham, updated_at FROM reputation WHERE subject IN ({list}) ORDER BY subject{end}");
        let query = tx.query_built(select);
        all.extend(query.bind_all(chunk.iter().map(|it| Value::from(it.as_str()))).all(counts).await?);
    }
    Ok(all)
}

/// Puts it in the place of what was known.
pub async fn put(tx: &mut Tx, all: &[(String, Counts)]) -> Result<(), Error> {
    let end = tx.dialect().or_update(&["subject"], &["spam", "ham", "updated_at"]);
    for chunk in all.chunks(CHUNK) {
        let rows = vec!["(?, ?, ?, ?)"; chunk.len()].join(", ");
        let insert = tx.query_built(format!(
            "INSERT INTO reputation (subject, spam, ham, updated_at) VALUES {rows}{end}"
        ));
        let values = chunk.iter().flat_map(|(subject, counts)| {
            let numbers = [counts.spam, counts.ham, counts.updated_ms].map(Value::from);
            std::iter::once(Value::from(subject.as_str())).chain(numbers)
        });
        insert.bind_all(values).execute().await?;
    }
    Ok(())
}

/// How many are known.
pub async fn count(tx: &mut Tx) -> Result<i64, Error> {
    let query = tx.query("SELECT COUNT(*) FROM reputation");
    Ok(query.optional(|row| row.integer(0)).await?.unwrap_or_default())
}

/// Forgets what did not change since before this moment.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.query("DELETE FROM reputation WHERE updated_at < ?")
        .bind(before_ms)
        .execute()
        .await
}

/// Forgets so many of those that did not change for the longest time.
pub async fn forget_oldest(tx: &mut Tx, count: i64) -> Result<(), Error> {
    let oldest = tx.query("SELECT subject FROM reputation ORDER BY updated_at LIMIT ?");
    let oldest = oldest.bind(count).all(|row| row.text(0)).await?;
    for chunk in oldest.chunks(CHUNK) {
        let list = vec!["?"; chunk.len()].join(",");
        let delete = tx.query_built(format!("DELETE FROM reputation WHERE subject IN ({list})"));
        delete.bind_all(chunk.iter().map(|it| Value::from(it.as_str()))).execute().await?;
    }
    Ok(())
}
