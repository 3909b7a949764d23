//! Entering the files of other programs into the index.
//!
//! It takes its time when there are many, as in a folder that another program left: each is read, since its line ends must be right and
//! its size depends on them. Who is the first to open such a mailbox need not wait for that. The UIDs are set aside, which is one small
//! write, and what was found is told; whatever shows more of a message than that it is there waits until all are in the index.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{StreamExt, TryStreamExt, iter};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::chunks::Chunks;
use super::index::{Addition, Arrival, Failure, Write};
use super::scan::Look;
use super::view::FileEntry;
use super::{Mailbox, blocking, locked};
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::messages::{self, NewMessage};
use crate::store::maildir::{FileName, Found, Maildir};

/// A sibling process's message may still be on its way into the index for so long.
const SIBLING_GRACE: Duration = Duration::from_secs(10);
/// A message that is brought from elsewhere has the time until an import that was broken off is gone on with: else it would lose its UID.
const IMPORT_GRACE: Duration = Duration::from_hours(1);

/// So many files are read one after the other, and so many times as many at the same time.
const TOGETHER: usize = 256;
const AT_ONCE: usize = 4;
/// Additions of one transaction.
const BATCH: usize = 1000;
/// Octets of a file that are read at a time.
const PIECE: usize = 65_536;
/// So few files are entered as quickly as UIDs are set aside.
const FEW: usize = 500;

/// A file that is not in the index.
pub(super) type Stranger = (FileName, Found);

/// Messages that are on their way into the index. Cheap to clone.
#[derive(Clone)]
pub struct Coming {
    /// Their UIDs and flags, ascending. Their sizes and dates are not known yet.
    pub messages: Arc<[MessageMeta]>,
    arrived: CancellationToken,
}

impl Coming {
    /// Waits until they are there; what could not be read, or is gone again, does not come.
    pub async fn arrived(self) {
        self.arrived.cancelled().await;
    }
}

impl Mailbox {
    /// Enters files into the index, the oldest first: how many, and whether some were left for the next look.
    pub(super) async fn adopt(&self, found: Vec<Stranger>, before: &Chunks<FileEntry>) -> Result<(u64, bool), Refusal> {
        // With their UIDs, where these are known; they come first, as they are the older ones.
        let known = self.known_beside(&found).await?;
        let (had_uids, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|(name, _)| known.contains_key(name));
        let uids: Vec<Uid> = had_uids.iter().filter_map(|(name, _)| known.get(name).copied()).collect();
        let (restored, not_all) = self.enter(had_uids, Some(uids)).await?;
        let (strangers, waiting) = self.strangers(found, before);
        let (adopted, left) = self.enter(strangers, None).await?;
        Ok((restored + adopted, not_all || left || waiting))
    }

    /// The messages that somebody who opened the mailbox before has begun to enter, and that are not all there yet.
    pub(super) fn coming(&self) -> Option<Coming> {
        locked(&self.coming).clone().filter(|coming| !coming.arrived.is_cancelled())
    }

    /// Begins to enter files that the first look at the folder has found.
    pub(super) async fn adopt_at_once(self: &Arc<Self>, mut look: Look) -> Result<Option<Coming>, Refusal> {
        let found = std::mem::take(&mut look.difference.added);
        let (report, left) = self.take_in(&mut look).await?;
        let (strangers, waiting) = self.strangers(found, &look.before.files);
        if strangers.len() < FEW {
            let (_, more) = self.enter(strangers, None).await?;
            self.end_look(&look, left || waiting || more);
            return Ok(None);
        }
        tracing::debug!(mailbox = %self.id, count = strangers.len(), ?report, "messages of another program are taken in");
        let (first, modseq) = self.set_aside(strangers.len()).await?;
        let message = |(uid, (_, found)): (u32, &Stranger)| MessageMeta {
            uid: Uid(uid),
            flags: found.flags,
            modseq,
            size: 0,
            internal_date: Timestamp::UNIX_EPOCH,
        };
        let messages = (first.0..).zip(&strangers).map(message).collect();
        let uids = (first.0..).take(strangers.len()).map(Uid).collect();
        let mailbox = Arc::clone(self);
        let arrived = CancellationToken::new();
        let coming = Coming {
            messages,
            arrived: arrived.clone(),
        };
        *locked(&self.coming) = Some(coming.clone());
        tokio::spawn(async move {
            // However it ends, nobody waits any longer.
            let _arrived = arrived.drop_guard();
            match mailbox.enter(strangers, Some(uids)).await {
                Ok((_, more)) => mailbox.end_look(&look, left || waiting || more),
                // The look was not brought to its end, so the next one finds what is not there.
                Err(error) => tracing::warn!(%error, mailbox = %mailbox.id, "messages of another program could not be taken in"),
            }
            *locked(&mailbox.coming) = None;
        });
        Ok(Some(coming))
    }

    /// Takes so many UIDs: the first, and the modseq of that.
    pub(super) async fn set_aside(&self, count: usize) -> Result<(Uid, ModSeq), Refusal> {
        let mut tx = self.house.ledger.database.write().await?;
        let taken = messages::advance_taking(&mut tx, self.id, count as i64, (0, 0)).await?;
        let taken = taken.ok_or(Failure::Gone)?;
        tx.commit().await?;
        self.catch_up().await?;
        Ok(taken)
    }

    /// Enters files, with these UIDs where they have some: how many, and whether some were left for the next look.
    async fn enter(&self, found: Vec<Stranger>, uids: Option<Vec<Uid>>) -> Result<(u64, bool), Refusal> {
        let have_uids = uids.is_some();
        let mut uids = uids.unwrap_or_default().into_iter().map(Some).chain(std::iter::repeat(None));
        let mut parts = Vec::with_capacity(found.len() / TOGETHER + 1);
        let mut found = found.into_iter();
        while found.len() > 0 {
            let part: Vec<(Option<Uid>, Stranger)> = found
                .by_ref()
                .take(TOGETHER)
                .zip(uids.by_ref())
                .map(|(it, uid)| (uid, it))
                .collect();
            parts.push(self.additions(part));
        }
        let mut read = iter(parts).buffered(AT_ONCE);
        let (mut entered, mut left) = (0, false);
        let mut additions = Vec::new();
        loop {
            let part = read.try_next().await?;
            let is_end = part.is_none();
            additions.extend(part.into_iter().flatten());
            if additions.len() >= BATCH || (is_end && !additions.is_empty()) {
                let count = additions.len() as u64;
                match self.enter_some(std::mem::take(&mut additions), have_uids).await? {
                    true => entered += count,
                    false => left = true,
                }
            }
            if is_end {
                return Ok((entered, left));
            }
        }
    }

    /// Whether they are in the index now, or else another process was quicker with one of them: what that entered is read, and the next look
    /// does the rest.
    async fn enter_some(&self, additions: Vec<Arrival>, have_uids: bool) -> Result<bool, Refusal> {
        let write = match have_uids {
            true => Write::Known(self.id, additions),
            false => Write::Add(self.id, additions.into_iter().map(|(_, addition)| addition).collect()),
        };
        match self.house.ledger.index.write(vec![write]).await {
            Ok(_) => Ok(true),
            Err(Failure::Store(store::Error::Conflict)) => {
                self.catch_up().await?;
                Ok(false)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn additions(&self, found: Vec<(Option<Uid>, Stranger)>) -> Result<Vec<Arrival>, store::Error> {
        let maildir = self.maildir();
        blocking(move || {
            let mut buffer = vec![0; PIECE];
            let mut of_file = |(uid, stranger)| Some((uid, addition(&maildir, stranger, &mut buffer)?));
            Ok(found.into_iter().filter_map(&mut of_file).collect())
        })
        .await
    }

    /// Those that are neither on their way into the index by this process nor in it by now, though the view `before` did not have them; and
    /// whether there are others that this process or a sibling may be entering at this moment: what does not get there is for the next
    /// look, whether or not the folder changes.
    fn strangers(&self, found: Vec<Stranger>, before: &Chunks<FileEntry>) -> (Vec<Stranger>, bool) {
        // In this order: what leaves the first set is in the second by then.
        let in_flight: HashSet<FileName> = locked(&self.house.in_flight).clone();
        let files = self.view().files.clone();
        let came = before.differences(&files).into_iter().flat_map(|(_, came)| files.range(came));
        let known: HashSet<&FileName> = came.map(|file| &file.name).collect();
        let maildir = self.maildir();
        let of_sibling = |name: &FileName, at: Found| {
            let grace = match name.is_imported() {
                true => IMPORT_GRACE,
                false if self.house.names.is_of_a_sibling(name) => SIBLING_GRACE,
                false => return false,
            };
            maildir.facts(name, at).is_none_or(|facts| facts.age < grace)
        };
        let mut is_any_entering = false;
        let is_stranger = |(name, at): &Stranger| {
            let is_entering = in_flight.contains(name) || of_sibling(name, *at);
            is_any_entering |= is_entering && !known.contains(name);
            !is_entering && !known.contains(name)
        };
        let strangers = found.into_iter().filter(is_stranger).collect();
        (strangers, is_any_entering)
    }
}

/// What a file is to the index; none if it is gone again.
fn addition(maildir: &Maildir, (name, found): Stranger, buffer: &mut [u8]) -> Option<Addition> {
    let facts = match maildir.adopt(&name, found, buffer) {
        Ok(facts) => facts?,
        Err(error) => {
            tracing::warn!(%error, "a file of another program cannot be taken in");
            return None;
        }
    };
    let message = NewMessage {
        name: name.as_str().to_owned(),
        flags: found.flags,
        size: facts.size,
        internal_date: Timestamp::try_from(facts.modified).unwrap_or(Timestamp::UNIX_EPOCH),
    };
    Some(Addition {
        message,
        place: found.place,
    })
}
