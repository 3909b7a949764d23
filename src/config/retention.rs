//! How long mail that nobody wants is kept.

use schemars::JsonSchema;
use serde::Deserialize;

/// How long messages stay in the mailboxes that mail clients mark as Junk and Trash, of users who have no rule of their own. They go for
/// good, whatever their flags.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// After so many days in a Junk mailbox a message is removed. 0: never.
    #[schemars(range(min = 0, max = 36_500))]
    pub junk_days: u64,
    /// After so many days in a Trash mailbox a message is removed. 0: never.
    #[schemars(range(min = 0, max = 36_500))]
    pub trash_days: u64,
}
