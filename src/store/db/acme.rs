//! The tables `acme_accounts`, `acme_certificates` and `acme_challenges`.

use super::{Error, Row, Tx};

/// A name that is to have a certificate, and the one it has.
#[derive(Debug, Clone)]
pub struct Record {
    /// The name.
    pub name: String,
    /// The chain and its key, in PEM.
    pub pair: Option<(Vec<u8>, Vec<u8>)>,
    /// When it is next to be asked for, in milliseconds.
    pub next_try_at: i64,
    /// How often that has failed since it last worked.
    pub failures: u32,
    /// Why it failed.
    pub problem: Option<String>,
    /// When any of this changed.
    pub updated_at: i64,
}

/// What the authority is to find at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What it asks by.
    pub token: String,
    /// The name.
    pub name: String,
    /// The key authorization (RFC 8555 §8.1).
    pub answer: String,
}

fn record(row: &Row<'_>) -> Result<Record, Error> {
    let pair = match (row.blob_or_null(1)?, row.blob_or_null(2)?) {
        (Some(chain), Some(key)) => Some((chain, key)),
        _ => None,
    };
    Ok(Record {
        name: row.text(0)?,
        pair,
        next_try_at: row.integer(3)?,
        failures: u32::try_from(row.integer(4)?).unwrap_or(u32::MAX),
        problem: row.text_or_null(5)?,
        updated_at: row.integer(6)?,
    })
}

/// The account at a directory, as it was kept.
pub async fn account(tx: &mut Tx, directory: &str) -> Result<Option<Vec<u8>>, Error> {
    tx.query("SELECT credentials FROM acme_accounts WHERE directory = ?")
        .bind(directory)
        .optional(|row| row.blob(0))
        .await
}

/// Keeps the account at a directory. Conflict: there is one.
pub async fn insert_account(tx: &mut Tx, directory: &str, credentials: &[u8], now_ms: i64) -> Result<(), Error> {
    tx.query("INSERT INTO acme_accounts (directory, credentials, created_at) VALUES (?, ?, ?)")
        .bind(directory)
        .bind(credentials)
        .bind(now_ms)
        .execute()
        .await
        .map(drop)
}

/// Sees to it that there is a record of this name.
pub async fn ensure(tx: &mut Tx, name: &str, now_ms: i64) -> Result<(), Error> {
    let insert = tx
        .dialect()
        .insert_or_ignore("INTO acme_certificates (name, next_try_at, failures, claimed_until, updated_at) VALUES (?, ?, 0, 0, ?)");
    tx.query_built(insert)
        .bind(name)
        .bind(now_ms)
        .bind(now_ms)
        .execute()
        .await
        .map(drop)
}

/// The records of all names, by name.
pub async fn all(tx: &mut Tx) -> Result<Vec<Record>, Error> {
    tx.query("SELECT name, chain, private_key, next_try_at, failures, problem, updated_at FROM acme_certificates ORDER BY name")
        .all(record)
        .await
}

/// The time of the last change of any record; 0 where there is none.
pub async fn changed_at(tx: &mut Tx) -> Result<i64, Error> {
    let newest = tx
        .query("SELECT updated_at FROM acme_certificates ORDER BY updated_at DESC LIMIT 1")
        .optional(|row| row.integer(0));
    Ok(newest.await?.unwrap_or_default())
}

/// Claims a name that is due until `until`; whether nobody else has.
pub async fn claim(tx: &mut Tx, name: &str, now_ms: i64, until_ms: i64) -> Result<bool, Error> {
    let update = tx.query("UPDATE acme_certificates SET claimed_until = ? WHERE name = ? AND next_try_at <= ? AND claimed_until <= ?");
    let claimed = update.bind(until_ms).bind(name).bind(now_ms).bind(now_ms).execute().await?;
    Ok(claimed == 1)
}

/// A new certificate is had; the claim is over.
pub async fn succeeded(tx: &mut Tx, name: &str, (chain, key): (&[u8], &[u8]), next_try_at: i64, now_ms: i64) -> Result<(), Error> {
    tx.query(
        "UPDATE acme_certificates SET chain = ?, private_key = ?, next_try_at = ?, failures = 0, problem = NULL, claimed_until = 0, \
         updated_at = ? WHERE name = ?",
    )
    .bind(chain)
    .bind(key)
    .bind(next_try_at)
    .bind(now_ms)
    .bind(name)
    .execute()
    .await
    .map(drop)
}

/// It was not had; the claim is over.
pub async fn failed(tx: &mut Tx, name: &str, problem: &str, next_try_at: i64, now_ms: i64) -> Result<(), Error> {
    tx.query(
        "UPDATE acme_certificates SET failures = failures + 1, problem = ?, next_try_at = ?, claimed_until = 0, updated_at = ? WHERE name = ?",
    )
    .bind(problem)
    .bind(next_try_at)
    .bind(now_ms)
    .bind(name)
    .execute()
    .await
    .map(drop)
}

/// Has every node show this until `ends_ms`.
pub async fn put_challenge(tx: &mut Tx, challenge: &Challenge, ends_ms: i64) -> Result<(), Error> {
    delete_challenge(tx, &challenge.token).await?;
    tx.query("INSERT INTO acme_challenges (token, name, answer, ends_at) VALUES (?, ?, ?, ?)")
        .bind(&*challenge.token)
        .bind(&*challenge.name)
        .bind(&*challenge.answer)
        .bind(ends_ms)
        .execute()
        .await
        .map(drop)
}

/// All that is to be shown at this moment.
pub async fn challenges(tx: &mut Tx, now_ms: i64) -> Result<Vec<Challenge>, Error> {
    let select = tx.query("SELECT token, name, answer FROM acme_challenges WHERE ends_at > ? ORDER BY token");
    let challenge = |row: &Row<'_>| {
        Ok(Challenge {
            token: row.text(0)?,
            name: row.text(1)?,
            answer: row.text(2)?,
        })
    };
    select.bind(now_ms).all(challenge).await
}

/// What is to be shown for a token at this moment.
pub async fn answer(tx: &mut Tx, token: &str, now_ms: i64) -> Result<Option<String>, Error> {
    let select = tx.query("SELECT answer FROM acme_challenges WHERE token = ? AND ends_at > ?");
    select.bind(token).bind(now_ms).optional(|row| row.text(0)).await
}

/// It need not be shown any more.
pub async fn delete_challenge(tx: &mut Tx, token: &str) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM acme_challenges WHERE token = ?");
    delete.bind(token).execute().await.map(drop)
}
