//! What has lain in Junk and Trash for long enough is removed.
//!
//! `app` runs it on each node; two that do the same do no harm. What counts is when a message came into the mailbox, not when it was sent:
//! its file has got a new name then. Only mailboxes whose oldest file is due are opened.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::mailbox::Mailboxes;
use crate::config;
use crate::model::clock::{Clock, DAY_MS};
use crate::model::mailbox::SpecialUse;
use crate::model::refusal::Refusal;
use crate::store::db::Database;
use crate::store::db::mailboxes::{self, Oldest};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// So many mailboxes are asked for at a time.
const PAGE: i64 = 500;

/// Who removes it.
pub struct Retention {
    pub database: Database,
    pub directory: Directory,
    pub mailboxes: Mailboxes,
    pub settings: config::Retention,
    pub clock: Clock,
}

impl Retention {
    /// Works until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(error) = self.remove_due().await {
                tracing::error!(%error, "old mail in Junk and Trash is not removed yet");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Removes what is due now; how many messages.
    pub async fn remove_due(&self) -> Result<u64, Refusal> {
        // For users who have none of their own.
        let rules = [
            (SpecialUse::Junk, self.settings.junk_days),
            (SpecialUse::Trash, self.settings.trash_days),
        ];
        let mut removed = 0_u64;
        for rule in rules {
            let mut after = None;
            loop {
                let page = mailboxes::oldest(&mut self.database.read().await?, rule, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.mailbox);
                for oldest in &page {
                    let before = self.before(oldest.days);
                    if oldest.is_before(before) {
                        removed = removed.saturating_add(self.remove(oldest, before).await?);
                    }
                }
            }
        }
        Ok(removed)
    }

    /// So many days ago.
    fn before(&self, days: u64) -> i64 {
        let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
        self.clock.now_ms().saturating_sub(age)
    }

    async fn remove(&self, oldest: &Oldest, before_ms: i64) -> Result<u64, Refusal> {
        let opened = async {
            let user = self.directory.user(&oldest.login).await?;
            self.mailboxes.open_id(&user, oldest.mailbox).await
        };
        let mailbox = match opened.await {
            Ok(mailbox) => mailbox,
            // Deleted meanwhile.
            Err(Refusal::NotFound { .. }) => return Ok(0),
            Err(refusal) => return Err(refusal),
        };
        let due = mailbox.saved(|at: Timestamp| at.as_millisecond() < before_ms);
        let removed = mailbox.remove(&due).await?.len() as u64;
        tracing::info!(login = oldest.login, mailbox = %mailbox.info().name, removed, "old messages are removed");
        Ok(removed)
    }
}
