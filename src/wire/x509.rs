//! What a certificate says of itself.
//!
//! RFC 5280 §4.1 (the fields), RFC 5280 §4.2.1.6 (the names that it is for), RFC 6125 §6.4.3 (`*` as the first label).

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};
use x509_parser::time::ASN1Time;

/// The most names of a certificate that are read.
const MOST_NAMES: usize = 1_000;

/// What is read of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The names and addresses that it is for, in lower case; `*.example.org` stands for each name with one label more.
    pub names: Vec<String>,
    /// Who vouches for it.
    pub issuer: String,
    /// Whether nobody else does.
    pub self_signed: bool,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// Reads a certificate in DER. None: it is none.
pub fn describe(der: &[u8]) -> Option<Described> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut names = alternative_names(&certificate);
    if names.is_empty() {
        names.extend(common_name(certificate.subject()));
    }
    names.sort();
    names.dedup();
    let validity = certificate.validity();
    Some(Described {
        names,
        issuer: certificate.issuer().to_string(),
        self_signed: certificate.issuer() == certificate.subject(),
        not_before: moment(validity.not_before)?,
        not_after: moment(validity.not_after)?,
    })
}

/// By what a certificate is told from all others (RFC 5652 §10.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Who issued it: the name in DER.
    pub issuer: Vec<u8>,
    /// With what number: the octets of the integer.
    pub serial: Vec<u8>,
}

/// Reads of a certificate in DER who issued it. None: it is none.
pub fn issued(der: &[u8]) -> Option<Issued> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Issued {
        issuer: certificate.issuer().as_raw().to_vec(),
        serial: certificate.raw_serial().to_vec(),
    })
}

/// Whether a name of a certificate stands for this one, which is in lower case.
pub fn stands_for(name: &str, wanted: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => wanted
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => name == wanted,
    }
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter().take(MOST_NAMES);
    names.filter_map(alternative_name).collect()
}

fn alternative_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*octets).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn common_name(subject: &X509Name<'_>) -> Option<String> {
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    Some(name.to_ascii_lowercase())
}

fn moment(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_says_for_whom_and_how_long_it_is() {
        let mut params = CertificateParams::new(vec!["Mail.Example.org".into(), "*.example.org".into()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "somebody else");
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2027, 1, 30);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let described = describe(made.der()).unwrap();
        assert_eq!(described.names, ["*.example.org", "2001:db8::1", "mail.example.org"]);
        assert_eq!(described.not_before.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(described.not_after.to_string(), "2027-01-30T00:00:00Z");
        assert!(described.self_signed && described.issuer.contains("somebody else"));
        assert_eq!(describe(b"nothing of the kind"), None);
        assert_eq!(describe(&made.der()[..100]), None);
    }

    #[test]
    fn a_star_is_one_label() {
        for (name, wanted, does) in [
            ("mail.example.org", "mail.example.org", true),
            ("mail.example.org", "example.org", false),
            ("*.example.org", "mail.example.org", true),
            ("*.example.org", "a.mail.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
        ] {
            assert_eq!(stands_for(name, wanted), does, "{name} {wanted}");
        }
    }
}
