//! Going through messages: what the index knows of each, then the fields of its header that are kept, then its file.

use std::sync::Arc;

use crate::mail::mailbox::Shown;
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::server::imap::outcome::Fault;
use crate::server::imap::selected::{Finder, Selected};
use crate::wire::message::structure::Structure;

use super::progress::Progress;
use super::test::{Content, Facts, Test};
use super::{HEADERS, Hit};

/// After how many messages other sessions get their turn.
const TURN: usize = 4_096;
/// How many messages are asked for at a time.
const FILES: usize = 256;
/// So few messages are read as quickly as the index of words is.
const FEW: usize = 64;

/// All messages of the view, as they are now.
pub(super) fn all(selected: &Selected) -> Vec<Hit> {
    let now = selected.mailbox.messages();
    let mut finder = Finder::new(&now, 0);
    let hit = |(known, sequence): (&crate::model::mailbox::MessageMeta, u32)| Hit {
        sequence,
        message: finder.find(known.uid).unwrap_or(known).clone(),
        recent: selected.is_recent(known.uid),
    };
    selected.view.iter().zip(1_u32..).map(hit).collect()
}

/// Those of the messages that pass the test, in their order. What is gone is not found.
pub(super) async fn sift(
    selected: &Selected,
    test: &Arc<Test>,
    (candidates, progress): (Vec<Hit>, Option<Progress<'_, '_>>),
) -> Result<Vec<Hit>, Fault> {
    let mut found = Vec::new();
    let mut open = by_index(test, candidates, &mut found).await;
    // The index of words is asked where it saves more than it costs.
    if open.len() > FEW && test.look_up(&selected.mailbox).await? {
        open = by_index(test, open, &mut found).await;
    }
    if test.reads_listed() {
        open = by_listed(selected, test, (open, &mut found)).await?;
    }
    by_file(selected, test, (open, &mut found), progress).await?;
    found.sort_unstable_by_key(|hit| hit.sequence);
    Ok(found)
}

impl Hit {
    fn facts<'a>(&'a self, content: Content<'a>) -> Facts<'a> {
        Facts {
            sequence: self.sequence,
            message: &self.message,
            recent: self.recent,
            content,
        }
    }
}

/// Those that the index does not decide.
async fn by_index(test: &Test, candidates: Vec<Hit>, found: &mut Vec<Hit>) -> Vec<Hit> {
    let mut open = Vec::new();
    for (hit, number) in candidates.into_iter().zip(1_usize..) {
        match test.judge(&hit.facts(Content::Unread)) {
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

/// Those that the kept fields of their headers do not decide.
async fn by_listed(selected: &Selected, test: &Test, (open, found): (Vec<Hit>, &mut Vec<Hit>)) -> Result<Vec<Hit>, Refusal> {
    let mut left = Vec::new();
    let mut open = open.into_iter();
    loop {
        let piece: Vec<Hit> = open.by_ref().take(HEADERS).collect();
        if piece.is_empty() {
            return Ok(left);
        }
        let uids: Vec<Uid> = piece.iter().map(|hit| hit.message.uid).collect();
        let mut headers = selected.mailbox.listed_fields(&uids).await?.into_iter().peekable();
        for hit in piece {
            // What is gone has no header.
            let Some((_, header)) = headers.next_if(|(uid, _)| *uid == hit.message.uid) else {
                continue;
            };
            match test.judge(&hit.facts(Content::Listed(&header))) {
                Some(true) => found.push(hit),
                Some(false) => {}
                None => left.push(hit),
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Those that must be read.
async fn by_file(
    selected: &Selected,
    test: &Arc<Test>,
    (open, found): (Vec<Hit>, &mut Vec<Hit>),
    mut progress: Option<Progress<'_, '_>>,
) -> Result<(), Fault> {
    let all = open.len();
    let mut open = open.into_iter();
    loop {
        let piece: Arc<[Hit]> = open.by_ref().take(FILES).collect();
        if piece.is_empty() {
            return Ok(());
        }
        let uids: Vec<Uid> = piece.iter().map(|hit| hit.message.uid).collect();
        let judge = {
            let (test, piece) = (Arc::clone(test), Arc::clone(&piece));
            Arc::new(move |uid: Uid, shown: Shown<'_>| judge(&test, &piece, uid, shown))
        };
        let judged = selected.mailbox.examine(&uids, judge).await?;
        let mut judged = judged.into_iter().peekable();
        for hit in piece.iter() {
            let verdict = judged.next_if(|(uid, _)| *uid == hit.message.uid);
            if verdict.is_some_and(|(_, matches)| matches) {
                found.push(hit.clone());
            }
        }
        if let Some(progress) = &mut progress {
            progress.step(all.saturating_sub(open.len()), all).await?;
        }
    }
}

fn judge(test: &Test, piece: &[Hit], uid: Uid, shown: Shown<'_>) -> Option<bool> {
    let at = piece.binary_search_by_key(&uid, |hit| hit.message.uid).ok()?;
    let hit = piece.get(at)?;
    match shown {
        Shown::Begin(octets) => test.judge(&hit.facts(Content::Header(octets))),
        Shown::Whole(octets) => {
            let structure = Structure::parse(octets);
            test.judge(&hit.facts(Content::Whole(octets, &structure)))
        }
    }
}
