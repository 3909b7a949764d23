//! The tests of the whole house: the real binary, on free ports, in a directory of its own, spoken to over real sockets.

// A test says by a panic that something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acme;
mod auditing;
mod authentication;
mod certificates;
mod changing;
mod clients;
mod commands;
mod conventions;
mod crash;
mod credentials;
mod databases;
mod defence;
mod dmarc_reports;
mod filters;
mod fuzzing;
mod grammar;
mod hostile;
mod idling;
mod layers;
mod logging_in;
mod mail_api;
mod moving_in;
mod outbound;
mod outbound_crash;
mod outbound_dane;
mod outbound_hostile;
mod outbound_routes;
mod outbound_sts;
mod overview;
mod permissions;
mod process;
mod provisioning;
mod proxy;
mod reading;
mod receiving;
mod remote;
mod rest;
mod sdk;
mod searching;
mod sieve;
mod signing;
mod slow;
mod spam;
mod starting;
mod steering;
mod storage;
mod stories;
mod stress;
mod submitting;
mod support;
mod tls_reports;
mod transcripts;
