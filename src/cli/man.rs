//! `posthouse man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Cli;
use super::failure::Failure;

/// Arguments of `posthouse man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The directory that they are written to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> Result<(), Failure> {
        let written = std::fs::create_dir_all(&self.directory).and_then(|()| clap_mangen::generate_to(Cli::command(), &self.directory));
        written.map_err(|error| Failure::Incomplete(format!("cannot write to {}: {error}", self.directory.display())))
    }
}
