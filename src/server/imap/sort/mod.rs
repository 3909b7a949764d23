//! SORT and UID SORT (RFC 5256 BASE.6.4.SORT, RFC 5267 §3, RFC 5957 §3).
//!
//! What is compared is read from the kept fields of the headers once a command; comparing is done off the network threads.

mod keys;

use crate::model::refusal::Refusal;
use crate::wire::imap::sort::Sort;

use super::outcome::{Done, Fault};
use super::search::{self, Answer, Asked, Hit};
use super::selected::Selected;

use keys::Keys;

pub(super) use keys::sent;

pub(super) async fn sort(selected: &mut Selected, sort: Sort, asked: Asked<'_>) -> Result<Done, Fault> {
    let found = search::find(selected, sort.key).await?;
    let mut keys = Keys::new(&sort.criteria);
    if sort.criteria.iter().any(|criterion| criterion.by.is_of_header()) {
        search::with_headers(&selected.mailbox, &found.hits, |hit, header| keys.push(hit, header)).await?;
    } else {
        found.hits.iter().for_each(|hit| keys.push(hit, &[]));
    }
    let hits = found.hits;
    let sorted = tokio::task::spawn_blocking(move || in_order(&keys, &hits, sort.uid)).await;
    let numbers = sorted.map_err(|error| {
        tracing::error!(%error, "sorting ended too early");
        Refusal::LATER
    })?;
    let answer = Answer {
        name: "SORT",
        numbers,
        uid: sort.uid,
        modseq: found.modseq,
    };
    search::tell(&answer, sort.returns, asked).await?;
    Ok(Done::new("sorted"))
}

/// What the client is told of the messages, in their order.
fn in_order(keys: &Keys, hits: &[Hit], uid: bool) -> Vec<u32> {
    let order = keys.order();
    order.into_iter().filter_map(|at| Some(hits.get(at)?.number(uid))).collect()
}
