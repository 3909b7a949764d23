//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731 §3, RFC 7162 §3.1.5).
//!
//! A message's content is read only if what the index knows does not decide, its header before its body, one message at a time.

mod stored;
mod test;

use std::sync::Arc;

use crate::mail::mailbox::{Mailbox, StoredMessage};
use crate::model::ids::ModSeq;
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::server::stream::Stream;
use crate::wire::imap::command::Tag;
use crate::wire::imap::encode::{number, set};
use crate::wire::imap::response::Code;
use crate::wire::imap::search::{Returns, Search};
use crate::wire::message::header::is_whole;

use super::outcome::{Done, Fault};
use super::selected::{Finder, Selected};
use super::updates;

use test::{Content, Facts, Test};

/// After how many messages other sessions get their turn.
const TURN: usize = 512;
/// Octets of a message that are read at a time to find the end of its header, and the most that are looked at.
const PIECE: usize = 65_536;
const MAX_HEADER: usize = 1_048_576;

/// What was found.
struct Found {
    /// Sequence numbers or UIDs, ascending.
    numbers: Vec<u32>,
    /// The highest modseq among them, if it was asked for.
    modseq: Option<ModSeq>,
}

pub(super) async fn search(selected: &mut Selected, search: Search, asked: (&Tag, &mut Stream)) -> Result<Done, Fault> {
    let (tag, stream) = asked;
    let mut key = search
        .key
        .map_err(|_| Fault::No(Code::BadCharset, "this charset is not known here".into()))?;
    let asks_modseq = key.asks_modseq();
    selected.condstore |= asks_modseq;
    let test = Arc::new(Test::prepare(&mut key, selected).await?);
    let mut found = run(selected, &test, search.uid).await?;
    if !asks_modseq || found.numbers.is_empty() {
        found.modseq = None;
    }
    match search.returns {
        // RFC 9051 §6.4.4: there is no other answer.
        None if selected.enabled.rev2 => tell_extended(&found, (tag, search.uid), Returns::default(), stream),
        None => tell(&found, stream).await?,
        Some(returns) => tell_extended(&found, (tag, search.uid), returns, stream),
    }
    Ok(Done::new("searched"))
}

async fn run(selected: &Selected, test: &Arc<Test>, by_uid: bool) -> Result<Found, Refusal> {
    let now = selected.mailbox.messages();
    let mut finder = Finder::new(&now, 0);
    let mut found = Found {
        numbers: Vec::new(),
        modseq: None,
    };
    for (known, sequence) in selected.view.iter().zip(1_u32..) {
        let message = finder.find(known.uid).unwrap_or(known);
        let facts = Facts {
            sequence,
            message,
            recent: selected.is_recent(known.uid),
            content: Content::Unread,
        };
        let matches = match test.judge(&facts) {
            Some(matches) => matches,
            None => read_and_judge(&selected.mailbox, test, &facts).await?,
        };
        if matches {
            found.numbers.push(if by_uid { message.uid.0 } else { sequence });
            found.modseq = found.modseq.max(Some(message.modseq));
        }
        if (sequence as usize).is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    Ok(found)
}

/// Looks into the message: its header, and if that is not enough all of it. What is gone is not found.
async fn read_and_judge(mailbox: &Mailbox, test: &Arc<Test>, facts: &Facts<'_>) -> Result<bool, Refusal> {
    let Some(file) = mailbox.open_message(facts.message.uid).await? else {
        return Ok(false);
    };
    let header = read_header(&file).await?;
    let with_header = Facts {
        content: Content::Header(&header),
        ..*facts
    };
    if let Some(matches) = test.judge(&with_header) {
        return Ok(matches);
    }
    let Some((_, structure)) = mailbox.structures(&[facts.message.uid]).await?.into_iter().next() else {
        return Ok(false);
    };
    let octets = file.read_all().await?;
    let (test, message): (Arc<Test>, MessageMeta) = (Arc::clone(test), facts.message.clone());
    let (sequence, recent) = (facts.sequence, facts.recent);
    // Decoding a large message takes its time: not on the network threads.
    let judged = tokio::task::spawn_blocking(move || {
        test.judge(&Facts {
            sequence,
            message: &message,
            recent,
            content: Content::Whole(&octets, &structure),
        })
    });
    match judged.await {
        Ok(matches) => Ok(matches.unwrap_or(false)),
        Err(error) => {
            tracing::error!(%error, "a search ended too early");
            Err(Refusal::LATER)
        }
    }
}

/// The begin of a message, at least to the end of its header.
async fn read_header(file: &StoredMessage) -> Result<Vec<u8>, Refusal> {
    let mut octets = Vec::new();
    loop {
        let from = octets.len();
        let piece = file.read_at(from as u64, PIECE).await?;
        octets.extend_from_slice(&piece);
        let ended = piece.is_empty() || octets.len() >= MAX_HEADER || octets.len() as u64 >= file.size();
        if ended || is_whole(&octets) {
            return Ok(octets);
        }
    }
}

/// `* SEARCH 2 84 882`, with `(MODSEQ n)` where it was asked for.
async fn tell(found: &Found, stream: &mut Stream) -> Result<(), Fault> {
    let mut out = b"* SEARCH".to_vec();
    for &value in &found.numbers {
        out.push(b' ');
        number(&mut out, u64::from(value));
        updates::pass_on(&mut out, stream).await?;
    }
    if let Some(modseq) = found.modseq {
        out.extend_from_slice(b" (MODSEQ ");
        number(&mut out, modseq.0);
        out.push(b')');
    }
    out.extend_from_slice(b"\r\n");
    stream.write(&out);
    Ok(())
}

/// `* ESEARCH (TAG "a") UID MIN 2 COUNT 3` (RFC 4731 §3.1).
fn tell_extended(found: &Found, (tag, by_uid): (&Tag, bool), returns: Returns, stream: &mut Stream) {
    let mut out = b"* ESEARCH (TAG \"".to_vec();
    out.extend_from_slice(tag.as_str().as_bytes());
    out.extend_from_slice(b"\")");
    if by_uid {
        out.extend_from_slice(b" UID");
    }
    let all = returns.all || returns == Returns::default();
    // RFC 4731 §3.1: nothing found has no MIN, MAX and ALL.
    for (wanted, name, value) in [
        (returns.min, " MIN ", found.numbers.first()),
        (returns.max, " MAX ", found.numbers.last()),
    ] {
        if let (true, Some(&value)) = (wanted, value) {
            out.extend_from_slice(name.as_bytes());
            number(&mut out, u64::from(value));
        }
    }
    if all && !found.numbers.is_empty() {
        out.extend_from_slice(b" ALL ");
        set(&mut out, found.numbers.iter().copied());
    }
    if returns.count {
        out.extend_from_slice(b" COUNT ");
        number(&mut out, found.numbers.len() as u64);
    }
    if let Some(modseq) = found.modseq {
        out.extend_from_slice(b" MODSEQ ");
        number(&mut out, modseq.0);
    }
    out.extend_from_slice(b"\r\n");
    stream.write(&out);
}
