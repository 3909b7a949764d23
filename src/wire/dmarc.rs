//! DMARC: the record by which a domain says what is to be done with mail that only pretends to be of it.
//!
//! Called by `mail::checks`. Pure; what is not by the grammar counts as not said, and a record that says nothing is none.
//!
//! Deviations: of the `pct` tag of RFC 7489 §6.3 only 0 is heeded, as the test mode of RFC 9989 §4.7 that has taken its place.
//!
//! RFC 9989 §4.7 (tags), §4.10 (which names have a record), RFC 7489 §6.3 (tags).

use crate::model::address::EmailAddress;
use crate::model::verdict::Policy;

/// The longest URI that is kept.
const MOST_URI: usize = 1_024;
/// The most URIs that are kept.
const MOST_URIS: usize = 10;
/// RFC 9989 §4.10: the most questions for the records of one name.
const MOST_STEPS: usize = 8;

/// What a domain has published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// For the domain itself; none if it is missing or no policy.
    pub policy: Option<Policy>,
    /// For the names below it, where that is another one.
    pub subdomains: Option<Policy>,
    /// For the names below it that do not exist.
    pub nonexistent: Option<Policy>,
    /// The domain of a signature must be the author's, not only of the same organisation.
    pub is_dkim_strict: bool,
    /// So must be the domain of the sender.
    pub is_spf_strict: bool,
    /// Whether others register names below it; none: it does not say.
    pub is_public_suffix: Option<bool>,
    /// The policy is tried out only.
    pub is_test: bool,
    /// Where reports are wanted.
    pub reports: Vec<String>,
}

impl Record {
    /// The record in the TXT records of a name; none if there is not exactly one.
    pub fn select<'r>(texts: impl IntoIterator<Item = &'r [u8]>) -> Option<Self> {
        let mut records = texts.into_iter().filter_map(Self::parse);
        match (records.next(), records.next()) {
            (Some(record), None) => Some(record),
            _ => None,
        }
    }

    /// Reads a record; none if it is of another kind.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        let mut tags = text.split(';').map(|tag| {
            let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
            (name.trim().to_ascii_lowercase(), value.trim())
        });
        if tags.next() != Some(("v".to_owned(), "DMARC1")) {
            return None;
        }
        let mut record = Self::default();
        for (name, value) in tags {
            record.take(&name, value);
        }
        Some(record)
    }

    fn take(&mut self, name: &str, value: &str) {
        match name {
            "p" => self.policy = policy(value),
            "sp" => self.subdomains = policy(value),
            "np" => self.nonexistent = policy(value),
            "adkim" => self.is_dkim_strict = value.eq_ignore_ascii_case("s"),
            "aspf" => self.is_spf_strict = value.eq_ignore_ascii_case("s"),
            "psd" => {
                self.is_public_suffix = match value {
                    "y" | "Y" => Some(true),
                    "n" | "N" => Some(false),
                    _ => None,
                }
            }
            "t" => self.is_test |= value.eq_ignore_ascii_case("y"),
            "pct" => self.is_test |= value == "0",
            "rua" => {
                let uris = value
                    .split(',')
                    .map(str::trim)
                    .filter(|uri| !uri.is_empty() && uri.len() <= MOST_URI);
                self.reports = uris.take(MOST_URIS).map(str::to_owned).collect();
            }
            _ => {}
        }
    }

    /// What is to be done with mail of the domain itself that fails; none: the record says nothing of it (RFC 9989 §4.10.1).
    pub fn own_policy(&self) -> Option<Policy> {
        let policy = self.policy.or((!self.reports.is_empty()).then_some(Policy::None));
        policy.map(|policy| self.tried(policy))
    }

    /// The same for a name below it.
    pub fn policy_below(&self, exists: bool) -> Option<Policy> {
        let own = self.policy.or((!self.reports.is_empty()).then_some(Policy::None))?;
        let below = self.subdomains.unwrap_or(own);
        let policy = if exists { below } else { self.nonexistent.unwrap_or(below) };
        Some(self.tried(policy))
    }

    /// Whether it makes a difference that a name below it exists.
    pub fn cares_for_existence(&self) -> bool {
        self.policy_below(true) != self.policy_below(false)
    }

    /// RFC 9989 §4.7: one degree less where it is only tried out.
    fn tried(&self, policy: Policy) -> Policy {
        match policy {
            Policy::Reject if self.is_test => Policy::Quarantine,
            Policy::Quarantine if self.is_test => Policy::None,
            policy => policy,
        }
    }
}

/// An address that wants reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Where they go by mail.
    pub address: EmailAddress,
    /// The most octets of one; none: it does not say (RFC 7489 §6.2).
    pub most: Option<u64>,
}

impl Record {
    /// Where reports go by mail; what is none, or another way, is left out.
    pub fn destinations(&self) -> Vec<Destination> {
        self.reports.iter().filter_map(|uri| destination(uri)).collect()
    }
}

/// `mailto:` with an address, and `!` with a size behind it.
fn destination(uri: &str) -> Option<Destination> {
    let (scheme, rest) = uri.split_once(':')?;
    let (address, size) = rest.split_once('!').map_or((rest, None), |(address, size)| (address, Some(size)));
    let address = address.split('?').next().unwrap_or_default();
    let address = percent_encoding::percent_decode_str(address).decode_utf8().ok()?;
    let is_mail = scheme.eq_ignore_ascii_case("mailto");
    Some(Destination {
        address: EmailAddress::parse(&address).ok().filter(|_| is_mail)?,
        most: size.map(octets),
    })
}

/// A number with `k`, `m`, `g` or `t` behind it; 0 if it cannot be understood.
fn octets(size: &str) -> u64 {
    let (digits, power) = match size.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (size.get(..size.len().saturating_sub(1)), 10),
        Some(b'm') => (size.get(..size.len().saturating_sub(1)), 20),
        Some(b'g') => (size.get(..size.len().saturating_sub(1)), 30),
        Some(b't') => (size.get(..size.len().saturating_sub(1)), 40),
        _ => (Some(size), 0),
    };
    let number: u64 = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    number.saturating_mul(1 << power)
}

fn policy(word: &str) -> Option<Policy> {
    let all = [Policy::None, Policy::Quarantine, Policy::Reject];
    all.into_iter().find(|policy| policy.as_str().eq_ignore_ascii_case(word))
}

/// The names whose records count for a domain, the domain itself first, up to the last label (RFC 9989 §4.10).
pub fn steps(domain: &str) -> Vec<&str> {
    let mut names: Vec<&str> = vec![domain];
    let mut rest = domain;
    while let Some((_, above)) = rest.split_once('.') {
        names.push(above);
        rest = above;
    }
    // A long name leaves out the ones in between: seven labels are the most after the first question.
    let skipped = names.len().saturating_sub(MOST_STEPS);
    names.drain(1..=skipped);
    names
}

/// The domain of the organisation, by what was found at the [`steps`] of a name, in their order (RFC 9989 §4.10.2).
pub fn organization<'d>(domain: &'d str, found: &[(&'d str, Record)]) -> &'d str {
    for (name, record) in found {
        match record.is_public_suffix {
            Some(false) => return name,
            Some(true) if *name != domain => return one_label_below(name, domain),
            _ => {}
        }
    }
    found.last().map_or(domain, |(name, _)| name)
}

/// The part of `domain` that has one label more than `suffix`.
fn one_label_below<'d>(suffix: &str, domain: &'d str) -> &'d str {
    let above = domain.strip_suffix(suffix).unwrap_or_default().trim_end_matches('.');
    let from = above.rfind('.').map_or(0, |dot| dot.saturating_add(1));
    domain.get(from..).unwrap_or(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let text = b"v=DMARC1;p=Reject; sp = quarantine ;np=none; adkim=s; aspf=r; psd=n; pct=50; fo=1; rua=mailto:a@b.test, mailto:c@d.test!5m ;x";
        let expected = Record {
            policy: Some(Policy::Reject),
            subdomains: Some(Policy::Quarantine),
            nonexistent: Some(Policy::None),
            is_dkim_strict: true,
            is_public_suffix: Some(false),
            reports: vec!["mailto:a@b.test".into(), "mailto:c@d.test!5m".into()],
            ..Record::default()
        };
        assert_eq!(Record::parse(text), Some(expected));
        for none in ["", "v=DMARC1x; p=none", "v=spf1", "p=none; v=DMARC1", "v=dmarc1; p=none"] {
            assert_eq!(Record::parse(none.as_bytes()), None, "{none}");
        }
        assert!(Record::parse(b"v = DMARC1").is_some());
    }

    #[test]
    fn one_record_counts_and_two_are_none() {
        let (record, other): (&[u8], &[u8]) = (b"v=DMARC1; p=none", b"something else");
        assert!(Record::select([other, record]).is_some());
        assert!(Record::select([record, record]).is_none());
        assert!(Record::select([other]).is_none());
    }

    #[test]
    fn the_policy_depends_on_the_name() {
        let of = |text: &str| {
            let record = Record::parse(text.as_bytes()).unwrap();
            [record.own_policy(), record.policy_below(true), record.policy_below(false)]
        };
        let (none, quarantine, reject) = (Some(Policy::None), Some(Policy::Quarantine), Some(Policy::Reject));
        for (text, expected) in [
            ("v=DMARC1; p=reject", [reject, reject, reject]),
            ("v=DMARC1; p=none; sp=quarantine", [none, quarantine, quarantine]),
            ("v=DMARC1; p=none; np=reject", [none, none, reject]),
            ("v=DMARC1; p=reject; np=quarantine; t=y", [quarantine, quarantine, none]),
            ("v=DMARC1; p=reject; pct=0", [quarantine, quarantine, quarantine]),
            ("v=DMARC1; p=foo", [None, None, None]),
            ("v=DMARC1; p=foo; rua=mailto:a@b.test", [none, none, none]),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn destinations_are_addresses_with_a_size() {
        let record =
            Record::parse(b"v=DMARC1; rua=mailto:a@b.test!10k, MAILTO:c%2Bd@e.test?x, https://f.test/, mailto:g, mailto:h@i.test!x");
        let found = record.unwrap().destinations().into_iter();
        let shown: Vec<String> = found.map(|it| format!("{} {:?}", it.address, it.most)).collect();
        assert_eq!(shown, ["a@b.test Some(10240)", "c+d@e.test None", "h@i.test Some(0)"]);
    }

    #[test]
    fn the_steps_go_up_and_are_bounded() {
        assert_eq!(steps("a.b.test"), ["a.b.test", "b.test", "test"]);
        assert_eq!(steps("test"), ["test"]);
        let long = "1.2.3.4.5.6.7.8.9.10.test";
        assert_eq!(steps(long).len(), 8);
        assert_eq!(steps(long).first(), Some(&long));
        assert_eq!(steps(long).get(1), Some(&"5.6.7.8.9.10.test"));
    }

    #[test]
    fn the_organization_is_found_by_the_records() {
        let record = |text: &str| Record::parse(format!("v=DMARC1; p=none; {text}").as_bytes()).unwrap();
        let name = "a.b.c.test";
        for (found, expected) in [
            (vec![], "a.b.c.test"),
            (vec![("b.c.test", record(""))], "b.c.test"),
            (vec![("a.b.c.test", record("")), ("c.test", record(""))], "c.test"),
            (vec![("b.c.test", record("psd=n")), ("c.test", record(""))], "b.c.test"),
            (vec![("c.test", record("psd=y"))], "b.c.test"),
            (vec![("test", record("psd=y"))], "c.test"),
            (vec![("a.b.c.test", record("psd=y"))], "a.b.c.test"),
        ] {
            assert_eq!(organization(name, &found), expected, "{found:?}");
        }
    }
}
