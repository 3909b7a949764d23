//! Reading many messages to learn one thing of each, such as whether a text is in it: off the network threads, some messages at the same
//! time, and no more than so many of them in memory, however many sessions search.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use tokio::sync::Semaphore;

use super::read::{Entry, StoredMessage, open};
use super::{Mailbox, blocking};
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::Maildir;
use crate::wire::message::header;

/// So many messages are read one after the other.
const TOGETHER: usize = 32;
/// So many times as many at once for one that asks.
const AT_ONCE: usize = 4;
/// The most octets of a message in which the end of its header is looked for.
const MAX_HEADER: u64 = 1_048_576;

/// What is shown of a message.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// The begin, with all of the header.
    Begin(&'a [u8]),
    /// All of it.
    Whole(&'a [u8]),
}

/// How many pieces of work are done at the same time, for all who ask.
pub(super) fn readers() -> Semaphore {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Semaphore::new(cores.clamp(2, 16))
}

impl Mailbox {
    /// Shows these messages (ascending) to `judge`: the begin of each, and all of it if that does not decide. What `judge` says of each,
    /// without those that are gone.
    pub async fn examine<J>(&self, uids: &[Uid], judge: Arc<J>) -> Result<Vec<(Uid, bool)>, Refusal>
    where
        J: Fn(Uid, Shown<'_>) -> Option<bool> + Send + Sync + 'static,
    {
        let parts: Vec<_> = uids.chunks(TOGETHER).map(|part| self.examine_some(part, &judge)).collect();
        let examined: Vec<Vec<(Uid, bool)>> = iter(parts).buffered(AT_ONCE).try_collect().await?;
        Ok(examined.into_iter().flatten().collect())
    }

    async fn examine_some<J>(&self, uids: &[Uid], judge: &Arc<J>) -> Result<Vec<(Uid, bool)>, Refusal>
    where
        J: Fn(Uid, Shown<'_>) -> Option<bool> + Send + Sync + 'static,
    {
        let _one_of_some = self.house.readers.acquire().await;
        let (entries, maildir, all) = (self.entries(uids), self.maildir(), Arc::clone(judge));
        let (mut examined, missing) = blocking(move || examine_all(&maildir, entries, &*all)).await?;
        for uid in missing {
            match self.examine_late(uid, Arc::clone(judge)).await {
                Ok(verdict) => examined.extend(verdict.map(|verdict| (uid, verdict))),
                Err(error) => note_unreadable(uid, &error),
            }
        }
        examined.sort_unstable_by_key(|(uid, _)| *uid);
        Ok(examined)
    }

    /// One that was renamed just now, or is gone.
    async fn examine_late<J>(&self, uid: Uid, judge: Arc<J>) -> Result<Option<bool>, Refusal>
    where
        J: Fn(Uid, Shown<'_>) -> Option<bool> + Send + Sync + 'static,
    {
        let Some(message) = self.open_message(uid).await? else {
            return Ok(None);
        };
        Ok(Some(blocking(move || examine_one(uid, &message, &*judge)).await?))
    }
}

/// What cannot be read is not found, but the others are.
pub(super) fn note_unreadable(uid: Uid, error: &dyn std::fmt::Display) {
    tracing::warn!(%error, %uid, "a message cannot be read");
}

/// What was said of the messages, and those whose files are not where they should be.
type Examined = (Vec<(Uid, bool)>, Vec<Uid>);

fn examine_all(maildir: &Maildir, entries: Vec<Entry>, judge: &impl Fn(Uid, Shown<'_>) -> Option<bool>) -> Result<Examined, store::Error> {
    let (mut examined, mut missing) = (Vec::with_capacity(entries.len()), Vec::new());
    for (uid, file, flags) in entries {
        let judged = open(maildir, &file, flags).and_then(|message| {
            let judge_it = |message: StoredMessage| examine_one(uid, &message, judge);
            message.map(judge_it).transpose()
        });
        match judged {
            Ok(Some(verdict)) => examined.push((uid, verdict)),
            Ok(None) => missing.push(uid),
            Err(error) => note_unreadable(uid, &error),
        }
    }
    Ok((examined, missing))
}

fn examine_one(uid: Uid, message: &StoredMessage, judge: &impl Fn(Uid, Shown<'_>) -> Option<bool>) -> Result<bool, store::Error> {
    if let Some(verdict) = judge(uid, Shown::Begin(&begin(message)?)) {
        return Ok(verdict);
    }
    let whole = message.read_begin(u64::MAX)?;
    Ok(judge(uid, Shown::Whole(&whole)).unwrap_or(false))
}

fn begin(message: &StoredMessage) -> Result<Bytes, store::Error> {
    match header::is_whole(message.begin()) {
        true => Ok(message.begin().clone()),
        false => message.read_begin(MAX_HEADER),
    }
}
