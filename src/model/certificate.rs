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
