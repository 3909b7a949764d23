//! `posthouse completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::failure::Failure;
use super::output::Output;

/// Arguments of `posthouse completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that is to read them
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, out: &mut Output) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "posthouse", &mut script);
        out.text(&String::from_utf8_lossy(&script))
    }
}
