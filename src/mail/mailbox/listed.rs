//! What lists show of messages and is held in memory: the header fields that SEARCH, SORT and THREAD go through each time they are asked,
//! the summaries that the API lists, the threads that messages are of, and when they were sent.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::blocks::Blocks;
use super::derived::half;
use super::{Inner, Mailbox, blocking};
use crate::config;
use crate::model::ids::{MailboxId, ThreadId, Uid};
use crate::model::refusal::Refusal;
use crate::wire::message::header::{find, is_all, sorted_at};
use crate::wire::message::view::{self, Heading};

/// The most octets of threads' ids, and of dates: those of some hundred thousand messages.
const MOST_SMALL: u64 = 33_554_432;
/// How many messages' structures are in memory at a time, while summaries are made of them.
const SUMMED_UP: usize = 200;
/// The most addresses of a field that a summary has; the message itself has all.
const ADDRESSES: usize = 100;

/// So many messages are asked for at a time, and gone through together: so many messages, or octets.
const ASKED: usize = 256;
const TOGETHER: usize = 2_048;
const OCTETS_TOGETHER: usize = 1_048_576;

/// What is kept of a message.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Which.
    pub uid: Uid,
    /// See [`Mailbox::listed_fields`].
    pub header: Bytes,
    /// Whether it has files that people would save, where that is asked for.
    pub has_attachments: Option<bool>,
}

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
    sent: Blocks<Option<Timestamp>>,
}

impl Listed {
    pub(super) fn new(settings: &config::Mail) -> Self {
        Self {
            headers: Blocks::new(settings.header_cache_bytes, Bytes::len),
            summaries: Blocks::new(settings.summary_cache_bytes, |summary| summary.octets()),
            threads: Blocks::new(MOST_SMALL, |_| 0),
            sent: Blocks::new(MOST_SMALL, |_| 0),
        }
    }

    /// Keeps header fields of messages (ascending).
    pub(super) fn keep_headers(&self, mailbox: MailboxId, headers: &[(Uid, Bytes)]) {
        self.headers.keep(mailbox, headers);
    }

    /// Drops what is held of messages of a mailbox: runs of UIDs, the first and the last, ascending.
    pub(super) fn forget(&self, mailbox: MailboxId, gone: &[(Uid, Uid)]) {
        self.headers.forget(mailbox, gone);
        self.summaries.forget(mailbox, gone);
        self.threads.forget(mailbox, gone);
        self.sent.forget(mailbox, gone);
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
    /// What [`crate::wire::message::header::listed_fields`] gives of messages (ascending); for the rest as [`Mailbox::structures`].
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

    /// When messages (ascending) were sent, as SORT has it (RFC 5256 §2.2); none if the header does not tell. What is gone is left out.
    pub async fn sent(&self, uids: &[Uid]) -> Result<Vec<(Uid, Option<Timestamp>)>, Refusal> {
        let note = |sent: &mut Vec<(Uid, Option<Timestamp>)>, kept: &Kept| {
            sent.push((kept.uid, find(&kept.header, "Date").and_then(sorted_at)));
        };
        self.held(
            |listed| &listed.sent,
            uids,
            async |missing| {
                self.go_through_kept((missing, false), Vec::with_capacity(missing.len()), note)
                    .await
            },
        )
        .await
    }

    /// Goes through what is kept of messages (ascending), some at a time, off the network threads: `work` is given the state and what comes
    /// next. What is gone is left out.
    pub async fn go_through_kept<T, W>(&self, (uids, attachments): (&[Uid], bool), mut state: T, work: W) -> Result<T, Refusal>
    where
        T: Send + 'static,
        W: Fn(&mut T, &Kept) + Clone + Send + 'static,
    {
        let mut parts = uids.chunks(ASKED).peekable();
        while parts.peek().is_some() {
            let (mut some, mut octets) = (Vec::new(), 0_usize);
            while some.len() < TOGETHER
                && octets < OCTETS_TOGETHER
                && let Some(part) = parts.next()
            {
                let kept = self.kept_of(part, attachments).await?;
                octets = kept.iter().fold(octets, |octets, kept| octets.saturating_add(kept.header.len()));
                some.extend(kept);
            }
            let work = work.clone();
            let _one_of_some = self.house.readers.acquire().await;
            let all = move || {
                some.iter().for_each(|kept| work(&mut state, kept));
                Ok(state)
            };
            state = blocking(all).await?;
        }
        Ok(state)
    }

    async fn kept_of(&self, uids: &[Uid], attachments: bool) -> Result<Vec<Kept>, Refusal> {
        let headers = self.listed_fields(uids).await?;
        let summaries = if attachments { self.summaries(uids).await? } else { Vec::new() };
        let mut summaries = summaries.into_iter().peekable();
        let mut kept = Vec::with_capacity(headers.len());
        for (uid, header) in headers {
            while summaries.next_if(|(other, _)| *other < uid).is_some() {}
            let summary = summaries.next_if(|(other, _)| *other == uid);
            kept.push(Kept {
                uid,
                header,
                has_attachments: summary.map(|(_, summary)| summary.has_attachments),
            });
        }
        Ok(kept)
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
        let mut summaries = Vec::with_capacity(uids.len());
        for some in uids.chunks(SUMMED_UP) {
            summaries.extend(self.sum_up(some).await?);
        }
        Ok(summaries)
    }

    async fn sum_up(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Summary>)>, Refusal> {
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
            // Where they were cut, what tells may be missing.
            match thread(&header).filter(|_| is_all(&header)) {
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
