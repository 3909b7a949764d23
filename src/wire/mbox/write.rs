//! A message as it stands in a file, in the form mboxrd.

use jiff::Timestamp;

use super::{Dialect, state};
use crate::model::mailbox::Flags;

/// What a file says of a message beside it.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'b> {
    /// When it came.
    pub date: Timestamp,
    pub flags: Flags,
    /// Names of keywords; those with white space in them cannot be told.
    pub keywords: &'b [&'b str],
}

/// Adds a message, of any line ends, to what is written of the file. Line ends become LF.
pub fn write(out: &mut Vec<u8>, message: &[u8], beside: Beside<'_>) {
    let lines = || message.split_inclusive(|&octet| octet == b'\n').map(without_end);
    let length: usize = lines().take_while(|line| !line.is_empty()).count();
    let mut header = Vec::new();
    for line in lines().take(length) {
        header.extend_from_slice(line);
        header.push(b'\n');
    }
    // What another file has said of the message is not what this one says.
    let (_, header) = state(&header, Dialect::Mboxrd);
    let date = beside.date.strftime("%a %b %e %H:%M:%S %Y");
    out.extend_from_slice(format!("From {} {date}\n", sender(&header)).as_bytes());
    header.split_inclusive(|&octet| octet == b'\n').for_each(|line| quoted(out, line));
    out.extend_from_slice(said(beside).as_bytes());
    out.push(b'\n');
    for line in lines().skip(length.saturating_add(1)) {
        quoted(out, line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A further `>` before a line that looks like the begin of a message.
fn quoted(out: &mut Vec<u8>, line: &[u8]) {
    let marks = line.iter().take_while(|&&octet| octet == b'>').count();
    if line.get(marks..).is_some_and(|rest| rest.starts_with(b"From ")) {
        out.push(b'>');
    }
    out.extend_from_slice(line);
}

/// The sender by Return-Path; who has none is MAILER-DAEMON, as everywhere.
fn sender(header: &[u8]) -> String {
    let text = String::from_utf8_lossy(header);
    let path = text.lines().find_map(|line| line.strip_prefix("Return-Path:"));
    let address = path.map(|path| path.trim().trim_start_matches('<').trim_end_matches('>'));
    let fits = |address: &&str| !address.is_empty() && !address.contains(char::is_whitespace);
    address.filter(fits).unwrap_or("MAILER-DAEMON").to_owned()
}

/// The fields Status, X-Status and X-Keywords.
fn said(beside: Beside<'_>) -> String {
    let has = |flag, letter| if beside.flags.contains(flag) { letter } else { "" };
    let mut said = format!("Status: {}O\n", has(Flags::SEEN, "R"));
    let more = [
        has(Flags::ANSWERED, "A"),
        has(Flags::FLAGGED, "F"),
        has(Flags::DRAFT, "T"),
        has(Flags::DELETED, "D"),
    ];
    let more = more.concat();
    if !more.is_empty() {
        said.push_str(&format!("X-Status: {more}\n"));
    }
    let keywords: Vec<&str> = beside
        .keywords
        .iter()
        .copied()
        .filter(|keyword| !keyword.contains(char::is_whitespace))
        .collect();
    if !keywords.is_empty() {
        said.push_str(&format!("X-Keywords: {}\n", keywords.join(" ")));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mbox::{Piece, Splitter};

    #[test]
    fn a_message_is_written() {
        let mut out = Vec::new();
        let message = b"Return-Path: <ada@client.test>\r\nStatus: F\r\nSubject: x\r\n y\r\n\r\nFrom me\r\n>From you\r\nend";
        let beside = Beside {
            date: "2026-11-06T05:18:01Z".parse().unwrap(),
            flags: Flags::SEEN.with(Flags::FLAGGED),
            keywords: &["red", "no good"],
        };
        write(&mut out, message, beside);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "From ada@client.test Fri Nov  6 05:18:01 2026\nReturn-Path: <ada@client.test>\nSubject: x\n y\nStatus: RO\nX-Status: F\n\
             X-Keywords: red\n\n>From me\n>>From you\nend\n\n"
        );
    }

    /// What is written is read as it was.
    #[test]
    fn what_is_written_is_read_again() {
        let bodies = ["\n\nFrom a Thu Nov 26 05:18:01 2026\n>From b\n\n", "", "x\n", "\n"];
        let mut file = Vec::new();
        for body in bodies {
            let beside = Beside {
                date: Timestamp::UNIX_EPOCH,
                flags: Flags::NONE,
                keywords: &[],
            };
            write(&mut file, format!("A: 1\n\n{body}").as_bytes(), beside);
        }
        let mut splitter = Splitter::new(Dialect::Mboxrd);
        let mut read: Vec<Vec<u8>> = Vec::new();
        for line in file.split_inclusive(|&octet| octet == b'\n') {
            match splitter.take(line, false) {
                Piece::Begin(date) => {
                    assert_eq!(date, Some(Timestamp::UNIX_EPOCH));
                    read.push(Vec::new());
                }
                Piece::Content(octets) => read.last_mut().unwrap().extend_from_slice(octets),
                Piece::AfterEmptyLine(octets) => {
                    read.last_mut().unwrap().push(b'\n');
                    read.last_mut().unwrap().extend_from_slice(octets);
                }
                Piece::Nothing => {}
            }
        }
        let read: Vec<String> = read
            .iter()
            .map(|it| String::from_utf8_lossy(&state(it, Dialect::Mboxrd).1).into_owned())
            .collect();
        let wanted = bodies.map(|body| format!("A: 1\n\n{body}"));
        // The last empty line of a message without a body parts it from the next.
        assert_eq!(
            read.iter().map(|it| it.trim_end()).collect::<Vec<_>>(),
            wanted.iter().map(|it| it.trim_end()).collect::<Vec<_>>()
        );
    }
}
