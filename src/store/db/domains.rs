//! The table `domains`.

use super::labels::{self, Pick};
use super::{Error, Row, Tx};
use crate::model::account::DomainRecord;
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::ids::DomainId;

macro_rules! columns {
    () => {
        "id, name, alias_of, enabled, description, created_at, updated_at, labels"
    };
}

fn record(row: &Row<'_>) -> Result<DomainRecord, Error> {
    let name = |text: &str| Domain::parse(text).map_err(|_| Error::Corrupt("domains.name"));
    Ok(DomainRecord {
        id: DomainId(row.integer(0)?),
        domain: name(row.str(1)?)?,
        alias_of: row.text_or_null(2)?.as_deref().map(name).transpose()?,
        enabled: row.integer(3)? != 0,
        description: row.text(4)?,
        created_at: timestamp(row.integer(5)?),
        updated_at: timestamp(row.integer(6)?),
        labels: labels::parse(row.str(7)?, "domains.labels")?,
    })
}

/// The domain of this name.
pub async fn find(tx: &mut Tx, domain: &Domain) -> Result<Option<DomainRecord>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM domains WHERE name = ?"))
        .bind(domain.as_str())
        .optional(record)
        .await
}

/// At most `limit` of the domains that are picked, whose names come after `after`, by name.
pub async fn page(tx: &mut Tx, pick: &Pick, after: &str, limit: i64) -> Result<Vec<DomainRecord>, Error> {
    let (conditions, values) = pick.conditions("id", &["name", "description"]);
    let select = concat!("SELECT ", columns!(), " FROM domains WHERE name > ?");
    tx.query_built(format!("{select}{conditions} ORDER BY name LIMIT ?"))
        .bind(after)
        .bind_all(values)
        .bind(limit)
        .all(record)
        .await
}

/// Adds a domain. Conflict: the name is taken.
pub async fn insert(tx: &mut Tx, domain: &DomainRecord) -> Result<(), Error> {
    tx.query(concat!("INSERT INTO domains (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"))
        .bind(domain.id.0)
        .bind(domain.domain.as_str())
        .bind(domain.alias_of.as_ref().map(Domain::as_str))
        .bind(i64::from(domain.enabled))
        .bind(&*domain.description)
        .bind(domain.created_at.as_millisecond())
        .bind(domain.updated_at.as_millisecond())
        .bind(labels::text(&domain.labels))
        .execute()
        .await?;
    labels::insert(tx, domain.id.0, &domain.labels).await
}

/// Stores what can change of a domain.
pub async fn update(tx: &mut Tx, domain: &DomainRecord) -> Result<(), Error> {
    tx.query("UPDATE domains SET alias_of = ?, enabled = ?, description = ?, updated_at = ?, labels = ? WHERE id = ?")
        .bind(domain.alias_of.as_ref().map(Domain::as_str))
        .bind(i64::from(domain.enabled))
        .bind(&*domain.description)
        .bind(domain.updated_at.as_millisecond())
        .bind(labels::text(&domain.labels))
        .bind(domain.id.0)
        .execute()
        .await?;
    labels::update(tx, domain.id.0, &domain.labels).await
}

/// Removes a domain that nothing refers to.
pub async fn delete(tx: &mut Tx, id: DomainId) -> Result<(), Error> {
    labels::delete(tx, id.0).await?;
    tx.query("DELETE FROM domains WHERE id = ?").bind(id.0).execute().await.map(drop)
}

/// What refers to a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// Users with an address there.
    pub users: i64,
    /// Users who were deleted and can be restored.
    pub deleted_users: i64,
    /// Aliases that answer there.
    pub aliases: i64,
    /// Domains that are other names of it.
    pub domains: i64,
}

/// Counts what refers to a domain.
pub async fn uses(tx: &mut Tx, domain: &DomainRecord) -> Result<Uses, Error> {
    let mut counts = [0; 3];
    let queries = [
        "SELECT COUNT(*) FROM users WHERE domain_id = ? AND deleted_at IS NULL",
        "SELECT COUNT(*) FROM users WHERE domain_id = ? AND deleted_at IS NOT NULL",
        "SELECT COUNT(*) FROM aliases WHERE domain_id = ?",
    ];
    for (count, sql) in counts.iter_mut().zip(queries) {
        *count = tx
            .query(sql)
            .bind(domain.id.0)
            .optional(|row| row.integer(0))
            .await?
            .unwrap_or_default();
    }
    let domains = tx
        .query("SELECT COUNT(*) FROM domains WHERE alias_of = ?")
        .bind(domain.domain.as_str())
        .optional(|row| row.integer(0))
        .await?;
    let [users, deleted_users, aliases] = counts;
    Ok(Uses {
        users,
        deleted_users,
        aliases,
        domains: domains.unwrap_or_default(),
    })
}
