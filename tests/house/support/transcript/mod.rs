//! Transcripts: dialogues that a postmaster can read, played against the real server.
//!
//! A file is a list of lines. Its first is a comment that names the RFC and section.
//! ```text
//! # RFC 5321 §4.5.2: …           a comment
//! @set smtp.max_recipients = 2   a key of the configuration
//! @user carol@house.test         another user (alice and bob are there), perhaps with fields: quota_bytes=1000
//! @alias info@house.test -> alice@house.test, carol@house.test
//! @domain other.test             another domain; `@domain other.test -> house.test` makes it another name
//! @append alice@house.test INBOX multipart.eml      a message of tests/transcripts/mail, put there by APPEND
//! @tls                           the first session is on the listener with implicit TLS
//! S: 250 2.1.0 *                 the server's next line; `*` stands for anything, `{name}` keeps a word for later
//! S: …                           any lines, up to the one that comes next
//! S~ * 3 EXISTS                  among the lines up to the next `S:` is this one
//! S! * RECENT                    and this one is not
//! C: EHLO client.test            the client's line; CRLF is added
//! C> a\nb\r\n                    octets as they are, with escapes
//! C*100: 0123456789              a line so many times
//! C2: NOOP                       `C2`, `S2`, …: a second session, opened when it is first named
//! @starttls                      the TLS handshake, now (`@starttls 2`, `@tls 2`, `@closed 2` for the second session)
//! @deflate                       the connection is compressed from here on (RFC 4978)
//! @closed                        the server closes the connection
//! = inbox of bob@house.test has 1 message           the state of the house (see `check`)
//! ```
//! Words kept with `{name}` are put in wherever `{name}` stands later.

mod check;
mod parse;
mod pattern;
mod play;

pub use play::play;

/// What the clients of a transcript say, line by line: seeds for other tests.
pub fn client_octets_of(text: &str) -> Vec<Vec<u8>> {
    let script = parse::parse(text).unwrap_or_else(|problem| panic!("{problem}"));
    let steps = script.steps.into_iter().map(|(_, _, step)| step);
    steps
        .filter_map(|step| match step {
            parse::Step::Client(octets) => Some(octets),
            _ => None,
        })
        .collect()
}
