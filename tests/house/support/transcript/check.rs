//! Sentences about the state of the house.
//!
//! ```text
//! inbox of bob@house.test has 1 message          (or `no message`, `2 messages`)
//! mailbox Sent of bob@house.test has 1 message
//! message 1 of bob@house.test contains "TEXT"    (or `lacks`, `begins with`); with LF line ends
//! body 1 of bob@house.test is "TEXT"
//! flags 1 of bob@house.test are "FS"
//! queue has 1 message
//! ```

use std::path::PathBuf;

use super::parse::unescape;
use crate::support::house::House;
use crate::support::maildir;

/// Whether the sentence is true; says what is so instead.
pub fn check(house: &House, sentence: &str) -> Result<(), String> {
    let (subject, object) = split(sentence).ok_or("this sentence is not understood")?;
    let words: Vec<&str> = subject.split(' ').collect();
    let verb = words.last().copied().unwrap_or_default();
    match words.as_slice() {
        ["queue", "has"] => counted(house.queued(), object),
        ["inbox", "of", address, "has"] => counted(house.inbox(address).len(), object),
        ["mailbox", name, "of", address, "has"] => {
            let folder = house.maildir(address).join(format!(".{}", name.replace('/', ".")));
            counted(maildir::messages(&folder).len(), object)
        }
        ["flags", number, "of", address, "are"] => same(&maildir::flags(&file(house, number, address)?), object),
        ["body", number, "of", address, "is"] => same(maildir::body(&maildir::text(&file(house, number, address)?)), object),
        ["message", number, "of", address, ..] => compare(&maildir::text(&file(house, number, address)?), verb, object),
        _ => Err("this sentence is not understood".into()),
    }
}

/// Splits at the quoted text, or before the count.
fn split(sentence: &str) -> Option<(&str, &str)> {
    match sentence.find('"') {
        Some(at) => Some((sentence[..at].trim_end(), &sentence[at..])),
        None => {
            let at = sentence.find(" has ")? + " has".len();
            Some((&sentence[..at], sentence[at..].trim()))
        }
    }
}

fn counted(count: usize, wanted: &str) -> Result<(), String> {
    let wanted = match wanted.split(' ').next() {
        Some("no") => 0,
        Some(number) => number.parse().map_err(|_| "a number of messages is missing")?,
        None => return Err("a number of messages is missing".into()),
    };
    if count == wanted {
        Ok(())
    } else {
        Err(format!("there are {count}"))
    }
}

fn file(house: &House, number: &str, address: &str) -> Result<PathBuf, String> {
    let number: usize = number.parse().map_err(|_| "the number of a message is missing")?;
    let files = house.inbox(address);
    files
        .get(number.wrapping_sub(1))
        .cloned()
        .ok_or_else(|| format!("there are {}", files.len()))
}

fn compare(text: &str, verb: &str, quoted: &str) -> Result<(), String> {
    let wanted = unquote(quoted)?;
    let holds = match verb {
        "contains" => text.contains(&wanted),
        "lacks" => !text.contains(&wanted),
        "with" => text.starts_with(&wanted),
        _ => return Err("this verb is not known".into()),
    };
    if holds { Ok(()) } else { Err(format!("it is\n{text}")) }
}

fn same(given: &str, quoted: &str) -> Result<(), String> {
    let wanted = unquote(quoted)?;
    if given == wanted { Ok(()) } else { Err(format!("it is {given:?}")) }
}

fn unquote(quoted: &str) -> Result<String, String> {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("a quote is not closed")?;
    String::from_utf8(unescape(inner)?).map_err(|_| "no UTF-8".into())
}
