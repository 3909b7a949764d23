//! The database.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// The database.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite:FILE` (relative to `data_dir`), `postgres://user:password@host/name` or `mysql://user:password@host/name`.
    pub url: String,
    /// The most connections that are opened; for SQLite there are up to four more, which only read.
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: u32,
    /// How many seconds to wait for a free connection.
    #[schemars(range(min = 1, max = 3600))]
    pub acquire_timeout_seconds: u64,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite:posthouse.db".into(),
            max_connections: 16,
            acquire_timeout_seconds: 10,
        }
    }
}

impl Database {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        let right = ["sqlite:", "postgres://", "mysql://"]
            .iter()
            .any(|scheme| self.url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if right {
            return Ok(());
        }
        // The text itself is not repeated: it may hold a password.
        Err(Problem::new(
            "url",
            "is no database; right would be 'sqlite:posthouse.db', 'postgres://user:password@host/name' or 'mysql://user:password@host/name'",
        ))
    }
}
