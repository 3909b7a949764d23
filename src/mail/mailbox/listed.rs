//! What lists show of messages and is held in memory: the header fields that SEARCH, SORT and THREAD go through each time they are asked,
//! the summaries that the API lists, and the threads that messages are of.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::blocks::Blocks;
use super::derived::half;
use super::{Inner, Mailbox};
use crate::config;
use crate::model::ids::{MailboxId, ThreadId, Uid};
use crate::model::refusal::Refusal;
use crate::wire::message::view::{self, Heading};

/// The most octets of threads' ids: those of some hundred thousand messages.
const MOST_THREADS: u64 = 33_554_432;
/// The most addresses of a field that a summary has; the message itself has all.
const ADDRESSES: usize = 100;

/// What a list shows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What stands in its header.
    pub heading: Heading,
    /// Whether it has a file that people would save.
    pub has_attachments: bool,
    /// The begin of its text, on one line.
    pub preview: String,
    /// Its thread.
    pub thread: ThreadId,
}

/// What is held of messages.
pub(super) struct Listed {
    headers: Blocks<Bytes>,
    summaries: Blocks<Arc<Summary>>,
    threads: Blocks<ThreadId>,
}

impl Listed {
    pub(super) fn new(settings: &config::Mail) -> Self {
        Self {
            headers: Blocks::new(settings.header_cache_bytes, Bytes::len),
            summaries: Blocks::new(settings.summary_cache_bytes, |summary| summary.octets()),
            threads: Blocks::new(MOST_THREADS, |_| 0),
        }
    }

    /// Drops all of a mailbox whose UIDs go up to `last`.
    pub(super) fn forget(&self, mailbox: MailboxId, last: Uid) {
        self.headers.forget(mailbox, last);
        self.summaries.forget(mailbox, last);
        self.threads.forget(mailbox, last);
    }
}

impl Summary {
    fn octets(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.preview.len())
            .saturating_add(self.heading.octets())
    }
}

impl Mailbox {
    /// The fields [`crate::wire::message::header::is_listed`] of messages (ascending) as they stand, with a blank line behind them; for
    /// the rest as [`Mailbox::structures`].
    pub async fn listed_fields(&self, uids: &[Uid]) -> Result<Vec<(Uid, Bytes)>, Refusal> {
        self.held(|listed| &listed.headers, uids, async |missing| self.derived(missing).await)
            .await
    }

    /// What lists show of messages (ascending); for the rest as [`Mailbox::structures`].
    pub async fn summaries(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Summary>)>, Refusal> {
        self.held(|listed| &listed.summaries, uids, async |missing| self.make_summaries(missing).await)
            .await
    }

    /// The threads of messages (ascending), as THREADID has them (RFC 8474 §5.2); for the rest as [`Mailbox::structures`].
    pub async fn threads(&self, uids: &[Uid]) -> Result<Vec<(Uid, ThreadId)>, Refusal> {
        self.held(|listed| &listed.threads, uids, async |missing| self.find_threads(missing).await)
            .await
    }

    /// What is in memory of messages, and of the others what `make` gives, from now on in memory too.
    async fn held<T: Clone + Send + Sync + 'static>(
        &self,
        blocks: fn(&Listed) -> &Blocks<T>,
        uids: &[Uid],
        make: impl AsyncFnOnce(&[Uid]) -> Result<Vec<(Uid, T)>, Refusal>,
    ) -> Result<Vec<(Uid, T)>, Refusal> {
        let house: &Inner = &self.house;
        let blocks = blocks(&house.listed);
        let (mut found, missing) = blocks.look(self.id, uids);
        if missing.is_empty() {
            return Ok(found);
        }
        let made = make(&missing).await?;
        blocks.keep(self.id, &made);
        found.extend(made);
        found.sort_unstable_by_key(|(uid, _)| *uid);
        Ok(found)
    }

    async fn make_summaries(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Summary>)>, Refusal> {
        let structures = self.structures(uids).await?;
        let mut previews = self.previews(uids).await?.into_iter().peekable();
        let mut threads = self.threads(uids).await?.into_iter().peekable();
        let mut summaries = Vec::with_capacity(structures.len());
        for (uid, structure) in structures {
            while previews.next_if(|(other, _)| *other < uid).is_some() {}
            while threads.next_if(|(other, _)| *other < uid).is_some() {}
            let preview = previews.next_if(|(other, _)| *other == uid);
            let thread = threads.next_if(|(other, _)| *other == uid);
            // What is gone by now has not all of them.
            let (Some((_, preview)), Some((_, thread))) = (preview, thread) else {
                continue;
            };
            let summary = Summary {
                heading: Heading::new(&structure.envelope, ADDRESSES),
                has_attachments: view::has_attachments(&structure),
                preview,
                thread,
            };
            summaries.push((uid, Arc::new(summary)));
        }
        Ok(summaries)
    }

    /// By the header where it tells, else by the message itself.
    async fn find_threads(&self, uids: &[Uid]) -> Result<Vec<(Uid, ThreadId)>, Refusal> {
        let (mut threads, mut alone) = (Vec::with_capacity(uids.len()), Vec::new());
        for (uid, header) in self.listed_fields(uids).await? {
            match thread(&header) {
                Some(thread) => threads.push((uid, thread)),
                None => alone.push(uid),
            }
        }
        if !alone.is_empty() {
            let ids = self.object_ids(&alone).await?;
            threads.extend(ids.into_iter().map(|(uid, ids)| (uid, ids.thread)));
            threads.sort_unstable_by_key(|(uid, _)| *uid);
        }
        Ok(threads)
    }
}

/// The thread of a message with this header, if its header tells.
pub(super) fn thread(header: &[u8]) -> Option<ThreadId> {
    let root = view::thread_root(header)?;
    Some(ThreadId(half(Sha256::new_with_prefix(root))))
}
