//! The table `mta_sts_policies`: what other domains demand, shared by all nodes, as long as it holds.

use super::{Error, Tx};
use crate::model::address::Domain;

/// A policy as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// What the domain calls it.
    pub id: String,
    /// Its text.
    pub content: Vec<u8>,
    /// Until when it holds, in milliseconds since 1970.
    pub until: i64,
}

/// The policy of a domain that holds at a moment.
pub async fn find(tx: &mut Tx, domain: &Domain, now: i64) -> Result<Option<StoredPolicy>, Error> {
    tx.query("SELECT policy_id, content, holds_until FROM mta_sts_policies WHERE domain = ? AND holds_until > ?")
        .bind(domain.as_str())
        .bind(now)
        .optional(|row| {
            Ok(StoredPolicy {
                id: row.text(0)?,
                content: row.blob(1)?,
                until: row.integer(2)?,
            })
        })
        .await
}

/// Keeps the policy of a domain in place of the one before.
pub async fn put(tx: &mut Tx, domain: &Domain, policy: &StoredPolicy) -> Result<(), Error> {
    let update = tx.dialect().or_update(&["domain"], &["policy_id", "content", "holds_until"]);
    let insert = format!("INSERT INTO mta_sts_policies (domain, policy_id, content, holds_until) VALUES (?, ?, ?, ?){update}");
    tx.query_built(insert)
        .bind(domain.as_str())
        .bind(policy.id.as_str())
        .bind(policy.content.as_slice())
        .bind(policy.until)
        .execute()
        .await
        .map(drop)
}

/// Removes those whose time is over, and of more than `most` those that end first.
pub async fn prune(tx: &mut Tx, now: i64, most: i64) -> Result<(), Error> {
    let last = tx
        .query("SELECT holds_until FROM mta_sts_policies ORDER BY holds_until DESC LIMIT 1 OFFSET ?")
        .bind(most)
        .optional(|row| row.integer(0))
        .await?;
    tx.query("DELETE FROM mta_sts_policies WHERE holds_until <= ?")
        .bind(last.map_or(now, |last| last.max(now)))
        .execute()
        .await
        .map(drop)
}
