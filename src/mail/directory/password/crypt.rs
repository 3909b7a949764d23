//! The schemes of crypt(3) before argon2: bcrypt, SHA-crypt, MD5-crypt.

use sha_crypt::{PasswordVerifier, ShaCrypt};
use subtle::ConstantTimeEq;

/// bcrypt doubles its work with each step; 16 are some seconds.
const MAX_BCRYPT_COST: u32 = 16;
/// SHA-crypt's default is 5,000.
const MAX_SHA_ROUNDS: u32 = 1_000_000;

/// `$2y$CC$` and 53 characters.
pub(super) fn is_bcrypt(text: &str) -> bool {
    let mut parts = text.split('$').skip(2);
    let cost = parts.next().and_then(|cost| cost.parse().ok());
    let rest = parts.next().map(str::len);
    cost.is_some_and(|cost: u32| (4..=MAX_BCRYPT_COST).contains(&cost)) && rest == Some(53) && parts.next().is_none()
}

/// `$6$[rounds=N$]salt$hash`
pub(super) fn is_sha_crypt(text: &str) -> bool {
    let mut parts = text.split('$').skip(2).peekable();
    if let Some(rounds) = parts.peek().and_then(|part| part.strip_prefix("rounds=")) {
        let affordable = rounds.parse().is_ok_and(|rounds: u32| (1_000..=MAX_SHA_ROUNDS).contains(&rounds));
        if !affordable {
            return false;
        }
        parts.next();
    }
    let (salt, hash) = (parts.next(), parts.next());
    let length = if text.starts_with("$5$") { 43 } else { 86 };
    salt.is_some_and(|salt| !salt.is_empty() && salt.len() <= 16) && hash.map(str::len) == Some(length) && parts.next().is_none()
}

pub(super) fn sha_crypt_matches(text: &str, password: &str) -> bool {
    ShaCrypt::default().verify_password(password.as_bytes(), text).is_ok()
}

/// `$1$salt$hash`
pub(super) fn is_md5_crypt(text: &str) -> bool {
    let mut parts = text.split('$').skip(2);
    let (salt, hash) = (parts.next(), parts.next());
    salt.is_some_and(|salt| salt.len() <= 8) && hash.map(str::len) == Some(22) && parts.next().is_none()
}

pub(super) fn md5_crypt_matches(text: &str, password: &str) -> bool {
    let salt = text.split('$').nth(2).unwrap_or_default();
    let made = md5crypt::md5crypt(password.as_bytes(), salt.as_bytes());
    made.ct_eq(text.as_bytes()).into()
}
