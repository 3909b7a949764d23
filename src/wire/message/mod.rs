//! Internet messages: their header fields, their parts with offsets, their texts decoded, and searching in them.
//!
//! Called by `mail::mailbox` (structures for its cache), `server::imap` (FETCH, SEARCH), `server::pop3` and `api` (views). Nothing here
//! fails on a broken message, and nothing takes time or memory out of proportion to the message.
//!
//! RFC 5321 §4.4 (the way of a message)
//! RFC 5322 §2.2, §3 (headers, addresses, dates)
//! RFC 2045 §6 (transfer encodings)
//! RFC 2047 §2, §6 (encoded words)
//! RFC 5051 §2, RFC 5256 §2.1 (collation, base subject)
//! RFC 6152 §3 (8-bit content for 7-bit servers)
//! RFC 8601 §2.2 (results of authentication)

pub mod authentication;
pub mod casemap;
pub(in crate::wire) mod charset;
pub mod compose;
pub mod crlf;
pub mod downgrade;
pub mod dsn;
pub mod header;
pub mod html;
pub mod letter;
mod lexer;
mod line;
pub mod received;
pub mod search;
pub mod structure;
pub mod subject;
pub mod tags;
pub mod transfer;
pub mod view;
pub mod words;
