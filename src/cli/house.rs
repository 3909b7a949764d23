//! Where the commands do their work.

use super::failure::Failure;
use super::remote::Remote;
use crate::app::Services;

/// The house that a command is about. What a command prints is the same for both.
pub(super) enum House {
    /// The data that the configuration names, with or without a server that runs on it.
    Here(Box<Services>),
    /// A server elsewhere, over its REST API.
    There(Remote),
}

/// Why a command cannot be used with `--url`.
pub(super) fn only_here() -> Failure {
    Failure::Usage("this command works on the data of this machine only; leave out --url, and unset POSTHOUSE_URL".into())
}
