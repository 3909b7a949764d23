//! Password hashes: made in one scheme, checked in all that Dovecot and ISPmail databases hold.
//!
//! `authenticate` and `users` call it, off the network threads: everything here is slow on purpose. New hashes are argon2id
//! (RFC 9106) at the parameters that OWASP's cheat sheet for password storage names; any other scheme [needs an upgrade](Hash::is_outdated).
//! What a stored hash may cost is bounded, and the passwords are compared in constant time.

mod argon;
mod crypt;
mod pbkdf2;
mod salted;
pub(super) mod scram;

use crate::wire::sasl::scram::Keys;

/// A stored hash whose scheme we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hash<'h> {
    /// `$argon2id$…` or `$argon2i$…`
    Argon2(&'h str),
    /// `$2y$…`
    Bcrypt(&'h str),
    /// `$5$…` or `$6$…`
    ShaCrypt(&'h str),
    /// `$1$…`
    Md5Crypt(&'h str),
    /// A digest of the password, and of a salt if there is any.
    Salted(salted::Salted),
    /// PBKDF2 with HMAC-SHA-1.
    Pbkdf2(pbkdf2::Pbkdf2<'h>),
    /// The keys of SCRAM-SHA-256.
    Scram(Keys),
}

impl<'h> Hash<'h> {
    /// Reads `{SCHEME}hash`, `{SCHEME.HEX}hash`, `{SCHEME.B64}hash`, or a hash that names its scheme by `$…$`. None if the scheme
    /// is not one of ours, if the hash is malformed, or if checking it would cost more than a login may.
    pub(super) fn parse(stored: &'h str) -> Option<Self> {
        let Some((name, text)) = stored.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return match stored.strip_prefix("SCRAM-SHA-256$") {
                Some(text) => scram::parse_rfc(text).map(Self::Scram),
                None => Self::modular(stored),
            };
        };
        let name = name.to_ascii_uppercase();
        let (scheme, encoding) = name.split_once('.').unwrap_or((&name, ""));
        match (scheme, encoding) {
            ("SCRAM-SHA-256", "") => scram::parse(text).map(Self::Scram),
            ("PBKDF2", "") => pbkdf2::Pbkdf2::parse(text).map(Self::Pbkdf2),
            ("ARGON2ID" | "ARGON2I" | "BLF-CRYPT" | "SHA512-CRYPT" | "SHA256-CRYPT" | "MD5-CRYPT" | "MD5" | "CRYPT", "") => {
                Self::modular(text)
            }
            _ => salted::Salted::parse(scheme, encoding, text).map(Self::Salted),
        }
    }

    /// The forms of crypt(3), each known by its prefix.
    fn modular(text: &'h str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        match parts.next()? {
            "argon2id" | "argon2i" => argon::is_affordable(text).then_some(Self::Argon2(text)),
            "2a" | "2b" | "2x" | "2y" => crypt::is_bcrypt(text).then_some(Self::Bcrypt(text)),
            "5" | "6" => crypt::is_sha_crypt(text).then_some(Self::ShaCrypt(text)),
            "1" => crypt::is_md5_crypt(text).then_some(Self::Md5Crypt(text)),
            _ => None,
        }
    }

    /// Whether it is the hash of this password.
    pub(super) fn matches(&self, password: &str) -> bool {
        match self {
            Self::Argon2(text) => argon::matches(text, password),
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::ShaCrypt(text) => crypt::sha_crypt_matches(text, password),
            Self::Md5Crypt(text) => crypt::md5_crypt_matches(text, password),
            Self::Salted(salted) => salted.matches(password),
            Self::Pbkdf2(pbkdf2) => pbkdf2.matches(password),
            Self::Scram(keys) => scram::matches(keys, password),
        }
    }

    /// Whether the password is to be hashed anew when it is next seen.
    pub(super) fn is_outdated(&self) -> bool {
        match self {
            Self::Argon2(text) => argon::is_outdated(text),
            _ => true,
        }
    }
}

/// A hash of the password in our scheme, with a fresh salt.
pub(super) fn hash(password: &str) -> Option<String> {
    argon::hash(password).map(|text| format!("{{ARGON2ID}}{text}"))
}

#[cfg(test)]
mod tests;
