//! Users together with their mailboxes: what `directory` and `mailbox` only do half of.

use std::sync::Arc;

use super::directory::{Directory, UserChange};
use super::mailbox::Mailboxes;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::revision::Expectation;

/// Removes a user with their mailboxes and messages. They are disabled first and forgotten last: when it is broken off in between, the
/// address is still theirs, takes no more mail, and the removal can be repeated; nobody else can be given it with their mail.
pub async fn remove(directory: &Directory, mailboxes: &Mailboxes, login: &str) -> Result<Arc<User>, Refusal> {
    let disabled = UserChange {
        enabled: Some(false),
        ..UserChange::default()
    };
    let user = directory.change_user(login, disabled).await?;
    mailboxes.purge(&user).await?;
    // The state that was expected was that before the first step.
    directory.expecting(Expectation::default()).remove_user(login).await
}
