//! What is fuzzed: a function for each parser, which panics when a promise is broken.
//!
//! That nothing panics is the first promise. The others: octets may come in any pieces, what is written is read again as the same, and
//! no offset leads out of the message.

pub mod foreign;
pub mod imap;
pub mod managesieve;
pub mod message;
pub mod names;
pub mod neighbours;
pub mod pop3;
pub mod sasl;
pub mod sieve;
pub mod smtp;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them, as the files in `fuzz_targets` are called.
pub const ALL: [Target; 36] = [
    ("imap_command", imap::command),
    ("imap_frame", imap::frame),
    ("imap_utf7", imap::utf7),
    ("imap_pattern", imap::pattern),
    ("smtp_command", smtp::command),
    ("smtp_lines", smtp::lines),
    ("smtp_body", smtp::body),
    ("smtp_chunks", smtp::chunks),
    ("smtp_reply", smtp::reply),
    ("managesieve", managesieve::command),
    ("pop3_command", pop3::command),
    ("pop3_message", pop3::message),
    ("sasl", sasl::exchange),
    ("scram", sasl::scram),
    ("sieve", sieve::script),
    ("message_structure", message::structure),
    ("message_header", message::header),
    ("message_words", message::words),
    ("message_address", message::address),
    ("message_transfer", message::transfer),
    ("message_html", message::html),
    ("message_view", message::view),
    ("message_search", message::search),
    ("message_downgrade", message::downgrade),
    ("addresses", names::addresses),
    ("file_names", names::files),
    ("policies", names::policies),
    ("spf", names::spf),
    ("proxy", names::proxy),
    ("dovecot_uidlist", foreign::uidlist),
    ("dovecot_keywords", foreign::keyword_names),
    ("dovecot_subscriptions", foreign::subscribed),
    ("mbox", foreign::mbox),
    ("imap_answer", foreign::answer),
    ("clamd", neighbours::clamd),
    ("milter", neighbours::milter),
];

/// The input without its first octet, and how long the pieces are in which the rest comes: the octet says it.
fn pieces(data: &[u8]) -> (&[u8], usize) {
    match data.split_first() {
        Some((&size, rest)) => (rest, usize::from(size % 17) + 1),
        None => (data, 1),
    }
}
