//! `posthouse serve`.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::failure::Failure;
use crate::app::{self, telemetry};
use crate::config::LogFormat;

/// Arguments of `posthouse serve`.
#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// Write the addresses of the listeners to this file, as JSON, once all are up
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    /// Runs until SIGTERM or SIGINT. With `--json` the log is JSON, whatever the configuration says.
    pub(super) async fn run(self, global: Global) -> Result<(), Failure> {
        global.only_here()?;
        let loaded = global.load()?;
        let mut config = loaded.config;
        if global.json {
            config.log.format = LogFormat::Json;
        }
        let traces = telemetry::start_serving(&config.log, &config.hostname);
        let served = app::serve(config, loaded.effective, self.ready_file).await;
        traces.end().await;
        Ok(served?)
    }
}
