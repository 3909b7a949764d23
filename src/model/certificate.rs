//! Certificates of this server, as they are shown.

use jiff::Timestamp;

/// A certificate that the doors have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Who vouches for it.
    pub issuer: String,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// SHA-256 of the whole of it, in hexadecimal.
    pub fingerprint: String,
    /// Where it comes from.
    pub source: Source,
    /// Whether it is shown to clients that ask for no name, or for one that none is for.
    pub is_default: bool,
    /// Why a newer one was not taken in its place.
    pub problem: Option<String>,
}

impl Certificate {
    /// Whether it is for this host (RFC 9525 §6.3).
    pub fn covers(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names
            .iter()
            .any(|name| *name == host || name.strip_prefix("*.").is_some_and(|rest| Some(rest) == parent))
    }
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Files that the configuration names.
    File,
    /// An authority, by ACME.
    Acme,
    /// Made here, and vouched for by nobody.
    SelfSigned,
}

impl Source {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Acme => "acme",
            Self::SelfSigned => "self_signed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_hosts_that_it_names() {
        let certificate = |name: &str| Certificate {
            names: vec![name.to_owned()],
            issuer: String::new(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::UNIX_EPOCH,
            fingerprint: String::new(),
            source: Source::File,
            is_default: true,
            problem: None,
        };
        let plain = certificate("mail.house.test");
        assert!(plain.covers("Mail.house.test") && !plain.covers("house.test"));
        let wild = certificate("*.house.test");
        assert!(wild.covers("a.house.test") && !wild.covers("house.test") && !wild.covers("a.b.house.test"));
    }
}
