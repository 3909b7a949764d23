//! SMTP, submission and LMTP as text: commands, replies, the body of DATA and BDAT.
//!
//! Called by `server::smtp` (commands and bodies in, replies out) and by `mail::relay` (replies in). Everything here is
//! pure and takes its limits from the caller; octets may come in any portions, and none of them can make it panic.
//!
//! RFC 5321 §4 (commands, replies), RFC 2033 §4 (LMTP), RFC 1870 §3 (SIZE), RFC 2034 §3 (enhanced codes),
//! RFC 3030 §2 (BDAT), RFC 3461 §4 (DSN), RFC 4954 §4 (AUTH), RFC 6152 §2 (8BITMIME), RFC 6531 §3 (SMTPUTF8).

pub mod body;
pub mod command;
pub mod hops;
pub mod line;
mod parameters;
mod path;
pub mod reply;
mod xtext;
