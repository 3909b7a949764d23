//! As whom the server runs.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// As whom the server runs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Process {
    /// The user to become once all ports are bound, where root starts the server: before a file of the data directory is opened, or a
    /// connection taken. Empty: whoever starts it. The data directory and the keys of certificates must be this user's to read.
    pub user: String,
    /// The group to become. Empty: the user's.
    pub group: String,
}

impl Process {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        match self.user.is_empty() && !self.group.is_empty() {
            true => Err(Problem::new(
                "group",
                "stands alone; right would be the user in process.user as well",
            )),
            false => Ok(()),
        }
    }
}
