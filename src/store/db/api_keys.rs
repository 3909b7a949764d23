//! The table `api_keys`.

use super::users::{role, role_number};
use super::{Error, Row, Tx};
use crate::model::account::ApiKey;
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::ids::ApiKeyId;

macro_rules! columns {
    () => {
        "id, name, role, domain, created_at, expires_at, last_used_at"
    };
}

fn key(row: &Row<'_>) -> Result<ApiKey, Error> {
    let domain = row.text_or_null(3)?.map(|text| Domain::parse(&text)).transpose();
    Ok(ApiKey {
        id: ApiKeyId(row.integer(0)?),
        name: row.text(1)?,
        role: role(row.integer(2)?)?,
        domain: domain.map_err(|_| Error::Corrupt("api_keys.domain"))?,
        created_at: timestamp(row.integer(4)?),
        expires_at: row.integer_or_null(5)?.map(timestamp),
        last_used_at: row.integer_or_null(6)?.map(timestamp),
    })
}

/// All keys, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<ApiKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM api_keys ORDER BY id"))
        .all(key)
        .await
}

/// The key whose secret has this SHA-256 (hexadecimal).
pub async fn find(tx: &mut Tx, secret: &str) -> Result<Option<ApiKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM api_keys WHERE secret = ?"))
        .bind(secret)
        .optional(key)
        .await
}

/// Adds a key with the SHA-256 of its secret.
pub async fn insert(tx: &mut Tx, key: &ApiKey, secret: &str) -> Result<(), Error> {
    tx.query(concat!(
        "INSERT INTO api_keys (",
        columns!(),
        ", secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(key.id.0)
    .bind(&*key.name)
    .bind(role_number(key.role))
    .bind(key.domain.as_ref().map(Domain::as_str))
    .bind(key.created_at.as_millisecond())
    .bind(key.expires_at.map(|at| at.as_millisecond()))
    .bind(key.last_used_at.map(|at| at.as_millisecond()))
    .bind(secret)
    .execute()
    .await
    .map(drop)
}

/// Notes that a key was used.
pub async fn touch(tx: &mut Tx, id: ApiKeyId, at_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE api_keys SET last_used_at = ? WHERE id = ?");
    update.bind(at_ms).bind(id.0).execute().await.map(drop)
}

/// Removes a key; whether it was there.
pub async fn delete(tx: &mut Tx, id: ApiKeyId) -> Result<bool, Error> {
    Ok(tx.query("DELETE FROM api_keys WHERE id = ?").bind(id.0).execute().await? == 1)
}
