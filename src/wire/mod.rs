//! Bytes to values and back: pure, no async, no I/O, fuzzed.
//!
//! Every parser here is a grammar with limits; none panics, whatever the input.

pub mod clamd;
pub mod client_setup;
pub mod cms;
pub mod dmarc;
pub mod dovecot;
pub mod imap;
pub mod managesieve;
pub mod mbox;
pub mod message;
pub mod milter;
pub mod mta_sts;
pub mod pop3;
pub mod proxy;
pub mod report_letter;
pub mod sasl;
pub mod sieve;
pub mod smtp;
pub mod spf;
pub mod tls;
pub mod tls_report;
pub mod x509;
