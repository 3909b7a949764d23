//! IMAP as values: commands are read, responses are written.
//!
//! `server::imap` is the caller. It feeds the octets that came to a [`frame::Framer`], which finds where a command ends and
//! which literals want a continuation; a complete command goes through [`parse::command`] and becomes a [`command::Command`].
//! Answers are put together from [`response`] (status responses and their codes) and [`encode`] (data).
//!
//! Promises: nothing here panics on any input; a command is read without copying but for the values it keeps; depth, line length,
//! literals and sets are bounded. A line may end with a bare LF: people who test by hand are served, and nothing can be smuggled by it.
//!
//! - RFC 3501 §9: the grammar
//! - RFC 3516 §7: BINARY
//! - RFC 3501 §5.1.3: mailbox names in modified UTF-7
//! - RFC 3502 §6.3.11, RFC 4469 §3: APPEND of several messages, and of messages put together
//! - RFC 4314 §7, RFC 8440 §5: ACL, LIST-MYRIGHTS
//! - RFC 7888 §4: LITERAL+
//! - RFC 4315 §2: UID EXPUNGE, APPENDUID, COPYUID
//! - RFC 4731 §3, RFC 4466 §2: SEARCH RETURN, ESEARCH
//! - RFC 4959 §3: SASL-IR
//! - RFC 5032 §5: WITHIN
//! - RFC 5182 §3: SEARCHRES
//! - RFC 5161 §3: ENABLE
//! - RFC 5256 §5, RFC 5267 §3, RFC 5957 §3: SORT, THREAD
//! - RFC 5258 §3, RFC 5819 §2, RFC 6154 §3: LIST with options, LIST-STATUS, SPECIAL-USE
//! - RFC 5464 §5: METADATA
//! - RFC 5465 §8: NOTIFY
//! - RFC 6851 §3: MOVE
//! - RFC 6855 §3, §4: UTF8=ACCEPT
//! - RFC 8437 §6: UNAUTHENTICATE
//! - RFC 9586 §3: UIDONLY
//! - RFC 9051 §6.3: what IMAP4rev2 says otherwise
//! - RFC 7162 §3: CONDSTORE, QRESYNC
//! - RFC 8474 §4, §5: OBJECTID
//! - RFC 8508 §3: REPLACE
//! - RFC 8514 §4: SAVEDATE
//! - RFC 8970 §3: PREVIEW
//! - RFC 9208 §4: QUOTA
//! - RFC 5092 §5: URLs of messages
//! - RFC 7889 §3: APPENDLIMIT
//! - RFC 9394 §3, RFC 5267 §4: PARTIAL, CONTEXT
//! - RFC 9585 §3: INPROGRESS
//! - RFC 2971 §3: ID
//! - RFC 3501 §7: what servers answer, for the copy of an account from elsewhere

pub mod answer;
pub mod append;
pub mod capability;
pub mod command;
mod cursor;
pub mod date;
pub mod encode;
pub mod fetch;
pub mod flag;
pub mod frame;
pub mod notify;
pub mod parse;
pub mod partial;
pub mod pattern;
pub mod response;
pub mod search;
pub mod sequence;
pub mod sort;
pub mod structure;
pub mod url;
pub mod utf7;

pub use cursor::Utf8;

#[cfg(test)]
mod robustness;
