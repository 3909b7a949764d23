//! Commands: one line, read into a value.
//!
//! RFC 5321 §4.1.1, RFC 2033 §4.1 (LHLO), RFC 3207 §4 (STARTTLS), RFC 3030 §2 (BDAT), RFC 4954 §4 (AUTH).
//! Deviation: the name in HELO, EHLO and LHLO may be any printable word, since clients on home networks send what their
//! machine is called (RFC 5321 §4.1.4 forbids to refuse mail for it); characters that could forge a Received line are not taken.

use super::{parameters, path};
use crate::model::address::{BadAddress, EmailAddress};
use crate::model::envelope::{Notify, ReversePath, Sender};

/// A command of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// HELO, EHLO or LHLO and the name that the client gave.
    Hello(Greeting, String),
    /// MAIL FROM with its parameters.
    Mail(Box<Sender>),
    /// RCPT TO with its parameters.
    Rcpt(Box<Rcpt>),
    /// DATA.
    Data,
    /// BDAT: so many octets follow; whether they are the last.
    Bdat(Chunk),
    /// RSET.
    Rset,
    /// NOOP, with whatever words.
    Noop,
    /// VRFY, with whatever words.
    Vrfy,
    /// HELP, with whatever words.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth(Auth),
}

/// The three ways to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// HELO: SMTP without extensions.
    Helo,
    /// EHLO: SMTP.
    Ehlo,
    /// LHLO: LMTP.
    Lhlo,
}

/// RCPT TO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rcpt {
    /// Who.
    pub path: ForwardPath,
    /// `NOTIFY=`.
    pub notify: Option<Notify>,
    /// `ORCPT=`, decoded.
    pub orcpt: Option<String>,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain: the postmaster of this server (RFC 5321 §4.1.1.3).
    Postmaster,
    /// An address.
    Address(EmailAddress),
}

/// BDAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// How many octets follow the line.
    pub size: u64,
    /// Whether the message ends with them.
    pub last: bool,
}

/// AUTH. Without `Debug` for its response, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// The mechanism as the client named it.
    pub mechanism: String,
    /// The initial response in base64, if there is one.
    pub initial: Option<Vec<u8>>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Auth({} …)", self.mechanism)
    }
}

/// Why a line is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// Nobody knows the verb.
    #[error("command not recognised")]
    Unknown,
    /// The verb is known, but not served here.
    #[error("command not implemented")]
    NotImplemented,
    /// What follows the verb is not what it wants.
    #[error("{0}")]
    Syntax(&'static str),
    /// A parameter of MAIL or RCPT is known and has a wrong value.
    #[error("{0}")]
    Parameter(&'static str),
    /// A parameter of MAIL or RCPT is not known.
    #[error("parameter not recognised")]
    UnknownParameter,
    /// The sender is no address.
    #[error("{0}")]
    Sender(BadAddress),
    /// The recipient is no address.
    #[error("{0}")]
    Recipient(BadAddress),
}

/// Reads a line without its CRLF.
pub fn parse(line: &[u8]) -> Result<Command, BadCommand> {
    let line = std::str::from_utf8(line).map_err(|_| BadCommand::Syntax("the line is neither ASCII nor UTF-8"))?;
    // RFC 5321 §4.1.1: white space at the end is tolerated.
    let line = line.trim_end_matches([' ', '\t']);
    if line.chars().any(char::is_control) {
        return Err(BadCommand::Syntax("the line has a control character"));
    }
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let command = match verb.to_ascii_uppercase().as_str() {
        "HELO" => hello(Greeting::Helo, rest)?,
        "EHLO" => hello(Greeting::Ehlo, rest)?,
        "LHLO" => hello(Greeting::Lhlo, rest)?,
        "MAIL" => mail(rest)?,
        "RCPT" => rcpt(rest)?,
        "BDAT" => bdat(rest)?,
        "AUTH" => auth(rest)?,
        "DATA" => alone(Command::Data, rest)?,
        "RSET" => alone(Command::Rset, rest)?,
        "QUIT" => alone(Command::Quit, rest)?,
        "STARTTLS" => alone(Command::StartTls, rest)?,
        "NOOP" => Command::Noop,
        "HELP" => Command::Help,
        "VRFY" if rest.trim().is_empty() => return Err(BadCommand::Syntax("VRFY needs an address")),
        "VRFY" => Command::Vrfy,
        "EXPN" | "ETRN" | "TURN" | "ATRN" | "SEND" | "SOML" | "SAML" | "BURL" => return Err(BadCommand::NotImplemented),
        _ => return Err(BadCommand::Unknown),
    };
    Ok(command)
}

fn alone(command: Command, rest: &str) -> Result<Command, BadCommand> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(BadCommand::Syntax("this command has no parameters"))
    }
}

fn hello(greeting: Greeting, rest: &str) -> Result<Command, BadCommand> {
    let name = rest.trim();
    let printable = |c: char| {
        if c.is_ascii() {
            c.is_ascii_graphic() && !"<>()@,;\"\\".contains(c)
        } else {
            c.is_alphanumeric()
        }
    };
    if name.is_empty() || name.len() > 255 || !name.chars().all(printable) {
        return Err(BadCommand::Syntax("say your host name, such as mail.example.org or [192.0.2.1]"));
    }
    Ok(Command::Hello(greeting, name.to_owned()))
}

/// What follows `FROM:` or `TO:`, in any case.
fn after<'a>(rest: &'a str, label: &str, problem: &'static str) -> Result<&'a str, BadCommand> {
    match rest.trim_start_matches(' ').split_at_checked(label.len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(label) => Ok(rest),
        _ => Err(BadCommand::Syntax(problem)),
    }
}

fn mail(rest: &str) -> Result<Command, BadCommand> {
    let (inside, rest) = path::take(after(rest, "FROM:", "right would be MAIL FROM:<address>")?)?;
    let path = match inside {
        "" => ReversePath::Null,
        inside => ReversePath::Address(path::address(inside).map_err(BadCommand::Sender)?),
    };
    let mut sender = Sender::plain(path);
    parameters::mail(rest, &mut sender)?;
    Ok(Command::Mail(Box::new(sender)))
}

fn rcpt(rest: &str) -> Result<Command, BadCommand> {
    let (inside, rest) = path::take(after(rest, "TO:", "right would be RCPT TO:<address>")?)?;
    let path = if inside.eq_ignore_ascii_case("postmaster") {
        ForwardPath::Postmaster
    } else {
        ForwardPath::Address(path::address(inside).map_err(BadCommand::Recipient)?)
    };
    let (notify, orcpt) = parameters::rcpt(rest)?;
    Ok(Command::Rcpt(Box::new(Rcpt { path, notify, orcpt })))
}

fn bdat(rest: &str) -> Result<Command, BadCommand> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let size = parameters::size(words.next().unwrap_or_default())?;
    let last = match (words.next(), words.next()) {
        (None, _) => false,
        (Some(word), None) if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(BadCommand::Syntax("right would be BDAT size [LAST]")),
    };
    Ok(Command::Bdat(Chunk { size, last }))
}

fn auth(rest: &str) -> Result<Command, BadCommand> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) => Ok(Command::Auth(Auth {
            mechanism: mechanism.to_owned(),
            initial: initial.map(|initial| initial.as_bytes().to_vec()),
        })),
        _ => Err(BadCommand::Syntax("right would be AUTH mechanism [initial response]")),
    }
}

#[cfg(test)]
mod tests;
