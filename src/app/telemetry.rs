//! Log lines: how much, in which form, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging. Once a process; a later call changes nothing.
pub fn start(log: &Log) {
    // A level that does not parse was refused with the configuration. The resolver warns of each signature that is wrong, with whole
    // messages; what that means for mail is told by those who asked.
    let filter = EnvFilter::try_new(format!("hickory_net=error,tantivy=warn,{}", log.level)).unwrap_or_default();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error says that logging runs already.
    _ = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
