//! argon2id and argon2i (RFC 9106), in the PHC string format.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};

/// OWASP's password storage cheat sheet: argon2id with 19 MiB of memory, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash made elsewhere may cost more than ours, but not without bound: 1 GiB, and 4 GiB for all its passes together.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_MEMORY_PASSES: u64 = 1 << 22;

pub(super) fn hash(password: &str) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

pub(super) fn matches(text: &str, password: &str) -> bool {
    // The parameters are those of the hash, whatever the default's are.
    Argon2::default().verify_password(password.as_bytes(), text).is_ok()
}

fn params(text: &str) -> Option<Params> {
    let hash = PasswordHash::new(text).ok()?;
    hash.salt?;
    hash.hash?;
    Params::try_from(&hash).ok()
}

pub(super) fn is_affordable(text: &str) -> bool {
    params(text).is_some_and(|params| {
        params.m_cost() <= MAX_MEMORY_KIB && u64::from(params.m_cost()) * u64::from(params.t_cost()) <= MAX_MEMORY_PASSES
    })
}

pub(super) fn is_outdated(text: &str) -> bool {
    !text.starts_with("$argon2id$") || params(text).is_none_or(|params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES)
}
