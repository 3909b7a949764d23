//! What is logged, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::problem::Problem;

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,posthouse::mail=debug`.
    pub level: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

impl Log {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        // EnvFilter takes any single word for the name of a module, so that a mistyped level would silence everything.
        let well_formed = self.level.split(',').map(str::trim).all(|part| {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            ["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_ascii_lowercase().as_str())
        });
        if well_formed && EnvFilter::try_new(&self.level).is_ok() {
            return Ok(());
        }
        Err(Problem::new(
            "level",
            format!(
                "'{}' is no level; right would be one of error, warn, info, debug, trace, or a filter such as 'info,posthouse::mail=debug'",
                self.level
            ),
        ))
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
