//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4, RFC 3516 §4.2).
//!
//! Responses go out as they are made: what is in memory is a piece of the view, some hundred structures and 64 KiB of a message.

mod binary;
mod item;
mod object;
mod section;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::mail::mailbox::{Mailbox, ObjectIds, StoredMessage};
use crate::model::ids::Uid;
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::encode::fetch_head;
use crate::wire::imap::fetch::{Binary, Fetch, Item, What};
use crate::wire::imap::partial::Partial;
use crate::wire::imap::response::Word;
use crate::wire::message::header::is_all;
use crate::wire::message::structure::Structure;

use super::outcome::{Done, Fault};
use super::selected::{Finder, Selected};
use super::{updates, vanished};

use item::Context;

pub(super) use section::copy as copy_section;

/// How many messages' structures are asked for at a time.
const STRUCTURES: usize = 200;
/// After how many messages other sessions get their turn, where nothing is waited for.
const TURN: usize = 4_096;

/// What must be at hand for the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Needs {
    structure: bool,
    /// The fields that lists show, which are enough for all sections.
    header: bool,
    file: bool,
    preview: Option<Lazy>,
    objects: bool,
    saved: bool,
}

/// Whether a preview is wanted only if it is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lazy(bool);

impl Needs {
    fn of(items: &[Item]) -> Self {
        let sections = || {
            items.iter().filter_map(|item| match item {
                Item::Section(section) => Some(section),
                _ => None,
            })
        };
        let binary = items.iter().any(|item| matches!(item, Item::Binary(_) | Item::BinarySize(_)));
        let header = !binary && sections().next().is_some() && sections().all(section::is_listed);
        let file = binary || (!header && sections().next().is_some());
        let structure = items.iter().any(|item| match item {
            Item::Envelope | Item::Body | Item::BodyStructure => true,
            Item::Section(section) => file && !(section.part.is_empty() && section.what == What::All),
            Item::Binary(Binary { part, .. }) | Item::BinarySize(part) => !part.is_empty(),
            _ => false,
        });
        let previews = items.iter().filter_map(|item| match item {
            Item::Preview { lazy } => Some(*lazy),
            _ => None,
        });
        Self {
            structure,
            header,
            file,
            preview: previews.reduce(|a, b| a && b).map(Lazy),
            objects: items.iter().any(|item| matches!(item, Item::EmailId | Item::ThreadId)),
            saved: items.contains(&Item::SaveDate),
        }
    }
}

/// What is at hand of one message.
#[derive(Default)]
struct AtHand {
    structure: Option<Arc<Structure>>,
    header: Option<Bytes>,
    file: Option<StoredMessage>,
    preview: Option<String>,
    objects: Option<ObjectIds>,
    saved: Option<Timestamp>,
}

impl AtHand {
    fn lacks(&self, needs: Needs) -> bool {
        let lacks = |needed: bool, there: bool| needed && !there;
        lacks(needs.structure, self.structure.is_some())
            || lacks(needs.header, self.header.is_some())
            || lacks(needs.file, self.file.is_some())
            || lacks(needs.preview == Some(Lazy(false)), self.preview.is_some())
            || lacks(needs.objects, self.objects.is_some())
    }
}

/// Messages that are opened some at a time.
struct Opening<'u> {
    left: &'u [Uid],
    opened: std::vec::IntoIter<Option<StoredMessage>>,
}

impl<'u> Opening<'u> {
    fn new(uids: &'u [Uid]) -> Self {
        Self {
            left: uids,
            opened: Vec::new().into_iter(),
        }
    }

    /// The next message; none if it is gone.
    async fn next(&mut self, mailbox: &Mailbox) -> Result<Option<StoredMessage>, Refusal> {
        if let Some(message) = self.opened.next() {
            return Ok(message);
        }
        let opened = mailbox.open_messages(self.left).await?;
        self.left = self.left.get(opened.len()..).unwrap_or_default();
        self.opened = opened.into_iter();
        Ok(self.opened.next().flatten())
    }
}

pub(super) async fn fetch(selected: &mut Selected, fetch: &Fetch, stream: &mut Stream) -> Result<Done, Fault> {
    selected.condstore |= fetch.changed_since.is_some() || fetch.items.contains(&Item::ModSeq);
    let mut picked = selected.pick(&fetch.set, fetch.uid)?;
    if let Some(partial) = fetch.partial {
        picked = windowed(selected, fetch, (&picked, partial));
    }
    if fetch.vanished {
        vanished::since(selected, fetch, stream).await?;
    }
    let newly_seen = mark_seen(selected, fetch, &picked).await?;
    let needs = Needs::of(&fetch.items);
    let is_stored = needs.preview.is_some() || needs.objects || needs.saved;
    let step = if needs.structure || needs.header || is_stored {
        STRUCTURES
    } else {
        TURN
    };
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
        unreadable: false,
        undecodable: false,
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
    if run.unreadable {
        return Err(Fault::no(Word::Unavailable, "some of the messages cannot be read at this moment"));
    }
    if run.undecodable {
        return Err(Fault::no(Word::UnknownCte, "some parts have an encoding that is not known here"));
    }
    Ok(Done::new("fetched"))
}

/// Sets \Seen on the messages whose bodies are asked for without PEEK, all at once (RFC 3501 §6.4.5 BODY). The UIDs of those that did
/// not have it, ascending.
async fn mark_seen(selected: &mut Selected, fetch: &Fetch, picked: &[Range<usize>]) -> Result<Vec<Uid>, Fault> {
    let sees = fetch.items.iter().any(|item| match item {
        Item::Section(section) => !section.peek,
        Item::Binary(binary) => !binary.peek,
        _ => false,
    });
    // RFC 4314 §4: who may not set it leaves it.
    if !sees || selected.read_only || !selected.rights.contains(Rights::SEEN) {
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

/// PARTIAL: some of the messages, of those that are wanted at all (RFC 9394 §3.3).
fn windowed(selected: &Selected, fetch: &Fetch, (picked, partial): (&[Range<usize>], Partial)) -> Vec<Range<usize>> {
    let now = selected.mailbox.messages();
    let mut finder = Finder::new(&now, 0);
    let places = picked
        .iter()
        .flat_map(|range| range.clone().zip(selected.view.range(range.clone())));
    let wanted: Vec<usize> = places
        .filter(|(_, known)| is_wanted(finder.find(known.uid).unwrap_or(known), fetch))
        .map(|(place, _)| place)
        .collect();
    let window = wanted.get(partial.window(wanted.len())).unwrap_or_default();
    window.chunk_by(|a, b| a.saturating_add(1) == *b).filter_map(run).collect()
}

fn run(places: &[usize]) -> Option<Range<usize>> {
    Some(*places.first()?..places.last()?.saturating_add(1))
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
    /// Whether a message that is there could not be read.
    unreadable: bool,
    /// Whether a part has an encoding that we do not know.
    undecodable: bool,
}

impl Run<'_> {
    /// The responses for a piece of the view.
    async fn piece(&mut self, range: Range<usize>, finder: &mut Finder<'_>, stream: &mut Stream) -> Result<(), Fault> {
        let selected = self.context.selected;
        let mut wanted = Vec::with_capacity(range.len());
        for (known, sequence) in selected.view.range(range.clone()).zip(range.start as u64 + 1..) {
            // What another session has removed is still told as it was (RFC 2180 §4.1.3), but for its content.
            let message = finder.find(known.uid).unwrap_or(known);
            if is_wanted(message, self.fetch) {
                wanted.push((sequence, message));
            }
        }
        let uids: Vec<Uid> = wanted.iter().map(|(_, message)| message.uid).collect();
        let mailbox = &selected.mailbox;
        let asked = |needed: bool| if needed { uids.as_slice() } else { &[] };
        let mut structures = mailbox.structures(asked(self.needs.structure)).await?.into_iter().peekable();
        let mut headers = mailbox.listed_fields(asked(self.needs.header)).await?.into_iter().peekable();
        let mut previews = object::previews(mailbox, asked(self.needs.preview.is_some()), self.needs.preview)
            .await?
            .into_iter()
            .peekable();
        let mut objects = mailbox.object_ids(asked(self.needs.objects)).await?.into_iter().peekable();
        let mut saved = mailbox.saved_at(asked(self.needs.saved)).into_iter().peekable();
        let mut opening = Opening::new(asked(self.needs.file));
        for (sequence, message) in wanted {
            let at_hand = AtHand {
                structure: structures.next_if(|(uid, _)| *uid == message.uid).map(|(_, structure)| structure),
                header: match headers.next_if(|(uid, _)| *uid == message.uid) {
                    // One that is too long to be kept is looked for in the message, one message at a time.
                    Some((uid, header)) if !is_all(&header) => section::header(mailbox, uid).await?,
                    known => known.map(|(_, header)| header),
                },
                preview: previews.next_if(|(uid, _)| *uid == message.uid).map(|(_, preview)| preview),
                objects: objects.next_if(|(uid, _)| *uid == message.uid).map(|(_, objects)| objects),
                saved: saved.next_if(|(uid, _)| *uid == message.uid).map(|(_, saved)| saved),
                file: if self.needs.file { opening.next(mailbox).await? } else { None },
            };
            self.message((sequence, message), &at_hand, stream).await?;
            updates::pass_on(&mut self.out, stream).await?;
        }
        Ok(())
    }

    /// The response for a message.
    async fn message(&mut self, (sequence, message): (u64, &MessageMeta), at_hand: &AtHand, stream: &mut Stream) -> Result<(), Fault> {
        if at_hand.lacks(self.needs) {
            let now = self.context.selected.mailbox.messages();
            let is_there = now.find(&message.uid, |message| message.uid).is_some();
            self.missing |= !is_there;
            self.unreadable |= is_there;
            return Ok(());
        }
        let structure = at_hand.structure.as_deref();
        if !binary::can_decode(&self.fetch.items, structure) {
            self.undecodable = true;
            return Ok(());
        }
        let uid_only = self.context.selected.enabled.uid_only;
        fetch_head(&mut self.out, sequence, message.uid, uid_only);
        for (index, item) in self.fetch.items.iter().enumerate() {
            if index > 0 {
                self.out.push(b' ');
            }
            match (item, &at_hand.header, &at_hand.file) {
                (Item::Section(section), Some(header), _) => section::write_fields(&mut self.out, section, header),
                (Item::Section(section), None, Some(file)) => section::write(&mut self.out, section, (structure, file), stream).await?,
                (Item::Binary(binary), _, Some(file)) => binary::write(&mut self.out, binary, (structure, file), stream).await?,
                (Item::BinarySize(part), _, Some(file)) => binary::write_size(&mut self.out, part, structure, file).await?,
                (Item::Preview { .. } | Item::EmailId | Item::ThreadId | Item::SaveDate, ..) => object::write(&mut self.out, item, at_hand),
                _ => self.context.write(&mut self.out, item, message, structure),
            }
        }
        if !self.fetch.items.contains(&Item::Flags) && self.context.is_newly_seen(message.uid) {
            self.out.push(b' ');
            self.context.write(&mut self.out, &Item::Flags, message, None);
        }
        self.out.extend_from_slice(b")\r\n");
        Ok(())
    }
}
