//! The protocol of clamd, ClamAV's daemon: a command a connection, and a message in pieces (clamd(8), "COMMANDS").
//!
//! Commands begin with `z` and end with a zero octet, and so do answers. A message follows `INSTREAM` in pieces, each after its length;
//! a piece without octets ends it.

/// Whether it is alive: the answer is `PONG`.
pub const PING: &[u8] = b"zPING\0";
/// The versions of the program and of what it knows.
pub const VERSION: &[u8] = b"zVERSION\0";
/// A message follows.
pub const INSTREAM: &[u8] = b"zINSTREAM\0";

/// The most octets of an answer.
pub const MOST: usize = 4_096;
/// The longest name of a virus that is kept.
const NAME: usize = 128;

/// What stands before a piece of so many octets; 0 ends the message.
pub fn piece(octets: usize) -> [u8; 4] {
    u32::try_from(octets).unwrap_or(u32::MAX).to_be_bytes()
}

/// What is said of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing was found.
    Clean,
    /// It has a virus of this name, which has visible ASCII characters only.
    Found(String),
    /// It was not scanned, or not to its end: why, in the daemon's words.
    Failed(String),
}

/// Why octets are no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// The connection ended within it.
    #[error("its answer breaks off")]
    CutShort,
    /// It ends with none of the words that it should.
    #[error("its answer is none that is known")]
    Unknown,
}

/// The text of an answer, without the zero octet at its end.
pub fn text(octets: &[u8]) -> Result<String, BadAnswer> {
    let end = octets
        .iter()
        .position(|octet| matches!(octet, 0 | b'\n'))
        .ok_or(BadAnswer::CutShort)?;
    let text = octets.get(..end).unwrap_or_default();
    Ok(String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).collect())
}

/// Reads the answer to a message: `stream: OK`, `stream: NAME FOUND`, or words that end with `ERROR`.
pub fn parse(octets: &[u8]) -> Result<Answer, BadAnswer> {
    let text = text(octets)?;
    let said = text.strip_prefix("stream: ").unwrap_or(&text).trim();
    if said == "OK" {
        return Ok(Answer::Clean);
    }
    if let Some(name) = said.strip_suffix(" FOUND") {
        let name: String = name.chars().filter(char::is_ascii_graphic).take(NAME).collect();
        return Ok(Answer::Found(if name.is_empty() { "unnamed".into() } else { name }));
    }
    match said.strip_suffix("ERROR") {
        Some(why) => Ok(Answer::Failed(why.trim().to_owned())),
        None => Err(BadAnswer::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        for (octets, expected) in [
            (&b"stream: OK\0"[..], Ok(Answer::Clean)),
            (b"stream: OK\n", Ok(Answer::Clean)),
            (b"stream: Eicar-Signature FOUND\0", Ok(Answer::Found("Eicar-Signature".into()))),
            (
                b"stream: Win.Test.EICAR_HDB-1(abc:68) FOUND\0",
                Ok(Answer::Found("Win.Test.EICAR_HDB-1(abc:68)".into())),
            ),
            (b"stream: a b\r\n\0", Err(BadAnswer::Unknown)),
            (b"stream: \xff\xff FOUND\0", Ok(Answer::Found("unnamed".into()))),
            (
                b"INSTREAM size limit exceeded. ERROR\0",
                Ok(Answer::Failed("INSTREAM size limit exceeded.".into())),
            ),
            (b"stream: OK", Err(BadAnswer::CutShort)),
            (b"", Err(BadAnswer::CutShort)),
            (b"UNKNOWN COMMAND\0", Err(BadAnswer::Unknown)),
        ] {
            assert_eq!(parse(octets), expected, "{}", octets.escape_ascii());
        }
        assert_eq!(text(b"ClamAV 1.4.3/27000\0"), Ok("ClamAV 1.4.3/27000".into()));
    }

    #[test]
    fn pieces_have_their_lengths() {
        assert_eq!(piece(0), [0; 4]);
        assert_eq!(piece(65_536), [0, 1, 0, 0]);
    }
}
