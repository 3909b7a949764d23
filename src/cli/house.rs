//! Where the commands do their work.

use super::failure::Failure;
use super::remote::Remote;
use crate::app::Services;
use crate::model::audit::Actor;

/// The house that a command is about. What a command prints is the same for both.
pub(super) enum House {
    /// The data that the configuration names, with or without a server that runs on it.
    Here(Box<Services>),
    /// A server elsewhere, over its REST API.
    There(Remote),
}

/// Who works at the command line: the account of the machine, and the one behind it that became another.
pub(super) fn operator() -> Actor {
    let named = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let named = named.filter(|name| !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control));
    Actor::command_line(named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())))
}

/// Why a command cannot be used with `--url`.
pub(super) fn only_here() -> Failure {
    Failure::Usage("this command works on the data of this machine only; leave out --url, and unset POSTHOUSE_URL".into())
}
