//! Taking a report out of a message. The formats are mail-auth's to read, gzip and zip included, up to a size.

use std::io::Cursor;

use mail_auth::report::tlsrpt::{FailureDetails, Policy, PolicyType, ResultType, TlsReport};
use mail_auth::report::{ActionDisposition, Alignment, Disposition, DmarcResult, PolicyOverride, PolicyPublished, Record, Report};
use mail_auth::zip::ZipArchive;
use mail_parser::MessageParser;
use serde::Serialize;
use serde_json::Value;

use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::ids::ReportId;
use crate::model::report::{DmarcFindings, DmarcRecord, ReceivedReport, ReportKind, TlsFailure, TlsFindings, TlsPolicyFindings};

/// The most files of an archive.
const MOST_FILES: usize = 2;
/// The most records of a report that are kept.
const MOST_RECORDS: usize = 10_000;
/// The most of what is listed in a record.
const MOST_LISTED: usize = 20;
/// The longest text of a report, in characters.
const MOST_TEXT: usize = 255;
/// The longest document that is kept, in octets: what a column of the database holds.
const MOST_DOCUMENT: usize = 8_388_608;

/// The report in a message, of which at most `most` octets are unpacked; none if there is none that can be read.
pub(super) fn report(octets: &[u8], most: usize) -> Option<ReceivedReport> {
    if has_full_archive(octets) {
        tracing::info!("an archive with more than one file is no report");
        return None;
    }
    if let Ok(report) = TlsReport::parse_rfc5322(octets, most) {
        return tls(&report);
    }
    match Report::parse_rfc5322(octets, most) {
        Ok(report) => dmarc(&report),
        Err(problem) => {
            tracing::info!(?problem, "there is no report to be read in a message that looks like one");
            None
        }
    }
}

/// Whether a part is an archive with more files than a report has: each of them would be unpacked.
fn has_full_archive(octets: &[u8]) -> bool {
    let message = MessageParser::new().parse(octets);
    message.is_some_and(|message| {
        message.parts.iter().any(|part| {
            let is_archive = part.contents().starts_with(b"PK");
            is_archive && !ZipArchive::new(Cursor::new(part.contents())).is_ok_and(|archive| archive.len() <= MOST_FILES)
        })
    })
}

fn text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect()
}

/// A word as the standard spells it, from a value that is named after it.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word.to_ascii_lowercase(),
        _ => String::new(),
    }
}

fn document(findings: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(findings).ok()?;
    (text.len() <= MOST_DOCUMENT).then_some(text)
}

fn dmarc(report: &Report) -> Option<ReceivedReport> {
    let records: Vec<DmarcRecord> = report.records().iter().take(MOST_RECORDS).map(record).collect();
    let (good, bad): (Vec<&DmarcRecord>, Vec<&DmarcRecord>) = records.iter().partition(|it| it.dkim_aligned || it.spf_aligned);
    let sum = |records: Vec<&DmarcRecord>| records.iter().map(|it| it.messages).fold(0, u64::saturating_add);
    let (good, bad) = (sum(good), sum(bad));
    let seconds = |at: u64| timestamp(i64::try_from(at).unwrap_or(i64::MAX).saturating_mul(1_000));
    let findings = DmarcFindings {
        contact: text(report.email()),
        policy: policy(&report.policy_published),
        records,
    };
    Some(ReceivedReport {
        id: ReportId::fresh(),
        kind: ReportKind::Dmarc,
        domain: Domain::parse(report.domain()).ok()?,
        organization: text(report.org_name()),
        report_id: text(report.report_id()),
        begins_at: seconds(report.date_range_begin()),
        ends_at: seconds(report.date_range_end()),
        good,
        bad,
        document: document(&findings)?,
    })
}

/// The policy in the words of the record.
fn policy(found: &PolicyPublished) -> String {
    let own = if found.p == Disposition::Unspecified {
        Disposition::None
    } else {
        found.p
    };
    let mut tags = vec![format!("p={}", word(own))];
    for (name, disposition) in [("sp", found.sp), ("np", found.np)] {
        if disposition != Disposition::Unspecified {
            tags.push(format!("{name}={}", word(disposition)));
        }
    }
    for (name, alignment) in [("adkim", found.adkim), ("aspf", found.aspf)] {
        if alignment == Alignment::Strict {
            tags.push(format!("{name}=s"));
        }
    }
    if found.testing {
        tags.push("t=y".to_owned());
    }
    tags.join("; ")
}

/// RFC 7489 appendix C.
fn reason(kind: PolicyOverride) -> &'static str {
    match kind {
        PolicyOverride::LocalPolicy => "local_policy",
        PolicyOverride::MailingList => "mailing_list",
        PolicyOverride::PolicyTestMode => "policy_test_mode",
        PolicyOverride::TrustedForwarder => "trusted_forwarder",
        PolicyOverride::Other => "other",
    }
}

fn record(record: &Record) -> DmarcRecord {
    let evaluated = &record.row.policy_evaluated;
    let listed = |all: Vec<String>| all.into_iter().take(MOST_LISTED).collect::<Vec<_>>();
    let dkim = record.auth_results.dkim.iter();
    let spf = record.auth_results.spf.iter();
    DmarcRecord {
        source: record.row.source_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        messages: record.row.count.into(),
        disposition: match evaluated.disposition {
            ActionDisposition::Quarantine => "quarantine".to_owned(),
            ActionDisposition::Reject => "reject".to_owned(),
            ActionDisposition::None | ActionDisposition::Pass | ActionDisposition::Unspecified => "none".to_owned(),
        },
        dkim_aligned: evaluated.dkim == DmarcResult::Pass,
        spf_aligned: evaluated.spf == DmarcResult::Pass,
        header_from: text(&record.identifiers.header_from),
        envelope_from: text(&record.identifiers.envelope_from),
        reasons: listed(evaluated.reason.iter().map(|it| reason(it.type_).to_owned()).collect()),
        dkim: listed(
            dkim.map(|it| format!("{} ({}): {}", text(&it.domain), text(&it.selector), word(it.result)))
                .collect(),
        ),
        spf: listed(spf.map(|it| format!("{}: {}", text(&it.domain), word(it.result))).collect()),
    }
}

fn tls(report: &TlsReport) -> Option<ReceivedReport> {
    let policies: Vec<TlsPolicyFindings> = report.policies.iter().take(MOST_LISTED).map(tls_policy).collect();
    let sum = |count: &dyn Fn(&TlsPolicyFindings) -> u64| policies.iter().map(count).fold(0, u64::saturating_add);
    let (good, bad) = (sum(&|it| it.successful_sessions), sum(&|it| it.failed_sessions));
    let domain = report.policies.first()?.policy.policy_domain.clone();
    let moment = |seconds: i64| timestamp(seconds.saturating_mul(1_000));
    let findings = TlsFindings {
        contact: text(report.contact_info.as_deref().unwrap_or_default()),
        policies,
    };
    Some(ReceivedReport {
        id: ReportId::fresh(),
        kind: ReportKind::Tls,
        domain: Domain::parse(&domain).ok()?,
        organization: text(report.organization_name.as_deref().unwrap_or_default()),
        report_id: text(&report.report_id),
        begins_at: moment(report.date_range.start_datetime.to_timestamp()),
        ends_at: moment(report.date_range.end_datetime.to_timestamp()),
        good,
        bad,
        document: document(&findings)?,
    })
}

fn tls_policy(found: &Policy) -> TlsPolicyFindings {
    TlsPolicyFindings {
        policy_type: match found.policy.policy_type {
            PolicyType::Tlsa => "tlsa",
            PolicyType::Sts => "sts",
            PolicyType::NoPolicyFound => "no-policy-found",
            PolicyType::Other => "other",
        }
        .to_owned(),
        policy_domain: text(&found.policy.policy_domain),
        successful_sessions: found.summary.total_success.into(),
        failed_sessions: found.summary.total_failure.into(),
        failures: found.failure_details.iter().take(MOST_RECORDS).map(tls_failure).collect(),
    }
}

fn tls_failure(found: &FailureDetails) -> TlsFailure {
    TlsFailure {
        result_type: match found.result_type {
            ResultType::Other => "other".to_owned(),
            known => word(known),
        },
        sending_address: found.sending_mta_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        receiving_host: text(found.receiving_mx_hostname.as_deref().unwrap_or_default()),
        receiving_address: found.receiving_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        sessions: found.failed_session_count.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_within_its_bound() {
        let published = PolicyPublished {
            domain: "house.test".into(),
            p: Disposition::Reject,
            adkim: Alignment::Strict,
            ..PolicyPublished::default()
        };
        let record = |count, dkim| {
            Record::new()
                .with_source_ip("192.0.2.1".parse().unwrap())
                .with_count(count)
                .with_dmarc_dkim_result(dkim)
                .with_header_from("house.test")
        };
        let report = Report::new()
            .with_policy_published(published)
            .with_org_name("them")
            .with_report_id("1")
            .with_date_range_begin(86_400)
            .with_record(record(3, DmarcResult::Pass))
            .with_record(record(2, DmarcResult::Fail));
        let mut letter = Vec::new();
        report
            .write_rfc5322("them.test", "a@them.test", std::iter::once("b@house.test"), &mut letter)
            .unwrap();
        let found = super::report(&letter, 100_000).unwrap();
        assert_eq!((found.good, found.bad, found.organization.as_str()), (3, 2, "them"));
        let findings: DmarcFindings = serde_json::from_str(&found.document).unwrap();
        assert_eq!(findings.policy, "p=reject; adkim=s");
        assert_eq!(findings.records.len(), 2);
        assert!(super::report(&letter, 100).is_none(), "it is larger than that");
        assert!(super::report(b"Subject: x\r\n\r\nx\r\n", 100).is_none());
    }
}
