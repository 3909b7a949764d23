//! Users together with their mailboxes: what `directory` and `mailbox` only do half of.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::mailbox::Mailboxes;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::revision::{Expectation, States};

/// How often it is looked whose time to be restored is over.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Removes a user, who can be restored for `directory.keep_deleted_hours`; if that is 0, for good.
pub async fn remove(directory: &Directory, mailboxes: &Mailboxes, login: &str) -> Result<Arc<User>, Refusal> {
    match directory.keeps_deleted() {
        true => directory.delete_user(login).await,
        false => purge(directory, mailboxes, login).await,
    }
}

/// Removes a user, deleted or not, with their mailboxes and messages for good. They are deleted first and forgotten last: when it is
/// broken off in between, the address is still theirs, takes no more mail, and the removal goes on later; nobody else can be given it with
/// their mail.
pub async fn purge(directory: &Directory, mailboxes: &Mailboxes, login: &str) -> Result<Arc<User>, Refusal> {
    let user = directory.condemn_user(login).await?;
    mailboxes.purge(&user).await?;
    // The state that was expected was that before the first step.
    directory.expecting(Expectation::default()).remove_user(login).await
}

/// Works until `cancel`: removes for good whose time to be restored is over.
pub async fn run(directory: Directory, mailboxes: Mailboxes, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        if let Err(error) = purge_due(&directory, &mailboxes, &cancel).await {
            tracing::error!(%error, "deleted users cannot be removed yet");
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn purge_due(directory: &Directory, mailboxes: &Mailboxes, cancel: &CancellationToken) -> Result<(), Refusal> {
    for (login, seen) in directory.deleted_for_good().await? {
        if cancel.is_cancelled() {
            break;
        }
        let as_seen = Expectation {
            is: Some(States::These(vec![seen])),
            is_not: None,
        };
        match purge(&directory.expecting(as_seen), mailboxes, &login).await {
            Ok(_) => tracing::info!(login, "a deleted user is removed for good"),
            // Restored at this moment, or removed by another node.
            Err(Refusal::Changed | Refusal::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
