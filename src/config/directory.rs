//! Addresses and aliases.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// Addresses and aliases.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// The characters of which each parts a user's name from a detail (`user+detail@domain`). Empty: none.
    pub detail_separators: String,
    /// How many aliases may follow on one another.
    #[schemars(range(min = 1, max = 100))]
    pub max_alias_depth: usize,
    /// To how many addresses one address may lead in the end.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_alias_destinations: usize,
    /// How many answers are kept in memory.
    #[schemars(range(min = 0, max = 100_000_000))]
    pub cache_entries: usize,
    /// How often, in milliseconds, the database is asked whether another program or node changed the directory.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub watch_milliseconds: u64,
    /// For how many hours a deleted user can be restored, before their mail is removed. 0: it is removed at once.
    #[schemars(range(min = 0, max = 87_600))]
    pub keep_deleted_hours: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            detail_separators: "+".into(),
            max_alias_depth: 10,
            max_alias_destinations: 1000,
            cache_entries: 100_000,
            watch_milliseconds: 500,
            keep_deleted_hours: 168,
        }
    }
}

impl Directory {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        match self.detail_separators.chars().find(|c| !"!#$%&'*+-/=?^_`{|}~".contains(*c)) {
            None => Ok(()),
            // RFC 5322 §3.2.3: what may stand in an address unquoted, without letters and digits, which would split ordinary names.
            Some(c) => Err(Problem::new(
                "detail_separators",
                format!("has {c:?}; right would be characters of !#$%&'*+-/=?^_`{{|}}~ such as \"+\""),
            )),
        }
    }
}
