//! `{SSHA256}`, `{SSHA512}` and older ones: a digest of password and salt, followed by the salt if there is any, in Base64 or hexadecimal
//! digits. Those of old servers are quick to try passwords on; like all others they are replaced at the next login.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// A hash in one of these schemes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail::directory) struct Salted {
    digest: Vec<u8>,
    salt: Vec<u8>,
    algorithm: Algorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Salted {
    /// `encoding` is what follows the dot in the scheme's name. None if the scheme is none of these.
    pub(super) fn parse(scheme: &str, encoding: &str, text: &str) -> Option<Self> {
        let (algorithm, has_salt) = match scheme {
            "SSHA256" => (Algorithm::Sha256, true),
            "SSHA512" => (Algorithm::Sha512, true),
            "SSHA" => (Algorithm::Sha1, true),
            "SMD5" => (Algorithm::Md5, true),
            "SHA256" => (Algorithm::Sha256, false),
            "SHA512" => (Algorithm::Sha512, false),
            "SHA" | "SHA1" => (Algorithm::Sha1, false),
            "PLAIN-MD5" | "LDAP-MD5" => (Algorithm::Md5, false),
            _ => return None,
        };
        let is_hex = encoding == "HEX" || (encoding.is_empty() && scheme == "PLAIN-MD5");
        let mut octets = match encoding {
            _ if is_hex => unhex(text)?,
            "" | "B64" | "BASE64" => STANDARD.decode(text).ok()?,
            _ => return None,
        };
        let length = algorithm.length();
        if octets.len() < length || (!has_salt && octets.len() != length) {
            return None;
        }
        let salt = octets.split_off(length);
        Some(Self {
            digest: octets,
            salt,
            algorithm,
        })
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        match self.algorithm {
            Algorithm::Md5 => self.compare::<Md5>(password),
            Algorithm::Sha1 => self.compare::<Sha1>(password),
            Algorithm::Sha256 => self.compare::<Sha256>(password),
            Algorithm::Sha512 => self.compare::<Sha512>(password),
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
