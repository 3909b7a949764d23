//! Commands (RFC 5804 §2, §4).

use bytes::{Buf, Bytes, BytesMut};

use crate::model::secret::Secret;
use crate::wire::sasl::Mechanism;

/// The most octets of a command without its literals. RFC 5804 §4 has strings of up to 1024 octets in quotes; SASL needs more.
pub const MAX_LINE: usize = crate::wire::sasl::MAX_RESPONSE + 1024;
/// The most arguments.
const MAX_ARGUMENTS: usize = 3;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `AUTHENTICATE "mechanism" ["initial response"]`
    Authenticate {
        /// The mechanism; none if it is not known.
        mechanism: Option<Mechanism>,
        /// The initial response in base64: it holds a password.
        initial: Option<Secret>,
    },
    /// `STARTTLS`
    StartTls,
    /// `LOGOUT`
    Logout,
    /// `CAPABILITY`
    Capability,
    /// `HAVESPACE "name" size`
    HaveSpace {
        /// Of the script.
        name: String,
        /// In octets.
        size: u64,
    },
    /// `PUTSCRIPT "name" text`
    PutScript {
        /// Of the script.
        name: String,
        /// The script.
        text: Bytes,
    },
    /// `LISTSCRIPTS`
    ListScripts,
    /// `SETACTIVE "name"`; none is the empty name: no script is active.
    SetActive(Option<String>),
    /// `GETSCRIPT "name"`
    GetScript(String),
    /// `DELETESCRIPT "name"`
    DeleteScript(String),
    /// `RENAMESCRIPT "name" "name"`
    RenameScript {
        /// As it is called.
        from: String,
        /// As it shall be called.
        to: String,
    },
    /// `CHECKSCRIPT text`
    CheckScript(Bytes),
    /// `NOOP ["tag"]`
    Noop(Option<String>),
    /// `UNAUTHENTICATE`
    Unauthenticate,
}

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// No such command.
    #[error("unknown command")]
    Unknown,
    /// Its arguments: what would be right.
    #[error("wrong arguments, right would be: {0}")]
    Arguments(&'static str),
    /// It has not the form of a command.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A literal has so many octets, more than it may; they are not read yet.
    #[error("a literal of {0} octets is too large")]
    TooLarge(u64),
}

/// The command is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line is too long")]
pub struct TooLong;

/// An argument, or the verb.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Atom(String),
    Number(u64),
    Text(Bytes),
}

/// Where the reading of a command stands.
struct Reader<'i> {
    input: &'i [u8],
    at: usize,
    /// Octets of literals so far.
    literals: usize,
    most_literal: usize,
}

/// Why there is no command.
enum Stop {
    /// More input is needed.
    More,
    Bad(BadCommand),
}

/// Takes a command off the input; none if its end has not come yet. Literals may have `most_literal` octets. What is malformed is taken off
/// too, up to the end of its line.
pub fn take_command(input: &mut BytesMut, most_literal: usize) -> Result<Option<Result<Command, BadCommand>>, TooLong> {
    take(input, most_literal, Command::of)
}

/// Takes a line that is one string off the input: a response within an exchange (RFC 5804 §2.1).
pub fn take_string(input: &mut BytesMut) -> Result<Option<Result<Secret, BadCommand>>, TooLong> {
    take(input, MAX_LINE, |words| {
        const RIGHT: BadCommand = BadCommand::Arguments("a string in base64");
        match <[Word; 1]>::try_from(words) {
            Ok([Word::Text(text)]) => Ok(Secret::new(std::str::from_utf8(&text).map_err(|_| RIGHT)?)),
            _ => Err(RIGHT),
        }
    })
}

fn take<T>(
    input: &mut BytesMut,
    most_literal: usize,
    read: impl FnOnce(Vec<Word>) -> Result<T, BadCommand>,
) -> Result<Option<Result<T, BadCommand>>, TooLong> {
    let mut reader = Reader {
        input,
        at: 0,
        literals: 0,
        most_literal,
    };
    let words = reader.words();
    let (at, literals) = (reader.at, reader.literals);
    match words {
        Ok(words) => {
            input.advance(at);
            Ok(Some(read(words)))
        }
        Err(Stop::More) if input.len().saturating_sub(literals) > MAX_LINE => Err(TooLong),
        Err(Stop::More) => Ok(None),
        Err(Stop::Bad(bad @ BadCommand::TooLarge(_))) => {
            input.advance(at);
            Ok(Some(Err(bad)))
        }
        Err(Stop::Bad(bad)) => match input.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            Some(end) => {
                input.advance(at.saturating_add(end).saturating_add(1));
                Ok(Some(Err(bad)))
            }
            None if input.len().saturating_sub(literals) > MAX_LINE => Err(TooLong),
            None => Ok(None),
        },
    }
}

impl Reader<'_> {
    fn words(&mut self) -> Result<Vec<Word>, Stop> {
        let mut words = Vec::new();
        loop {
            while self.peek() == Some(b' ') {
                self.step();
            }
            match self.peek().ok_or(Stop::More)? {
                b'\r' | b'\n' => {
                    self.line_end()?;
                    return Ok(words);
                }
                _ if words.len() > MAX_ARGUMENTS => return bad("there are too many arguments"),
                b'"' => words.push(Word::Text(self.quoted()?)),
                b'{' => words.push(Word::Text(self.literal()?)),
                b'0'..=b'9' => words.push(Word::Number(self.number()?)),
                octet if octet.is_ascii_alphabetic() => words.push(Word::Atom(self.atom()?)),
                _ => return bad("this octet begins no word"),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn line_end(&mut self) -> Result<(), Stop> {
        if self.peek() == Some(b'\r') {
            self.step();
        }
        match self.peek() {
            Some(b'\n') => {
                self.step();
                Ok(())
            }
            Some(_) => bad("a line ends with CRLF"),
            None => Err(Stop::More),
        }
    }

    /// RFC 5804 §4, quoted: no line end, and a backslash before `"` and `\`.
    fn quoted(&mut self) -> Result<Bytes, Stop> {
        self.step();
        let mut text = Vec::new();
        loop {
            let octet = self.peek().ok_or(Stop::More)?;
            match octet {
                b'\r' | b'\n' => return bad("a quoted string has no line end; a literal may"),
                b'\0' => return bad("a string has no NUL"),
                _ => self.step(),
            }
            match octet {
                b'"' => return Ok(text.into()),
                b'\\' => {
                    let escaped = self.peek().ok_or(Stop::More)?;
                    if !matches!(escaped, b'"' | b'\\') {
                        return bad("after a backslash comes a quote or a backslash");
                    }
                    self.step();
                    text.push(escaped);
                }
                octet => text.push(octet),
            }
        }
    }

    /// RFC 5804 §4, literal-c2s: `{size+}`, sent at once.
    fn literal(&mut self) -> Result<Bytes, Stop> {
        self.step();
        let size = self.number()?;
        for wanted in [b'+', b'}'] {
            match self.peek().ok_or(Stop::More)? {
                octet if octet == wanted => self.step(),
                _ => return bad("a literal begins with its size, such as {12+}"),
            }
        }
        self.line_end()?;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if self.literals.saturating_add(length) > self.most_literal {
            return Err(Stop::Bad(BadCommand::TooLarge(size)));
        }
        let end = self.at.saturating_add(length);
        let octets = self.input.get(self.at..end);
        self.literals = self
            .literals
            .saturating_add(octets.map_or(self.input.len().saturating_sub(self.at), <[u8]>::len));
        let octets = octets.ok_or(Stop::More)?;
        if octets.contains(&0) {
            self.at = end;
            return bad("a string has no NUL");
        }
        self.at = end;
        Ok(Bytes::copy_from_slice(octets))
    }

    fn number(&mut self) -> Result<u64, Stop> {
        let digits = self.run(|octet| octet.is_ascii_digit())?;
        // RFC 5804 §4: numbers have 32 bits.
        match digits.parse::<u32>() {
            Ok(number) => Ok(number.into()),
            Err(_) => bad("a number is from 0 to 4294967295"),
        }
    }

    fn atom(&mut self) -> Result<String, Stop> {
        self.run(|octet| octet.is_ascii_alphanumeric())
    }

    fn run(&mut self, is_part: impl Fn(u8) -> bool) -> Result<String, Stop> {
        let mut text = String::new();
        loop {
            let octet = self.peek().ok_or(Stop::More)?;
            if !is_part(octet) {
                return Ok(text);
            }
            text.push(char::from(octet));
            self.step();
        }
    }
}

fn bad<T>(why: &'static str) -> Result<T, Stop> {
    Err(Stop::Bad(BadCommand::Malformed(why)))
}

impl Command {
    fn of(words: Vec<Word>) -> Result<Self, BadCommand> {
        let mut words = words.into_iter();
        let Some(Word::Atom(verb)) = words.next() else {
            return Err(BadCommand::Malformed("a command begins with its name"));
        };
        match (verb.to_ascii_uppercase().as_str(), words.next(), words.next(), words.next()) {
            ("AUTHENTICATE", Some(Word::Text(mechanism)), initial, None) => authenticate(&mechanism, initial),
            ("AUTHENTICATE", ..) => Err(BadCommand::Arguments(AUTHENTICATE)),
            ("HAVESPACE", Some(Word::Text(name)), Some(Word::Number(size)), None) => Ok(Self::HaveSpace { name: text(&name)?, size }),
            ("HAVESPACE", ..) => Err(BadCommand::Arguments("HAVESPACE \"name\" size")),
            ("PUTSCRIPT", Some(Word::Text(name)), Some(Word::Text(script)), None) => Ok(Self::PutScript {
                name: text(&name)?,
                text: script,
            }),
            ("PUTSCRIPT", ..) => Err(BadCommand::Arguments("PUTSCRIPT \"name\" {size+} and the script")),
            ("SETACTIVE", Some(Word::Text(name)), None, None) => Ok(Self::SetActive(Some(text(&name)?).filter(|name| !name.is_empty()))),
            ("SETACTIVE", ..) => Err(BadCommand::Arguments("SETACTIVE \"name\"")),
            ("GETSCRIPT", Some(Word::Text(name)), None, None) => text(&name).map(Self::GetScript),
            ("GETSCRIPT", ..) => Err(BadCommand::Arguments("GETSCRIPT \"name\"")),
            ("DELETESCRIPT", Some(Word::Text(name)), None, None) => text(&name).map(Self::DeleteScript),
            ("DELETESCRIPT", ..) => Err(BadCommand::Arguments("DELETESCRIPT \"name\"")),
            ("RENAMESCRIPT", Some(Word::Text(from)), Some(Word::Text(to)), None) => Ok(Self::RenameScript {
                from: text(&from)?,
                to: text(&to)?,
            }),
            ("RENAMESCRIPT", ..) => Err(BadCommand::Arguments("RENAMESCRIPT \"old name\" \"new name\"")),
            ("CHECKSCRIPT", Some(Word::Text(script)), None, None) => Ok(Self::CheckScript(script)),
            ("CHECKSCRIPT", ..) => Err(BadCommand::Arguments("CHECKSCRIPT {size+} and the script")),
            ("NOOP", Some(Word::Text(tag)), None, None) => Ok(Self::Noop(Some(text(&tag)?))),
            ("NOOP", None, ..) => Ok(Self::Noop(None)),
            ("NOOP", ..) => Err(BadCommand::Arguments("NOOP or NOOP \"tag\"")),
            (verb, argument, ..) => bare(verb, argument.is_none()),
        }
    }
}

/// The commands without arguments.
fn bare(verb: &str, is_bare: bool) -> Result<Command, BadCommand> {
    let command = match verb {
        "STARTTLS" => Command::StartTls,
        "LOGOUT" => Command::Logout,
        "CAPABILITY" => Command::Capability,
        "LISTSCRIPTS" => Command::ListScripts,
        "UNAUTHENTICATE" => Command::Unauthenticate,
        _ => return Err(BadCommand::Unknown),
    };
    if is_bare {
        Ok(command)
    } else {
        Err(BadCommand::Arguments("no argument"))
    }
}

const AUTHENTICATE: &str = "AUTHENTICATE \"mechanism\" [\"response\"]";

fn authenticate(mechanism: &[u8], initial: Option<Word>) -> Result<Command, BadCommand> {
    let initial = match initial {
        None => None,
        Some(Word::Text(initial)) => Some(Secret::new(text(&initial)?)),
        Some(_) => return Err(BadCommand::Arguments(AUTHENTICATE)),
    };
    Ok(Command::Authenticate {
        mechanism: std::str::from_utf8(mechanism).ok().and_then(Mechanism::parse),
        initial,
    })
}

fn text(octets: &[u8]) -> Result<String, BadCommand> {
    let text = std::str::from_utf8(octets).map_err(|_| BadCommand::Malformed("a name is UTF-8"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(input: &str) -> Result<Option<Result<Command, BadCommand>>, TooLong> {
        take_command(&mut BytesMut::from(input), 20)
    }

    #[test]
    fn commands_are_read() {
        let name = || String::from("a \"b\"");
        for (input, expected) in [
            ("logout\r\n", Command::Logout),
            ("CAPABILITY \r\n", Command::Capability),
            (
                "HaveSpace \"x\" 4294967295\r\n",
                Command::HaveSpace {
                    name: "x".into(),
                    size: 4_294_967_295,
                },
            ),
            (
                "PUTSCRIPT \"a \\\"b\\\"\" {5+}\r\nkee\r\n\r\n",
                Command::PutScript {
                    name: name(),
                    text: Bytes::from_static(b"kee\r\n"),
                },
            ),
            (
                "PUTSCRIPT {1+}\r\nx \"keep;\"\r\n",
                Command::PutScript {
                    name: "x".into(),
                    text: Bytes::from_static(b"keep;"),
                },
            ),
            ("SETACTIVE \"\"\r\n", Command::SetActive(None)),
            ("SETACTIVE \"x\"\r\n", Command::SetActive(Some("x".into()))),
            ("NOOP\r\n", Command::Noop(None)),
            ("NOOP \"t\"\n", Command::Noop(Some("t".into()))),
            (
                "RENAMESCRIPT \"a\" \"b\"\r\n",
                Command::RenameScript {
                    from: "a".into(),
                    to: "b".into(),
                },
            ),
            (
                "AUTHENTICATE \"PLAIN\" \"AGE=\"\r\n",
                Command::Authenticate {
                    mechanism: Some(Mechanism::Plain),
                    initial: Some(Secret::new("AGE=")),
                },
            ),
            (
                "AUTHENTICATE \"X\"\r\n",
                Command::Authenticate {
                    mechanism: None,
                    initial: None,
                },
            ),
        ] {
            assert_eq!(one(input), Ok(Some(Ok(expected))), "{input:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_what_is_not_all_there_is_waited_for() {
        for (input, expected) in [
            ("", None),
            ("LOGOUT\r", None),
            ("GETSCRIPT {5+}\r\nab", None),
            ("GETSCRIPT \"ab", None),
            ("FOO\r\n", Some(BadCommand::Unknown)),
            ("LOGOUT 1\r\n", Some(BadCommand::Arguments("no argument"))),
            ("GETSCRIPT x\r\n", Some(BadCommand::Arguments("GETSCRIPT \"name\""))),
            ("\"x\"\r\n", Some(BadCommand::Malformed("a command begins with its name"))),
            (
                "GETSCRIPT \"a\\b\"\r\n",
                Some(BadCommand::Malformed("after a backslash comes a quote or a backslash")),
            ),
            (
                "GETSCRIPT {5}\r\n",
                Some(BadCommand::Malformed("a literal begins with its size, such as {12+}")),
            ),
            (
                "HAVESPACE \"x\" 4294967296\r\n",
                Some(BadCommand::Malformed("a number is from 0 to 4294967295")),
            ),
            ("PUTSCRIPT \"x\" {21+}\r\n", Some(BadCommand::TooLarge(21))),
        ] {
            assert_eq!(one(input), Ok(expected.map(Err)), "{input:?}");
        }
        assert_eq!(one(&format!("GETSCRIPT \"{}", "x".repeat(MAX_LINE))), Err(TooLong));
    }

    #[test]
    fn the_next_command_begins_after_the_last() {
        let mut input = BytesMut::from("GETSCRIPT \"a\n  NOOP\r\nPUTSCRIPT \"x\" {3+}\r\nabc\r\nLOGOUT\r\nrest");
        let mut taken = Vec::new();
        while let Ok(Some(command)) = take_command(&mut input, 20) {
            taken.push(command.is_ok());
        }
        assert_eq!(taken, [false, true, true, true]);
        assert_eq!(&input[..], b"rest");
    }
}
