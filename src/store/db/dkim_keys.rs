//! The table `dkim_keys`. Private halves leave it by [`active`] alone.

use super::{Error, Row, Tx};
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::dkim::{Algorithm, DkimKey, KeyState, Selector};
use crate::model::ids::DomainId;

macro_rules! columns {
    () => {
        "domains.name, selector, algorithm, state, public_key, dkim_keys.created_at, dkim_keys.updated_at"
    };
}

macro_rules! tables {
    () => {
        " FROM dkim_keys JOIN domains ON domains.id = dkim_keys.domain_id "
    };
}

fn key(row: &Row<'_>) -> Result<DkimKey, Error> {
    Ok(DkimKey {
        domain: Domain::parse(row.str(0)?).map_err(|_| Error::Corrupt("domains.name"))?,
        selector: row.str(1)?.parse().map_err(|_| Error::Corrupt("dkim_keys.selector"))?,
        algorithm: match row.integer(2)? {
            0 => Algorithm::Rsa,
            1 => Algorithm::Ed25519,
            _ => return Err(Error::Corrupt("dkim_keys.algorithm")),
        },
        state: match row.integer(3)? {
            0 => KeyState::Pending,
            1 => KeyState::Active,
            2 => KeyState::Retired,
            _ => return Err(Error::Corrupt("dkim_keys.state")),
        },
        public_key: row.blob(4)?,
        created_at: timestamp(row.integer(5)?),
        updated_at: timestamp(row.integer(6)?),
    })
}

const fn algorithm_number(algorithm: Algorithm) -> i64 {
    match algorithm {
        Algorithm::Rsa => 0,
        Algorithm::Ed25519 => 1,
    }
}

const fn state_number(state: KeyState) -> i64 {
    match state {
        KeyState::Pending => 0,
        KeyState::Active => 1,
        KeyState::Retired => 2,
    }
}

/// The keys of a domain, by selector.
pub async fn list(tx: &mut Tx, domain: DomainId) -> Result<Vec<DkimKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), tables!(), "WHERE domain_id = ? ORDER BY selector"))
        .bind(domain.0)
        .all(key)
        .await
}

/// One key.
pub async fn find(tx: &mut Tx, domain: DomainId, selector: &Selector) -> Result<Option<DkimKey>, Error> {
    tx.query(concat!("SELECT ", columns!(), tables!(), "WHERE domain_id = ? AND selector = ?"))
        .bind(domain.0)
        .bind(selector.as_str())
        .optional(key)
        .await
}

/// The keys that sign for an enabled domain, RSA first, each with its private half.
pub async fn active(tx: &mut Tx, domain: &Domain) -> Result<Vec<(DkimKey, Vec<u8>)>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        ", private_key",
        tables!(),
        "WHERE domains.name = ? AND domains.enabled = 1 AND state = 1 ORDER BY algorithm"
    ))
    .bind(domain.as_str())
    .all(|row| Ok((key(row)?, row.blob(7)?)))
    .await
}

/// Adds a key with its private half. Conflict: the selector is taken.
pub async fn insert(tx: &mut Tx, domain: DomainId, key: &DkimKey, private_key: &[u8]) -> Result<(), Error> {
    tx.query(
        "INSERT INTO dkim_keys (domain_id, selector, algorithm, state, private_key, public_key, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(domain.0)
    .bind(key.selector.as_str())
    .bind(algorithm_number(key.algorithm))
    .bind(state_number(key.state))
    .bind(private_key)
    .bind(&*key.public_key)
    .bind(key.created_at.as_millisecond())
    .bind(key.updated_at.as_millisecond())
    .execute()
    .await
    .map(drop)
}

/// Retires the keys of this algorithm that sign for the domain.
pub async fn retire_active(tx: &mut Tx, domain: DomainId, algorithm: Algorithm, at_ms: i64) -> Result<(), Error> {
    tx.query("UPDATE dkim_keys SET state = 2, updated_at = ? WHERE domain_id = ? AND algorithm = ? AND state = 1")
        .bind(at_ms)
        .bind(domain.0)
        .bind(algorithm_number(algorithm))
        .execute()
        .await
        .map(drop)
}

/// Stores the state of a key.
pub async fn update(tx: &mut Tx, domain: DomainId, key: &DkimKey) -> Result<(), Error> {
    tx.query("UPDATE dkim_keys SET state = ?, updated_at = ? WHERE domain_id = ? AND selector = ?")
        .bind(state_number(key.state))
        .bind(key.updated_at.as_millisecond())
        .bind(domain.0)
        .bind(key.selector.as_str())
        .execute()
        .await
        .map(drop)
}

/// Removes a key; whether it was there.
pub async fn delete(tx: &mut Tx, domain: DomainId, selector: &Selector) -> Result<bool, Error> {
    let delete = tx.query("DELETE FROM dkim_keys WHERE domain_id = ? AND selector = ?");
    Ok(delete.bind(domain.0).bind(selector.as_str()).execute().await? == 1)
}
