//! What a filter says to the server.
//!
//! Deviation: a reply of the filter's own with a code other than 4yz and 5yz is malformed, where libmilter would refuse to send it.

use super::{Agreed, VERSION, action, step};
use crate::wire::smtp::reply::EnhancedStatus;

/// The longest packet that is read, in octets: a piece of a body, or a field, has at most 65,535.
pub const MOST: usize = 131_072;

/// The most characters of a reply's text.
const TEXT: usize = 8_192;

/// What a filter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What it wants to hear and may do.
    Agreed(Agreed),
    /// Go on.
    Continue,
    /// The message, or the connection, is taken; it does not want to hear more of it.
    Accept,
    /// It is refused.
    Reject,
    /// It is refused for now.
    Tempfail,
    /// It is refused with these words.
    Reply(Said),
    /// The message is taken, and thrown away.
    Discard,
    /// The client's connection is to be ended.
    Shutdown,
    /// No more of the body is wanted.
    Skip,
    /// It is still at work.
    Progress,
    /// A change of the message.
    Change(Change),
}

/// A reply of the filter's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// 400 to 599.
    pub code: u16,
    /// Of the same class as the code, if there is one.
    pub status: Option<EnhancedStatus>,
    /// Lines are separated by LF.
    pub text: String,
}

/// A change of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A field at the end of the header.
    AddField(Field),
    /// A field at this place of the header; 0 is before all others.
    InsertField(u32, Field),
    /// The field of this name with this number, the first is 1, has another value; or goes, where the value is empty.
    ChangeField(u32, Field),
    /// One more recipient.
    AddRecipient(String),
    /// One recipient less.
    DeleteRecipient(String),
    /// Another sender; empty for the null sender.
    Sender(String),
    /// A piece of the body that takes the place of the one that came.
    Body(Vec<u8>),
    /// The message is to be put aside: why.
    Quarantine(String),
}

/// A field of the header: the name is one (RFC 5322 §3.6.8), the value has neither zero octets nor CR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Vec<u8>,
    /// Its value as the filter has it; lines are separated by LF.
    pub value: Vec<u8>,
}

/// Why octets are no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// The length is 0, or more than [`MOST`].
    #[error("the length of its packet is out of range")]
    Length,
    /// There is no such answer.
    #[error("its answer is none that is known")]
    Unknown,
    /// The data is not what belongs to the answer.
    #[error("its answer is malformed")]
    Malformed,
    /// It wants what was not offered.
    #[error("it asks for what was not offered")]
    NotOffered,
}

/// The length of a packet after these four octets.
pub fn length(octets: [u8; 4]) -> Result<usize, BadAnswer> {
    let length = usize::try_from(u32::from_be_bytes(octets)).unwrap_or(usize::MAX);
    if (1..=MOST).contains(&length) {
        Ok(length)
    } else {
        Err(BadAnswer::Length)
    }
}

/// Reads a packet without its length.
pub fn parse(packet: &[u8]) -> Result<Answer, BadAnswer> {
    let (kind, data) = packet.split_first().ok_or(BadAnswer::Length)?;
    Ok(match kind {
        b'O' => Answer::Agreed(agreed(data)?),
        b'c' => Answer::Continue,
        b'a' => Answer::Accept,
        b'r' => Answer::Reject,
        b't' => Answer::Tempfail,
        b'd' => Answer::Discard,
        b's' => Answer::Skip,
        b'p' => Answer::Progress,
        // That the connection failed (`f`) no filter of today says; it is meant alike.
        b'4' | b'f' => Answer::Shutdown,
        b'y' => Answer::Reply(said(data)?),
        _ => Answer::Change(change(*kind, data)?),
    })
}

fn change(kind: u8, data: &[u8]) -> Result<Change, BadAnswer> {
    Ok(match kind {
        b'h' => Change::AddField(field(data)?),
        b'i' => {
            let (place, data) = number(data)?;
            Change::InsertField(place, field(data)?)
        }
        b'm' => {
            let (place, data) = number(data)?;
            Change::ChangeField(place, field(data)?)
        }
        b'+' => Change::AddRecipient(address(data, false)?),
        b'2' => Change::AddRecipient(address(data, true)?),
        b'-' => Change::DeleteRecipient(address(data, false)?),
        b'e' => Change::Sender(address(data, true)?),
        b'b' => Change::Body(data.to_vec()),
        b'q' => Change::Quarantine(plain(only(texts(data)?)?)),
        _ => return Err(BadAnswer::Unknown),
    })
}

/// What it wants, which is no more than was offered. Lists of macros may follow, for which it was not asked.
fn agreed(data: &[u8]) -> Result<Agreed, BadAnswer> {
    let (version, data) = number(data)?;
    let (actions, data) = number(data)?;
    let (steps, _) = number(data)?;
    if !(2..=VERSION).contains(&version) || actions & !action::ALL != 0 || steps & !step::ALL != 0 {
        return Err(BadAnswer::NotOffered);
    }
    Ok(Agreed { version, actions, steps })
}

fn number(data: &[u8]) -> Result<(u32, &[u8]), BadAnswer> {
    let (octets, rest) = data.split_first_chunk().ok_or(BadAnswer::Malformed)?;
    Ok((u32::from_be_bytes(*octets), rest))
}

/// The texts of a packet: each ends with a zero octet.
fn texts(data: &[u8]) -> Result<Vec<&[u8]>, BadAnswer> {
    let all = data.strip_suffix(&[0]).ok_or(BadAnswer::Malformed)?;
    Ok(all.split(|octet| *octet == 0).collect())
}

fn only(texts: Vec<&[u8]>) -> Result<&[u8], BadAnswer> {
    match texts.as_slice() {
        [only] => Ok(only),
        _ => Err(BadAnswer::Malformed),
    }
}

/// Without control characters.
fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(TEXT).collect()
}

fn field(data: &[u8]) -> Result<Field, BadAnswer> {
    let [name, value] = <[&[u8]; 2]>::try_from(texts(data)?).map_err(|_| BadAnswer::Malformed)?;
    let is_name = !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':');
    if !is_name {
        return Err(BadAnswer::Malformed);
    }
    Ok(Field {
        name: name.to_vec(),
        value: value.iter().copied().filter(|octet| *octet != b'\r').collect(),
    })
}

/// An address without its angle brackets; parameters may follow it, and are not taken over.
fn address(data: &[u8], with_parameters: bool) -> Result<String, BadAnswer> {
    let texts = texts(data)?;
    let (Some(text), true) = (texts.first(), texts.len() <= 1 + usize::from(with_parameters)) else {
        return Err(BadAnswer::Malformed);
    };
    let text = std::str::from_utf8(text).map_err(|_| BadAnswer::Malformed)?.trim();
    let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
    if text.chars().any(char::is_control) {
        return Err(BadAnswer::Malformed);
    }
    Ok(text.to_owned())
}

/// `550 5.7.1 Text`; several lines are separated by CRLF, each with the code. `%` stands twice.
fn said(data: &[u8]) -> Result<Said, BadAnswer> {
    let text = String::from_utf8_lossy(only(texts(data)?)?).replace("%%", "%");
    let mut said: Option<Said> = None;
    for line in text.split('\n').map(|line| line.trim_end_matches('\r')) {
        let (code, rest) = line.split_at_checked(3).ok_or(BadAnswer::Malformed)?;
        let code: u16 = code.parse().map_err(|_| BadAnswer::Malformed)?;
        let rest = match rest.strip_prefix([' ', '-']) {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return Err(BadAnswer::Malformed),
        };
        let first = rest.split(' ').next().unwrap_or_default();
        let status = EnhancedStatus::parse(first).filter(|status| u16::from(status.class()) == code / 100);
        let rest = if status.is_some() {
            rest.get(first.len()..).unwrap_or_default().trim_start()
        } else {
            rest
        };
        let is_next = said.as_ref().is_none_or(|said| said.code == code);
        if !(400..600).contains(&code) || !is_next {
            return Err(BadAnswer::Malformed);
        }
        match &mut said {
            None => {
                said = Some(Said {
                    code,
                    status,
                    text: plain(rest.as_bytes()),
                })
            }
            Some(said) if said.text.len() < TEXT => {
                said.text.push('\n');
                said.text.push_str(&plain(rest.as_bytes()));
            }
            Some(_) => {}
        }
    }
    said.ok_or(BadAnswer::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.into(),
            value: value.into(),
        }
    }

    fn reply(code: u16, status: Option<&str>, text: &str) -> Answer {
        Answer::Reply(Said {
            code,
            status: status.map(|status| EnhancedStatus::parse(status).unwrap()),
            text: text.into(),
        })
    }

    #[test]
    fn answers_are_read() {
        let agreed = Agreed {
            version: 6,
            actions: 0x31,
            steps: 0x08_0000,
        };
        for (packet, expected) in [
            (&b"c"[..], Answer::Continue),
            (b"a", Answer::Accept),
            (b"r", Answer::Reject),
            (b"t", Answer::Tempfail),
            (b"d", Answer::Discard),
            (b"s", Answer::Skip),
            (b"p", Answer::Progress),
            (b"4", Answer::Shutdown),
            (b"O\0\0\0\x06\0\0\0\x31\0\x08\0\0", Answer::Agreed(agreed)),
            (b"O\0\0\0\x06\0\0\0\x31\0\x08\0\0\0\0\0\x02i j\0", Answer::Agreed(agreed)),
            (b"y550 5.7.1 No 100%% \0", reply(550, Some("5.7.1"), "No 100% ")),
            (b"y451 Later\0", reply(451, None, "Later")),
            (b"y554\0", reply(554, None, "")),
            (b"y550 4.7.1 x\0", reply(550, None, "4.7.1 x")),
            (b"y550-5.7.1 one\r\n550 5.7.1 two\0", reply(550, Some("5.7.1"), "one\ntwo")),
            (b"hX-A\0 b\n\tc\0", Answer::Change(Change::AddField(field("X-A", " b\n\tc")))),
            (
                b"i\0\0\0\x01X-A\0b\r\n c\0",
                Answer::Change(Change::InsertField(1, field("X-A", "b\n c"))),
            ),
            (b"m\0\0\0\x02X-A\0\0", Answer::Change(Change::ChangeField(2, field("X-A", "")))),
            (b"+<a@b.test>\0", Answer::Change(Change::AddRecipient("a@b.test".into()))),
            (
                b"2<a@b.test>\0NOTIFY=NEVER\0",
                Answer::Change(Change::AddRecipient("a@b.test".into())),
            ),
            (b"-a@b.test\0", Answer::Change(Change::DeleteRecipient("a@b.test".into()))),
            (b"e<>\0", Answer::Change(Change::Sender(String::new()))),
            (b"ba\0b", Answer::Change(Change::Body(b"a\0b".to_vec()))),
            (b"qbad\nword\0", Answer::Change(Change::Quarantine("badword".into()))),
        ] {
            assert_eq!(parse(packet), Ok(expected), "{}", packet.escape_ascii());
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (packet, expected) in [
            (&b""[..], BadAnswer::Length),
            (b"z", BadAnswer::Unknown),
            (b"O\0\0\0\x06", BadAnswer::Malformed),
            (b"O\0\0\0\x01\0\0\0\0\0\0\0\0", BadAnswer::NotOffered),
            (b"O\0\0\0\x07\0\0\0\0\0\0\0\0", BadAnswer::NotOffered),
            (b"O\0\0\0\x06\0\0\x01\0\0\0\0\0", BadAnswer::NotOffered),
            (b"O\0\0\0\x06\0\0\0\0\0\0\x08\0", BadAnswer::NotOffered),
            (b"y250 ok\0", BadAnswer::Malformed),
            (b"y55\0", BadAnswer::Malformed),
            (b"y550x\0", BadAnswer::Malformed),
            (b"y550 no", BadAnswer::Malformed),
            (b"y550-one\r\n551 two\0", BadAnswer::Malformed),
            (b"hX-A\0", BadAnswer::Malformed),
            (b"hX A\0b\0", BadAnswer::Malformed),
            (b"h\0b\0", BadAnswer::Malformed),
            (b"hX:A\0b\0", BadAnswer::Malformed),
            (b"i\0\0X\0b\0", BadAnswer::Malformed),
            (b"+a@b.test", BadAnswer::Malformed),
            (b"+a@b.test\0x\0", BadAnswer::Malformed),
            (b"+a\r\n@b.test\0", BadAnswer::Malformed),
            (b"+\xff\0", BadAnswer::Malformed),
        ] {
            assert_eq!(parse(packet), Err(expected), "{}", packet.escape_ascii());
        }
        assert_eq!(length([0, 0, 0, 1]), Ok(1));
        assert_eq!(length([0, 0, 0, 0]), Err(BadAnswer::Length));
        assert_eq!(length([1, 0, 0, 0]), Err(BadAnswer::Length));
    }
}
