//! The form of rewritten senders: `srs0=HASH=DAY=host=local@ours` and, for one that another server had rewritten before,
//! `srs1=HASH=host==…@ours`, which leads back to that server. All in lower case and compared so, since some servers change the case.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::model::address::{Domain, EmailAddress, Host};

/// For how many days an address is good.
const GOOD_FOR: i64 = 21;
/// The day is written modulo this: two digits of base 32.
const DAYS: i64 = 1024;
/// Digits of the hash: 40 bits of HMAC-SHA256, which can only be tried out against this server.
const HASH: usize = 8;
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Why an address is not to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// The hash is not ours.
    Forged,
    /// It is older than it may be.
    Expired,
}

/// The sender, rewritten to a domain of ours. None: it would be too long, or its host is no domain.
pub(super) fn rewrite(key: &[u8], today: i64, sender: &EmailAddress, ours: &Domain) -> Option<EmailAddress> {
    let (local, host) = (sender.local(), sender.domain()?);
    let (form, rest) = match prefix(local) {
        // `srs0=…` of another server: bounces go there, and no further hash is carried along than theirs.
        Some(("srs0", rest)) => ("srs1", format!("{host}=={rest}")),
        // Already at its second server: the first one stays, ours takes the second's place.
        Some(("srs1", rest)) => ("srs1", rest.split_once('=')?.1.to_owned()),
        _ => ("srs0", format!("{}={host}={local}", day(today))),
    };
    let hash = hash(key, ours, form, &rest);
    EmailAddress::new(&format!("{form}={hash}={rest}"), Host::Domain(ours.clone())).ok()
}

/// Whom a rewritten sender stands for; none if it is no rewritten sender.
pub(super) fn restore(key: &[u8], today: i64, address: &EmailAddress) -> Result<Option<EmailAddress>, Bad> {
    let Some((form, rest)) = prefix(address.local()) else {
        return Ok(None);
    };
    let Some((hash_given, rest)) = rest.split_once('=') else {
        return Ok(None);
    };
    let Some(ours) = address.domain() else { return Ok(None) };
    let expected = hash(key, ours, form, rest);
    if !bool::from(expected.as_bytes().ct_eq(hash_given.to_ascii_lowercase().as_bytes())) {
        return Err(Bad::Forged);
    }
    let (host, local) = if form == "srs0" {
        let (day, rest) = rest.split_once('=').ok_or(Bad::Forged)?;
        // Another node's clock may be a day ahead.
        if age(day, today + 1).ok_or(Bad::Forged)? > GOOD_FOR + 1 {
            return Err(Bad::Expired);
        }
        let (host, local) = rest.split_once('=').ok_or(Bad::Forged)?;
        (host, local.to_owned())
    } else {
        let (host, rest) = rest.split_once("==").ok_or(Bad::Forged)?;
        (host, format!("SRS0={rest}"))
    };
    let host = Domain::parse(host).map_err(|_| Bad::Forged)?;
    EmailAddress::new(&local, Host::Domain(host)).map(Some).map_err(|_| Bad::Forged)
}

/// The form, in lower case, and what follows; other servers also write `SRS0+` and `SRS0-`.
fn prefix(local: &str) -> Option<(&'static str, &str)> {
    let (form, rest) = local.split_at_checked(5)?;
    let form = ["srs0", "srs1"]
        .into_iter()
        .find(|name| form.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(name)))?;
    local
        .get(4..5)
        .is_some_and(|separator| "=+-".contains(separator))
        .then_some((form, rest))
}

fn hash(key: &[u8], ours: &Domain, form: &str, rest: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(format!("{form}\0{ours}\0{}", rest.to_lowercase()).as_bytes());
    let octets = mac.finalize().into_bytes();
    octets.iter().take(HASH).map(|&octet| digit(i64::from(octet))).collect()
}

fn digit(value: i64) -> char {
    let place = usize::try_from(value.rem_euclid(32)).unwrap_or_default();
    DIGITS.get(place).copied().map_or('a', char::from)
}

fn day(today: i64) -> String {
    [digit(today.div_euclid(32)), digit(today)].into_iter().collect()
}

/// How many days ago it was written, as far as two digits say.
fn age(day: &str, today: i64) -> Option<i64> {
    let mut written = 0;
    for octet in day.bytes() {
        let place = DIGITS.iter().position(|digit| *digit == octet.to_ascii_lowercase())?;
        written = written * 32 + i64::try_from(place).ok()?;
    }
    (day.len() == 2).then(|| (today - written).rem_euclid(DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"key";

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn ours(text: &str, today: i64) -> EmailAddress {
        rewrite(KEY, today, &address(text), &Domain::parse("ours.test").unwrap()).unwrap()
    }

    #[test]
    fn what_is_rewritten_is_restored() {
        for today in [0, 31, 32, 1023, 1024, 20_780] {
            for sender in ["ada@client.test", "a=b+c@x.y.test", "\"a b\"@client.test", "SRS@client.test"] {
                let rewritten = ours(sender, today);
                assert_eq!(rewritten.domain().unwrap().as_str(), "ours.test");
                for later in [0, 1, 21] {
                    assert_eq!(restore(KEY, today + later, &rewritten), Ok(Some(address(sender))), "{rewritten}");
                }
                assert_eq!(restore(KEY, today + 22, &rewritten), Err(Bad::Expired));
                assert_eq!(restore(KEY, today - 2, &rewritten), Err(Bad::Expired), "from the future");
                assert_eq!(restore(b"other", today, &rewritten), Err(Bad::Forged));
                let shouted = address(&rewritten.to_string().to_uppercase());
                assert_eq!(restore(KEY, today, &shouted), Ok(Some(address(sender))), "{shouted}");
            }
        }
    }

    #[test]
    fn what_others_rewrote_goes_back_to_the_first_of_them() {
        let first = "SRS0=abcd=2W=client.test=ada@first.test";
        let second = ours(first, 7);
        assert!(second.to_string().starts_with("srs1=") && second.local().ends_with("=first.test==abcd=2W=client.test=ada"));
        assert_eq!(restore(KEY, 9999, &second), Ok(Some(address(first))));
        let third = rewrite(b"third", 7, &second, &Domain::parse("third.test").unwrap()).unwrap();
        assert_eq!(restore(b"third", 7, &third), Ok(Some(address(first))));
        assert!(third.local().len() <= second.local().len());
    }

    #[test]
    fn what_was_changed_is_forged_and_the_rest_is_none_of_it() {
        let rewritten = ours("ada@client.test", 7).to_string();
        for changed in [
            rewritten.replace("ada", "eve"),
            rewritten.replace("client", "other"),
            rewritten.replace("=ah=", "=ai="),
        ] {
            assert_ne!(changed, rewritten);
            assert_eq!(restore(KEY, 7, &address(&changed)), Err(Bad::Forged), "{changed}");
        }
        assert_eq!(restore(KEY, 7, &address("SRS0=x=y@ours.test")), Err(Bad::Forged));
        for other in [
            "srs0@ours.test",
            "srs0=@ours.test",
            "srs2=a=b=c=d@ours.test",
            "ada@ours.test",
            "ärs0=x@ours.test",
        ] {
            assert_eq!(restore(KEY, 7, &address(other)), Ok(None), "{other}");
        }
        let long = address(&format!("{}@client.test", "a".repeat(50)));
        assert_eq!(rewrite(KEY, 7, &long, &Domain::parse("ours.test").unwrap()), None);
    }
}
