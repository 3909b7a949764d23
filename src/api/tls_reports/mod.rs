//! Reports of others about TLS towards the servers of domains here.

pub(super) mod list;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::model::report::{ReceivedReport, TlsFailure, TlsFindings, TlsPolicyFindings};

/// A report that came in.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "domain": "example.test", "organization": "example.org", "report_id": "17", "begins_at": "2026-11-23T00:00:00Z", "ends_at": "2026-11-23T23:59:59Z", "successful_sessions": 12, "failed_sessions": 1
}))]
pub(super) struct TlsReport {
    id: String,
    /// Whose servers it is about.
    domain: String,
    /// Who reports.
    organization: String,
    /// What the reporter calls it.
    report_id: String,
    /// The begin of the time that it is about.
    begins_at: Time,
    /// Its end.
    ends_at: Time,
    /// How many sessions went as they were to.
    successful_sessions: u64,
    /// How many did not.
    failed_sessions: u64,
}

impl From<ReceivedReport> for TlsReport {
    fn from(report: ReceivedReport) -> Self {
        Self {
            id: report.id.to_string(),
            domain: report.domain.to_string(),
            organization: report.organization,
            report_id: report.report_id,
            begins_at: Time(report.begins_at),
            ends_at: Time(report.ends_at),
            successful_sessions: report.good,
            failed_sessions: report.bad,
        }
    }
}

/// A report with all that it says.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "domain": "example.test", "organization": "example.org", "report_id": "17", "begins_at": "2026-11-23T00:00:00Z", "ends_at": "2026-11-23T23:59:59Z", "successful_sessions": 12, "failed_sessions": 1,
    "contact": "tls@example.org", "policies": [{
        "policy_type": "sts", "policy_domain": "example.test", "successful_sessions": 12, "failed_sessions": 1, "failures": [{
            "result_type": "certificate-expired", "sending_address": "192.0.2.7", "receiving_host": "mx.example.test",
            "receiving_address": "192.0.2.9", "sessions": 1
        }]
    }]
}))]
pub(super) struct TlsReportDetails {
    id: String,
    /// Whose servers it is about.
    domain: String,
    /// Who reports.
    organization: String,
    /// What the reporter calls it.
    report_id: String,
    /// The begin of the time that it is about.
    begins_at: Time,
    /// Its end.
    ends_at: Time,
    /// How many sessions went as they were to.
    successful_sessions: u64,
    /// How many did not.
    failed_sessions: u64,
    /// Whom to ask.
    contact: String,
    /// What happened under each policy.
    policies: Vec<TlsReportPolicy>,
}

/// What happened under a policy.
#[derive(Serialize, ToSchema)]
pub(super) struct TlsReportPolicy {
    /// `tlsa`, `sts`, `no-policy-found` or `other`.
    policy_type: String,
    /// Whose it was.
    policy_domain: String,
    successful_sessions: u64,
    failed_sessions: u64,
    /// Those that failed alike, together.
    failures: Vec<TlsReportFailure>,
}

/// Sessions that failed alike.
#[derive(Serialize, ToSchema)]
pub(super) struct TlsReportFailure {
    /// As RFC 8460 §4.3 calls it.
    result_type: String,
    /// The client; may be empty.
    sending_address: String,
    /// The server; may be empty.
    receiving_host: String,
    /// Its address; may be empty.
    receiving_address: String,
    /// How many.
    sessions: u64,
}

impl From<TlsFailure> for TlsReportFailure {
    fn from(failure: TlsFailure) -> Self {
        Self {
            result_type: failure.result_type,
            sending_address: failure.sending_address,
            receiving_host: failure.receiving_host,
            receiving_address: failure.receiving_address,
            sessions: failure.sessions,
        }
    }
}

impl From<TlsPolicyFindings> for TlsReportPolicy {
    fn from(policy: TlsPolicyFindings) -> Self {
        Self {
            policy_type: policy.policy_type,
            policy_domain: policy.policy_domain,
            successful_sessions: policy.successful_sessions,
            failed_sessions: policy.failed_sessions,
            failures: policy.failures.into_iter().map(TlsReportFailure::from).collect(),
        }
    }
}

impl From<ReceivedReport> for TlsReportDetails {
    fn from(report: ReceivedReport) -> Self {
        let findings: TlsFindings = serde_json::from_str(&report.document).unwrap_or_default();
        Self {
            id: report.id.to_string(),
            domain: report.domain.to_string(),
            organization: report.organization,
            report_id: report.report_id,
            begins_at: Time(report.begins_at),
            ends_at: Time(report.ends_at),
            successful_sessions: report.good,
            failed_sessions: report.bad,
            contact: findings.contact,
            policies: findings.policies.into_iter().map(TlsReportPolicy::from).collect(),
        }
    }
}
