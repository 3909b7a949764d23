//! THREAD and UID THREAD (RFC 5256 BASE.6.4.THREAD).
//!
//! What threads are made of is kept of each message; putting it together is done off the network threads, and what came of it is kept as
//! long as the messages stay the same.

mod kept;
mod ordered_subject;
mod references;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::wire::imap::sort::{Algorithm, Forest, Thread};
use crate::wire::message::header::{find, sorted_at};

use super::outcome::{Done, Fault};
use super::search::{self, Asked, Hit};
use super::selected::Selected;

use rows::Rows;

pub(super) use kept::Kept;

pub(super) async fn thread(kept: &Kept, selected: &mut Selected, thread: Thread, mut asked: Asked<'_>) -> Result<Done, Fault> {
    let hits = search::find(selected, thread.key, &mut asked).await?.hits;
    let numbers: Vec<u32> = hits.iter().map(|hit| hit.number(thread.uid)).collect();
    let forest = forest(kept, selected, thread.algorithm, hits).await?;
    let mut out = b"* THREAD".to_vec();
    forest.write(&numbers, &mut out);
    out.extend_from_slice(b"\r\n");
    asked.stream.write(&out);
    Ok(Done::new("threaded"))
}

/// The threads of the messages that were found: those of the last time, if they are the same messages.
async fn forest(kept: &Kept, selected: &Selected, algorithm: Algorithm, hits: Vec<Hit>) -> Result<Arc<Forest>, Refusal> {
    let key = (selected.mailbox.info().id, algorithm);
    let uids: Vec<Uid> = hits.iter().map(|hit| hit.message.uid).collect();
    if let Some(forest) = kept.find(key, &uids) {
        return Ok(forest);
    }
    let push = |rows: &mut Rows, hit: &Hit, header: &[u8]| {
        let sent = find(header, "Date").and_then(sorted_at);
        rows.push(sent.unwrap_or(hit.message.internal_date), header);
    };
    let (_, rows) = search::with_headers(&selected.mailbox, hits, Rows::default(), push).await?;
    let joined = tokio::task::spawn_blocking(move || threads(&rows, algorithm)).await;
    let forest = joined.map_err(|error| {
        tracing::error!(%error, "threading ended too early");
        Refusal::LATER
    })?;
    Ok(kept.keep(key, uids, forest))
}

fn threads(rows: &Rows, algorithm: Algorithm) -> Forest {
    match algorithm {
        Algorithm::OrderedSubject => ordered_subject::ordered_subject(rows),
        Algorithm::References => references::references(rows),
        Algorithm::Refs => references::refs(rows),
    }
}
