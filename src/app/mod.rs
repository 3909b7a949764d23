//! Builds the house from its configuration, runs it, and closes it.
//!
//! `cli` calls it; nobody else sees every room. What cannot be built is one clear line ([`Failure`]), and nothing is left half-started:
//! every listener is bound before the first connection is taken.

pub mod doctor;
mod doors;
mod metrics;
mod privileges;
mod ready;
mod run;
pub mod screen;
mod services;
mod setup;
pub mod telemetry;

pub use run::serve;
pub use services::{Services, open_services};

/// Why the house cannot be built: one line for the operator, that names the key or the address and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    /// The failure that this error is.
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}
