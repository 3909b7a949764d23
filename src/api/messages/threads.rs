//! Conversations: the messages of all mailboxes that belong together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::find::{self, Hit};
use super::list::MessageList;
use super::place::Place;
use super::search::{Moment, mailboxes};
use super::summary::{Correspondent, MessageSummary};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login, not_found};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};
use crate::mail::mailbox::Mailbox;
use crate::model::ids::{ThreadId, Uid};
use crate::model::mailbox::Flags;
use crate::model::refusal::Refusal;

/// How many messages' threads are asked for at a time.
const STEP: usize = 1_024;
/// How many of a thread's messages are asked who takes part in it.
const ASKED: usize = 20;

/// Which threads.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WhichThreads {
    /// Only the messages in the mailbox of this name; those of all if neither this nor `mailbox_id` is there.
    #[param(example = "INBOX")]
    mailbox: Option<String>,
    /// Only the messages in the mailbox with this id.
    mailbox_id: Option<String>,
    /// Only those with a message that is not seen, or only those with none.
    unseen: Option<bool>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which part of a thread.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ThreadPage {
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A conversation.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "T00000000000000000000000000000017", "messages": 3, "unseen": 1, "flagged": false,
    "participants": [{"name": "Bob", "address": "bob@elsewhere.test"}],
    "latest": {
        "id": "01jzc8m3f9xkq-17", "mailbox_id": "01jzc8m3f9xkq", "mailbox": "INBOX", "uid": 17, "size": 2431,
        "received_at": "2026-11-23T20:19:30Z", "seen": false, "flagged": false, "answered": false, "forwarded": false, "draft": false,
        "deleted": false, "keywords": [], "modseq": 42, "subject": "Hello", "from": [{"name": "Bob", "address": "bob@elsewhere.test"}],
        "to": [{"address": "alice@example.test"}], "cc": [], "thread_id": "T00000000000000000000000000000017", "has_attachments": false,
        "preview": "Good morning, Alice"
    }
}))]
pub(in crate::api) struct Thread {
    id: String,
    /// How many messages it has.
    messages: u64,
    /// How many of them are not seen.
    unseen: u64,
    /// Whether any of them is flagged.
    flagged: bool,
    /// Who wrote the latest of them.
    participants: Vec<Correspondent>,
    /// The message that came in last.
    latest: MessageSummary,
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ThreadList {
    /// That with the latest message first.
    items: Vec<Thread>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List conversations
///
/// Messages belong together that go back to the same one (RFC 8474, THREADID), whatever mailbox they are in. That with the latest message
/// comes first. For the user and for server administrators.
#[utoipa::path(
    operation_id = "list_threads", tag = "messages", security(("bearer" = ["messages:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), WhichThreads),
    responses((status = 200, description = "A page of conversations.", body = ThreadList), Problems)
)]
#[get("/users/{address}/threads")]
pub async fn list(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(which): Query<WhichThreads>,
) -> Result<Json<ThreadList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let place = Place::read(Kind::Malformed, which.mailbox.as_deref(), which.mailbox_id.as_deref())?;
    let page = page::bounds(which.limit, which.cursor)?;
    let before: Option<Moment> = page
        .after
        .map(|cursor| cursor.parse().map_err(|()| page::bad_cursor()))
        .transpose()?;
    let found = house.run_while_asked(|house| async move {
        let user = owner(&house, &login).await?;
        let mailboxes = mailboxes(&house, &user, place.as_ref()).await?;
        let threads = gathered(&mailboxes).await?;
        let wanted = move |gathered: &Gathered| {
            which.unseen.is_none_or(|unseen| unseen == (gathered.unseen > 0))
                && before.is_none_or(|before| gathered.moment() < Some(before))
        };
        let (threads, more) = latest(threads, wanted, page.limit).await?;
        let next = threads.last().filter(|_| more).and_then(|(_, gathered)| gathered.moment());
        Ok(ThreadList {
            items: shown(&mailboxes, &threads).await?,
            next_cursor: next.map(|moment| moment.to_string()),
        })
    });
    Ok(Json(found.await?))
}

/// Show a conversation
///
/// Its messages in all mailboxes, the oldest first. For the user and for server administrators.
#[utoipa::path(
    operation_id = "show_thread", tag = "messages", security(("bearer" = ["messages:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("thread_id" = String, Path, description = "The id of the conversation.", example = "T00000000000000000000000000000017"),
        ThreadPage
    ),
    responses((status = 200, description = "A page of its messages.", body = MessageList), Problems)
)]
#[get("/users/{address}/threads/{thread_id}")]
pub async fn show(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Query(page): Query<ThreadPage>,
) -> Result<Json<MessageList>, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: ThreadId = field::named("conversation", &name)?;
    let page = page::bounds(page.limit, page.cursor)?;
    let after: Option<Moment> = page
        .after
        .map(|cursor| cursor.parse().map_err(|()| page::bad_cursor()))
        .transpose()?;
    let found = house.run_while_asked(|house| async move {
        let user = owner(&house, &login).await?;
        let mailboxes = mailboxes(&house, &user, None).await?;
        let Some(thread) = gathered(&mailboxes).await?.remove(&id) else {
            return Ok(None);
        };
        let rest = thread
            .messages
            .into_iter()
            .filter(|(moment, _)| after.is_none_or(|after| *moment > after));
        let mut rest: Vec<(Moment, Hit)> = rest.collect();
        let more = rest.len() > page.limit;
        rest.truncate(page.limit);
        let next_cursor = rest.last().filter(|_| more).map(|(moment, _)| moment.to_string());
        let hits: Vec<Hit> = rest.into_iter().map(|(_, hit)| hit).collect();
        let items = find::summaries(&mailboxes, &hits).await?;
        Ok(Some(MessageList { items, next_cursor }))
    });
    found.await?.map(Json).ok_or_else(|| not_found("conversation", &name))
}

/// The messages of a thread, the oldest first, and what they have together.
#[derive(Default)]
struct Gathered {
    messages: BTreeMap<Moment, Hit>,
    unseen: u64,
    flagged: bool,
}

impl Gathered {
    fn add(&mut self, moment: Moment, hit: Hit) {
        let flags = hit.message.flags;
        self.unseen = self.unseen.saturating_add(u64::from(!flags.contains(Flags::SEEN)));
        self.flagged |= flags.contains(Flags::FLAGGED);
        self.messages.insert(moment, hit);
    }

    /// When the latest message came in.
    fn moment(&self) -> Option<Moment> {
        self.messages.last_key_value().map(|(moment, _)| *moment)
    }
}

/// All threads of these mailboxes.
async fn gathered(mailboxes: &[Arc<Mailbox>]) -> Result<HashMap<ThreadId, Gathered>, Refusal> {
    let mut threads: HashMap<ThreadId, Gathered> = HashMap::new();
    for (mailbox, source) in mailboxes.iter().zip(0..) {
        let id = mailbox.info().id;
        let messages = mailbox.messages();
        let mut start = 0;
        while start < messages.len() {
            let end = messages.len().min(start.saturating_add(STEP));
            let uids: Vec<Uid> = messages.range(start..end).map(|message| message.uid).collect();
            let mut of = mailbox.threads(&uids).await?.into_iter().peekable();
            for message in messages.range(start..end) {
                // What is gone is of no thread.
                let Some((_, thread)) = of.next_if(|(uid, _)| *uid == message.uid) else {
                    continue;
                };
                let message = message.clone();
                threads
                    .entry(thread)
                    .or_default()
                    .add(Moment::new(id, &message), Hit { source, message });
            }
            start = end;
            tokio::task::yield_now().await;
        }
    }
    Ok(threads)
}

/// Those wanted, that with the latest message first, and whether there are more.
async fn latest(
    threads: HashMap<ThreadId, Gathered>,
    wanted: impl Fn(&Gathered) -> bool + Send + 'static,
    limit: usize,
) -> Result<(Vec<(ThreadId, Gathered)>, bool), Refusal> {
    let sorted = tokio::task::spawn_blocking(move || {
        let mut threads: Vec<_> = threads.into_iter().filter(|(_, gathered)| wanted(gathered)).collect();
        threads.sort_unstable_by_key(|(_, gathered)| std::cmp::Reverse(gathered.moment()));
        let more = threads.len() > limit;
        threads.truncate(limit);
        (threads, more)
    });
    sorted.await.map_err(|error| {
        tracing::error!(%error, "sorting ended too early");
        Refusal::LATER
    })
}

/// The threads for people.
async fn shown(mailboxes: &[Arc<Mailbox>], threads: &[(ThreadId, Gathered)]) -> Result<Vec<Thread>, Refusal> {
    let asked = |gathered: &Gathered| gathered.messages.len().min(ASKED);
    let latest = threads
        .iter()
        .flat_map(|(_, gathered)| gathered.messages.values().rev().take(ASKED));
    let hits: Vec<Hit> = latest.cloned().collect();
    let mut shown = find::summaries(mailboxes, &hits).await?.into_iter().peekable();
    let mut items = Vec::with_capacity(threads.len());
    for (id, gathered) in threads {
        let (name, mut latest, mut participants) = (id.to_string(), None, Vec::<Correspondent>::new());
        for _ in 0..asked(gathered) {
            // What went in between is not shown, so the next may be of another thread.
            let Some(summary) = shown.next_if(|summary| summary.thread_id == name) else {
                break;
            };
            let known = |person: &Correspondent| participants.iter().any(|known| known.is(person));
            let new: Vec<Correspondent> = summary.from.iter().filter(|person| !known(person)).cloned().collect();
            participants.extend(new);
            latest.get_or_insert(summary);
        }
        let Some(latest) = latest else { continue };
        items.push(Thread {
            id: name,
            messages: u64::try_from(gathered.messages.len()).unwrap_or(u64::MAX),
            unseen: gathered.unseen,
            flagged: gathered.flagged,
            participants,
            latest,
        });
    }
    Ok(items)
}
