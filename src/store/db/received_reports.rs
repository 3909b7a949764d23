//! The table `received_reports`: what others have reported of domains here.

use super::{Error, Tx, Value};
use crate::model::address::Domain;
use crate::model::ids::ReportId;
use crate::model::report::{ReceivedReport, ReportKind};

/// Which reports are asked for. What is `None` picks all.
#[derive(Debug, Clone)]
pub struct Which {
    pub kind: ReportKind,
    /// About these domains.
    pub domains: Option<Vec<Domain>>,
    /// Before this one.
    pub before: Option<ReportId>,
}

/// Keeps a report; false if it is there already, by its mark.
pub async fn insert(tx: &mut Tx, report: &ReceivedReport, mark: &str) -> Result<bool, Error> {
    let insert = tx.dialect().insert_or_ignore(
        "INTO received_reports (id, kind, mark, domain, organization, report_id, begins_at, ends_at, good, bad, document) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let touched = tx
        .query_built(insert)
        .bind(report.id.0)
        .bind(report.kind.as_str())
        .bind(mark)
        .bind(report.domain.as_str())
        .bind(report.organization.as_str())
        .bind(report.report_id.as_str())
        .bind(report.begins_at.as_millisecond())
        .bind(report.ends_at.as_millisecond())
        .bind(i64::try_from(report.good).unwrap_or(i64::MAX))
        .bind(i64::try_from(report.bad).unwrap_or(i64::MAX))
        .bind(report.document.as_str())
        .execute()
        .await?;
    Ok(touched > 0)
}

/// At most `limit` reports, the newest first, without their documents.
pub async fn page(tx: &mut Tx, which: &Which, limit: i64) -> Result<Vec<ReceivedReport>, Error> {
    let mut sql =
        String::from("SELECT id, domain, organization, report_id, begins_at, ends_at, good, bad, '' FROM received_reports WHERE kind = ?");
    let mut values = vec![Value::from(which.kind.as_str())];
    if let Some(before) = which.before {
        sql.push_str(" AND id < ?");
        values.push(before.0.into());
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
    let kind = which.kind;
    let query = tx.query_built(sql).bind_all(values).bind(limit);
    query.all(|row| read(row, kind)).await
}

/// A report with its document.
pub async fn find(tx: &mut Tx, kind: ReportKind, id: ReportId) -> Result<Option<ReceivedReport>, Error> {
    tx.query(
        "SELECT id, domain, organization, report_id, begins_at, ends_at, good, bad, document FROM received_reports WHERE kind = ? AND id = ?",
    )
    .bind(kind.as_str())
    .bind(id.0)
    .optional(|row| read(row, kind))
    .await
}

/// Drops those before.
pub async fn forget(tx: &mut Tx, before: ReportId) -> Result<u64, Error> {
    tx.query("DELETE FROM received_reports WHERE id < ?").bind(before.0).execute().await
}

fn read(row: &super::Row<'_>, kind: ReportKind) -> Result<ReceivedReport, Error> {
    let count = |at| Ok::<u64, Error>(u64::try_from(row.integer(at)?).unwrap_or_default());
    Ok(ReceivedReport {
        id: ReportId(row.integer(0)?),
        kind,
        domain: Domain::parse(&row.text(1)?).map_err(|_| Error::Corrupt("received_reports.domain"))?,
        organization: row.text(2)?,
        report_id: row.text(3)?,
        begins_at: crate::model::clock::timestamp(row.integer(4)?),
        ends_at: crate::model::clock::timestamp(row.integer(5)?),
        good: count(6)?,
        bad: count(7)?,
        document: row.text(8)?,
    })
}
