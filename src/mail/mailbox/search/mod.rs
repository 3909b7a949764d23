//! Finding messages: what the index knows of each is asked first, then the index of words, then what is kept of its header, and at last
//! its file.

mod test;

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

pub use test::Test;

use super::listed::Kept;
use super::{Mailbox, Shown};
use crate::model::ids::Uid;
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::wire::message::header::is_all;
use crate::wire::message::structure::Structure;

use test::{Content, Facts};

/// After how many messages others get their turn.
const TURN: usize = 4_096;
/// How many messages are read at a time.
const FILES: usize = 256;
/// So few messages are read as quickly as the index of words is.
const FEW: usize = 64;

/// A search under way among some messages of a mailbox: what is known of them has decided over the others, these are still to be read.
pub struct Search<H> {
    mailbox: Arc<Mailbox>,
    test: Arc<Test>,
    found: Vec<H>,
    open: std::vec::IntoIter<H>,
    to_read: usize,
}

impl<H: AsRef<MessageMeta> + Clone + Send + Sync + 'static> Search<H> {
    /// Begins among candidates, which ascend by UID.
    pub async fn begin(
        mailbox: &Arc<Mailbox>,
        test: &Arc<Test>,
        candidates: impl IntoIterator<Item = H, IntoIter: Send>,
    ) -> Result<Self, Refusal> {
        let mut found = Vec::new();
        let mut open = by_index(test, candidates, &mut found).await;
        // The index of words is asked where it saves more than it costs.
        if open.len() > FEW && test.look_up(mailbox).await? {
            open = by_index(test, open, &mut found).await;
        }
        if !open.is_empty() && (test.reads_listed() || test.reads_attachments()) {
            let sorted = by_kept(mailbox, test, (open, found)).await?;
            (found, open) = (sorted.found, sorted.left);
        }
        Ok(Self {
            mailbox: Arc::clone(mailbox),
            test: Arc::clone(test),
            found,
            to_read: open.len(),
            open: open.into_iter(),
        })
    }

    /// Reads some messages; `false` if there are none left to read. What is gone is not found.
    pub async fn step(&mut self) -> Result<bool, Refusal> {
        let piece: Arc<[H]> = self.open.by_ref().take(FILES).collect();
        if piece.is_empty() {
            return Ok(false);
        }
        let uids: Vec<Uid> = piece.iter().map(|hit| hit.as_ref().uid).collect();
        let judge = {
            let (test, piece) = (Arc::clone(&self.test), Arc::clone(&piece));
            Arc::new(move |uid: Uid, shown: Shown<'_>| judge(&test, &piece, uid, shown))
        };
        let judged = self.mailbox.examine(&uids, judge).await?;
        let mut judged = judged.into_iter().peekable();
        for hit in piece.iter() {
            let verdict = judged.next_if(|(uid, _)| *uid == hit.as_ref().uid);
            if verdict.is_some_and(|(_, matches)| matches) {
                self.found.push(hit.clone());
            }
        }
        Ok(true)
    }

    /// How many messages were read, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.to_read.saturating_sub(self.open.len()), self.to_read)
    }

    /// What was found so far, ascending by UID.
    pub fn finish(mut self) -> Vec<H> {
        self.found.sort_unstable_by_key(|hit| hit.as_ref().uid);
        self.found
    }

    /// A search from its begin to its end.
    pub async fn all(mailbox: &Arc<Mailbox>, test: &Arc<Test>, candidates: Vec<H>) -> Result<Vec<H>, Refusal> {
        let mut search = Self::begin(mailbox, test, candidates).await?;
        while search.step().await? {}
        Ok(search.finish())
    }
}

/// Those that the index does not decide.
async fn by_index<H: AsRef<MessageMeta>>(test: &Test, candidates: impl IntoIterator<Item = H>, found: &mut Vec<H>) -> Vec<H> {
    let mut open = Vec::new();
    for (hit, number) in candidates.into_iter().zip(1_usize..) {
        match test.judge_by_index(hit.as_ref()) {
            Some(true) => found.push(hit),
            Some(false) => {}
            None => open.push(hit),
        }
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    open
}

/// Those that what is kept of them does not decide.
async fn by_kept<H>(mailbox: &Mailbox, test: &Arc<Test>, (open, found): (Vec<H>, Vec<H>)) -> Result<Sorted<H>, Refusal>
where
    H: AsRef<MessageMeta> + Send + 'static,
{
    let uids: Vec<Uid> = open.iter().map(|hit| hit.as_ref().uid).collect();
    let attachments = test.reads_attachments();
    let test = Arc::clone(test);
    let judge = move |(open, sorted): &mut (Peekable<IntoIter<H>>, Sorted<H>), kept: &Kept| {
        // What is gone has no header.
        while open.next_if(|hit| hit.as_ref().uid < kept.uid).is_some() {}
        let Some(hit) = open.next_if(|hit| hit.as_ref().uid == kept.uid) else {
            return;
        };
        let facts = Facts {
            message: hit.as_ref(),
            content: match is_all(&kept.header) {
                true => Content::Listed(&kept.header),
                false => Content::Unread,
            },
            has_attachments: kept.has_attachments,
        };
        match test.judge(&facts) {
            Some(true) => sorted.found.push(hit),
            Some(false) => {}
            None => sorted.left.push(hit),
        }
    };
    let sorted = Sorted { found, left: Vec::new() };
    let state = (open.into_iter().peekable(), sorted);
    Ok(mailbox.go_through_kept((&uids, attachments), state, judge).await?.1)
}

/// Messages that are found, and those that must be read to know.
struct Sorted<H> {
    found: Vec<H>,
    left: Vec<H>,
}

fn judge<H: AsRef<MessageMeta>>(test: &Test, piece: &[H], uid: Uid, shown: Shown<'_>) -> Option<bool> {
    let at = piece.binary_search_by_key(&uid, |hit| hit.as_ref().uid).ok()?;
    let message = piece.get(at)?.as_ref();
    let facts = |content| Facts {
        message,
        content,
        has_attachments: None,
    };
    match shown {
        Shown::Begin(octets) => test.judge(&facts(Content::Header(octets))),
        Shown::Whole(octets) => {
            let structure = Structure::parse(octets);
            test.judge(&facts(Content::Whole(octets, &structure)))
        }
    }
}
