//! IMAP: commands, where they end, names of mailboxes.

use posthouse::wire::imap::append::Reader;
use posthouse::wire::imap::frame::{Frame, Framer, Limits};
use posthouse::wire::imap::{Utf8, parse, pattern, url, utf7};

const LIMITS: Limits = Limits {
    line: 4096,
    command: 8192,
    utf8: Utf8::Names,
};

/// A command, the begin of an APPEND, or what follows it.
pub fn command(data: &[u8]) {
    for utf8 in [Utf8::Off, Utf8::Names, Utf8::Accept] {
        if let (Ok(tagged), Some(tag)) = (parse::command_of(data, utf8), parse::tag_of(data)) {
            assert_eq!(tagged.tag, tag);
        }
        if let Some((length, _)) = parse::append_head(data, utf8) {
            assert!(length <= data.len());
        }
    }
    let mut reader = Reader::default();
    for line in data.split_inclusive(|&octet| octet == b'\n') {
        let _ = reader.line(line);
    }
    let _ = url::parse(&String::from_utf8_lossy(data));
    let _ = parse::section(data);
}

/// Commands end where they end, in whatever pieces they come.
pub fn frame(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let whole = frames(octets, octets.len().max(1));
    let in_pieces = frames(octets, size);
    // A line that is too long may be cut off before its end has come.
    let is_endless = |frame: &String| frame == "Endless";
    let cut = |frames: Vec<String>| frames.into_iter().take_while(|frame| !is_endless(frame)).collect::<Vec<_>>();
    assert_eq!(cut(whole), cut(in_pieces));
}

/// What there is, each frame taken off the buffer.
fn frames(octets: &[u8], size: usize) -> Vec<String> {
    let mut framer = Framer::default();
    let (mut buffer, mut found) = (Vec::new(), Vec::new());
    for piece in octets.chunks(size) {
        buffer.extend_from_slice(piece);
        loop {
            let frame = framer.next(&buffer, LIMITS);
            let taken = match &frame {
                Frame::Partial => break,
                Frame::Continue => continue,
                Frame::Command(length) | Frame::TooLarge { length, .. } => *length,
                Frame::Append(length, _) => *length,
                Frame::Endless => {
                    found.push("Endless".to_owned());
                    return found;
                }
            };
            found.push(format!("{frame:?}"));
            assert!(taken > 0 && taken <= buffer.len());
            buffer.drain(..taken);
        }
    }
    found
}

/// A name of a mailbox is the same after it was written and read again (RFC 3501 §5.1.3).
pub fn utf7(data: &[u8]) {
    if let Some(name) = utf7::decode(data) {
        let written = utf7::encode(&name);
        assert!(written.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        assert_eq!(utf7::decode(written.as_bytes()), Some(name));
    }
    if let Ok(name) = std::str::from_utf8(data) {
        assert_eq!(utf7::decode(utf7::encode(name).as_bytes()).as_deref(), Some(name));
    }
}

/// A pattern of LIST takes no time out of proportion, and every name matches `*`.
pub fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, name) = text.split_once('\n').unwrap_or((&text, "INBOX"));
    let _ = pattern::matches(pattern, name);
    assert!(pattern::matches("*", name));
    let _ = pattern::join(name, pattern);
}
