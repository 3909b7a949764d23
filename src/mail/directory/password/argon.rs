//! argon2id and argon2i (RFC 9106), in the PHC string format.

use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD;
use rand::RngExt;
use subtle::ConstantTimeEq;

/// OWASP's password storage cheat sheet: argon2id with 19 MiB of memory, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash made elsewhere may cost more than ours, but not without bound: 1 GiB, and 4 GiB for all its passes together.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_MEMORY_PASSES: u64 = 1 << 22;

/// The octets of salt and hash that we make (RFC 9106 §4).
const SALT: usize = 16;
const HASH: usize = 32;

pub(super) fn hash(password: &str) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).ok()?;
    let salt: [u8; SALT] = rand::rng().random();
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = compute(&argon, password, &salt, HASH)?;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Some(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"))
}

pub(super) fn matches(text: &str, password: &str) -> bool {
    agrees(text, password).unwrap_or(false)
}

/// The parameters are those of the hash, whatever ours are.
fn agrees(text: &str, password: &str) -> Option<bool> {
    let known = PasswordHash::new(text).ok()?;
    let (salt, hash) = (known.salt?, known.hash?);
    let algorithm = Algorithm::try_from(known.algorithm.as_str()).ok()?;
    let version = known.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
    let argon = Argon2::new(algorithm, version, Params::try_from(&known).ok()?);
    let computed = compute(&argon, password, &salt, hash.len())?;
    Some(computed.ct_eq(hash.as_bytes()).into())
}

fn compute(argon: &Argon2<'_>, password: &str, salt: &[u8], length: usize) -> Option<Vec<u8>> {
    let blocks = argon.params().block_count();
    let memory = vec![Block::default(); blocks];
    let mut hash = vec![0; length];
    argon
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, memory)
        .ok()?;
    Some(hash)
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
