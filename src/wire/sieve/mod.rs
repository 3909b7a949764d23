//! The Sieve language: scripts read, checked and run.
//!
//! A script goes through `lexer`, `parser` and `compiler` to a [`Program`]: each command, test and action has a file of its own under
//! `control`, `action` and `test`, with its arguments, its checks and its work. [`run`] runs a program on a [`State`]; what it cannot know
//! it asks a [`World`]. What came of it are actions, which [`effects`] turns into messages to store and to send.
//!
//! Called by `mail::filter`. Pure: no I/O, no clock. No script takes more time than its settings say, nor memory out of proportion to the
//! message and to these.
//!
//! RFC 5228 §2, §8 (the language), RFC 3894 §3 (copy), RFC 5173 §4 (body), RFC 5183 §4 (environment), RFC 5229 §3 (variables),
//! RFC 5230 §4 and RFC 6131 §2 (vacation), RFC 5231 §4 (relational), RFC 5232 §3 (imap4flags), RFC 5233 §4 (subaddress),
//! RFC 5235 §2 (spamtest, virustest), RFC 5260 §4 and §6 (date, index), RFC 5293 §4 (editheader), RFC 5429 §2 (reject),
//! RFC 5435 §3 and RFC 5436 §2 (enotify), RFC 5463 §4 (ihave), RFC 5490 §3 (mailbox, metadata), RFC 5703 §3 (MIME),
//! RFC 6134 §2 (extlists), RFC 6609 §3 (include), RFC 6785 §4 (imapsieve), RFC 7352 §3 (duplicate), RFC 8579 §3 (special-use),
//! RFC 9042 §4 (mailboxid)

mod action;
mod address;
mod arguments;
mod compiler;
mod control;
mod effect;
mod extension;
mod field_name;
mod flags;
mod index;
mod lexer;
pub mod limits;
mod matching;
mod message;
mod mime;
mod modifier;
mod moment;
mod notify_method;
mod outcome;
mod parser;
mod problem;
mod registry;
mod run;
mod settings;
mod signature;
mod syntax;
mod test;
pub mod testsuite;
mod text;
mod world;

pub use compiler::{Program, compile};
pub use control::include::is_script_name;
pub use effect::{Effect, Outgoing, Purpose, effects, kept};
pub use extension::Extension;
pub use message::Message;
pub use outcome::{Action, Notification, Outcome, Reply, Store};
pub use problem::{Position, Problem};
pub use run::{State, run};
pub use settings::{Editheader, Notify, Sender, Settings, Vacation};
pub use world::{Envelope, Library, Location, NoLibrary, NoWorld, Seen, World};
