//! What was made from messages, in memory: in blocks of neighbouring UIDs, of all mailboxes together no more than so many octets.
//!
//! What stands in a message does not change, so nothing here goes stale, but by a reindex after somebody wrote into the files.

use std::sync::Arc;
use std::time::Duration;

use crate::model::ids::{MailboxId, Uid};

/// How many UIDs share a block.
const BLOCK: u32 = 128;
/// What a message takes beside what is made of it.
const OVERHEAD: usize = 96;
/// A block of more octets is not kept: few messages would take the place of many.
const LARGE_BLOCK: usize = 524_288;
/// After so long a block is read anew: another process may have reindexed.
const KEEP: Duration = Duration::from_secs(3600);

/// Messages of neighbouring UIDs, ascending.
type Block<T> = Arc<Vec<(Uid, T)>>;

/// The blocks of all mailboxes.
pub(super) struct Blocks<T> {
    cache: moka::sync::Cache<(MailboxId, u32), Block<T>>,
    octets: fn(&T) -> usize,
}

impl<T: Clone + Send + Sync + 'static> Blocks<T> {
    /// `octets` says how much what is made of one message takes.
    pub(super) fn new(most_octets: u64, octets: fn(&T) -> usize) -> Self {
        let weigh = move |_: &(MailboxId, u32), block: &Block<T>| u32::try_from(all_octets(block, octets)).unwrap_or(u32::MAX);
        let cache = moka::sync::Cache::builder()
            .max_capacity(most_octets)
            .weigher(weigh)
            .time_to_live(KEEP)
            .build();
        Self { cache, octets }
    }

    /// What is kept of these messages (ascending), and those of which nothing is.
    pub(super) fn look(&self, mailbox: MailboxId, uids: &[Uid]) -> (Vec<(Uid, T)>, Vec<Uid>) {
        let (mut found, mut missing) = (Vec::with_capacity(uids.len()), Vec::new());
        for part in uids.chunk_by(|&a, &b| number(a) == number(b)) {
            let block = part.first().and_then(|&uid| self.cache.get(&(mailbox, number(uid))));
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
        (found, missing)
    }

    /// Keeps what was made of messages (ascending).
    pub(super) fn keep(&self, mailbox: MailboxId, made: &[(Uid, T)]) {
        for part in made.chunk_by(|(a, _), (b, _)| number(*a) == number(*b)) {
            let Some((uid, _)) = part.first() else { continue };
            let key = (mailbox, number(*uid));
            let mut block = self.cache.get(&key).map_or_else(Vec::new, |block| block.to_vec());
            block.extend_from_slice(part);
            block.sort_unstable_by_key(|(uid, _)| *uid);
            block.dedup_by_key(|(uid, _)| *uid);
            if all_octets(&block, self.octets) <= LARGE_BLOCK {
                self.cache.insert(key, Arc::new(block));
            }
        }
    }

    /// Drops all of a mailbox whose UIDs go up to `last`.
    pub(super) fn forget(&self, mailbox: MailboxId, last: Uid) {
        for number in 0..=number(last) {
            self.cache.invalidate(&(mailbox, number));
        }
    }
}

/// What these messages take.
fn all_octets<T>(made: &[(Uid, T)], octets: fn(&T) -> usize) -> usize {
    made.iter().map(|(_, made)| octets(made).saturating_add(OVERHEAD)).sum()
}

fn number(uid: Uid) -> u32 {
    uid.0 / BLOCK
}
