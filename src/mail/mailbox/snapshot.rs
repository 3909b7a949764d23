//! Large mailboxes, packed: who opens one reads a few large rows and what changed since, in place of a row for each message.
//!
//! A snapshot is the messages at some modseq. It is made when a mailbox is opened or its folder was seen to agree with its messages, and
//! made again when much has changed by then. It is never needed: without one, or where one cannot be read, the messages themselves are.

use postcard::{take_from_bytes, to_extend};
use serde::{Deserialize, Serialize};

use super::chunks::Chunks;
use super::index::Write;
use super::view::{FileEntry, View};
use super::{LARGE, Mailbox, blocking, locked};
use crate::model::clock::timestamp;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store::db::mailboxes::Counters;
use crate::store::db::messages;
use crate::store::db::snapshots::{self, Part};
use crate::store::db::{Tx, mailboxes};
use crate::store::maildir::FileName;

/// So many messages are a part.
const PART: usize = 4_096;
/// It is made again when more than this share of the messages changed.
const SHARE: usize = 8;

/// What the database has of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    modseq: ModSeq,
    messages: usize,
}

/// A message in a part.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    uid: u32,
    flags: u32,
    modseq: u64,
    size: u64,
    internal_date: i64,
    name: &'a str,
}

impl Packed<'_> {
    fn unpacked(&self) -> Option<(MessageMeta, FileEntry)> {
        let flags = Flags::from_bits(self.flags);
        let message = MessageMeta {
            uid: Uid(self.uid),
            flags,
            modseq: ModSeq(self.modseq),
            size: self.size,
            internal_date: timestamp(self.internal_date),
        };
        Some((message, FileEntry::expected(FileName::parse(self.name)?, flags)))
    }
}

/// The mailbox as the database has it now, and of what snapshot it was made, if of any.
pub(super) async fn load(tx: &mut Tx, id: MailboxId, counters: Counters) -> Result<(View, Option<Kept>), Refusal> {
    let keywords = mailboxes::keywords(tx, id).await?;
    let parts = snapshots::find(tx, id).await?;
    let modseq = parts.first().map(|part| part.modseq);
    // What went since must be known.
    let modseq = modseq.filter(|modseq| (counters.forgotten..=counters.modseq).contains(modseq));
    let unpacked = match modseq {
        Some(modseq) => {
            let (counters, keywords) = (Counters { modseq, ..counters }, keywords.clone());
            blocking(move || Ok(unpacked(&parts, counters, keywords))).await?
        }
        None => None,
    };
    let Some(mut view) = unpacked else {
        let rows = messages::changed_since(tx, id, ModSeq(0)).await?;
        return Ok((View::new(rows, counters, keywords), None));
    };
    let modseq = view.counters.modseq;
    let kept = Kept {
        modseq,
        messages: view.messages.len(),
    };
    if modseq < counters.modseq {
        let changed = messages::changed_since(tx, id, modseq).await?;
        let gone = messages::expunged_since(tx, id, modseq).await?;
        view.catch_up(counters, changed, &gone);
    }
    Ok((view, Some(kept)))
}

impl Mailbox {
    /// Makes a snapshot, if the mailbox is large and none is near enough. Returns at once.
    pub(super) fn keep_snapshot(&self) {
        let (messages, files, modseq) = {
            let view = self.view();
            (view.messages.clone(), view.files.clone(), view.counters.modseq)
        };
        let now = Kept {
            modseq,
            messages: messages.len(),
        };
        {
            let mut kept = locked(&self.kept);
            if messages.len() < LARGE || kept.is_some_and(|kept| is_near(kept, &messages)) {
                return;
            }
            *kept = Some(now);
        }
        let (index, id) = (self.house.ledger.index.clone(), self.id);
        tokio::spawn(async move {
            let parts = messages.len().div_ceil(PART) as i64;
            for (number, at) in (0..parts).zip((0..).step_by(PART)) {
                let (messages, files) = (messages.clone(), files.clone());
                let Ok(data) = blocking(move || Ok(packed(&messages, &files, at))).await else {
                    return;
                };
                let part = Part {
                    number,
                    parts,
                    modseq,
                    data,
                };
                if index.write(vec![Write::Snapshot(id, part)]).await.is_err() {
                    tracing::debug!(mailbox = %id, "a snapshot could not be kept");
                    return;
                }
            }
        });
    }
}

/// Whether so little changed since that the snapshot serves still.
fn is_near(kept: Kept, messages: &Chunks<MessageMeta>) -> bool {
    let changed = messages.iter().filter(|message| message.modseq > kept.modseq).count();
    let gone = kept.messages.saturating_add(changed).saturating_sub(messages.len());
    changed.saturating_add(gone) <= messages.len() / SHARE
}

/// A part's messages, from this place on.
fn packed(messages: &Chunks<MessageMeta>, files: &Chunks<FileEntry>, at: usize) -> Vec<u8> {
    let pairs = messages.iter_from(at).zip(files.iter_from(at)).take(PART);
    pairs.fold(Vec::new(), |data, (message, file)| {
        let packed = Packed {
            uid: message.uid.0,
            flags: message.flags.bits(),
            modseq: message.modseq.0,
            size: message.size,
            internal_date: message.internal_date.as_millisecond(),
            name: file.name.as_str(),
        };
        // Memory has room for all that is written to it.
        to_extend(&packed, data).unwrap_or_default()
    })
}

/// The view that was packed; none where something is not as it was.
fn unpacked(parts: &[Part], counters: Counters, keywords: Vec<String>) -> Option<View> {
    let mut is_whole = true;
    let mut last = None;
    let mut entries = parts.iter().map(|part| part.data.as_slice()).flat_map(entries);
    let sound = entries.by_ref().map_while(|entry| {
        // UIDs ascend.
        let entry = entry.filter(|(message, _)| last.replace(message.uid) < Some(message.uid));
        is_whole &= entry.is_some();
        entry
    });
    let view = View::of(sound, counters, keywords);
    (is_whole && !view.messages.is_empty()).then_some(view)
}

/// The messages of a part with their files, ending with nothing where one cannot be read.
fn entries(data: &[u8]) -> impl Iterator<Item = Option<(MessageMeta, FileEntry)>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Ok((packed, behind)) = take_from_bytes::<Packed<'_>>(rest) else {
            rest = &[];
            return Some(None);
        };
        rest = behind;
        Some(packed.unpacked())
    })
}
