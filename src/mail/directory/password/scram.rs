//! The keys of SCRAM-SHA-256 as a stored hash: Dovecot's `{SCRAM-SHA-256}iterations,salt,stored key,server key`, and
//! `SCRAM-SHA-256$iterations:salt$stored key:server key` of RFC 5803 §2, as PostgreSQL keeps it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::wire::sasl::scram::Keys;

/// What a login may cost.
const MAX_ITERATIONS: u32 = 3_000_000;
/// RFC 7677 §4.
const MIN_ITERATIONS: u32 = 4_096;
const MAX_SALT: usize = 64;
/// The octets of the salt that we make.
const SALT: usize = 16;

/// Reads `iterations,salt,stored key,server key`.
pub(in crate::mail::directory) fn parse(text: &str) -> Option<Keys> {
    keys(text.split(','))
}

/// Reads `iterations:salt$stored key:server key`.
pub(super) fn parse_rfc(text: &str) -> Option<Keys> {
    let (salting, both) = text.split_once('$')?;
    let (iterations, salt) = salting.split_once(':')?;
    let (stored, server) = both.split_once(':')?;
    keys([iterations, salt, stored, server].into_iter())
}

fn keys<'t>(mut parts: impl Iterator<Item = &'t str>) -> Option<Keys> {
    let iterations = parts.next()?.parse().ok();
    let iterations = iterations.filter(|it| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(it))?;
    let mut octets = || STANDARD.decode(parts.next()?).ok();
    let (salt, stored, server) = (octets()?, octets()?, octets()?);
    if salt.is_empty() || salt.len() > MAX_SALT || parts.next().is_some() {
        return None;
    }
    Some(Keys {
        iterations,
        salt,
        stored: stored.try_into().ok()?,
        server: server.try_into().ok()?,
    })
}

/// Whether the password has keys.
pub(in crate::mail::directory) fn has_keys(password: &str) -> bool {
    stringprep::saslprep(password).is_ok()
}

/// The keys of a password, as text; none of a password that cannot be typed in SASL (RFC 4013 §2.3).
pub(in crate::mail::directory) fn make(password: &str, iterations: u32) -> Option<String> {
    let password = stringprep::saslprep(password).ok()?;
    let salt: [u8; SALT] = rand::random();
    let keys = derive(&password, iterations, &salt);
    let encode = |octets: &[u8]| STANDARD.encode(octets);
    Some(format!(
        "{iterations},{},{},{}",
        encode(&salt),
        encode(&keys.stored),
        encode(&keys.server)
    ))
}

pub(super) fn matches(keys: &Keys, password: &str) -> bool {
    let password = stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password));
    let made = derive(&password, keys.iterations, &keys.salt);
    made.stored.ct_eq(&keys.stored).into()
}

fn derive(password: &str, iterations: u32, salt: &[u8]) -> Keys {
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, iterations);
    Keys::of_salted(iterations, salt.to_vec(), &salted)
}
