//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731 §3, RFC 7162 §3.1.5), and the finding of messages for SORT and THREAD.

mod context;
mod progress;
mod stored;
mod tell;
mod test;

use std::sync::Arc;

use crate::config;
use crate::mail::mailbox::{self, Kept, Mailbox, Messages, Test};
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::server::stream::Stream;
use crate::wire::imap::command::Tag;
use crate::wire::imap::response::Code;
use crate::wire::imap::search::{BadCharset, Key, Returns, Search};

use super::outcome::{Done, Fault};
use super::selected::{Finder, Selected};

use progress::Progress;

pub(super) use context::{Context, cancel_update, changed, gone, refuse_update};
pub(super) use tell::{Answer, tell};

/// Who asked, and where the answer goes.
pub(super) struct Asked<'a> {
    pub(super) tag: &'a Tag,
    pub(super) stream: &'a mut Stream,
    pub(super) settings: &'a config::Imap,
}

/// A message that was found.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) sequence: u32,
    pub(super) message: MessageMeta,
}

impl AsRef<MessageMeta> for Hit {
    fn as_ref(&self) -> &MessageMeta {
        &self.message
    }
}

/// What was found.
pub(super) struct Found {
    /// In the order of the mailbox.
    pub(super) hits: Vec<Hit>,
    /// Whether the client wants to hear of modseqs (RFC 7162 §3.1.5).
    pub(super) asks_modseq: bool,
}

pub(super) async fn search(selected: &mut Selected, search: Search, mut asked: Asked<'_>) -> Result<Done, Fault> {
    // RFC 9051 §6.4.4: without RETURN it is as with an empty one.
    let returns = search.returns.or(selected.enabled.rev2.then(Returns::default));
    let key = search.key.clone().ok().filter(|_| returns.is_some_and(|returns| returns.update));
    let found = match find(selected, search.key, &mut asked).await {
        Ok(found) => found,
        Err(fault) => {
            // RFC 5182 §2.1: a search that fails saves nothing.
            if returns.is_some_and(|returns| returns.save) {
                selected.saved.clear();
            }
            return Err(fault);
        }
    };
    let uids: Vec<Uid> = found.hits.iter().map(|hit| hit.message.uid).collect();
    let answer = Answer {
        name: "SEARCH",
        numbers: found.hits.iter().map(|hit| hit.number(search.uid)).collect(),
        uid: search.uid,
        modseq: highest(&found.hits, returns).filter(|_| found.asks_modseq),
    };
    tell(&answer, returns, &mut asked).await?;
    if let Some(returns) = returns {
        save(selected, returns, &uids);
    }
    if let Some(key) = key {
        context::keep(selected, (key, search.uid), uids, asked);
    }
    Ok(Done::new("searched"))
}

/// The highest modseq of what is told: of the first and the last where these are all, of the window where that is (RFC 4731 §3.2).
pub(super) fn highest(hits: &[Hit], returns: Option<Returns>) -> Option<ModSeq> {
    let modseqs = |hits: &[Hit]| hits.iter().map(|hit| hit.message.modseq).max();
    match returns {
        Some(returns) if returns.names_results() && !returns.all && !returns.count => {
            let ends = [hits.first().filter(|_| returns.min), hits.last().filter(|_| returns.max)];
            let window = returns.partial.and_then(|partial| hits.get(partial.window(hits.len())));
            let ends = ends.into_iter().flatten().map(|hit| hit.message.modseq);
            ends.chain(window.and_then(modseqs)).max()
        }
        _ => modseqs(hits),
    }
}

/// Makes `$` stand for what was found, in its order; or for what of it is told, where that is not all (RFC 5182 §2.1, RFC 9394 §3.1).
pub(super) fn save(selected: &mut Selected, returns: Returns, uids: &[Uid]) {
    if !returns.save {
        return;
    }
    if returns.all || returns.count || !returns.names_results() {
        selected.saved = uids.to_vec();
    } else {
        let min = uids.first().filter(|_| returns.min);
        let max = uids.last().filter(|_| returns.max);
        let partial = returns.partial.and_then(|partial| uids.get(partial.window(uids.len())));
        selected.saved = min.into_iter().chain(max).chain(partial.unwrap_or_default()).copied().collect();
    }
    selected.saved.sort_unstable();
    selected.saved.dedup();
}

/// The messages that the key finds.
pub(super) async fn find(selected: &mut Selected, key: Result<Key, BadCharset>, asked: &mut Asked<'_>) -> Result<Found, Fault> {
    let mut key = key.map_err(|BadCharset| Fault::No(Code::BadCharset, "this charset is not known here".into()))?;
    let asks_modseq = key.asks_modseq();
    selected.condstore |= asks_modseq;
    let test = Arc::new(test::prepare(&mut key, selected).await?);
    let now = selected.mailbox.messages();
    let hits = sift(selected, &test, all(selected, &now), Some(Progress::new(asked))).await?;
    Ok(Found { hits, asks_modseq })
}

/// All messages of the view, as they are now: of each is made what can be found only when it is asked for.
fn all<'a>(selected: &'a Selected, now: &'a Messages) -> impl Iterator<Item = Hit> + Send + 'a {
    let mut finder = Finder::new(now, 0);
    selected.view.iter().zip(1_u32..).map(move |(known, sequence)| Hit {
        sequence,
        message: finder.find(known.uid).unwrap_or(known).clone(),
    })
}

/// Those of the messages that pass the test, in their order. What is gone is not found.
async fn sift(
    selected: &Selected,
    test: &Arc<Test>,
    candidates: impl IntoIterator<Item = Hit, IntoIter: Send>,
    mut progress: Option<Progress<'_, '_>>,
) -> Result<Vec<Hit>, Fault> {
    let mut search = mailbox::Search::begin(&selected.mailbox, test, candidates).await?;
    while search.step().await? {
        if let Some(progress) = &mut progress {
            let (done, all) = search.progress();
            progress.step(done, all).await?;
        }
    }
    Ok(search.finish())
}

/// Goes through messages, in the order of their UIDs, with the fields of their headers that are kept, off the network threads: `each` is
/// given the state. One that is gone has none.
pub(super) async fn with_headers<T, E>(mailbox: &Mailbox, hits: Vec<Hit>, state: T, each: E) -> Result<(Vec<Hit>, T), Refusal>
where
    T: Send + 'static,
    E: Fn(&mut T, &Hit, &[u8]) + Clone + Send + 'static,
{
    let uids: Vec<Uid> = hits.iter().map(|hit| hit.message.uid).collect();
    let (hits, seen) = (Arc::new(hits), 0_usize);
    let shown = Arc::clone(&hits);
    let one = each.clone();
    let work = move |(state, seen): &mut (T, usize), kept: &Kept| {
        while let Some(hit) = shown.get(*seen).filter(|hit| hit.message.uid <= kept.uid) {
            one(state, hit, if hit.message.uid == kept.uid { &kept.header } else { &[] });
            *seen = seen.saturating_add(1);
        }
    };
    let (mut state, seen) = mailbox.go_through_kept((&uids, false), (state, seen), work).await?;
    hits.iter().skip(seen).for_each(|hit| each(&mut state, hit, &[]));
    Ok((Arc::unwrap_or_clone(hits), state))
}

impl Hit {
    /// What the client is told of it.
    pub(super) fn number(&self, uid: bool) -> u32 {
        if uid { self.message.uid.0 } else { self.sequence }
    }
}
