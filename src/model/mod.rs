//! Plain values, no I/O: what the house talks about.
//!
//! Everyone uses this room; it uses nobody. A value that exists is valid: addresses, domains, mailbox names and
//! ids are built by a `parse` or `TryFrom` that says what was wrong.

pub mod access;
pub mod account;
pub mod address;
pub mod audit;
pub mod certificate;
pub mod client;
pub mod clock;
pub mod clue;
pub mod dkim;
pub mod envelope;
pub mod event;
pub mod filter;
pub mod ids;
pub mod labels;
pub mod listing;
pub mod login;
pub mod mailbox;
mod named;
pub mod network;
pub mod queue;
pub mod refusal;
pub mod report;
pub mod revision;
pub mod rights;
pub mod scope;
pub mod secret;
pub mod site;
pub mod trace;
pub mod traced;
pub mod verdict;
pub mod webhook;
