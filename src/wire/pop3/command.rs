//! Command lines (RFC 1939 §3, RFC 2449 §4).

use bytes::{Bytes, BytesMut};

use crate::model::secret::Secret;
use crate::wire::sasl::Mechanism;

/// The most octets of a command line with its end. RFC 2449 §4 has 255; a long password needs more.
pub const MAX_LINE: usize = 1024;

/// The most octets of a line of a SASL exchange with its end (RFC 5034 §4).
pub const MAX_SASL_LINE: usize = crate::wire::sasl::MAX_RESPONSE + 2;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `USER name`
    User(String),
    /// `PASS password`; blanks belong to the password.
    Pass(Secret),
    /// `AUTH [mechanism [initial response]]`
    Auth(Auth),
    /// `STAT`
    Stat,
    /// `LIST [message]`
    List(Option<MessageNumber>),
    /// `UIDL [message]`
    Uidl(Option<MessageNumber>),
    /// `RETR message`
    Retr(MessageNumber),
    /// `TOP message lines`
    Top {
        /// Which message.
        message: MessageNumber,
        /// How many lines of the body.
        lines: u64,
    },
    /// `DELE message`
    Dele(MessageNumber),
    /// `RSET`
    Rset,
    /// `NOOP`
    Noop,
    /// `CAPA`
    Capa,
    /// `STLS`
    Stls,
    /// `UTF8 [USER]`
    Utf8,
    /// `LANG [range]` (RFC 6856 §3)
    Lang(Option<String>),
    /// `QUIT`
    Quit,
}

/// What AUTH asks for (RFC 5034 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Nothing: the mechanisms shall be listed (an old custom).
    List,
    /// An exchange.
    Named {
        /// The mechanism; none if it is not known.
        mechanism: Option<Mechanism>,
        /// The initial response, if there is one.
        initial: Option<Initial>,
    },
}

/// A SASL response as it came, in base64. It holds a password.
pub type Initial = Secret;

/// A message's number in the session, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageNumber(pub u32);

/// What is wrong with a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// No such command.
    #[error("unknown command")]
    Unknown,
    /// Its arguments: what would be right.
    #[error("wrong arguments, right would be: {0}")]
    Arguments(&'static str),
    /// It is not text.
    #[error("the command is not UTF-8")]
    NotText,
}

/// The line is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line is too long")]
pub struct TooLong;

/// Takes a line off the input, without its end; none if its end has not come yet. LF alone ends a line too.
pub fn take_line(input: &mut BytesMut, most: usize) -> Result<Option<Bytes>, TooLong> {
    let Some(at) = memchr::memchr(b'\n', input.get(..most).unwrap_or(input)) else {
        return if input.len() >= most { Err(TooLong) } else { Ok(None) };
    };
    let mut line = input.split_to(at.saturating_add(1));
    line.truncate(at);
    if line.last() == Some(&b'\r') {
        line.truncate(at.saturating_sub(1));
    }
    Ok(Some(line.freeze()))
}

impl Command {
    /// Reads a line without its end.
    pub fn parse(line: &[u8]) -> Result<Self, BadCommand> {
        let line = std::str::from_utf8(line).map_err(|_| BadCommand::NotText)?;
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        // A blank at the end of a line is common; only in PASS it may be meant.
        let arguments = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "USER" if arguments.is_empty() => Err(BadCommand::Arguments("USER name")),
            "USER" => Ok(Self::User(arguments.to_owned())),
            "PASS" if rest.is_empty() => Err(BadCommand::Arguments("PASS password")),
            "PASS" => Ok(Self::Pass(Secret::new(rest))),
            "AUTH" => auth(arguments).map(Self::Auth),
            "LIST" => optional_number(arguments, "LIST [message]").map(Self::List),
            "UIDL" => optional_number(arguments, "UIDL [message]").map(Self::Uidl),
            "RETR" => number(arguments, "RETR message").map(Self::Retr),
            "DELE" => number(arguments, "DELE message").map(Self::Dele),
            "TOP" => top(arguments),
            "UTF8" if arguments.is_empty() || arguments.eq_ignore_ascii_case("USER") => Ok(Self::Utf8),
            "LANG" if arguments.contains(' ') => Err(BadCommand::Arguments("LANG [language]")),
            "LANG" => Ok(Self::Lang(Some(arguments.to_owned()).filter(|range| !range.is_empty()))),
            "UTF8" => Err(BadCommand::Arguments("UTF8 [USER]")),
            verb => bare(verb, arguments),
        }
    }
}

/// The commands without arguments.
fn bare(verb: &str, arguments: &str) -> Result<Command, BadCommand> {
    let command = match verb {
        "STAT" => Command::Stat,
        "RSET" => Command::Rset,
        "NOOP" => Command::Noop,
        "CAPA" => Command::Capa,
        "STLS" => Command::Stls,
        "QUIT" => Command::Quit,
        _ => return Err(BadCommand::Unknown),
    };
    if arguments.is_empty() {
        Ok(command)
    } else {
        Err(BadCommand::Arguments("no argument"))
    }
}

fn auth(arguments: &str) -> Result<Auth, BadCommand> {
    let mut words = arguments.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (None, ..) => Ok(Auth::List),
        (Some(name), initial, None) => Ok(Auth::Named {
            mechanism: Mechanism::parse(name),
            initial: initial.map(Secret::new),
        }),
        (_, _, Some(_)) => Err(BadCommand::Arguments("AUTH [mechanism [response]]")),
    }
}

fn top(arguments: &str) -> Result<Command, BadCommand> {
    const RIGHT: &str = "TOP message lines";
    let (message, lines) = arguments.split_once(' ').ok_or(BadCommand::Arguments(RIGHT))?;
    let lines = digits(lines.trim()).ok_or(BadCommand::Arguments(RIGHT))?;
    Ok(Command::Top {
        message: number(message, RIGHT)?,
        lines,
    })
}

fn optional_number(text: &str, right: &'static str) -> Result<Option<MessageNumber>, BadCommand> {
    if text.is_empty() { Ok(None) } else { number(text, right).map(Some) }
}

fn number(text: &str, right: &'static str) -> Result<MessageNumber, BadCommand> {
    let number = digits(text).ok_or(BadCommand::Arguments(right))?;
    // A number beyond all messages is well-formed: no such message.
    Ok(MessageNumber(u32::try_from(number).unwrap_or(u32::MAX)))
}

/// Digits only, for `parse` alone would take a `+`.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        use BadCommand::{Arguments, NotText, Unknown};
        let number = MessageNumber;
        let named = |mechanism, initial: Option<&str>| Auth::Named {
            mechanism,
            initial: initial.map(Secret::new),
        };
        let table: [(&[u8], Result<Command, BadCommand>); 27] = [
            (b"user ann@x.example", Ok(Command::User("ann@x.example".into()))),
            (b"USER", Err(Arguments("USER name"))),
            (b"PASS a b ", Ok(Command::Pass(Secret::new("a b ")))),
            (b"PASS", Err(Arguments("PASS password"))),
            (b"AUTH", Ok(Command::Auth(Auth::List))),
            (b"AUTH plain", Ok(Command::Auth(named(Some(Mechanism::Plain), None)))),
            (
                b"AUTH PLAIN AGEAYg==",
                Ok(Command::Auth(named(Some(Mechanism::Plain), Some("AGEAYg==")))),
            ),
            (b"AUTH NTLM", Ok(Command::Auth(named(None, None)))),
            (b"AUTH PLAIN a b", Err(Arguments("AUTH [mechanism [response]]"))),
            (b"STAT", Ok(Command::Stat)),
            (b"STAT 1", Err(Arguments("no argument"))),
            (b"LIST", Ok(Command::List(None))),
            (b"LIST 2 ", Ok(Command::List(Some(number(2))))),
            (b"LIST +2", Err(Arguments("LIST [message]"))),
            (b"UIDL 99999999999999999999999", Ok(Command::Uidl(Some(number(u32::MAX))))),
            (b"RETR", Err(Arguments("RETR message"))),
            (
                b"TOP 1 0",
                Ok(Command::Top {
                    message: number(1),
                    lines: 0,
                }),
            ),
            (b"TOP 1", Err(Arguments("TOP message lines"))),
            (b"TOP 1 -1", Err(Arguments("TOP message lines"))),
            (b"UTF8 user", Ok(Command::Utf8)),
            (b"lang", Ok(Command::Lang(None))),
            (b"LANG en-GB", Ok(Command::Lang(Some("en-GB".into())))),
            (b"LANG a b", Err(Arguments("LANG [language]"))),
            (b"quit", Ok(Command::Quit)),
            (b"APOP a b", Err(Unknown)),
            (b"", Err(Unknown)),
            (b"USER \xff", Err(NotText)),
        ];
        for (line, command) in table {
            assert_eq!(Command::parse(line), command, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn lines_are_taken_off() {
        let mut input = BytesMut::from(&b"NOOP\r\nSTAT\nQUI"[..]);
        assert_eq!(take_line(&mut input, 20), Ok(Some(Bytes::from_static(b"NOOP"))));
        assert_eq!(take_line(&mut input, 20), Ok(Some(Bytes::from_static(b"STAT"))));
        assert_eq!(take_line(&mut input, 20), Ok(None));
        assert_eq!(take_line(&mut input, 3), Err(TooLong));
        assert_eq!(input, &b"QUI"[..]);
        assert_eq!(take_line(&mut BytesMut::from(&b"12345\r\n"[..]), 5), Err(TooLong));
        assert_eq!(take_line(&mut BytesMut::from(&b"\n"[..]), 5), Ok(Some(Bytes::new())));
    }
}
