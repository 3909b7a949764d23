//! What others report of domains here: mail that says it is of them (RFC 7489 §7.2), and TLS towards their servers (RFC 8460 §4.4).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::Domain;
use super::ids::ReportId;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// Mail by DMARC.
    Dmarc,
    /// TLS.
    Tls,
}

impl ReportKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dmarc => "dmarc",
            Self::Tls => "tls",
        }
    }
}

/// A report that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedReport {
    pub id: ReportId,
    pub kind: ReportKind,
    /// Whose mail or servers it is about.
    pub domain: Domain,
    /// Who reports.
    pub organization: String,
    /// What the reporter calls it.
    pub report_id: String,
    pub begins_at: Timestamp,
    pub ends_at: Timestamp,
    /// How many messages passed, or sessions went well.
    pub good: u64,
    /// How many did not.
    pub bad: u64,
    /// All of it, as JSON: [`DmarcFindings`] or [`TlsFindings`]; empty in lists.
    pub document: String,
}

/// How mail fared. Stored as JSON: a field may be added if it has a default, none may change its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DmarcFindings {
    /// Whom to ask.
    pub contact: String,
    /// The policy that the reporter found, in the words of the record.
    pub policy: String,
    pub records: Vec<DmarcRecord>,
}

/// Messages that fared alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DmarcRecord {
    /// The address that they came from; empty if it is missing.
    pub source: String,
    pub messages: u64,
    /// `none`, `quarantine` or `reject`.
    pub disposition: String,
    /// Whether a good signature was of the author's domain.
    pub dkim_aligned: bool,
    /// Whether SPF passed for the author's domain.
    pub spf_aligned: bool,
    /// The domain in From.
    pub header_from: String,
    /// The domain of the sender; may be empty.
    pub envelope_from: String,
    /// Why the policy was not followed.
    pub reasons: Vec<String>,
    /// Such as `example.org (s1): pass`.
    pub dkim: Vec<String>,
    /// Such as `example.org: pass`.
    pub spf: Vec<String>,
}

/// How sessions went. Stored as JSON: a field may be added if it has a default, none may change its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TlsFindings {
    /// Whom to ask.
    pub contact: String,
    pub policies: Vec<TlsPolicyFindings>,
}

/// Sessions under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TlsPolicyFindings {
    /// `tlsa`, `sts`, `no-policy-found` or `other`.
    pub policy_type: String,
    pub policy_domain: String,
    pub successful_sessions: u64,
    pub failed_sessions: u64,
    pub failures: Vec<TlsFailure>,
}

/// Sessions that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TlsFailure {
    /// RFC 8460 §4.3.
    pub result_type: String,
    /// May be empty, as the two below.
    pub sending_address: String,
    pub receiving_host: String,
    pub receiving_address: String,
    pub sessions: u64,
}
