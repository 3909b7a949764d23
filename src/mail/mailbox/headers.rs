//! The header fields that lists show, in memory: what SEARCH, SORT and THREAD go through each time they are asked.
//!
//! They are kept in blocks of neighbouring UIDs, of all mailboxes together as many octets as `mail.header_cache_bytes` says. What stands
//! in a message does not change, so nothing here goes stale, but by a reindex after somebody wrote into the files.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Mailbox;
use crate::model::ids::{MailboxId, Uid};
use crate::model::refusal::Refusal;

/// How many UIDs share a block.
const BLOCK: u32 = 128;
/// What a message takes beside its octets.
const OVERHEAD: usize = 96;
/// After so long a block is read anew: another process may have reindexed.
const KEEP: Duration = Duration::from_secs(3600);

/// Messages of neighbouring UIDs, ascending.
type Block = Arc<Vec<(Uid, Bytes)>>;

/// The blocks of all mailboxes.
pub(super) struct Headers(moka::sync::Cache<(MailboxId, u32), Block>);

impl Headers {
    pub(super) fn new(most_bytes: u64) -> Self {
        let weigh = |_: &(MailboxId, u32), block: &Block| {
            let octets: usize = block.iter().map(|(_, header)| header.len().saturating_add(OVERHEAD)).sum();
            u32::try_from(octets).unwrap_or(u32::MAX)
        };
        let cache = moka::sync::Cache::builder()
            .max_capacity(most_bytes)
            .weigher(weigh)
            .time_to_live(KEEP)
            .build();
        Self(cache)
    }

    fn get(&self, mailbox: MailboxId, number: u32) -> Option<Block> {
        self.0.get(&(mailbox, number))
    }

    /// Adds messages of one block.
    fn add(&self, mailbox: MailboxId, number: u32, read: &[(Uid, Bytes)]) {
        let mut block = self.get(mailbox, number).map_or_else(Vec::new, |block| block.to_vec());
        block.extend_from_slice(read);
        block.sort_unstable_by_key(|(uid, _)| *uid);
        block.dedup_by_key(|(uid, _)| *uid);
        self.0.insert((mailbox, number), Arc::new(block));
    }

    /// Drops all of a mailbox whose UIDs go up to `last`.
    pub(super) fn forget(&self, mailbox: MailboxId, last: Uid) {
        for number in 0..=number(last) {
            self.0.invalidate(&(mailbox, number));
        }
    }
}

fn number(uid: Uid) -> u32 {
    uid.0 / BLOCK
}

fn is_of_one_block((a, b): (Uid, Uid)) -> bool {
    number(a) == number(b)
}

impl Mailbox {
    /// The fields [`crate::wire::message::header::is_listed`] of messages (ascending) as they stand, with a blank line behind them; for
    /// the rest as [`Mailbox::structures`].
    pub async fn listed_fields(&self, uids: &[Uid]) -> Result<Vec<(Uid, Bytes)>, Refusal> {
        let headers = &self.house.headers;
        let (mut found, mut missing) = (Vec::with_capacity(uids.len()), Vec::new());
        for part in uids.chunk_by(|&a, &b| is_of_one_block((a, b))) {
            let block = part.first().and_then(|&uid| headers.get(self.id, number(uid)));
            for &uid in part {
                let known = block.as_ref().and_then(|block| {
                    let at = block.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
                    block.get(at).cloned()
                });
                match known {
                    Some(known) => found.push(known),
                    None => missing.push(uid),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read: Vec<(Uid, Bytes)> = self.derived(&missing).await?;
        for part in read.chunk_by(|(a, _), (b, _)| is_of_one_block((*a, *b))) {
            if let Some((uid, _)) = part.first() {
                headers.add(self.id, number(*uid), part);
            }
        }
        found.extend(read);
        found.sort_unstable_by_key(|(uid, _)| *uid);
        Ok(found)
    }
}
