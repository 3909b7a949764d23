//! The second factor: codes by time (RFC 6238), and recovery codes for who has lost what makes them.
//!
//! With it on, the API takes the password only together with a code, and mail clients log in with app passwords. A code is good once, for
//! its half minute and those before and after it (RFC 6238 §5.2).

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::cache::Account;
use super::failures::Attempt;
use super::users::known;
use super::{Directory, Inner, Visit, app_passwords, keys};
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::login::LoginOutcome;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store::db::{totp, users};

/// RFC 6238 §4.1: a step is half a minute.
const STEP_SECONDS: i64 = 30;
/// RFC 6238 §5.2: clocks differ by so many steps.
const STEPS_OFF: i64 = 1;
/// RFC 4226 §4 R6: as many octets as SHA-1 has.
const SECRET: usize = 20;
/// RFC 4226 §5.3: six digits.
const DIGITS: usize = 6;
const MODULO: u32 = 1_000_000;
const RECOVERY_CODES: usize = 10;

/// The second factor of a user, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Since when it is on; none: it is not.
    pub since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

/// What an app is given to make codes of.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The key in base32.
    pub secret: Secret,
    /// The same as an `otpauth:` address, for a QR code.
    pub uri: Secret,
}

impl Directory {
    /// How the second factor of a user stands. Errors: NotFound.
    pub async fn second_factor(&self, login: &str) -> Result<SecondFactor, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let user = known(&mut tx, login).await?.user.id;
        let found = totp::find(&mut tx, user).await?.filter(|totp| totp.confirmed_ms.is_some());
        Ok(SecondFactor {
            since: found.as_ref().and_then(|totp| totp.confirmed_ms).map(timestamp),
            recovery_codes: found.map_or(0, |totp| totp.recovery.len()),
        })
    }

    /// Makes a key for a second factor, which is on after [`Directory::confirm_second_factor`]. Errors: NotFound, InUse (one is on).
    pub async fn enrol_second_factor(&self, login: &str, issuer: &str) -> Result<Enrolment, Refusal> {
        let secret = rand::random::<[u8; SECRET]>().to_vec();
        let text = base32(&secret);
        let mut change = self.change().await?;
        let stored = known(&mut change.tx, login).await?;
        if stored.totp {
            return Err(Refusal::InUse(format!("{login} has a second factor already; remove it first")));
        }
        let new = totp::Totp {
            secret,
            confirmed_ms: None,
            last_step: 0,
            recovery: Vec::new(),
        };
        totp::put(&mut change.tx, stored.user.id, &new).await?;
        change.commit().await?;
        let escaped = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let (issuer, login) = (escaped(issuer), escaped(login));
        let uri = format!("otpauth://totp/{issuer}:{login}?secret={text}&issuer={issuer}");
        Ok(Enrolment {
            secret: Secret::new(text),
            uri: Secret::new(uri),
        })
    }

    /// Turns the second factor on, for a code of the key that was made for it; gives the recovery codes, this once. Errors: NotFound,
    /// InUse (it is on), Invalid (the code).
    pub async fn confirm_second_factor(&self, login: &str, code: &str) -> Result<Vec<Secret>, Refusal> {
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        if stored.totp {
            return Err(Refusal::InUse(format!("{login} has a second factor already")));
        }
        let found = totp::find(&mut change.tx, stored.user.id).await?;
        let now = self.inner.clock.now();
        let step = found
            .as_ref()
            .and_then(|totp| matching_step(&totp.secret, code, now, totp.last_step));
        let (Some(found), Some(step)) = (found, step) else {
            return Err(wrong_code());
        };
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| app_passwords::readable()).collect();
        let on = totp::Totp {
            confirmed_ms: Some(now.as_millisecond()),
            last_step: step,
            recovery: codes.iter().map(|code| keys::digest(&app_passwords::plain(code))).collect(),
            ..found
        };
        totp::put(&mut change.tx, stored.user.id, &on).await?;
        stored.totp = true;
        users::update(&mut change.tx, &stored).await?;
        change.note(Deed::SecondFactorEnabled, Resource::user(&stored.user.login), (None, None));
        change.commit().await?;
        Ok(codes.into_iter().map(Secret::new).collect())
    }

    /// Turns the second factor off. With `code`, only if it is right. Errors: NotFound, Invalid (the code).
    pub async fn remove_second_factor(&self, login: &str, code: Option<&str>) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        if let Some(code) = code {
            let found = totp::find(&mut change.tx, stored.user.id).await?;
            let now = self.inner.clock.now();
            found.and_then(|totp| spent(&totp, code, now)).ok_or_else(wrong_code)?;
        }
        totp::delete(&mut change.tx, stored.user.id).await?;
        if stored.totp {
            change.note(Deed::SecondFactorRemoved, Resource::user(&stored.user.login), (None, None));
        }
        stored.totp = false;
        users::update(&mut change.tx, &stored).await?;
        change.commit().await?;
        Ok(())
    }

    /// Checks the code that comes with a right password; it is spent by this. A wrong one counts as a failed login. Errors: CodeNeeded,
    /// BadCredentials.
    pub(super) async fn check_code(&self, account: &Account, attempt: Attempt, code: Option<&str>, visit: Visit) -> Result<(), Refusal> {
        let inner = &self.inner;
        let (outcome, refusal) = match code {
            None => (LoginOutcome::CodeNeeded, Refusal::CodeNeeded),
            Some(code) if inner.spend_code(account, code).await? => return Ok(()),
            Some(_) => {
                inner.failed(attempt);
                (LoginOutcome::WrongCode, Refusal::BadCredentials)
            }
        };
        inner.note(&account.user.login, visit, outcome);
        Err(refusal)
    }
}

impl Inner {
    async fn spend_code(&self, account: &Account, code: &str) -> Result<bool, Refusal> {
        let mut tx = self.database.write().await?;
        let Some(before) = totp::find(&mut tx, account.user.id).await? else {
            return Ok(false);
        };
        let Some(after) = spent(&before, code, self.clock.now()) else {
            return Ok(false);
        };
        let done = totp::spend(&mut tx, account.user.id, &before, &after).await?;
        tx.commit().await?;
        Ok(done)
    }
}

fn wrong_code() -> Refusal {
    Refusal::Invalid {
        field: "code",
        problem: "it is not the code of this moment; right would be the six digits that the app shows now".into(),
    }
}

/// What is left of the factor after this code; none if it is wrong.
fn spent(totp: &totp::Totp, code: &str, now: Timestamp) -> Option<totp::Totp> {
    if let Some(step) = matching_step(&totp.secret, code, now, totp.last_step) {
        return Some(totp::Totp {
            last_step: step,
            ..totp.clone()
        });
    }
    let digest = keys::digest(&app_passwords::plain(code));
    let left: Vec<String> = totp.recovery.iter().filter(|known| **known != digest).cloned().collect();
    (left.len() < totp.recovery.len()).then(|| totp::Totp {
        recovery: left,
        ..totp.clone()
    })
}

/// The time step, after the last one that was used, whose code this is.
fn matching_step(secret: &[u8], code: &str, now: Timestamp, last_step: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).take(DIGITS + 1).collect();
    let current = now.as_second().div_euclid(STEP_SECONDS);
    let steps = current.saturating_sub(STEPS_OFF)..=current.saturating_add(STEPS_OFF);
    let fits = |step: &i64| code_of(secret, *step).is_some_and(|right| bool::from(right.as_bytes().ct_eq(code.as_bytes())));
    steps.filter(|step| *step > last_step).find(fits)
}

/// RFC 4226 §5.3, of the time step.
fn code_of(secret: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last()? & 0x0f);
    let octets: [u8; 4] = digest.get(offset..offset.saturating_add(4))?.try_into().ok()?;
    let number = (u32::from_be_bytes(octets) & 0x7fff_ffff) % MODULO;
    Some(format!("{number:06}"))
}

/// RFC 4648 §6, without padding.
fn base32(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(octets.len() * 8 / 5 + 1);
    for five in octets.chunks(5) {
        let mut block = [0; 8];
        block.iter_mut().skip(3).zip(five).for_each(|(to, from)| *to = *from);
        let bits = u64::from_be_bytes(block);
        let digits = (five.len() * 8).div_ceil(5);
        text.extend(
            (0..digits)
                .filter_map(|at| ALPHABET.get((bits >> (35 - 5 * at) & 31) as usize))
                .copied()
                .map(char::from),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238 Appendix B, of eight digits the last six.
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code_of(secret, seconds / STEP_SECONDS).as_deref(), Some(code));
            let now = |off: i64| Timestamp::from_second(seconds + off).unwrap();
            let step = matching_step(secret, code, now(0), 0);
            assert_eq!(step, Some(seconds / STEP_SECONDS));
            assert_eq!(matching_step(secret, &format!(" {code}"), now(30), 0), step);
            assert_eq!(matching_step(secret, code, now(90), 0), None);
            assert_eq!(matching_step(secret, code, now(0), seconds / STEP_SECONDS), None, "it is good once");
        }
        assert_eq!(matching_step(secret, "2870820", Timestamp::from_second(59).unwrap(), 0), None);
    }

    #[test]
    fn keys_are_shown_in_base32() {
        // RFC 4648 §10.
        for (octets, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(octets.as_bytes()), text);
        }
    }
}
