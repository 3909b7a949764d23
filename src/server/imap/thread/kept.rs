//! The threads that were made last of each mailbox and algorithm.
//!
//! What stands in a message does not change, so threads of the same messages are the same threads, but after a reindex when somebody wrote
//! into the files.

use std::sync::Arc;
use std::time::Duration;

use crate::model::ids::{MailboxId, Uid};
use crate::wire::imap::sort::{Algorithm, Forest};

/// After so long threads are made anew: another process may have reindexed.
const KEEP: Duration = Duration::from_secs(3600);

/// Whose threads, and how they were made.
type Key = (MailboxId, Algorithm);

/// The threads of all mailboxes, no more octets than a bound.
pub(in crate::server::imap) struct Kept(moka::sync::Cache<Key, Threads>);

#[derive(Clone)]
struct Threads {
    /// The messages, in the order of their places in the forest.
    uids: Arc<Vec<Uid>>,
    forest: Arc<Forest>,
}

impl Threads {
    /// About how many octets they take.
    fn weight(&self) -> u32 {
        let nodes = self.forest.places.len();
        let of_nodes = nodes.saturating_mul(size_of::<Option<usize>>() + size_of::<Vec<usize>>() + size_of::<usize>());
        let of_uids = self.uids.len().saturating_mul(size_of::<Uid>());
        u32::try_from(of_nodes.saturating_add(of_uids)).unwrap_or(u32::MAX)
    }
}

impl Kept {
    /// Room for so many octets.
    pub(in crate::server::imap) fn new(most_bytes: u64) -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(most_bytes)
            .weigher(|_, threads: &Threads| threads.weight())
            .time_to_live(KEEP)
            .build();
        Self(cache)
    }

    /// The threads of these messages (ascending), if they were made last.
    pub(super) fn find(&self, key: Key, uids: &[Uid]) -> Option<Arc<Forest>> {
        let threads = self.0.get(&key)?;
        (*threads.uids == uids).then_some(threads.forest)
    }

    /// Keeps the threads of these messages (ascending) in the place of others.
    pub(super) fn keep(&self, key: Key, uids: Vec<Uid>, forest: Forest) -> Arc<Forest> {
        let forest = Arc::new(forest);
        let threads = Threads {
            uids: Arc::new(uids),
            forest: Arc::clone(&forest),
        };
        self.0.insert(key, threads);
        forest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_those_of_the_same_messages() {
        let kept = Kept::new(1_000_000);
        let uids = |uids: &[u32]| uids.iter().copied().map(Uid).collect::<Vec<_>>();
        let forest = Forest {
            places: vec![Some(0), Some(1)],
            children: vec![vec![1], vec![]],
            roots: vec![0],
        };
        let key = (MailboxId(7), Algorithm::References);
        kept.keep(key, uids(&[1, 4]), forest.clone());
        assert_eq!(kept.find(key, &uids(&[1, 4])).as_deref(), Some(&forest));
        assert_eq!(kept.find(key, &uids(&[1, 5])), None);
        assert_eq!(kept.find(key, &uids(&[1, 4, 5])), None);
        assert_eq!(kept.find((MailboxId(7), Algorithm::Refs), &uids(&[1, 4])), None);
        assert_eq!(kept.find((MailboxId(8), Algorithm::References), &uids(&[1, 4])), None);
        // What is too large for the room is not kept.
        let small = Kept::new(10);
        small.keep(key, uids(&[1, 4]), forest);
        small.0.run_pending_tasks();
        assert_eq!(small.find(key, &uids(&[1, 4])), None);
    }
}
