//! SORT and UID SORT (RFC 5256 BASE.6.4.SORT, RFC 5267 §3, RFC 5957 §3).
//!
//! Dates are kept; texts that are compared are read from the kept fields of the headers once a command. Comparing is done off the network
//! threads.

mod keys;

use jiff::Timestamp;

use crate::mail::mailbox::Mailbox;
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::wire::imap::sort::{Sort, SortKey};

use super::outcome::{Done, Fault};
use super::search::{self, Answer, Asked, Hit};
use super::selected::Selected;

use keys::Keys;

pub(super) use keys::base_subject;

/// The dates of so many messages are asked for at a time.
const TOGETHER: usize = 4_096;

pub(super) async fn sort(selected: &mut Selected, sort: Sort, mut asked: Asked<'_>) -> Result<Done, Fault> {
    let found = match search::find(selected, sort.key, &mut asked).await {
        Ok(found) => found,
        Err(fault) => {
            if sort.returns.is_some_and(|returns| returns.save) {
                selected.saved.clear();
            }
            return Err(fault);
        }
    };
    let (mut hits, asks_modseq) = (found.hits, found.asks_modseq);
    let sent = match sort.criteria.iter().any(|criterion| criterion.by == SortKey::Date) {
        true => sent(&selected.mailbox, &hits).await?,
        false => Vec::new(),
    };
    let mut keys = Keys::new(&sort.criteria, sent);
    if sort.criteria.iter().any(|criterion| criterion.by.is_text()) {
        (hits, keys) = search::with_headers(&selected.mailbox, hits, keys, Keys::push).await?;
    } else {
        hits.iter().for_each(|hit| keys.push(hit, &[]));
    }
    let sorted = tokio::task::spawn_blocking(move || in_order(&keys, hits)).await;
    let hits = sorted.map_err(|error| {
        tracing::error!(%error, "sorting ended too early");
        Refusal::LATER
    })?;
    let answer = Answer {
        name: "SORT",
        numbers: hits.iter().map(|hit| hit.number(sort.uid)).collect(),
        uid: sort.uid,
        modseq: search::highest(&hits, sort.returns).filter(|_| asks_modseq),
    };
    search::tell(&answer, sort.returns, &mut asked).await?;
    if let Some(returns) = sort.returns {
        let uids: Vec<Uid> = hits.iter().map(|hit| hit.message.uid).collect();
        search::save(selected, returns, &uids);
        if returns.update {
            // RFC 5267 §4.3.1: the places of what is sorted are not followed.
            search::refuse_update(asked.tag, asked.stream);
        }
    }
    Ok(Done::new("sorted"))
}

/// When messages were sent, ascending by UID: those whose headers tell.
async fn sent(mailbox: &Mailbox, hits: &[Hit]) -> Result<Vec<(Uid, Timestamp)>, Refusal> {
    let mut all = Vec::with_capacity(hits.len());
    for some in hits.chunks(TOGETHER) {
        let uids: Vec<Uid> = some.iter().map(|hit| hit.message.uid).collect();
        let sent = mailbox.sent(&uids).await?;
        all.extend(sent.into_iter().filter_map(|(uid, at)| Some((uid, at?))));
        tokio::task::yield_now().await;
    }
    Ok(all)
}

fn in_order(keys: &Keys, hits: Vec<Hit>) -> Vec<Hit> {
    let order = keys.order();
    order.into_iter().filter_map(|at| hits.get(at).cloned()).collect()
}
