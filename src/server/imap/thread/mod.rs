//! THREAD and UID THREAD (RFC 5256 BASE.6.4.THREAD).
//!
//! What threads are made of is kept of each message; putting it together is done off the network threads.

mod ordered_subject;
mod references;
mod rows;
#[cfg(test)]
mod tests;

use crate::model::refusal::Refusal;
use crate::server::stream::Stream;
use crate::wire::imap::sort::{Algorithm, Forest, Thread};

use super::outcome::{Done, Fault};
use super::search::{self, Asked, Hit};
use super::selected::Selected;
use super::sort::sent;

use rows::Rows;

pub(super) async fn thread(selected: &mut Selected, thread: Thread, mut asked: Asked<'_>) -> Result<Done, Fault> {
    let hits = search::find(selected, thread.key, &mut asked).await?.hits;
    let push = move |rows: &mut Rows, hit: &Hit, header: &[u8]| {
        let number = if thread.uid { hit.message.uid.0 } else { hit.sequence };
        rows.push((number, hit.sequence), sent(header, hit), header);
    };
    let (_, rows) = search::with_headers(&selected.mailbox, hits, Rows::default(), push).await?;
    let algorithm = thread.algorithm;
    let joined = tokio::task::spawn_blocking(move || threads(&rows, algorithm)).await;
    let forest = joined.map_err(|error| {
        tracing::error!(%error, "threading ended too early");
        Refusal::LATER
    })?;
    tell(&forest, asked.stream);
    Ok(Done::new("threaded"))
}

fn threads(rows: &Rows, algorithm: Algorithm) -> Forest {
    match algorithm {
        Algorithm::OrderedSubject => ordered_subject::ordered_subject(rows),
        Algorithm::References => references::references(rows),
        Algorithm::Refs => references::refs(rows),
    }
}

fn tell(forest: &Forest, stream: &mut Stream) {
    let mut out = b"* THREAD".to_vec();
    forest.write(&mut out);
    out.extend_from_slice(b"\r\n");
    stream.write(&out);
}
