//! Dovecot's `{PBKDF2}$1$salt$rounds$digest`: PBKDF2 (RFC 8018 §5.2) with HMAC-SHA-1, the salt as it is written, the digest
//! in hexadecimal digits.

use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::salted::unhex;

/// Dovecot's default is 5,000; advice of today for SHA-1 is above a million.
const MAX_ROUNDS: u32 = 3_000_000;

/// A hash in this scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail::directory) struct Pbkdf2<'h> {
    salt: &'h str,
    rounds: u32,
    digest: Vec<u8>,
}

impl<'h> Pbkdf2<'h> {
    pub(super) fn parse(text: &'h str) -> Option<Self> {
        let mut parts = text.strip_prefix("$1$")?.split('$');
        let (salt, rounds, digest) = (parts.next()?, parts.next()?, parts.next()?);
        let rounds = rounds.parse().ok().filter(|rounds| (1..=MAX_ROUNDS).contains(rounds))?;
        let digest = unhex(digest).filter(|digest| digest.len() == 20)?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self { salt, rounds, digest })
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        let made: [u8; 20] = pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password.as_bytes(), self.salt.as_bytes(), self.rounds);
        made.ct_eq(&self.digest).into()
    }
}
