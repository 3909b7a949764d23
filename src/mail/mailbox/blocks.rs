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
/// So many blocks are looked for one by one.
const MANY: u64 = 1_000;
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

    /// Drops what is kept of messages of a mailbox that are gone: runs of UIDs, the first and the last, ascending.
    pub(super) fn forget(&self, mailbox: MailboxId, gone: &[(Uid, Uid)]) {
        let mut done = None;
        for (first, last) in gone {
            let numbers = number(*first)..=number(*last);
            // UIDs may have wide gaps.
            if u64::from(numbers.end().saturating_sub(*numbers.start())) > self.cache.entry_count().saturating_add(MANY) {
                let there = self.cache.iter().map(|(key, _)| *key);
                let concerned = there.filter(|(of, number)| *of == mailbox && numbers.contains(number));
                concerned.for_each(|key| self.forget_of(key, gone));
                continue;
            }
            for number in numbers {
                // Several runs may be of one block.
                if done.replace(number) != Some(number) {
                    self.forget_of((mailbox, number), gone);
                }
            }
        }
    }

    fn forget_of(&self, key: (MailboxId, u32), gone: &[(Uid, Uid)]) {
        let Some(block) = self.cache.get(&key) else { return };
        let is_there = |uid: Uid| {
            let at = gone.partition_point(|(_, last)| *last < uid);
            gone.get(at).is_none_or(|(first, _)| uid < *first)
        };
        let left: Vec<(Uid, T)> = block.iter().filter(|(uid, _)| is_there(*uid)).cloned().collect();
        if left.is_empty() {
            self.cache.invalidate(&key);
        } else if left.len() < block.len() {
            self.cache.insert(key, Arc::new(left));
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

#[cfg(test)]
mod tests {
    use super::*;

    const INBOX: MailboxId = MailboxId(7);

    fn uids(all: impl IntoIterator<Item = u32>) -> Vec<Uid> {
        all.into_iter().map(Uid).collect()
    }

    #[test]
    fn what_is_gone_is_not_kept() {
        let blocks: Blocks<u32> = Blocks::new(1_000_000, |_| 4);
        let made: Vec<(Uid, u32)> = (1..=400).map(|uid| (Uid(uid), uid)).collect();
        blocks.keep(INBOX, &made);
        blocks.keep(MailboxId(8), &made);
        let runs = [(2, 2), (4, 5), (120, 300), (400, 1_000)].map(|(first, last)| (Uid(first), Uid(last)));
        blocks.forget(INBOX, &runs);
        assert!(blocks.look(MailboxId(8), &uids(1..=400)).1.is_empty());
        let (found, missing) = blocks.look(INBOX, &uids(1..=400));
        let gone: Vec<u32> = [2, 4, 5].into_iter().chain(120..=300).chain([400]).collect();
        assert_eq!(missing, uids(gone));
        assert!(found.iter().all(|(uid, made)| uid.0 == *made));
        // Nor where the runs are long.
        blocks.forget(MailboxId(8), &[(Uid(0), Uid(3)), (Uid(200), Uid(u32::MAX))]);
        assert_eq!(blocks.look(MailboxId(8), &uids([3, 4, 199, 200])).1, uids([3, 200]));
        // A block of which nothing is left takes no room.
        assert!(!blocks.cache.contains_key(&(INBOX, 1)) && blocks.cache.contains_key(&(INBOX, 2)));
    }
}
