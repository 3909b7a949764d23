//! The test house: the real server in a directory of its own, and our own plain clients and peers to talk with it.
//!
//! Nothing here sleeps for a fixed time, and nothing leaves the machine: names are resolved by [`dns`], outgoing mail ends at [`mx`].

pub mod accepted;
pub mod acme;
pub mod authority;
pub mod clock;
pub mod databases;
pub mod disk;
pub mod dns;
pub mod dnssec;
pub mod dovecot;
pub mod house;
pub mod imap;
pub mod line;
pub mod maildir;
pub mod milter;
pub mod mx;
pub mod peer;
pub mod pop3;
pub mod ports;
pub mod program;
pub mod report;
pub mod rest;
pub mod scram;
pub mod smtp;
pub mod street;
pub mod tls;
pub mod traffic;
pub mod transcript;
pub mod wait;
pub mod web;
