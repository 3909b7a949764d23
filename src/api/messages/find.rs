//! Going through messages in an order until a page is full.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::filter::Filter;
use super::summary::{MessageSummary, Shelf};
use crate::mail::mailbox::{Mailbox, Search, Test};
use crate::model::ids::Uid;
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;

/// How many messages that are not ruled out at once are looked into together.
const STEP: usize = 500;
/// How many messages are gone through before others get their turn.
const TURN: usize = 50_000;
/// How many messages are read from their files for one page: then it ends, full or not.
const READ: usize = 10_000;

/// A mailbox that is searched.
pub(super) struct Source {
    pub mailbox: Arc<Mailbox>,
    test: Arc<Test>,
}

/// A message of one of the mailboxes.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    /// The place of the mailbox.
    pub source: usize,
    pub message: MessageMeta,
}

impl AsRef<MessageMeta> for Hit {
    fn as_ref(&self) -> &MessageMeta {
        &self.message
    }
}

impl Source {
    pub(super) fn new(mailbox: Arc<Mailbox>, filter: &Filter) -> Self {
        Self {
            test: Arc::new(filter.test(&mailbox)),
            mailbox,
        }
    }
}

/// What was found.
pub(super) struct Found {
    /// In their order.
    pub hits: Vec<Hit>,
    /// The message to go on behind, if there may be more.
    pub last: Option<Hit>,
}

/// The first messages, in their order, that the filter lets through; fewer if very many would have to be read for them.
pub(super) async fn first(sources: &[Source], order: impl Iterator<Item = Hit> + Send, limit: usize) -> Result<Found, Refusal> {
    let (mut hits, mut order, mut read) = (Vec::new(), order.fuse(), 0_usize);
    loop {
        let wanted = limit.saturating_add(1).saturating_sub(hits.len());
        let piece = candidates(sources, &mut order, wanted.max(STEP)).await;
        let Some(last) = piece.last().cloned() else {
            return Ok(Found { hits, last: None });
        };
        let (more, count) = search(sources, piece).await?;
        hits.extend(more);
        read = read.saturating_add(count);
        if hits.len() > limit {
            hits.truncate(limit);
            let last = hits.last().cloned();
            return Ok(Found { hits, last });
        }
        if read >= READ {
            return Ok(Found { hits, last: Some(last) });
        }
    }
}

/// All that the filter lets through, up to so many, and whether there are more.
pub(super) async fn all(source: &Source, order: impl Iterator<Item = Hit> + Send, limit: usize) -> Result<(Vec<Hit>, bool), Refusal> {
    let (mut hits, mut order) = (Vec::new(), order.fuse());
    loop {
        let found = first(std::slice::from_ref(source), &mut order, limit.saturating_sub(hits.len())).await?;
        hits.extend(found.hits);
        let more = found.last.is_some();
        if !more || hits.len() >= limit {
            return Ok((hits, more));
        }
    }
}

/// The next messages that the index does not rule out.
async fn candidates(sources: &[Source], order: &mut (impl Iterator<Item = Hit> + Send), most: usize) -> Vec<Hit> {
    let mut piece = Vec::new();
    for (hit, number) in order.zip(1_usize..) {
        let source = sources.get(hit.source);
        if source.is_some_and(|source| source.test.judge_by_index(&hit.message) != Some(false)) {
            piece.push(hit);
        }
        if piece.len() >= most {
            break;
        }
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    piece
}

/// Those that the filter lets through, in the order in which they came; and how many messages were read for that.
async fn search(sources: &[Source], piece: Vec<Hit>) -> Result<(Vec<Hit>, usize), Refusal> {
    let mut by_source: BTreeMap<usize, Vec<Hit>> = BTreeMap::new();
    for hit in &piece {
        by_source.entry(hit.source).or_default().push(hit.clone());
    }
    let mut found: HashSet<(usize, Uid)> = HashSet::new();
    let mut read = 0_usize;
    for (place, mut hits) in by_source {
        let Some(source) = sources.get(place) else { continue };
        hits.sort_unstable_by_key(|hit| hit.message.uid);
        let mut search = Search::begin(&source.mailbox, &source.test, hits).await?;
        while search.step().await? {}
        read = read.saturating_add(search.progress().1);
        found.extend(search.finish().into_iter().map(|hit| (place, hit.message.uid)));
    }
    let hits = piece.into_iter().filter(|hit| found.contains(&(hit.source, hit.message.uid)));
    Ok((hits.collect(), read))
}

/// What lists show of these messages, in their order. One that is removed in between is left out.
pub(super) async fn summaries(mailboxes: &[Arc<Mailbox>], hits: &[Hit]) -> Result<Vec<MessageSummary>, Refusal> {
    let mut by_source: BTreeMap<usize, Vec<Uid>> = BTreeMap::new();
    for hit in hits {
        by_source.entry(hit.source).or_default().push(hit.message.uid);
    }
    let mut known = BTreeMap::new();
    for (&place, uids) in &mut by_source {
        let Some(mailbox) = mailboxes.get(place) else { continue };
        uids.sort_unstable();
        known.insert(place, (Shelf::of(mailbox), mailbox.summaries(uids).await?));
    }
    let shown = hits.iter().filter_map(|hit| {
        let (shelf, summaries) = known.get(&hit.source)?;
        let at = summaries.binary_search_by_key(&hit.message.uid, |(uid, _)| *uid).ok()?;
        let (_, summary) = summaries.get(at)?;
        Some(MessageSummary::new(shelf, &hit.message, summary))
    });
    Ok(shown.collect())
}

/// The messages of one mailbox, those after (in the order) the one named; newest first or oldest first.
pub(super) fn in_mailbox(mailbox: &Mailbox, after: Option<Uid>, order: Order) -> impl Iterator<Item = Hit> + Send + use<> {
    let messages = mailbox.messages();
    let places: Box<dyn Iterator<Item = usize> + Send> = match order {
        Order::Newest => {
            let end = after.map_or(messages.len(), |after| messages.partition_point(|message| message.uid < after));
            Box::new((0..end).rev())
        }
        Order::Oldest => {
            let begin = after.map_or(0, |after| messages.partition_point(|message| message.uid <= after));
            Box::new(begin..messages.len())
        }
    };
    places.filter_map(move |at| {
        let message = messages.get(at).cloned()?;
        Some(Hit { source: 0, message })
    })
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum Order {
    #[default]
    Newest,
    Oldest,
}
