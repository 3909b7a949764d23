//! Users together with their mailboxes: what `directory` and `mailbox` only do half of.

use std::sync::Arc;

use super::directory::Directory;
use super::mailbox::Mailboxes;
use crate::model::account::User;
use crate::model::refusal::Refusal;

/// Removes a user from the directory, then their mailboxes and messages.
pub async fn remove(directory: &Directory, mailboxes: &Mailboxes, login: &str) -> Result<Arc<User>, Refusal> {
    let user = directory.remove_user(login).await?;
    mailboxes.purge(&user).await?;
    Ok(user)
}
