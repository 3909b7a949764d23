//! The table `audit_log`.

use serde_json::Value as Json;

use super::{Error, Row, Tx, Value};
use crate::model::address::Domain;
use crate::model::audit::{Actor, AuditEntry, Deed, Resource};
use crate::model::ids::AuditId;

/// The most characters that are kept of a path or a name: as many as the columns take everywhere.
const MOST_NAME: usize = 400;

/// Which entries are asked for. What is `None` picks all.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Of this actor, by name or id.
    pub actor: Option<String>,
    /// With this thing, and this part of it if one is named.
    pub resource: Option<(String, Option<String>)>,
    /// Of this kind.
    pub deed: Option<Deed>,
    /// With things of these domains.
    pub domains: Option<Vec<Domain>>,
    /// From this moment on.
    pub since: Option<AuditId>,
    /// Before this one.
    pub before: Option<AuditId>,
}

/// Adds entries.
pub async fn insert(tx: &mut Tx, entries: &[AuditEntry]) -> Result<(), Error> {
    let mut values = Vec::with_capacity(entries.len() * 12);
    for entry in entries {
        let Actor {
            kind,
            name,
            id,
            from,
            request_id,
        } = &entry.actor;
        values.extend([
            Value::from(entry.id.0),
            Value::from(kind.as_str()),
            Value::from(cut(name)),
            Value::from(id.as_deref()),
            Value::from(from.map(|ip| ip.to_string())),
            Value::from(request_id.as_deref()),
            Value::from(entry.deed.as_str()),
            Value::from(cut(&entry.resource.name)),
            Value::from(entry.resource.part.as_deref().map(cut)),
            Value::from(entry.resource.domain.as_ref().map(Domain::as_str)),
            Value::from(entry.before.as_ref().map(Json::to_string)),
            Value::from(entry.after.as_ref().map(Json::to_string)),
        ]);
    }
    let prefix = "INSERT INTO audit_log (id, actor_kind, actor, actor_id, peer, request_id, kind, resource, part, domain, before_json, after_json) VALUES";
    tx.insert_many(prefix, 12, values).await.map(drop)
}

/// At most `limit` entries, the newest first.
pub async fn page(tx: &mut Tx, which: &Which, limit: i64) -> Result<Vec<AuditEntry>, Error> {
    let mut sql = String::from(
        "SELECT id, actor_kind, actor, actor_id, peer, request_id, kind, resource, part, domain, before_json, after_json FROM audit_log WHERE id >= ?",
    );
    let mut values = vec![Value::from(which.since.map_or(i64::MIN, |id| id.0))];
    if let Some(before) = which.before {
        sql.push_str(" AND id < ?");
        values.push(before.0.into());
    }
    if let Some(actor) = &which.actor {
        sql.push_str(" AND (actor = ? OR actor_id = ?)");
        values.extend([Value::from(actor.as_str()), Value::from(actor.as_str())]);
    }
    if let Some((resource, part)) = &which.resource {
        sql.push_str(" AND resource = ?");
        values.push(resource.as_str().into());
        if let Some(part) = part {
            sql.push_str(" AND part = ?");
            values.push(part.as_str().into());
        }
    }
    if let Some(deed) = which.deed {
        sql.push_str(" AND kind = ?");
        values.push(deed.as_str().into());
    }
    if let Some(domains) = &which.domains {
        let mut names: Vec<Value> = domains.iter().map(|domain| domain.as_str().into()).collect();
        if names.is_empty() {
            // No domain has an empty name.
            names.push("".into());
        }
        sql.push_str(&format!(" AND domain IN ({})", vec!["?"; names.len()].join(", ")));
        values.extend(names);
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    tx.query_built(sql).bind_all(values).bind(limit).all(entry).await
}

/// Drops at most about `limit` of those before; whether there may be more.
pub async fn forget(tx: &mut Tx, before: AuditId, limit: i64) -> Result<bool, Error> {
    let last = tx
        .query("SELECT id FROM audit_log WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?")
        .bind(before.0)
        .bind(limit)
        .optional(|row| row.integer(0))
        .await?;
    let end = last.unwrap_or(before.0);
    tx.query("DELETE FROM audit_log WHERE id < ?").bind(end).execute().await?;
    Ok(last.is_some())
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, Error> {
    let document = |at: usize, name: &'static str| {
        let text = row.text_or_null(at)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| Error::Corrupt(name)))
            .transpose()
    };
    Ok(AuditEntry {
        id: AuditId(row.integer(0)?),
        actor: Actor {
            kind: row.str(1)?.parse().map_err(|_| Error::Corrupt("audit_log.actor_kind"))?,
            name: row.text(2)?,
            id: row.text_or_null(3)?,
            from: row.text_or_null(4)?.and_then(|text| text.parse().ok()),
            request_id: row.text_or_null(5)?,
        },
        deed: row.str(6)?.parse().map_err(|_| Error::Corrupt("audit_log.kind"))?,
        resource: Resource {
            name: row.text(7)?,
            part: row.text_or_null(8)?,
            domain: row.text_or_null(9)?.and_then(|text| text.parse().ok()),
        },
        before: document(10, "audit_log.before_json")?,
        after: document(11, "audit_log.after_json")?,
    })
}

fn cut(text: &str) -> &str {
    text.char_indices()
        .nth(MOST_NAME)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}
