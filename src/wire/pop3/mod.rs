//! POP3 spelled: commands in, replies out, messages in the form of the wire.
//!
//! Called by `server::pop3`. A command line is bounded ([`command::MAX_LINE`]), a reply line has at most 512 octets and no line end in
//! its text, and a message goes out with CRLF line ends and its dots doubled whatever its file holds.
//!
//! RFC 1939 §3, §5, §7, §9 (grammar, replies)
//! RFC 2449 §4, §6, §8 (line lengths, capabilities, response codes)
//! RFC 2595 §4 (STLS)
//! RFC 3206 §4 (SYS and AUTH codes)
//! RFC 5034 §4 (AUTH)
//! RFC 6856 §2, §3 (UTF8, LANG)

pub mod capability;
pub mod command;
pub mod language;
pub mod message;
pub mod reply;
