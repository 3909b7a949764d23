//! Sessions: the doors for mail clients and other mail servers.
//!
//! `app` gives [`listener::Listeners`] one [`listener::Service`] for each key of `[listen]`; each connection becomes a
//! [`stream::Stream`] and is handed to the service's door (`smtp`, `imap`, `pop3`). Promised here: all listeners are bound
//! before the first connection is served, connections are bounded in total and by address, a session that panics ends
//! alone, and a stop lets transactions in flight finish.
//!
//! RFC 8314 §3 (TLS from the first octet), RFC 3207 §4.2 (nothing survives STARTTLS).

pub mod bind;
mod deflate;
pub mod entrance;
pub mod imap;
pub mod limits;
pub mod listener;
pub mod managesieve;
mod pace;
pub mod pop3;
mod sasl;
pub mod smtp;
mod socket;
pub mod stream;
mod traffic;

#[cfg(test)]
mod tests;
