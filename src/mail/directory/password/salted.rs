//! `{SSHA256}` and `{SSHA512}`: a digest of password and salt, followed by the salt, in Base64 or hexadecimal digits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// A hash in one of these schemes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail::directory) struct Salted {
    digest: Vec<u8>,
    salt: Vec<u8>,
    wide: bool,
}

impl Salted {
    /// `encoding` is what follows the dot in the scheme's name.
    pub(super) fn parse(scheme: &str, encoding: &str, text: &str) -> Option<Self> {
        let mut octets = match encoding {
            "" | "B64" | "BASE64" => STANDARD.decode(text).ok()?,
            "HEX" => unhex(text)?,
            _ => return None,
        };
        let wide = scheme == "SSHA512";
        let length = if wide { 64 } else { 32 };
        if octets.len() < length {
            return None;
        }
        let salt = octets.split_off(length);
        Some(Self {
            digest: octets,
            salt,
            wide,
        })
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        if self.wide {
            self.compare::<Sha512>(password)
        } else {
            self.compare::<Sha256>(password)
        }
    }

    fn compare<D: Digest>(&self, password: &str) -> bool {
        let made = D::new().chain_update(password).chain_update(&self.salt).finalize();
        made.as_slice().ct_eq(&self.digest).into()
    }
}

/// Octets from pairs of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
