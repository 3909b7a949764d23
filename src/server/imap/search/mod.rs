//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731 §3, RFC 7162 §3.1.5), and the finding of messages for SORT and THREAD.

mod run;
mod stored;
mod tell;
mod test;

use std::sync::Arc;

use bytes::Bytes;

use crate::mail::mailbox::Mailbox;
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::server::stream::Stream;
use crate::wire::imap::command::Tag;
use crate::wire::imap::response::Code;
use crate::wire::imap::search::{BadCharset, Key, Returns, Search};

use super::outcome::{Done, Fault};
use super::selected::Selected;

use test::Test;

pub(super) use tell::{Answer, tell};

/// How many messages' header fields are asked for at a time.
const HEADERS: usize = 512;

/// Who asked, and where the answer goes.
pub(super) struct Asked<'a> {
    pub(super) tag: &'a Tag,
    pub(super) stream: &'a mut Stream,
}

/// A message that was found.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) sequence: u32,
    pub(super) message: MessageMeta,
    /// Whether it is \Recent in this session.
    pub(super) recent: bool,
}

/// What was found.
pub(super) struct Found {
    /// In the order of the mailbox.
    pub(super) hits: Vec<Hit>,
    /// The highest modseq among them, if it was asked for (RFC 7162 §3.1.5).
    pub(super) modseq: Option<ModSeq>,
}

pub(super) async fn search(selected: &mut Selected, search: Search, asked: Asked<'_>) -> Result<Done, Fault> {
    let found = find(selected, search.key).await?;
    let numbers = found.hits.iter().map(|hit| hit.number(search.uid)).collect();
    let answer = Answer {
        name: "SEARCH",
        numbers,
        uid: search.uid,
        modseq: found.modseq,
    };
    // RFC 9051 §6.4.4: without RETURN it is as with an empty one.
    let returns = search.returns.or(selected.enabled.rev2.then(Returns::default));
    tell(&answer, returns, asked).await?;
    Ok(Done::new("searched"))
}

/// The messages that the key finds.
pub(super) async fn find(selected: &mut Selected, key: Result<Key, BadCharset>) -> Result<Found, Fault> {
    let mut key = key.map_err(|BadCharset| Fault::No(Code::BadCharset, "this charset is not known here".into()))?;
    let asks_modseq = key.asks_modseq();
    selected.condstore |= asks_modseq;
    let test = Arc::new(Test::prepare(&mut key, selected).await?);
    let hits = run::run(selected, &test).await?;
    let modseq = hits.iter().map(|hit| hit.message.modseq).max().filter(|_| asks_modseq);
    Ok(Found { hits, modseq })
}

/// Goes through messages with the fields of their headers that are kept. One that is gone has none.
pub(super) async fn with_headers(mailbox: &Mailbox, hits: &[Hit], mut each: impl FnMut(&Hit, &[u8])) -> Result<(), Refusal> {
    for piece in hits.chunks(HEADERS) {
        let uids: Vec<Uid> = piece.iter().map(|hit| hit.message.uid).collect();
        let mut headers = mailbox.listed_fields(&uids).await?.into_iter().peekable();
        for hit in piece {
            let header = headers.next_if(|(uid, _)| *uid == hit.message.uid);
            each(hit, &header.map_or(Bytes::new(), |(_, header)| header));
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

impl Hit {
    /// What the client is told of it.
    pub(super) fn number(&self, uid: bool) -> u32 {
        if uid { self.message.uid.0 } else { self.sequence }
    }
}
