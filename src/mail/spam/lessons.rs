//! Learning: by hand, and from what users move.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::bayes::Lesson;
use super::facts::{Case, Facts};
use super::{Learnt, Owner, Spam};
use crate::mail::directory::Directory;
use crate::mail::mailbox::{Draft, Mailbox, Mailboxes, Resorted};
use crate::model::ids::{Uid, UserId};
use crate::model::refusal::Refusal;

/// How often what is old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// The most messages of one command that are learned.
const MOST: usize = 1_000;

/// How a lesson is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    /// Whether it is spam.
    pub is_spam: bool,
    /// Whether somebody asked for it by hand: then it is learned however much of its kind was learned before.
    pub by_hand: bool,
}

impl Spam {
    /// Learns a message for these owners; what came of it, in their order.
    pub async fn learn(&self, message: Vec<u8>, owners: &[Owner], meant: Meant) -> Result<Vec<Learnt>, Refusal> {
        if let Some(rspamd) = &self.inner.rspamd {
            let taught = rspamd.learn(message, meant.is_spam).await;
            taught.map_err(|error| {
                tracing::warn!(%error, "rspamd was not taught a message");
                Refusal::LATER
            })?;
            return Ok(vec![Learnt::New; owners.len()]);
        }
        let most = self.max_scan_bytes();
        let lesson = crate::mail::mailbox::blocking(move || {
            let message = message.get(..most).unwrap_or(&message);
            Ok(Lesson::of(&Facts::of(Case::bare(message, Timestamp::UNIX_EPOCH))))
        });
        let lesson = lesson.await?;
        let mut all = Vec::with_capacity(owners.len());
        for owner in owners {
            all.push(self.inner.learned.learn(*owner, &lesson, (meant.is_spam, meant.by_hand)).await?);
        }
        Ok(all)
    }

    /// Whom a user teaches by what they say of their mail: themselves, and the server if users do.
    pub fn taught_by(&self, user: UserId) -> Vec<Owner> {
        let mut owners = vec![Owner::User(user)];
        if self.inner.settings.bayes_users_teach_all {
            owners.push(Owner::Server);
        }
        owners
    }

    /// Learns a message that has just come, for these owners; see [`Spam::learn`].
    pub async fn learn_draft(&self, mut draft: Draft, owners: &[Owner], meant: Meant) -> Result<Vec<Learnt>, Refusal> {
        if draft.size() == 0 {
            return Err(Refusal::BadMessage("the message is empty".to_owned()));
        }
        draft.finish().await?;
        let _turn = self.turn().await;
        let message = draft.read_begin(self.max_scan_bytes()).await?;
        self.learn(message, owners, meant).await
    }

    /// Learns a stored message for these owners; none where it is not there any more. See [`Spam::learn`].
    pub async fn learn_stored(
        &self,
        mailbox: &Mailbox,
        uid: Uid,
        (owners, meant): (&[Owner], Meant),
    ) -> Result<Option<Vec<Learnt>>, Refusal> {
        let _turn = self.turn().await;
        let Some(stored) = mailbox.open_message(uid).await? else {
            return Ok(None);
        };
        let length = usize::try_from(stored.size()).unwrap_or(usize::MAX).min(self.max_scan_bytes());
        let message = stored.read_at(0, length).await?.to_vec();
        self.learn(message, owners, meant).await.map(Some)
    }

    /// Learns what users move into their mailboxes for junk and out of them, and forgets what is old, until `cancel`.
    pub async fn run(self, mut resorted: Receiver<Resorted>, (directory, mailboxes): (Directory, Mailboxes), cancel: CancellationToken) {
        let mut tick = tokio::time::interval(FORGET_EVERY);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                Some(moved) = resorted.recv() => {
                    if let Err(refusal) = self.learn_moved(&moved, &directory, &mailboxes).await {
                        tracing::warn!(login = moved.login, %refusal, "what was moved could not be learned");
                    }
                }
                _ = tick.tick() => match self.inner.learned.forget().await {
                    Ok(0) => {}
                    Ok(tokens) => tracing::info!(tokens, "words that were not met for long are forgotten"),
                    Err(error) => tracing::warn!(%error, "words that were not met for long could not be forgotten"),
                },
            }
        }
    }

    async fn learn_moved(&self, moved: &Resorted, directory: &Directory, mailboxes: &Mailboxes) -> Result<(), Refusal> {
        let settings = &self.inner.settings;
        if !settings.bayes || !self.is_on() {
            return Ok(());
        }
        let user = directory.user(&moved.login).await?;
        let mailbox = mailboxes.open_id(&user, moved.mailbox).await?;
        let owners = self.taught_by(user.id);
        let meant = Meant {
            is_spam: moved.is_junk,
            by_hand: false,
        };
        let uids: Vec<Uid> = moved.uids.iter().copied().take(MOST).collect();
        for uid in uids {
            // It may be somewhere else by now.
            let Some(learnt) = self.learn_stored(&mailbox, uid, (&owners, meant)).await? else {
                continue;
            };
            tracing::debug!(login = moved.login, is_spam = meant.is_spam, ?learnt, "a moved message is learned");
        }
        Ok(())
    }
}
