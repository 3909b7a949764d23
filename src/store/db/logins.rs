//! The table `logins`.

use super::{Error, Tx, Value};
use crate::model::address::Domain;
use crate::model::ids::LoginId;
use crate::model::login::{LoginOutcome, LoginRecord};

/// Which logins are asked for. What is `None` or empty picks all.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Of this login, in lower case.
    pub login: Option<String>,
    /// Of addresses of these domains.
    pub domains: Option<Vec<Domain>>,
    /// With one of these ends.
    pub outcomes: Vec<LoginOutcome>,
    /// From this moment on.
    pub since: Option<LoginId>,
    /// Before this one.
    pub before: Option<LoginId>,
}

/// Adds logins.
pub async fn insert(tx: &mut Tx, records: &[LoginRecord]) -> Result<(), Error> {
    let mut values = Vec::with_capacity(records.len() * 7);
    for record in records {
        let domain = record.login.rsplit_once('@').map(|(_, domain)| domain);
        values.extend([
            Value::from(record.id.0),
            Value::from(record.login.as_str()),
            Value::from(domain),
            Value::from(record.protocol.as_str()),
            Value::from(record.from.map(|ip| ip.to_string())),
            Value::from(record.outcome.as_str()),
            Value::from(i64::try_from(record.count).unwrap_or(i64::MAX)),
        ]);
    }
    let prefix = "INSERT INTO logins (id, login, domain, protocol, peer, outcome, times) VALUES";
    tx.insert_many(prefix, 7, values).await.map(drop)
}

/// At most `limit` logins, the newest first.
pub async fn page(tx: &mut Tx, which: &Which, limit: i64) -> Result<Vec<LoginRecord>, Error> {
    let mut sql = String::from("SELECT id, login, protocol, peer, outcome, times FROM logins WHERE id >= ?");
    let mut values = vec![Value::from(which.since.map_or(i64::MIN, |id| id.0))];
    if let Some(before) = which.before {
        sql.push_str(" AND id < ?");
        values.push(before.0.into());
    }
    if let Some(login) = &which.login {
        sql.push_str(" AND login = ?");
        values.push(login.as_str().into());
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
    if !which.outcomes.is_empty() {
        sql.push_str(&format!(" AND outcome IN ({})", vec!["?"; which.outcomes.len()].join(", ")));
        values.extend(which.outcomes.iter().map(|outcome| Value::from(outcome.as_str())));
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    let query = tx.query_built(sql).bind_all(values).bind(limit);
    let rows = query.all(|row| {
        let id = LoginId(row.integer(0)?);
        Ok(LoginRecord {
            id,
            at: id.at(),
            login: row.text(1)?,
            protocol: row.str(2)?.parse().map_err(|_| Error::Corrupt("logins.protocol"))?,
            from: row.text_or_null(3)?.and_then(|text| text.parse().ok()),
            outcome: row.str(4)?.parse().map_err(|_| Error::Corrupt("logins.outcome"))?,
            count: u64::try_from(row.integer(5)?).unwrap_or_default(),
        })
    });
    rows.await
}

/// Drops those of a login.
pub async fn forget_login(tx: &mut Tx, login: &str) -> Result<(), Error> {
    tx.query("DELETE FROM logins WHERE login = ?").bind(login).execute().await?;
    Ok(())
}

/// Drops at most `limit` of those before; whether there may be more.
pub async fn forget(tx: &mut Tx, before: LoginId, limit: i64) -> Result<bool, Error> {
    let last = tx
        .query("SELECT id FROM logins WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?")
        .bind(before.0)
        .bind(limit)
        .optional(|row| row.integer(0))
        .await?;
    let end = last.unwrap_or(before.0);
    tx.query("DELETE FROM logins WHERE id < ?").bind(end).execute().await?;
    Ok(last.is_some())
}
