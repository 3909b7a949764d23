//! NOOP and CHECK in a selected mailbox: the moment to hear of changes (RFC 3501 §6.1.2, §6.4.1).

use super::outcome::{Done, Fault};
use super::selected::Selected;

pub(super) async fn noop(selected: &Selected) -> Result<Done, Fault> {
    selected.mailbox.refresh().await?;
    Ok(Done::new("the mailbox was looked at"))
}
