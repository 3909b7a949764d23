//! Replies as values (RFC 1939 §3, RFC 2449 §8, RFC 3206 §4).

use std::borrow::Cow;

use super::language;
use crate::wire::sasl;

/// The most octets of a reply line with its end (RFC 2449 §4).
const MAX_REPLY: usize = 512;

/// Why, for programs: the word in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The last login was too short a time ago (RFC 2449 §8.1.1).
    LoginDelay,
    /// Another session holds the maildrop (RFC 2449 §8.1.2).
    InUse,
    /// The login: credentials, or where they may be sent (RFC 3206 §4).
    Auth,
    /// Trouble of ours that may pass (RFC 3206 §4).
    SysTemp,
    /// Trouble of ours that needs a person (RFC 3206 §4).
    SysPerm,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LoginDelay => "LOGIN-DELAY",
            Self::InUse => "IN-USE",
            Self::Auth => "AUTH",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
        }
    }
}

/// The first line of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK text`
    Ok(Cow<'static, str>),
    /// `-ERR [code] text`
    Err(Option<Code>, Cow<'static, str>),
    /// `+ challenge`: the client's turn in a SASL exchange (RFC 5034 §4).
    Challenge(Vec<u8>),
}

impl Reply {
    /// `+OK` with this text.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Ok(text.into())
    }

    /// `-ERR` with this text.
    pub fn err(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Err(None, text.into())
    }

    /// Whether it is `-ERR`.
    pub const fn is_err(&self) -> bool {
        matches!(self, Self::Err(..))
    }

    /// The line with its end. What would end it earlier is taken out, and it is cut at the limit.
    pub fn encode(&self) -> Vec<u8> {
        let mut line = match self {
            Self::Ok(text) => format!("+OK {text}"),
            Self::Err(None, text) => format!("-ERR {text}"),
            Self::Err(Some(code), text) => format!("-ERR [{}] {text}", code.as_str()),
            Self::Challenge(octets) => return format!("+ {}\r\n", sasl::challenge(octets)).into_bytes(),
        };
        line.retain(|char| !char.is_control());
        line.truncate(line.floor_char_boundary(MAX_REPLY.saturating_sub(2)));
        line.push_str("\r\n");
        line.into_bytes()
    }
}

/// The end of a reply of many lines (RFC 1939 §3).
pub const END: &[u8] = b".\r\n";

/// The greeting. Without the `<…>` that would offer APOP (RFC 1939 §7).
pub fn greeting(hostname: &str) -> Reply {
    Reply::ok(format!("{hostname} Posthouse POP3 ready"))
}

/// How many messages of how many octets: `+OK n m` (RFC 1939 §5, STAT).
pub fn stat(count: usize, octets: u64) -> Reply {
    Reply::ok(format!("{count} {octets}"))
}

/// A line of LIST: number and octets.
pub fn scan_listing(number: u32, octets: u64) -> String {
    format!("{number} {octets}")
}

/// A line of UIDL. The id stays for ever, since a UID is never used twice under one UIDVALIDITY (RFC 1939 §7, RFC 3501 §2.3.1.1). It has
/// the form that Dovecot gives it, so that who moves in from there downloads nothing again.
pub fn unique_id_listing(number: u32, uidvalidity: u32, uid: u32) -> String {
    format!("{number} {uid:08x}{uidvalidity:08x}")
}

/// The first line of RETR.
pub fn octets_follow(octets: u64) -> Reply {
    Reply::ok(format!("{octets} octets"))
}

/// LANG, with the language that is spoken from now on (RFC 6856 §3.2).
pub fn speaking() -> Reply {
    Reply::ok(format!("{} replies are in {}", language::TAG, language::NAME))
}

/// A line of LANG's list.
pub fn language_listing() -> String {
    format!("{} {}", language::TAG, language::NAME)
}

/// A login too short a time after the one before.
pub fn login_delay(seconds: u64) -> Reply {
    let text = format!("log in again {seconds} seconds after the last login, not before");
    Reply::Err(Some(Code::LoginDelay), text.into())
}

/// What does not depend on anything.
pub mod fixed {
    use super::{Code, Cow, Reply};

    const fn ok(text: &'static str) -> Reply {
        Reply::Ok(Cow::Borrowed(text))
    }

    const fn err(code: Option<Code>, text: &'static str) -> Reply {
        Reply::Err(code, Cow::Borrowed(text))
    }

    /// USER: the answer is the same whether or not there is such a user.
    pub const PASSWORD_PLEASE: Reply = ok("send the password");
    /// A login.
    pub const LOGGED_IN: Reply = ok("logged in");
    /// The first line of a list.
    pub const LIST_FOLLOWS: Reply = ok("the list follows");
    /// DELE.
    pub const MARKED: Reply = ok("the message is removed at QUIT");
    /// RSET.
    pub const UNMARKED: Reply = ok("no message is marked any more");
    /// NOOP.
    pub const NOTHING_DONE: Reply = ok("nothing done");
    /// UTF8.
    pub const UTF8_ON: Reply = ok("UTF-8 it is");
    /// STLS.
    pub const START_TLS: Reply = ok("begin the TLS handshake");
    /// QUIT.
    pub const GOODBYE: Reply = ok("goodbye");

    /// A password over a connection without TLS.
    pub const TLS_FIRST: Reply = err(Some(Code::Auth), "passwords are taken over TLS only, use STLS first");
    /// PASS without USER.
    pub const USER_FIRST: Reply = err(None, "USER first");
    /// A command that needs a login.
    pub const LOG_IN_FIRST: Reply = err(None, "log in first");
    /// A command for before the login.
    pub const LOGGED_IN_ALREADY: Reply = err(None, "you are logged in already");
    /// STLS twice.
    pub const TLS_ALREADY: Reply = err(None, "TLS is on already");
    /// A mechanism that we do not have.
    pub const UNKNOWN_MECHANISM: Reply = err(None, "there is no such mechanism");
    /// LANG with a language that we do not speak.
    pub const UNKNOWN_LANGUAGE: Reply = err(None, "this language is not spoken here");
    /// `*` in a SASL exchange.
    pub const CANCELLED: Reply = err(None, "cancelled");
    /// To log in for somebody else.
    pub const NO_PROXY: Reply = err(Some(Code::Auth), "you can only log in for yourself");
    /// Another session holds the maildrop.
    pub const IN_USE: Reply = err(Some(Code::InUse), "another session has this mailbox open");
    /// A number without message, or with one that is marked.
    pub const NO_SUCH_MESSAGE: Reply = err(None, "no such message");
    /// The message was removed by another program.
    pub const GONE: Reply = err(None, "the message is no longer there");
    /// QUIT could not remove all.
    pub const NOT_REMOVED: Reply = err(Some(Code::SysTemp), "some marked messages are not removed, try again later");
    /// A line without end.
    pub const LINE_TOO_LONG: Reply = err(None, "the line is too long, goodbye");
    /// The limit of errors.
    pub const TOO_MANY_ERRORS: Reply = err(None, "too many errors, goodbye");
    /// The account was disabled or removed, or its password changed.
    pub const ACCOUNT_CHANGED: Reply = err(Some(Code::Auth), "your account was changed, connect and log in again");
    /// The server stops.
    pub const STOPPING: Reply = err(Some(Code::SysTemp), "the server is stopping, goodbye");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_one_line() {
        assert_eq!(Reply::ok("2 320").encode(), b"+OK 2 320\r\n");
        assert_eq!(fixed::IN_USE.encode(), b"-ERR [IN-USE] another session has this mailbox open\r\n");
        assert_eq!(Reply::err("a\r\n+OK b").encode(), b"-ERR a+OK b\r\n");
        assert_eq!(Reply::Challenge(Vec::new()).encode(), b"+ \r\n");
        assert_eq!(Reply::Challenge(b"Username:".to_vec()).encode(), b"+ VXNlcm5hbWU6\r\n");
        assert_eq!(
            login_delay(60).encode(),
            b"-ERR [LOGIN-DELAY] log in again 60 seconds after the last login, not before\r\n"
        );
        let long = Reply::ok("ü".repeat(600)).encode();
        assert!(long.len() <= MAX_REPLY && std::str::from_utf8(&long).is_ok());
        // What Dovecot 2.3.19 says of the message with the UID 2.
        assert_eq!(unique_id_listing(1, 1_795_670_551, 2), "1 000000026b07c217");
    }
}
