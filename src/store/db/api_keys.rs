//! The table `api_keys`.

use std::str::FromStr;

use super::users::{role, role_number};
use super::{Error, Row, Tx};
use crate::model::account::ApiKey;
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::ids::ApiKeyId;
use crate::model::scope::Scope;

macro_rules! columns {
    () => {
        "id, name, role, scopes, domains, created_at, updated_at, expires_at, last_used_at"
    };
}

fn key(row: &Row<'_>) -> Result<ApiKey, Error> {
    let scopes = row.str(3)?.split_whitespace().map(Scope::from_str).collect::<Result<_, _>>();
    let domains = row.str(4)?.split_whitespace().map(Domain::parse).collect::<Result<_, _>>();
    Ok(ApiKey {
        id: ApiKeyId(row.integer(0)?),
        name: row.text(1)?,
        role: role(row.integer(2)?)?,
        scopes: scopes.map_err(|_| Error::Corrupt("api_keys.scopes"))?,
        domains: domains.map_err(|_| Error::Corrupt("api_keys.domains"))?,
        created_at: timestamp(row.integer(5)?),
        updated_at: timestamp(row.integer(6)?),
        expires_at: row.integer_or_null(7)?.map(timestamp),
        last_used_at: row.integer_or_null(8)?.map(timestamp),
    })
}

/// Words with spaces between.
fn words<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// All keys, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<ApiKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM api_keys ORDER BY id"))
        .all(key)
        .await
}

/// The key of this id.
pub async fn find_id(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM api_keys WHERE id = ?"))
        .bind(id.0)
        .optional(key)
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
        ", secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(key.id.0)
    .bind(&*key.name)
    .bind(role_number(key.role))
    .bind(words(&key.scopes))
    .bind(words(&key.domains))
    .bind(key.created_at.as_millisecond())
    .bind(key.updated_at.as_millisecond())
    .bind(key.expires_at.map(|at| at.as_millisecond()))
    .bind(key.last_used_at.map(|at| at.as_millisecond()))
    .bind(secret)
    .execute()
    .await
    .map(drop)
}

/// Stores what can change of a key.
pub async fn update(tx: &mut Tx, key: &ApiKey) -> Result<(), Error> {
    tx.query("UPDATE api_keys SET name = ?, role = ?, scopes = ?, domains = ?, updated_at = ?, expires_at = ? WHERE id = ?")
        .bind(&*key.name)
        .bind(role_number(key.role))
        .bind(words(&key.scopes))
        .bind(words(&key.domains))
        .bind(key.updated_at.as_millisecond())
        .bind(key.expires_at.map(|at| at.as_millisecond()))
        .bind(key.id.0)
        .execute()
        .await
        .map(drop)
}

/// Gives a key another secret, by its SHA-256.
pub async fn set_secret(tx: &mut Tx, id: ApiKeyId, secret: &str) -> Result<(), Error> {
    let update = tx.query("UPDATE api_keys SET secret = ? WHERE id = ?");
    update.bind(secret).bind(id.0).execute().await.map(drop)
}

/// Notes that a key was used.
pub async fn touch(tx: &mut Tx, id: ApiKeyId, at_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE api_keys SET last_used_at = ? WHERE id = ?");
    update.bind(at_ms).bind(id.0).execute().await.map(drop)
}

/// Removes a key.
pub async fn delete(tx: &mut Tx, id: ApiKeyId) -> Result<(), Error> {
    tx.query("DELETE FROM api_keys WHERE id = ?").bind(id.0).execute().await.map(drop)
}
