//! The tables `aliases` and `alias_destinations`.

use std::collections::HashMap;

use super::labels::{self, Pick};
use super::{Error, Row, Tx, Value};
use crate::model::account::{Alias, AliasAddress};
use crate::model::address::EmailAddress;
use crate::model::clock::timestamp;
use crate::model::ids::{AliasId, DomainId};

macro_rules! columns {
    () => {
        "id, shown, enabled, description, created_at, updated_at, expires_at, labels"
    };
}

/// The key under which an alias is found: all lower case.
pub fn key(address: &AliasAddress) -> String {
    match address {
        AliasAddress::Address(address) => address.canonical(),
        AliasAddress::CatchAll(domain) => format!("@{domain}"),
    }
}

/// An alias whose destinations are read afterwards.
fn bare(row: &Row<'_>) -> Result<Alias, Error> {
    Ok(Alias {
        id: AliasId(row.integer(0)?),
        address: row.str(1)?.parse().map_err(|_| Error::Corrupt("aliases.shown"))?,
        destinations: Vec::new(),
        enabled: row.integer(2)? != 0,
        description: row.text(3)?,
        created_at: timestamp(row.integer(4)?),
        updated_at: timestamp(row.integer(5)?),
        expires_at: row.integer_or_null(6)?.map(timestamp),
        labels: labels::parse(row.str(7)?, "aliases.labels")?,
    })
}

fn address(text: &str) -> Result<EmailAddress, Error> {
    EmailAddress::parse(text).map_err(|_| Error::Corrupt("alias_destinations.address"))
}

/// The alias that answers to this address.
pub async fn find(tx: &mut Tx, of: &AliasAddress) -> Result<Option<Alias>, Error> {
    let found = tx
        .query(concat!("SELECT ", columns!(), " FROM aliases WHERE address = ?"))
        .bind(key(of))
        .optional(bare)
        .await?;
    let mut found: Vec<Alias> = found.into_iter().collect();
    fill(tx, &mut found).await?;
    Ok(found.pop())
}

/// Where an alias leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leads {
    /// To these addresses; empty if there is no such alias.
    pub to: Vec<EmailAddress>,
    /// Whether it will expire.
    pub expires: bool,
}

/// Where the enabled alias with this key leads, at this moment.
pub async fn destinations(tx: &mut Tx, key: &str, now_ms: i64) -> Result<Leads, Error> {
    let rows = tx
        .query(
            "SELECT d.address, a.expires_at FROM aliases a JOIN alias_destinations d ON d.alias_id = a.id \
             WHERE a.address = ? AND a.enabled = 1 AND (a.expires_at IS NULL OR a.expires_at > ?) ORDER BY d.position",
        )
        .bind(key)
        .bind(now_ms)
        .all(|row| Ok((address(row.str(0)?)?, row.integer_or_null(1)?.is_some())));
    let mut leads = Leads::default();
    for (address, expires) in rows.await? {
        leads.to.push(address);
        leads.expires = expires;
    }
    Ok(leads)
}

/// At most `limit` of the aliases that are picked, whose keys come after `after`, by key.
pub async fn page(tx: &mut Tx, pick: &Pick, after: &str, limit: i64) -> Result<Vec<Alias>, Error> {
    let (conditions, values) = pick.conditions("domain_id", &["address", "description"]);
    let select = concat!("SELECT ", columns!(), " FROM aliases WHERE address > ?");
    let query = tx
        .query_built(format!("{select}{conditions} ORDER BY address LIMIT ?"))
        .bind(after)
        .bind_all(values)
        .bind(limit);
    let mut found = query.all(bare).await?;
    fill(tx, &mut found).await?;
    Ok(found)
}

/// Reads the destinations of some aliases in one statement.
async fn fill(tx: &mut Tx, aliases: &mut [Alias]) -> Result<(), Error> {
    if aliases.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT alias_id, address FROM alias_destinations WHERE alias_id IN ({}) ORDER BY alias_id, position",
        vec!["?"; aliases.len()].join(",")
    );
    let ids = aliases.iter().map(|alias| Value::from(alias.id.0));
    let rows = tx
        .query_built(sql)
        .bind_all(ids)
        .all(|row| Ok((row.integer(0)?, address(row.str(1)?)?)));
    let mut by_alias: HashMap<i64, Vec<EmailAddress>> = HashMap::new();
    for (alias, address) in rows.await? {
        by_alias.entry(alias).or_default().push(address);
    }
    for alias in aliases {
        alias.destinations = by_alias.remove(&alias.id.0).unwrap_or_default();
    }
    Ok(())
}

/// Adds an alias with its destinations. Conflict: the address is taken.
pub async fn insert(tx: &mut Tx, alias: &Alias, domain: DomainId) -> Result<(), Error> {
    tx.query(concat!(
        "INSERT INTO aliases (",
        columns!(),
        ", address, domain_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(alias.id.0)
    .bind(alias.address.to_string())
    .bind(i64::from(alias.enabled))
    .bind(&*alias.description)
    .bind(alias.created_at.as_millisecond())
    .bind(alias.updated_at.as_millisecond())
    .bind(alias.expires_at.map(|at| at.as_millisecond()))
    .bind(labels::text(&alias.labels))
    .bind(key(&alias.address))
    .bind(domain.0)
    .execute()
    .await?;
    labels::insert(tx, alias.id.0, &alias.labels).await?;
    insert_destinations(tx, alias).await
}

async fn insert_destinations(tx: &mut Tx, alias: &Alias) -> Result<(), Error> {
    let mut values = Vec::with_capacity(alias.destinations.len() * 3);
    for (position, destination) in (0_i64..).zip(&alias.destinations) {
        values.extend([alias.id.0.into(), position.into(), destination.to_string().into()]);
    }
    tx.insert_many("INSERT INTO alias_destinations (alias_id, position, address) VALUES", 3, values)
        .await
        .map(drop)
}

/// Stores what can change of an alias.
pub async fn update(tx: &mut Tx, alias: &Alias) -> Result<(), Error> {
    tx.query("UPDATE aliases SET enabled = ?, description = ?, updated_at = ?, expires_at = ?, labels = ? WHERE id = ?")
        .bind(i64::from(alias.enabled))
        .bind(&*alias.description)
        .bind(alias.updated_at.as_millisecond())
        .bind(alias.expires_at.map(|at| at.as_millisecond()))
        .bind(labels::text(&alias.labels))
        .bind(alias.id.0)
        .execute()
        .await?;
    labels::update(tx, alias.id.0, &alias.labels).await?;
    let delete = tx.query("DELETE FROM alias_destinations WHERE alias_id = ?");
    delete.bind(alias.id.0).execute().await?;
    insert_destinations(tx, alias).await
}

/// Removes an alias with its destinations.
pub async fn delete(tx: &mut Tx, id: AliasId) -> Result<(), Error> {
    labels::delete(tx, id.0).await?;
    tx.query("DELETE FROM aliases WHERE id = ?").bind(id.0).execute().await.map(drop)
}
