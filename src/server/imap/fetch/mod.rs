//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4).
//!
//! Responses go out as they are made: what is in memory is a piece of the view, some hundred structures and 64 KiB of a message.

mod item;
mod section;

use std::ops::Range;
use std::sync::Arc;

use crate::mail::mailbox::StoredMessage;
use crate::model::ids::Uid;
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::server::stream::Stream;
use crate::wire::imap::encode::number;
use crate::wire::imap::fetch::{Fetch, Item, What};
use crate::wire::imap::response::Word;
use crate::wire::message::structure::Structure;

use super::outcome::{Done, Fault};
use super::selected::{Finder, Selected};
use super::updates;

use item::Context;

/// How many messages' structures are asked for at a time.
const STRUCTURES: usize = 200;
/// After how many messages other sessions get their turn, where nothing is waited for.
const TURN: usize = 4_096;

/// What must be at hand for the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Needs {
    structure: bool,
    file: bool,
}

impl Needs {
    fn of(items: &[Item]) -> Self {
        let structure = items.iter().any(|item| match item {
            Item::Envelope | Item::Body | Item::BodyStructure => true,
            Item::Section(section) => !section.part.is_empty() || section.what != What::All,
            _ => false,
        });
        let file = items.iter().any(|item| matches!(item, Item::Section(_)));
        Self { structure, file }
    }
}

pub(super) async fn fetch(selected: &mut Selected, fetch: &Fetch, stream: &mut Stream) -> Result<Done, Fault> {
    selected.condstore |= fetch.changed_since.is_some() || fetch.items.contains(&Item::ModSeq);
    let picked = selected.pick(&fetch.set, fetch.uid)?;
    let newly_seen = mark_seen(selected, fetch, &picked).await?;
    let needs = Needs::of(&fetch.items);
    let step = if needs.structure { STRUCTURES } else { TURN };
    let mut run = Run {
        context: Context {
            keywords: selected.mailbox.keywords(),
            newly_seen,
            selected,
        },
        fetch,
        needs,
        out: Vec::new(),
        missing: false,
    };
    let now = run.context.selected.mailbox.messages();
    let mut finder = Finder::new(&now, 0);
    for range in picked {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start.saturating_add(step));
            run.piece(start..end, &mut finder, stream).await?;
            start = end;
            tokio::task::yield_now().await;
        }
    }
    stream.write(&run.out);
    if run.missing {
        // RFC 5530 §3 EXPUNGEISSUED: somebody else removed some meanwhile.
        return Err(Fault::no(Word::ExpungeIssued, "some of the messages are gone"));
    }
    Ok(Done::new("fetched"))
}

/// Sets \Seen on the messages whose bodies are asked for without PEEK, all at once (RFC 3501 §6.4.5 BODY). The UIDs of those that did
/// not have it, ascending.
async fn mark_seen(selected: &mut Selected, fetch: &Fetch, picked: &[Range<usize>]) -> Result<Vec<Uid>, Fault> {
    let sees = fetch
        .items
        .iter()
        .any(|item| matches!(item, Item::Section(section) if !section.peek));
    if !sees || selected.read_only {
        return Ok(Vec::new());
    }
    let now = selected.mailbox.messages();
    let mut finder = Finder::new(&now, 0);
    let messages = picked.iter().flat_map(|range| selected.view.range(range.clone()));
    let unseen: Vec<Uid> = messages
        .filter_map(|message| finder.find(message.uid))
        .filter(|message| !message.flags.contains(Flags::SEEN) && is_wanted(message, fetch))
        .map(|message| message.uid)
        .collect();
    if unseen.is_empty() {
        return Ok(unseen);
    }
    let (changed, _) = selected.mailbox.store(&unseen, FlagChange::Add(Flags::SEEN), None).await?;
    // RFC 7162 §3.1: a client with modseqs is told by a response of its own, with the modseq.
    if selected.condstore {
        return Ok(Vec::new());
    }
    selected.told = changed.iter().map(|message| (message.uid, message.modseq)).collect();
    selected.told.sort_unstable();
    Ok(selected.told.iter().map(|(uid, _)| *uid).collect())
}

/// CHANGEDSINCE (RFC 7162 §3.1.4.1).
fn is_wanted(message: &MessageMeta, fetch: &Fetch) -> bool {
    fetch.changed_since.is_none_or(|since| message.modseq.0 > since)
}

/// A FETCH under way.
struct Run<'a> {
    context: Context<'a>,
    fetch: &'a Fetch,
    needs: Needs,
    out: Vec<u8>,
    /// Whether a message was gone.
    missing: bool,
}

impl Run<'_> {
    /// The responses for a piece of the view.
    async fn piece(&mut self, range: Range<usize>, finder: &mut Finder<'_>, stream: &mut Stream) -> Result<(), Fault> {
        let selected = self.context.selected;
        let messages = || selected.view.range(range.clone());
        let structures = if self.needs.structure {
            let uids: Vec<Uid> = messages().map(|message| message.uid).collect();
            selected.mailbox.structures(&uids).await?
        } else {
            Vec::new()
        };
        let mut structures = structures.into_iter().peekable();
        for (index, known) in range.clone().zip(messages()) {
            // What another session has removed is still told as it was (RFC 2180 §4.1.3), but for its content.
            let message = finder.find(known.uid).unwrap_or(known);
            let structure = structures.next_if(|(uid, _)| *uid == message.uid).map(|(_, structure)| structure);
            if is_wanted(message, self.fetch) {
                let sequence = (index as u64).saturating_add(1);
                self.message((sequence, message), structure, stream).await?;
                updates::pass_on(&mut self.out, stream).await?;
            }
        }
        Ok(())
    }

    /// The response for a message.
    async fn message(
        &mut self,
        (sequence, message): (u64, &MessageMeta),
        structure: Option<Arc<Structure>>,
        stream: &mut Stream,
    ) -> Result<(), Fault> {
        let file = self.open(message.uid).await?;
        if (self.needs.structure && structure.is_none()) || (self.needs.file && file.is_none()) {
            self.missing = true;
            return Ok(());
        }
        self.out.extend_from_slice(b"* ");
        number(&mut self.out, sequence);
        self.out.extend_from_slice(b" FETCH (");
        for (index, item) in self.fetch.items.iter().enumerate() {
            if index > 0 {
                self.out.push(b' ');
            }
            match (item, &file) {
                (Item::Section(section), Some(file)) => {
                    section::write(&mut self.out, section, (structure.as_deref(), file), stream).await?
                }
                _ => self.context.write(&mut self.out, item, message, structure.as_deref()),
            }
        }
        if !self.fetch.items.contains(&Item::Flags) && self.context.is_newly_seen(message.uid) {
            self.out.push(b' ');
            self.context.write(&mut self.out, &Item::Flags, message, None);
        }
        self.out.extend_from_slice(b")\r\n");
        Ok(())
    }

    async fn open(&self, uid: Uid) -> Result<Option<StoredMessage>, Fault> {
        if self.needs.file {
            Ok(self.context.selected.mailbox.open_message(uid).await?)
        } else {
            Ok(None)
        }
    }
}
