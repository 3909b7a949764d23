//! MTA-STS: the record by which a domain says that it has a policy, and the policy: which hosts take its mail, only over TLS with a
//! valid certificate.
//!
//! Called by `mail::relay` to read those of others, and by `mail::client_setup` to write ours. Pure; what is not by the grammar is no record and no policy.
//!
//! RFC 8461 §3.1 (record), §3.2 (policy), §4.1 (matching hosts).

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// RFC 8461 §3.2: a year is the longest.
const LONGEST: u64 = 31_557_600;

/// What a sender is to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not deliver.
    Enforce,
    /// Deliver nevertheless, and tell.
    Testing,
    /// There is no policy any more.
    None,
}

/// The policy of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What to do about a failure.
    pub mode: Mode,
    /// How long it holds.
    pub max_age: Duration,
    /// Names of hosts, in lower case; `*.` stands for one label.
    pub mx: Vec<String>,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// A line is no field.
    #[error("line {0} is no field")]
    NoField(usize),
    /// A field that must be there is not, or has a value that it cannot have.
    #[error("'{0}' is missing or wrong")]
    Wrong(&'static str),
}

/// The id in the TXT records of `_mta-sts.domain`; none if there is not exactly one record of this kind, or it is broken.
pub fn record_id<'r>(records: impl IntoIterator<Item = &'r [u8]>) -> Option<&'r str> {
    let mut ours = records.into_iter().filter(|record| {
        let rest = record.strip_prefix(b"v=STSv1").map(<[u8]>::trim_ascii_start);
        rest.is_some_and(|rest| rest.starts_with(b";"))
    });
    let (record, None) = (ours.next()?, ours.next()) else {
        return None;
    };
    let mut fields = std::str::from_utf8(record)
        .ok()?
        .split(';')
        .map(|field| field.trim_matches([' ', '\t']));
    let mut id = None;
    let _version = fields.next();
    let mut fields = fields.peekable();
    while let Some(field) = fields.next() {
        // A delimiter may stand at the end.
        if field.is_empty() && fields.peek().is_none() {
            break;
        }
        let (name, value) = field.split_once('=')?;
        let is_id = name == "id" && value.len() <= 32 && !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_alphanumeric());
        match name {
            "id" if !is_id => return None,
            "id" => id = id.or(Some(value)),
            _ if is_name(name) && !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'=') => {}
            _ => return None,
        }
    }
    id
}

impl fmt::Display for Policy {
    /// The file (RFC 8461 §3.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        };
        write!(f, "version: STSv1\r\nmode: {mode}\r\n")?;
        self.mx.iter().try_for_each(|mx| write!(f, "mx: {mx}\r\n"))?;
        write!(f, "max_age: {}\r\n", self.max_age.as_secs())
    }
}

impl Policy {
    /// An id for its record, which another policy does not have (RFC 8461 §3.1).
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.to_string());
        digest.iter().take(10).map(|octet| format!("{octet:02x}")).collect()
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, BadPolicy> {
        let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        for (number, line) in text.split(|octet| *octet == b'\n').enumerate() {
            let no_field = BadPolicy::NoField(number + 1);
            let line = std::str::from_utf8(line).map_err(|_| no_field.clone())?;
            let line = line.strip_suffix('\r').unwrap_or(line).trim_end_matches([' ', '\t']);
            let (name, value) = line.split_once(':').filter(|(name, _)| is_name(name)).ok_or(no_field)?;
            let value = value.trim_start_matches([' ', '\t']);
            match name {
                // RFC 8461 §3.2: of a field that stands twice the first one counts, but for mx.
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" => mx.push(read_mx(value).ok_or(BadPolicy::Wrong("mx"))?),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(BadPolicy::Wrong("version"));
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            _ => return Err(BadPolicy::Wrong("mode")),
        };
        if mx.is_empty() && mode != Mode::None {
            return Err(BadPolicy::Wrong("mx"));
        }
        let digits = max_age.filter(|age| (1..=10).contains(&age.len()) && age.bytes().all(|octet| octet.is_ascii_digit()));
        let seconds: u64 = digits.and_then(|age| age.parse().ok()).ok_or(BadPolicy::Wrong("max_age"))?;
        Ok(Self {
            mode,
            max_age: Duration::from_secs(seconds.min(LONGEST)),
            mx,
        })
    }

    /// Whether the host is one of those that take the domain's mail.
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => *pattern == host,
        })
    }
}

fn is_name(text: &str) -> bool {
    let starts_right = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    starts_right && text.len() <= 32 && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"_-.".contains(&octet))
}

/// A name, maybe with `*.` before it.
fn read_mx(text: &str) -> Option<String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_label = |label: &str| {
        let is_right = label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
        is_right && (1..=63).contains(&label.len())
    };
    (name.len() <= 255 && name.trim_end_matches('.').split('.').all(is_label)).then(|| text.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let policy = Policy {
            mode: Mode::Testing,
            max_age: Duration::from_secs(604_800),
            mx: vec!["mail.house.test".into(), "*.house.test".into()],
        };
        assert_eq!(Policy::parse(policy.to_string().as_bytes()), Ok(policy.clone()));
        let record = format!("v=STSv1; id={}", policy.id());
        assert_eq!(record_id([record.as_bytes()]), Some(policy.id().as_str()));
        let other = Policy {
            mode: Mode::Enforce,
            ..policy.clone()
        };
        assert_ne!(other.id(), policy.id());
    }

    #[test]
    fn records_are_read() {
        for (record, id) in [
            // RFC 8461 §3.1.
            ("v=STSv1; id=20160831085700Z;", Some("20160831085700Z")),
            ("v=STSv1;id=1", Some("1")),
            ("v=STSv1 ; id=1 ; x-y.z=hm", Some("1")),
            ("v=STSv1; a=b; id=1;", Some("1")),
            ("v=STSv1; id=1; id=2", Some("1")),
            ("v=STSv1", None),
            ("v=STSv1;", None),
            ("v=STSv2; id=1", None),
            ("v=stsv1; id=1", None),
            ("v=STSv1; id=", None),
            ("v=STSv1; id=a b", None),
            ("v=STSv1; id=123456789012345678901234567890123", None),
            ("v=STSv1;; id=1", None),
            ("v=STSv1; id=1; a=b=c", None),
            ("v=STSv1; id=\u{e4}", None),
            ("v=spf1 -all", None),
        ] {
            assert_eq!(record_id([record.as_bytes()]), id, "{record}");
        }
        assert_eq!(record_id([b"v=spf1".as_slice(), b"v=STSv1; id=1"]), Some("1"));
        assert_eq!(record_id([b"v=STSv1; id=1".as_slice(), b"v=STSv1; id=2"]), None);
        assert_eq!(record_id([b"v=STSv1; id=\xff".as_slice()]), None);
    }

    #[test]
    fn policies_are_read() {
        // RFC 8461 §3.2.
        let policy = Policy::parse(
            b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
        );
        let policy = policy.unwrap();
        assert_eq!((policy.mode, policy.max_age.as_secs()), (Mode::Enforce, 604_800));
        assert_eq!(policy.mx, ["mail.example.com", "*.example.net", "backupmx.example.com"]);
        for (text, expected) in [
            ("version: STSv1\nmode: none\nmax_age: 0", Ok(Mode::None)),
            (
                "version:STSv1 \nmode:testing\nmx:A.test\nmax_age:9999999999\nx-new: hm \u{e4}",
                Ok(Mode::Testing),
            ),
            (
                "version: STSv1\nmode: enforce\nmode: none\nmx: a.test\nmax_age: 1\n",
                Ok(Mode::Enforce),
            ),
            ("", Err(BadPolicy::NoField(1))),
            ("version: STSv1\n\nmode: none\nmax_age: 0", Err(BadPolicy::NoField(2))),
            ("<html>", Err(BadPolicy::NoField(1))),
            ("mode: none\nmax_age: 0", Err(BadPolicy::Wrong("version"))),
            (
                "version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1",
                Err(BadPolicy::Wrong("mode")),
            ),
            ("version: STSv1\nmode: enforce\nmax_age: 1", Err(BadPolicy::Wrong("mx"))),
            (
                "version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1",
                Err(BadPolicy::Wrong("mx")),
            ),
            (
                "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1",
                Err(BadPolicy::Wrong("max_age")),
            ),
            (
                "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 12345678901",
                Err(BadPolicy::Wrong("max_age")),
            ),
        ] {
            assert_eq!(Policy::parse(text.as_bytes()).map(|policy| policy.mode), expected, "{text:?}");
        }
        let longest = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 9999999999").unwrap();
        assert_eq!(longest.max_age.as_secs(), LONGEST);
    }

    #[test]
    fn hosts_are_matched() {
        let policy = Policy::parse(b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 1").unwrap();
        for (host, is_named) in [
            ("mail.example.com", true),
            ("MAIL.example.COM.", true),
            ("a.example.net", true),
            // RFC 8461 §4.1: the star is one label and no more.
            ("a.b.example.net", false),
            ("example.net", false),
            (".example.net", false),
            ("mail.example.com.evil.test", false),
            ("amail.example.com", false),
            ("", false),
        ] {
            assert_eq!(policy.names(host), is_named, "{host}");
        }
    }
}
