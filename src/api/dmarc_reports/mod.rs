//! Reports of others about mail that says it is of domains here (DMARC).

pub(super) mod list;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::model::report::{DmarcFindings, DmarcRecord, ReceivedReport};

/// A report that came in.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "domain": "example.test", "organization": "example.org", "report_id": "17", "begins_at": "2026-11-23T00:00:00Z", "ends_at": "2026-11-23T23:59:59Z", "passed": 12, "failed": 1
}))]
pub(super) struct DmarcReport {
    id: String,
    /// Whose mail it is about.
    domain: String,
    /// Who reports.
    organization: String,
    /// What the reporter calls it.
    report_id: String,
    /// The begin of the time that it is about.
    begins_at: Time,
    /// Its end.
    ends_at: Time,
    /// How many messages passed.
    passed: u64,
    /// How many messages failed.
    failed: u64,
}

impl From<ReceivedReport> for DmarcReport {
    fn from(report: ReceivedReport) -> Self {
        Self {
            id: report.id.to_string(),
            domain: report.domain.to_string(),
            organization: report.organization,
            report_id: report.report_id,
            begins_at: Time(report.begins_at),
            ends_at: Time(report.ends_at),
            passed: report.good,
            failed: report.bad,
        }
    }
}

/// A report with all that it says.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "domain": "example.test", "organization": "example.org", "report_id": "17", "begins_at": "2026-11-23T00:00:00Z", "ends_at": "2026-11-23T23:59:59Z", "passed": 12, "failed": 1,
    "contact": "dmarc@example.org", "policy": "p=reject", "records": [{
        "source": "192.0.2.7", "messages": 12, "disposition": "none", "dkim_aligned": true, "spf_aligned": false, "header_from": "example.test",
        "envelope_from": "example.test", "reasons": [], "dkim": ["example.test (s1): pass"], "spf": ["example.test: fail"]
    }]
}))]
pub(super) struct DmarcReportDetails {
    id: String,
    /// Whose mail it is about.
    domain: String,
    /// Who reports.
    organization: String,
    /// What the reporter calls it.
    report_id: String,
    /// The begin of the time that it is about.
    begins_at: Time,
    /// Its end.
    ends_at: Time,
    /// How many messages passed.
    passed: u64,
    /// How many messages failed.
    failed: u64,
    /// Whom to ask.
    contact: String,
    /// The policy that the reporter found, in the words of the record.
    policy: String,
    /// Messages that fared alike, together.
    records: Vec<DmarcReportRecord>,
}

/// Messages that fared alike.
#[derive(Serialize, ToSchema)]
pub(super) struct DmarcReportRecord {
    /// The address that they came from; empty if the report does not say.
    source: String,
    /// How many.
    messages: u64,
    /// What was done with them: `none`, `quarantine` or `reject`.
    disposition: String,
    /// Whether a good signature was of the author's domain.
    dkim_aligned: bool,
    /// Whether SPF passed for the author's domain.
    spf_aligned: bool,
    /// The author's domain.
    header_from: String,
    /// The sender's domain; may be empty.
    envelope_from: String,
    /// Why the policy was not followed.
    reasons: Vec<String>,
    /// The signatures, such as `example.test (s1): pass`.
    dkim: Vec<String>,
    /// SPF, such as `example.test: pass`.
    spf: Vec<String>,
}

impl From<DmarcRecord> for DmarcReportRecord {
    fn from(record: DmarcRecord) -> Self {
        Self {
            source: record.source,
            messages: record.messages,
            disposition: record.disposition,
            dkim_aligned: record.dkim_aligned,
            spf_aligned: record.spf_aligned,
            header_from: record.header_from,
            envelope_from: record.envelope_from,
            reasons: record.reasons,
            dkim: record.dkim,
            spf: record.spf,
        }
    }
}

impl From<ReceivedReport> for DmarcReportDetails {
    fn from(report: ReceivedReport) -> Self {
        let findings: DmarcFindings = serde_json::from_str(&report.document).unwrap_or_default();
        Self {
            id: report.id.to_string(),
            domain: report.domain.to_string(),
            organization: report.organization,
            report_id: report.report_id,
            begins_at: Time(report.begins_at),
            ends_at: Time(report.ends_at),
            passed: report.good,
            failed: report.bad,
            contact: findings.contact,
            policy: findings.policy,
            records: findings.records.into_iter().map(DmarcReportRecord::from).collect(),
        }
    }
}
