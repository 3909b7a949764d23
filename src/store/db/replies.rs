//! The table `replies`.

use super::{Error, Tx};

/// A request that came before, under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// What it asked for: SHA-256 in hexadecimal digits.
    pub fingerprint: String,
    /// When it began, in milliseconds since 1970.
    pub begun_ms: i64,
    /// How it was answered; none while it is at work.
    pub status: Option<i64>,
    /// The headers of the answer, in JSON.
    pub headers: Option<String>,
    /// The body of the answer, where it is kept.
    pub body: Option<Vec<u8>>,
}

/// Begins a request under a key; whether no other has it.
pub async fn begin(tx: &mut Tx, id: &str, fingerprint: &str, now_ms: i64) -> Result<bool, Error> {
    let insert = tx
        .dialect()
        .insert_or_ignore("INTO replies (id, fingerprint, begun_at) VALUES (?, ?, ?)");
    let touched = tx.query_built(insert).bind(id).bind(fingerprint).bind(now_ms).execute().await?;
    Ok(touched == 1)
}

/// The request that has the key.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Before>, Error> {
    tx.query("SELECT fingerprint, begun_at, status, headers, body FROM replies WHERE id = ?")
        .bind(id)
        .optional(|row| {
            Ok(Before {
                fingerprint: row.text(0)?,
                begun_ms: row.integer(1)?,
                status: row.integer_or_null(2)?,
                headers: row.text_or_null(3)?,
                body: row.blob_or_null(4)?,
            })
        })
        .await
}

/// Takes the key from a request that began at `begun_ms` and is too old; whether it still had it.
pub async fn take_over(tx: &mut Tx, id: &str, fingerprint: &str, (begun_ms, now_ms): (i64, i64)) -> Result<bool, Error> {
    let update =
        "UPDATE replies SET fingerprint = ?, begun_at = ?, status = NULL, headers = NULL, body = NULL WHERE id = ? AND begun_at = ?";
    let query = tx.query(update).bind(fingerprint).bind(now_ms).bind(id).bind(begun_ms);
    Ok(query.execute().await? == 1)
}

/// Keeps the answer of the request that began at `begun_ms`.
pub async fn finish(tx: &mut Tx, id: &str, begun_ms: i64, answer: (i64, &str, Option<&[u8]>)) -> Result<(), Error> {
    let (status, headers, body) = answer;
    tx.query("UPDATE replies SET status = ?, headers = ?, body = ? WHERE id = ? AND begun_at = ?")
        .bind(status)
        .bind(headers)
        .bind(body)
        .bind(id)
        .bind(begun_ms)
        .execute()
        .await
        .map(drop)
}

/// Frees the key of the request that began at `begun_ms`.
pub async fn give_up(tx: &mut Tx, id: &str, begun_ms: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM replies WHERE id = ? AND begun_at = ?");
    delete.bind(id).bind(begun_ms).execute().await.map(drop)
}

/// Drops what began before.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM replies WHERE begun_at < ?");
    delete.bind(before_ms).execute().await.map(drop)
}
