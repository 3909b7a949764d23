//! Identifiers.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::RngExt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// A new id: time in the upper bits, chance in the lower, so that ids sort by age and nodes need not agree.
            pub fn fresh() -> Self {
                Self(fresh())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32(self.0 as u64, 13))
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                unbase32(text).and_then(|n| i64::try_from(n).ok()).map(Self).ok_or(BadId)
            }
        }
    };
}

id!(/// A domain of the directory.
    DomainId);
id!(/// A user of the directory.
    UserId);
id!(/// An alias of the directory.
    AliasId);
id!(/// An API key.
    ApiKeyId);
id!(/// An app password of a user.
    AppPasswordId);
id!(/// A state of the scripts that filter the mail of a user: another one after each change.
    FilterId);
id!(/// A login that was tried.
    LoginId);
id!(/// An entry of the audit log.
    AuditId);
id!(/// A program elsewhere that is told of events.
    WebhookId);
id!(/// An event on its way to a webhook.
    DeliveryId);
id!(/// A session of the API: from a login to the last of its refresh tokens.
    SessionId);
id!(/// A key that signs access tokens.
    TokenKeyId);
id!(/// A mailbox (folder) of a user. It stays when the mailbox is renamed.
    MailboxId);
id!(/// A report of others about a domain here.
    ReportId);
id!(/// An accepted message: stands in the SMTP reply, the Received line, the log, the queue and the trace.
    MailId);

/// Ids of entries of a log: they say when.
macro_rules! timed {
    ($($name:ident),*) => {$(
        impl $name {
            /// The smallest id of a moment: what was before it has smaller ones.
            pub fn earliest(at: jiff::Timestamp) -> Self {
                Self(earliest(at))
            }

            /// When it was made.
            pub fn at(self) -> jiff::Timestamp {
                super::clock::timestamp((self.0 >> CHANCE_BITS).saturating_add(EPOCH_MS))
            }
        }
    )*};
}

timed!(MailId, LoginId, AuditId, ReportId, DeliveryId);

fn earliest(at: jiff::Timestamp) -> i64 {
    let ms = at.as_millisecond().saturating_sub(EPOCH_MS).clamp(0, LAST_MS);
    ms << CHANCE_BITS
}

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{:032x}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix($letter).filter(|digits| digits.len() == 32).ok_or(BadId)?;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                u128::from_str_radix(digits, 16).ok().filter(|_| is_hex).map(Self).ok_or(BadId)
            }
        }
    };
}

object_id!(/// What a message holds: equal messages have the same, wherever they lie (EMAILID, RFC 8474 §5.1).
    EmailId, "M");
object_id!(/// The conversation that a message is part of (THREADID, RFC 8474 §5.2).
    ThreadId, "T");

/// The text is no id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct BadId;

/// 2024-01-01 in milliseconds: ids count from here, which leaves 41 bits of milliseconds until 2093.
const EPOCH_MS: i64 = 1_704_067_200_000;
const LAST_MS: i64 = (1 << 41) - 1;
/// The bits of an id that are left to chance.
const CHANCE_BITS: u32 = 22;

/// The newest id of this process: the next one is larger, also within a millisecond.
static NEWEST: AtomicI64 = AtomicI64::new(0);

fn fresh() -> i64 {
    let ms = (jiff::Timestamp::now().as_millisecond() - EPOCH_MS).max(0) & LAST_MS;
    let candidate = (ms << CHANCE_BITS) | rand::rng().random_range(0..(1_i64 << CHANCE_BITS));
    let before = NEWEST.fetch_max(candidate, Ordering::Relaxed);
    if before < candidate {
        return candidate;
    }
    NEWEST.fetch_add(1, Ordering::Relaxed).saturating_add(1)
}

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn base32(mut n: u64, width: usize) -> String {
    let mut digits = Vec::with_capacity(width);
    for _ in 0..width {
        digits.extend(ALPHABET.get((n & 31) as usize));
        n >>= 5;
    }
    digits.into_iter().rev().copied().map(char::from).collect()
}

fn unbase32(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 13 {
        return None;
    }
    text.bytes().try_fold(0_u64, |n, b| {
        let digit = ALPHABET.iter().position(|&a| a == b.to_ascii_lowercase())? as u64;
        n.checked_mul(32)?.checked_add(digit)
    })
}

/// A message's number in its mailbox: never changes, never repeats (RFC 3501 §2.3.1.1). Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub u32);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A mailbox's change counter (RFC 7162 §3.1): grows with every change of the mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_back() {
        for _ in 0..100 {
            let id = MailId::fresh();
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 13);
        }
        let ids: Vec<MailId> = (0..1000).map(|_| MailId::fresh()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "they sort by age");
        let now = jiff::Timestamp::now();
        assert!(MailId::earliest(now) <= MailId::fresh(), "an id is no earlier than its moment");
        assert!(MailId::earliest(now + jiff::SignedDuration::from_hours(1)) > MailId::fresh());
        assert!("".parse::<MailId>().is_err());
        assert!("!".parse::<MailId>().is_err());
        assert!("zzzzzzzzzzzzzzzzz".parse::<MailId>().is_err());
        assert!("zzzzzzzzzzzzz".parse::<MailId>().is_err());
    }

    #[test]
    fn object_ids_are_written_and_read_back() {
        let thread = ThreadId(0xab);
        assert_eq!(thread.to_string(), format!("T{}ab", "0".repeat(30)));
        assert_eq!(thread.to_string().parse(), Ok(thread));
        for bad in ["", "T", "Tab", &format!("M{}", "0".repeat(32)), &format!("T+{}", "0".repeat(31))] {
            assert_eq!(bad.parse::<ThreadId>(), Err(BadId), "{bad}");
        }
    }
}
