//! Mailboxes of many messages in one file: mboxo, mboxrd, mboxcl and mboxcl2.
//!
//! `mail::import` is the caller. It feeds a [`Splitter`] with the lines of a file, and is told where messages begin and what belongs to
//! them. A message begins with a `From ` line (RFC 4155 §A) at the begin of the file or after an empty line. The dialects differ in how a
//! line of a message that looks like one is kept: mboxo and mboxcl write `>From `, mboxrd puts a further `>` before any number of them,
//! mboxcl2 changes nothing and relies on Content-Length.

mod write;

pub use write::{Beside, write};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::model::mailbox::Flags;

/// How lines that look like the begin of a message are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `>From ` may stand for `From `, or for itself: it is read as `From `.
    Mboxo,
    /// One `>` is taken away before `From `, however many there are. What most programs write today.
    #[default]
    Mboxrd,
    /// As mboxo, and Content-Length says where the body ends.
    Mboxcl,
    /// Nothing is quoted: only Content-Length says where the body ends.
    Mboxcl2,
}

impl Dialect {
    /// Whether Content-Length says where the body ends.
    pub const fn has_lengths(self) -> bool {
        matches!(self, Self::Mboxcl | Self::Mboxcl2)
    }

    /// The line of a message, as it was before it was kept.
    fn unquoted(self, line: &[u8]) -> &[u8] {
        let rest = line.strip_prefix(b">").unwrap_or(line);
        let quoted = match self {
            Self::Mboxo | Self::Mboxcl => rest.starts_with(b"From "),
            Self::Mboxrd => {
                let marks = rest.iter().take_while(|&&octet| octet == b'>').count();
                rest.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
            }
            Self::Mboxcl2 => false,
        };
        if quoted { rest } else { line }
    }
}

/// What a piece of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'l> {
    /// A message begins: when it came, if the line says so.
    Begin(Option<Timestamp>),
    /// Octets of the message.
    Content(&'l [u8]),
    /// An empty line of the message, which was held back, and then these octets of it.
    AfterEmptyLine(&'l [u8]),
    /// Nothing that belongs to a message.
    Nothing,
}

/// Tells messages apart.
#[derive(Debug)]
pub struct Splitter {
    dialect: Dialect,
    /// An empty line came, which may only part two messages.
    empty: bool,
    /// The last piece did not end its line.
    inside: bool,
    begun: bool,
}

impl Splitter {
    /// At the begin of a file.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            empty: false,
            inside: false,
            begun: false,
        }
    }

    /// Takes the next line with its end, or a part of a line that is very long. `body_left`: the octet is still in a body of a known length.
    pub fn take<'l>(&mut self, line: &'l [u8], in_known_body: bool) -> Piece<'l> {
        let begins_line = !std::mem::replace(&mut self.inside, !line.ends_with(b"\n"));
        if !begins_line {
            return self.content(line);
        }
        let is_empty = matches!(line, b"\n" | b"\r\n");
        if in_known_body {
            return self.content(if self.begun { self.dialect.unquoted(line) } else { line });
        }
        if (self.empty || !self.begun)
            && let Some(date) = from_line(line)
        {
            self.empty = false;
            self.begun = true;
            return Piece::Begin(date);
        }
        if !self.begun {
            return Piece::Nothing;
        }
        if is_empty && !self.empty {
            self.empty = true;
            return Piece::Nothing;
        }
        if is_empty {
            // Of two, the first belongs to the message.
            return Piece::Content(line);
        }
        let line = self.dialect.unquoted(line);
        self.content(line)
    }

    fn content<'l>(&mut self, line: &'l [u8]) -> Piece<'l> {
        match std::mem::take(&mut self.empty) {
            _ if !self.begun => Piece::Nothing,
            true => Piece::AfterEmptyLine(line),
            false => Piece::Content(line),
        }
    }

    /// Whether a message has begun at all.
    pub fn has_begun(&self) -> bool {
        self.begun
    }
}

/// Whether the line is one at which a message begins, and the time that it names. A sentence that begins with `From ` is none: after the
/// sender there is a time of day, or nothing at all, as Thunderbird writes it.
fn from_line(line: &[u8]) -> Option<Option<Timestamp>> {
    let rest = line.strip_prefix(b"From ").or_else(|| (line == b"From\n").then_some(&b""[..]))?;
    let text = String::from_utf8_lossy(rest.get(..512).unwrap_or(rest));
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.is_empty() || words == ["-"] {
        return Some(None);
    }
    let at = words.iter().position(|word| time_of_day(word).is_some())?;
    Some(date(&words, at))
}

/// `Wed Jun  3 12:05:04 2020`, with a zone before or after the year or none (then UTC, RFC 4155 §A).
fn date(words: &[&str], at: usize) -> Option<Timestamp> {
    let day = words.get(at.checked_sub(1)?)?.parse().ok()?;
    let month = month(words.get(at.checked_sub(2)?)?)?;
    let after = words.get(at.checked_add(1)?..)?;
    let year = after
        .iter()
        .find_map(|word| word.parse::<i16>().ok().filter(|_| word.len() == 4 && !word.starts_with('+')))?;
    let minutes = after.iter().find_map(|word| zone(word)).unwrap_or(0);
    let date = Date::new(year, month, day).ok()?;
    let offset = Offset::from_seconds(minutes.checked_mul(60)?).ok()?;
    offset.to_timestamp(date.to_datetime(time_of_day(words.get(at)?)?)).ok()
}

fn time_of_day(word: &str) -> Option<Time> {
    let mut parts = word.split(':');
    let mut part = || parts.next().filter(|part| part.len() <= 2)?.parse::<i8>().ok();
    let (hour, minute) = (part()?, part()?);
    // A leap second is kept as the second before it.
    let second = part().unwrap_or(0).min(59);
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

fn month(word: &str) -> Option<i8> {
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    (1..)
        .zip(names)
        .find(|(_, name)| name.eq_ignore_ascii_case(word))
        .map(|(month, _)| month)
}

/// Minutes east of `+0130`.
fn zone(word: &str) -> Option<i32> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+')?),
    };
    let number: i32 = digits
        .parse()
        .ok()
        .filter(|_| digits.len() == 4 && digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    Some(sign * (number / 100 * 60 + number % 100))
}

/// What the header of a message in such a file says of its state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// System flags.
    pub flags: Flags,
    /// Names of keywords.
    pub keywords: Vec<String>,
    /// The octets of the body, by Content-Length.
    pub length: Option<u64>,
    /// It is removed, but the file was not yet written anew; or it is no message but a note of the program that wrote the file.
    pub is_none: bool,
}

/// The fields that only such files have: they do not belong to the message.
const OWN: [&str; 8] = [
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "X-IMAP",
    "X-IMAPbase",
    "X-Mozilla-Status",
    "X-Mozilla-Status2",
];

/// Reads the state from a header, and gives the header without the fields that are of the file and not of the message.
pub fn state(header: &[u8], dialect: Dialect) -> (State, Vec<u8>) {
    let mut state = State::default();
    let mut kept = Vec::with_capacity(header.len());
    let mut keeps = true;
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        // RFC 5322 §2.2.3: a line that begins with white space goes on with the field before it.
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            keeps = state.field(line, dialect);
        }
        if keeps {
            kept.extend_from_slice(line);
        }
    }
    (state, kept)
}

impl State {
    /// Takes in a field; whether it stays in the message.
    fn field(&mut self, line: &[u8], dialect: Dialect) -> bool {
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
            return true;
        };
        let value = value.trim();
        let is = |known: &str| name.trim_end().eq_ignore_ascii_case(known);
        if is("Status") || is("X-Status") {
            self.flags = value.chars().filter_map(letter).fold(self.flags, Flags::with);
        } else if is("X-Mozilla-Status") {
            self.mozilla(u32::from_str_radix(value, 16).unwrap_or(0));
        } else if is("X-Keywords") || is("X-Mozilla-Keys") {
            self.keywords.extend(value.split_ascii_whitespace().map(ToOwned::to_owned));
        } else if is("X-IMAP") {
            // UW IMAP keeps its state in a first message, which has this field.
            self.is_none = true;
        } else if is("Content-Length") {
            self.length = value.parse().ok();
            return !dialect.has_lengths();
        }
        !OWN.iter().any(|own| is(own))
    }

    /// The bits of nsMsgMessageFlags.
    fn mozilla(&mut self, bits: u32) {
        for (bit, flag) in [
            (0x1, Flags::SEEN),
            (0x2, Flags::ANSWERED),
            (0x4, Flags::FLAGGED),
            (0x1000, Flags::FORWARDED),
        ] {
            if bits & bit != 0 {
                self.flags = self.flags.with(flag);
            }
        }
        self.is_none |= bits & 0x8 != 0;
    }
}

/// The letters of Status and X-Status. O (old) is no flag.
fn letter(letter: char) -> Option<Flags> {
    Some(match letter {
        'R' => Flags::SEEN,
        'A' => Flags::ANSWERED,
        'F' => Flags::FLAGGED,
        'T' => Flags::DRAFT,
        'D' => Flags::DELETED,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of a file without known lengths, with the dates of their begins.
    fn split(text: &str, dialect: Dialect) -> Vec<(Option<String>, String)> {
        let mut splitter = Splitter::new(dialect);
        let mut messages: Vec<(Option<String>, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let piece = splitter.take(line.as_bytes(), false);
            let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
            match piece {
                Piece::Begin(date) => messages.push((date.map(|date| date.to_string()), String::new())),
                Piece::Content(octets) => messages.last_mut().unwrap().1 += &text(octets),
                Piece::AfterEmptyLine(octets) => messages.last_mut().unwrap().1 += &format!("\n{}", text(octets)),
                Piece::Nothing => {}
            }
        }
        messages
    }

    #[test]
    fn messages_are_told_apart() {
        let file = "From ada@client.test Wed Jun  3 12:05:04 2020\nA: 1\n\nFrom here on\n\n>From there\n>>From\n>>From x\n\nFrom - \nB: 2\n\n\nend\n\n\nFrom x@y Mon Jan 06 00:00:00 +0100 2020\nC: 3\n\n";
        let of = |dialect| split(file, dialect).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(
            of(Dialect::Mboxrd),
            [
                "A: 1\n\nFrom here on\n\nFrom there\n>>From\n>From x\n",
                "B: 2\n\n\nend\n\n",
                "C: 3\n"
            ]
        );
        assert_eq!(of(Dialect::Mboxo)[0], "A: 1\n\nFrom here on\n\nFrom there\n>>From\n>>From x\n");
        assert_eq!(of(Dialect::Mboxcl2)[0], "A: 1\n\nFrom here on\n\n>From there\n>>From\n>>From x\n");
        let dates: Vec<Option<String>> = split(file, Dialect::Mboxrd).into_iter().map(|(date, _)| date).collect();
        assert_eq!(
            dates,
            [
                Some("2020-06-03T12:05:04Z".to_owned()),
                None,
                Some("2020-01-05T23:00:00Z".to_owned())
            ]
        );
        assert_eq!(split("no mailbox\n\nat all\n", Dialect::Mboxrd), []);
    }

    #[test]
    fn lines_at_which_messages_begin_are_known() {
        for (line, date) in [
            ("From a@b Thu Nov 26 05:18:01 2026\n", Some("2026-11-26T05:18:01Z")),
            ("From MAILER-DAEMON Fri Jul  8 12:08:34 2011\r\n", Some("2011-07-08T12:08:34Z")),
            ("From 1234@xxx Sun Mar 01 10:00:60 -0230 2015\n", Some("2015-03-01T12:30:59Z")),
            ("From \"a b\"@c Sat Jan  1 00:00 2000\n", Some("2000-01-01T00:00:00Z")),
            ("From - Tue Feb 30 10:00:00 2020\n", None),
            ("From x 10:00:00\n", None),
            ("From \n", None),
            ("From\n", None),
        ] {
            let read = from_line(line.as_bytes()).map(|date| date.map(|date| date.to_string()));
            assert_eq!(read, Some(date.map(ToOwned::to_owned)), "{line}");
        }
        for line in [
            "From here to there\n",
            "From: a@b\n",
            "from a Thu Nov 26 05:18:01 2026\n",
            "From 1:2:3:4 x\n",
            "",
        ] {
            assert_eq!(from_line(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_body_of_a_known_length_may_have_anything() {
        let mut splitter = Splitter::new(Dialect::Mboxcl2);
        assert!(matches!(
            splitter.take(b"From a Thu Nov 26 05:18:01 2026\n", false),
            Piece::Begin(Some(_))
        ));
        assert_eq!(splitter.take(b"A: 1\n", false), Piece::Content(b"A: 1\n"));
        assert_eq!(splitter.take(b"\n", false), Piece::Nothing);
        let inside = b"From b Thu Nov 26 05:18:01 2026\n";
        assert_eq!(splitter.take(inside, true), Piece::AfterEmptyLine(inside));
        assert_eq!(splitter.take(b"\n", true), Piece::Content(b"\n"));
        assert_eq!(splitter.take(b"\n", false), Piece::Nothing);
        assert!(matches!(splitter.take(inside, false), Piece::Begin(_)));
    }

    #[test]
    fn the_state_is_read_and_taken_out() {
        let header = "From: a@b\nStatus: RO\nX-Status: AF\nSubject: x\n y\nX-Keywords: $Label1\n  more\nX-Mozilla-Status: 1001\nX-Mozilla-Keys: two\nContent-Length: 17\nX-UID: 5\n\n";
        let (state, kept) = super::state(header.as_bytes(), Dialect::Mboxrd);
        let flags = [Flags::SEEN, Flags::ANSWERED, Flags::FLAGGED, Flags::FORWARDED];
        assert_eq!(state.flags, flags.into_iter().fold(Flags::NONE, Flags::with));
        assert_eq!(state.keywords, ["$Label1", "two"]);
        assert_eq!(state.length, Some(17));
        assert!(!state.is_none);
        assert_eq!(
            String::from_utf8(kept).unwrap(),
            "From: a@b\nSubject: x\n y\nX-Mozilla-Keys: two\nContent-Length: 17\n\n"
        );
        assert!(super::state(b"X-Mozilla-Status: 0009\n\n", Dialect::Mboxrd).0.is_none);
        assert!(super::state(b"X-IMAP: 1 2\n\n", Dialect::Mboxrd).0.is_none);
        assert_eq!(super::state(b"Content-Length: 1\n\n", Dialect::Mboxcl).1, b"\n");
    }
}
