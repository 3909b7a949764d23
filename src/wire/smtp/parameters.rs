//! The parameters of MAIL and RCPT.
//!
//! RFC 5321 §4.1.2 (esmtp-param), RFC 1870 §6 (SIZE), RFC 6152 §2 (BODY), RFC 6531 §3.4 (SMTPUTF8),
//! RFC 3461 §4 (RET, ENVID, NOTIFY, ORCPT), RFC 4954 §5 (AUTH, which we read and do not use, since nobody is trusted with it).

use super::command::BadCommand;
use super::xtext;
use crate::model::envelope::{BodyType, Notify, Ret, Sender};

/// RFC 3461 §4.4 and §4.2: the most octets of ENVID and of ORCPT.
const MAX_ENVID: usize = 100;
const MAX_ORCPT: usize = 500;

const REPEATED: BadCommand = BadCommand::Parameter("a parameter is given twice");

/// Reads the parameters of MAIL into the sender.
pub(super) fn mail(text: &str, sender: &mut Sender) -> Result<(), BadCommand> {
    let mut seen = Vec::new();
    for (keyword, value) in split(text) {
        once(&mut seen, &keyword)?;
        match (keyword.as_str(), value) {
            ("SIZE", Some(value)) => sender.declared_size = Some(size(value)?),
            ("BODY", Some(value)) => sender.body = body(value)?,
            ("SMTPUTF8", None) => sender.smtputf8 = true,
            ("RET", Some(value)) => sender.ret = Some(ret(value)?),
            ("ENVID", Some(value)) => sender.envid = Some(envid(value)?),
            ("AUTH", Some(value)) if value == "<>" || xtext::decode(value).is_some() => {}
            ("SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH", _) => {
                return Err(BadCommand::Parameter("a parameter has no value, or has one where there is none"));
            }
            _ => return Err(BadCommand::UnknownParameter),
        }
    }
    Ok(())
}

/// Reads the parameters of RCPT: NOTIFY and ORCPT.
pub(super) fn rcpt(text: &str) -> Result<(Option<Notify>, Option<String>), BadCommand> {
    let (mut seen, mut wanted, mut original) = (Vec::new(), None, None);
    for (keyword, value) in split(text) {
        once(&mut seen, &keyword)?;
        match (keyword.as_str(), value) {
            ("NOTIFY", Some(value)) => wanted = Some(notify(value)?),
            ("ORCPT", Some(value)) => original = Some(orcpt(value)?),
            ("NOTIFY" | "ORCPT", None) => return Err(BadCommand::Parameter("NOTIFY and ORCPT need a value")),
            _ => return Err(BadCommand::UnknownParameter),
        }
    }
    Ok((wanted, original))
}

fn split(text: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (word.to_ascii_uppercase(), None),
        })
}

/// A line is bounded and so are its parameters: a list is enough to find a repetition.
fn once(seen: &mut Vec<String>, keyword: &str) -> Result<(), BadCommand> {
    if seen.iter().any(|other| other == keyword) {
        return Err(REPEATED);
    }
    seen.push(keyword.to_owned());
    Ok(())
}

/// RFC 1870 §4: one to twenty digits. What is more than we can count is more than anybody takes.
pub(super) fn size(value: &str) -> Result<u64, BadCommand> {
    let digits = (1..=20).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit());
    if !digits {
        return Err(BadCommand::Parameter("a size must be a number of octets"));
    }
    Ok(value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Result<BodyType, BadCommand> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(BodyType::SevenBit),
        "8BITMIME" => Ok(BodyType::EightBitMime),
        // RFC 3030 §3 BINARYMIME is not offered: a message here is made of lines.
        _ => Err(BadCommand::Parameter("BODY must be 7BIT or 8BITMIME")),
    }
}

fn ret(value: &str) -> Result<Ret, BadCommand> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Ok(Ret::Full),
        "HDRS" => Ok(Ret::Headers),
        _ => Err(BadCommand::Parameter("RET must be FULL or HDRS")),
    }
}

fn envid(value: &str) -> Result<String, BadCommand> {
    let decoded = if value.len() <= MAX_ENVID { xtext::decode(value) } else { None };
    decoded
        .filter(|envid| !envid.is_empty())
        .ok_or(BadCommand::Parameter("ENVID must be xtext of at most 100 octets"))
}

/// RFC 3461 §4.1: NEVER stands alone, the others at most once each.
fn notify(value: &str) -> Result<Notify, BadCommand> {
    const WRONG: BadCommand = BadCommand::Parameter("NOTIFY must be NEVER, or some of SUCCESS, FAILURE and DELAY");
    let mut notify = Notify {
        success: false,
        failure: false,
        delay: false,
    };
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(notify);
    }
    for word in value.split(',') {
        let wanted = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut notify.success,
            "FAILURE" => &mut notify.failure,
            "DELAY" => &mut notify.delay,
            _ => return Err(WRONG),
        };
        if std::mem::replace(wanted, true) {
            return Err(WRONG);
        }
    }
    Ok(notify)
}

/// RFC 3461 §4.2: `type;xtext`. The address of the type utf-8 has a coding of its own (RFC 6533 §3) and is kept as it came.
fn orcpt(value: &str) -> Result<String, BadCommand> {
    const WRONG: BadCommand = BadCommand::Parameter("ORCPT must be a type, ';', and xtext of at most 500 octets together");
    let (kind, address) = value.split_once(';').ok_or(WRONG)?;
    let kind_ok = !kind.is_empty() && kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if !kind_ok || address.is_empty() || value.len() > MAX_ORCPT {
        return Err(WRONG);
    }
    if kind.eq_ignore_ascii_case("utf-8") {
        let printable = !address.chars().any(|c| c.is_control() || c.is_whitespace());
        return if printable { Ok(value.to_owned()) } else { Err(WRONG) };
    }
    Ok(format!("{kind};{}", xtext::decode(address).ok_or(WRONG)?))
}
