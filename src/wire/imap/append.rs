//! APPEND and REPLACE between their literals (RFC 3501 §6.3.11, RFC 3502 §6.3.11, RFC 4469 §3, RFC 8508 §3.2, RFC 6855 §4).
//!
//! Messages are not read whole, so neither is the command: after its [`Head`], [`Reader`] takes one line at a time, up to the next
//! literal or to the end, and says what it means.

use jiff::Timestamp;

use super::command::Tag;
use super::cursor::{Cursor, Malformed};
use super::date;
use super::flag::Flag;
use super::sequence::Bound;

/// The begin of such a command, up to its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The tag.
    pub tag: Tag,
    /// REPLACE: what is replaced.
    pub replaces: Option<Replaced>,
    /// The mailbox that takes the message.
    pub mailbox: String,
}

/// The message that REPLACE removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// UID REPLACE.
    pub uid: bool,
    /// Its UID or sequence number.
    pub message: Bound,
}

/// A piece of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A message begins.
    Begin {
        /// The flags to set.
        flags: Vec<Flag>,
        /// INTERNALDATE, if it is not now.
        date: Option<Timestamp>,
    },
    /// Octets of the message follow as a literal.
    Octets(Announced, Form),
    /// Octets of the message stand at this URL.
    Url(String),
    /// Such a URL follows as a literal: see [`Reader::url`].
    UrlOctets(Announced),
    /// The message is whole.
    End,
}

/// The announcement of a literal: `{5}`, `{5+}`, `~{5}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Octets.
    pub size: u64,
    /// Whether the client waits for a `+` before it sends.
    pub waiting: bool,
    /// Whether it is `~{…}`: any octet may come, NUL too (RFC 3516 §4.4).
    pub binary: bool,
}

/// How the octets of a literal belong to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// They are all of it.
    Whole,
    /// They are all of it, and its header may have UTF-8 (RFC 6855 §4).
    WholeUtf8,
    /// They are a part of it.
    Part,
    /// They are a part of it, in UTF-8.
    PartUtf8,
}

/// Where the command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a message.
    Between,
    /// After its only literal.
    AfterWhole,
    /// After the literal of `UTF8 (`, where `)` is missing.
    InUtf8,
    /// After a part of CATENATE.
    AfterPart,
    /// After the literal of a part's `UTF8 (`.
    InPartUtf8,
}

/// Reads the lines of one command.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// Messages so far.
    messages: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            state: State::Between,
            messages: 0,
        }
    }
}

impl Reader {
    /// Reads a line with its end. If the last piece is a literal, the next line is what comes behind it; if it is none, the command ends.
    pub fn line(&mut self, line: &[u8]) -> Result<Vec<Piece>, Malformed> {
        let mut cursor = Cursor::new(line);
        let mut pieces = Vec::new();
        loop {
            match self.state {
                State::InUtf8 => {
                    cursor.expect(b')', "')'")?;
                    self.state = State::AfterWhole;
                }
                State::InPartUtf8 => {
                    cursor.expect(b')', "')'")?;
                    self.state = State::AfterPart;
                }
                State::AfterWhole => {
                    pieces.push(Piece::End);
                    self.state = State::Between;
                }
                State::AfterPart if cursor.eat(b')') => self.state = State::AfterWhole,
                State::AfterPart => {
                    cursor.space()?;
                    if self.part(&mut cursor, &mut pieces)? {
                        return Ok(pieces);
                    }
                }
                State::Between if self.messages > 0 && cursor.before_end() => return Ok(pieces),
                State::Between => {
                    if self.message(&mut cursor, &mut pieces)? {
                        return Ok(pieces);
                    }
                }
            }
        }
    }

    /// The URL that came as a literal.
    pub fn url(octets: &[u8]) -> Result<Piece, Malformed> {
        match std::str::from_utf8(octets) {
            Ok(url) => Ok(Piece::Url(url.to_owned())),
            Err(_) => Cursor::new(octets).wrong("a URL"),
        }
    }

    /// The begin of a message; whether the line ends there with a literal.
    fn message(&mut self, cursor: &mut Cursor<'_>, pieces: &mut Vec<Piece>) -> Result<bool, Malformed> {
        cursor.space()?;
        let mut flags = Vec::new();
        if cursor.peek() == Some(b'(') {
            flags = cursor.list(flag)?.into_iter().flatten().collect();
            cursor.space()?;
        }
        let mut date = None;
        if cursor.peek() == Some(b'"') {
            date = Some(date::date_time(cursor)?);
            cursor.space()?;
        }
        pieces.push(Piece::Begin { flags, date });
        self.messages = self.messages.saturating_add(1);
        if cursor.eat_text("CATENATE (") {
            return self.part(cursor, pieces);
        }
        let utf8 = cursor.eat_text("UTF8 (");
        let form = if utf8 { Form::WholeUtf8 } else { Form::Whole };
        self.state = if utf8 { State::InUtf8 } else { State::AfterWhole };
        octets(cursor, pieces, form).map(|()| true)
    }

    /// A part of CATENATE; whether the line ends there with a literal.
    fn part(&mut self, cursor: &mut Cursor<'_>, pieces: &mut Vec<Piece>) -> Result<bool, Malformed> {
        self.state = State::AfterPart;
        if cursor.eat_text("TEXT ") {
            return octets(cursor, pieces, Form::Part).map(|()| true);
        }
        if cursor.eat_text("UTF8 (") {
            self.state = State::InPartUtf8;
            return octets(cursor, pieces, Form::PartUtf8).map(|()| true);
        }
        if !cursor.eat_text("URL ") {
            return cursor.wrong("URL, TEXT or UTF8");
        }
        if cursor.peek() == Some(b'{') {
            pieces.push(Piece::UrlOctets(cursor.announced()?));
            return Ok(true);
        }
        pieces.push(Piece::Url(cursor.text()?));
        Ok(false)
    }
}

/// The literal that ends the line.
fn octets(cursor: &mut Cursor<'_>, pieces: &mut Vec<Piece>, form: Form) -> Result<(), Malformed> {
    let start = cursor.clone();
    let announced = cursor.announced()?;
    // RFC 6855 §4: UTF8 comes with a literal8.
    if matches!(form, Form::WholeUtf8 | Form::PartUtf8) && !announced.binary {
        return start.wrong("'~' and a literal");
    }
    pieces.push(Piece::Octets(announced, form));
    Ok(())
}

/// A flag; `\Recent`, which clients that copy between servers send along, is passed over.
fn flag(cursor: &mut Cursor<'_>) -> Result<Option<Flag>, Malformed> {
    if cursor.eat_text("\\Recent") {
        return Ok(None);
    }
    Flag::read(cursor).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(size: u64) -> Announced {
        Announced {
            size,
            waiting: true,
            binary: false,
        }
    }

    fn begin() -> Piece {
        Piece::Begin {
            flags: Vec::new(),
            date: None,
        }
    }

    #[test]
    fn messages_follow_one_another() {
        let mut reader = Reader::default();
        assert_eq!(reader.line(b" {5}\r\n").unwrap(), [begin(), Piece::Octets(plain(5), Form::Whole)]);
        let pieces = reader.line(b" (\\Seen \\Recent) \" 1-Jan-2024 00:00:00 +0000\" ~{7+}\r\n").unwrap();
        let [
            Piece::End,
            Piece::Begin { flags, date: Some(_) },
            Piece::Octets(announced, Form::Whole),
        ] = pieces.as_slice()
        else {
            unreachable!("{pieces:?}")
        };
        assert_eq!((flags.len(), announced.binary, announced.waiting), (1, true, false));
        assert_eq!(reader.line(b"\r\n").unwrap(), [Piece::End]);
    }

    #[test]
    fn parts_are_told_apart() {
        let mut reader = Reader::default();
        assert_eq!(
            reader.line(b" CATENATE (URL \"/a/;UID=1\" TEXT {4}\r\n").unwrap(),
            [begin(), Piece::Url("/a/;UID=1".into()), Piece::Octets(plain(4), Form::Part)]
        );
        assert_eq!(reader.line(b" URL {9}\r\n").unwrap(), [Piece::UrlOctets(plain(9))]);
        assert_eq!(Reader::url(b"/b/;UID=2").unwrap(), Piece::Url("/b/;UID=2".into()));
        let binary = Announced { binary: true, ..plain(3) };
        assert_eq!(reader.line(b" UTF8 (~{3}\r\n").unwrap(), [Piece::Octets(binary, Form::PartUtf8)]);
        assert_eq!(
            reader.line(b")) UTF8 (~{3}\r\n").unwrap(),
            [Piece::End, begin(), Piece::Octets(binary, Form::WholeUtf8)]
        );
        assert_eq!(reader.line(b")\r\n").unwrap(), [Piece::End]);
        assert_eq!(
            Reader::default().line(b" CATENATE (URL /a/;UID=1)\r\n").unwrap(),
            [begin(), Piece::Url("/a/;UID=1".into()), Piece::End]
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for line in [
            &b"\r\n"[..],
            b" \r\n",
            b" (\\Bad) {3}\r\n",
            b" () {3} \r\n",
            b" {3\r\n",
            b" {x}\r\n",
            b" CATENATE ()\r\n",
            b" CATENATE (FOO x)\r\n",
            b" CATENATE (URL x\r\n",
            b" CATENATE (URL x) y\r\n",
            b" UTF8 ({3}\r\n",
            b" UTF8 (~{3})\r\n",
        ] {
            assert!(Reader::default().line(line).is_err(), "{}", line.escape_ascii());
        }
        let mut reader = Reader::default();
        reader.line(b" UTF8 (~{3}\r\n").unwrap();
        assert!(reader.line(b"\r\n").is_err());
    }
}
