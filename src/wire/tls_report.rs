//! TLS reports: the record by which a domain asks for them, and the report of a day, which is JSON.
//!
//! Called by `mail::reports`. Pure; what is not by the grammar is no record.
//!
//! RFC 8460 §3 (record), §4.4 (JSON).

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::address::EmailAddress;

/// How many addresses of a record are reported to.
const MOST_DESTINATIONS: usize = 5;
/// The longest URI that is looked at.
const MOST_URI: usize = 1_024;

/// Where a domain wants its reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// By mail.
    Mail(EmailAddress),
    /// By POST to this URL, which begins with `https:`.
    Https(String),
}

/// The destinations in the TXT records of `_smtp._tls.domain`; none if there is not exactly one record of this kind, or it is broken
/// (RFC 8460 §3).
pub fn destinations<'r>(records: impl IntoIterator<Item = &'r [u8]>) -> Vec<Destination> {
    let mut ours = records.into_iter().filter_map(|record| {
        let rest = record.strip_prefix(b"v=TLSRPTv1")?.trim_ascii_start();
        std::str::from_utf8(rest.strip_prefix(b";")?).ok()
    });
    let (Some(record), None) = (ours.next(), ours.next()) else {
        return Vec::new();
    };
    let mut fields = record.split(';').map(str::trim).filter_map(|field| field.split_once('='));
    let Some((_, uris)) = fields.find(|(name, _)| name.trim() == "rua") else {
        return Vec::new();
    };
    uris.split(',').filter_map(destination).take(MOST_DESTINATIONS).collect()
}

/// RFC 8460 §3: commas, exclamation points and semicolons in it are encoded.
fn destination(uri: &str) -> Option<Destination> {
    let uri = uri.trim();
    if uri.len() > MOST_URI || !uri.bytes().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    let scheme = |name: &str| uri.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    if scheme("https://") {
        return Some(Destination::Https(uri.to_owned()));
    }
    let address = uri.get("mailto:".len()..).filter(|_| scheme("mailto:"))?;
    let address = address.split('?').next().unwrap_or_default();
    let address = percent_encoding::percent_decode_str(address).decode_utf8().ok()?;
    EmailAddress::parse(&address).ok().map(Destination::Mail)
}

/// What was reported to a domain of a day.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Who reports.
    pub organization_name: String,
    /// Of when.
    pub date_range: DateRange,
    /// Whom to ask.
    pub contact_info: String,
    /// Used once.
    pub report_id: String,
    /// What happened under each policy.
    pub policies: Vec<Results>,
}

/// The first and the last moment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DateRange {
    /// In UTC.
    #[serde(serialize_with = "rfc3339")]
    pub start_datetime: Timestamp,
    /// In UTC.
    #[serde(serialize_with = "rfc3339")]
    pub end_datetime: Timestamp,
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// What happened under a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Results {
    /// The policy.
    pub policy: Policy,
    /// How often.
    pub summary: Summary,
    /// What went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<Failure>,
}

/// A policy as it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Policy {
    /// `tlsa`, `sts` or `no-policy-found`.
    pub policy_type: String,
    /// Its lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_string: Vec<String>,
    /// Whose it is.
    pub policy_domain: String,
    /// The hosts that an MTA-STS policy names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mx_host: Vec<String>,
}

/// How many sessions.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// As secure as they were to be.
    pub total_successful_session_count: u64,
    /// Not so.
    pub total_failure_session_count: u64,
}

/// One way in which sessions failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// RFC 8460 §4.3.
    pub result_type: String,
    /// Our address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sending_mta_ip: String,
    /// The host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub receiving_mx_hostname: String,
    /// Its address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub receiving_ip: String,
    /// How many sessions.
    pub failed_session_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(records: &[&str]) -> Vec<String> {
        let found = destinations(records.iter().map(|record| record.as_bytes()));
        found
            .into_iter()
            .map(|destination| match destination {
                Destination::Mail(address) => address.to_string(),
                Destination::Https(url) => url,
            })
            .collect()
    }

    #[test]
    fn records_are_read() {
        for (record, expected) in [
            ("v=TLSRPTv1; rua=mailto:tls@a.test", "tls@a.test"),
            ("v=TLSRPTv1;rua=mailto:tls@a.test;", "tls@a.test"),
            (
                "v=TLSRPTv1; rua=https://a.test/x?y=z , MAILTO:b%2Bc@a.test?subject=x",
                "https://a.test/x?y=z b+c@a.test",
            ),
            ("v=TLSRPTv1; ext=1; rua=mailto:tls@a.test", "tls@a.test"),
            ("v=TLSRPTv1; rua=http://a.test/", ""),
            ("v=TLSRPTv1; rua=mailto:", ""),
            ("v=TLSRPTv1; rua=", ""),
            ("v=TLSRPTv1", ""),
            ("v=TLSRPTv2; rua=mailto:tls@a.test", ""),
            ("", ""),
        ] {
            let expected: Vec<&str> = expected.split(' ').filter(|it| !it.is_empty()).collect();
            assert_eq!(shown(&[record]), expected, "{record}");
        }
        let two = ["v=TLSRPTv1; rua=mailto:a@a.test", "v=TLSRPTv1; rua=mailto:b@a.test"];
        assert_eq!(shown(&two), [""; 0]);
        assert_eq!(shown(&["other", two[0]]), ["a@a.test"]);
    }

    #[test]
    fn any_octets_are_a_record_or_none() {
        let record = b"v=TLSRPTv1; rua=mailto:tls@a.test,https://a.test/x";
        for length in 0..record.len() {
            destinations([&record[..length]]);
            let mut broken = record.to_vec();
            broken[length] ^= 0x80;
            destinations([&broken[..]]);
        }
    }
}
