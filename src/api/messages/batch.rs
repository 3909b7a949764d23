use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::post;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::{Filter, filters};
use super::find::{self, Order, Source};
use super::gone;
use super::id::MessageId;
use super::marks::{Change, Marks};
use super::place::Place;
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field::{self, Login, invalid};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::problem::{BodyProblems, Document, Kind, Problem, Problems};
use crate::mail::mailbox::Mailbox;
use crate::model::account::User;
use crate::model::ids::{MailboxId, Uid};
use crate::model::refusal::Refusal;

/// The most messages of a request.
const MOST: usize = 10_000;

/// What is to be done with many messages: those with these ids, or those that a filter lets through.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "move", "ids": ["01jzc8m3f9xkq-17", "01jzc8m3f9xkq-18"], "mailbox": "Archive"}))]
pub(in crate::api) struct MessageBatch {
    action: BatchAction,
    /// The ids of the messages.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 10_000)]
    ids: Option<Vec<String>>,
    /// Which messages, instead of their ids; at most 10,000 at a time.
    #[serde(default, deserialize_with = "present")]
    filter: Option<BatchFilter>,
    /// The marks to change: for the action `mark`.
    #[serde(default, deserialize_with = "present")]
    marks: Option<Marks>,
    /// The name of the mailbox that they go to: for the actions `move` and `copy`.
    #[serde(default, deserialize_with = "present")]
    mailbox: Option<String>,
    /// The id of the mailbox, instead of its name.
    #[serde(default, deserialize_with = "present")]
    mailbox_id: Option<String>,
}

/// What is done with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum BatchAction {
    /// Their marks are changed.
    Mark,
    Move,
    Copy,
    /// They are removed for good.
    Delete,
}

filters! {
    /// Which messages of a mailbox.
    #[derive(ToSchema)]
    #[schema(example = json!({"mailbox": "INBOX", "from": "newsletter@", "before": "2026-01-01T00:00:00Z"}))]
    pub(in crate::api) struct BatchFilter {
        /// The name of the mailbox; `INBOX` if neither this nor `mailbox_id` is there.
        mailbox: Option<String>,
        /// The id of the mailbox, instead of its name.
        mailbox_id: Option<String>,
        /// All messages of the mailbox, which must be said where there is no other filter.
        all: Option<bool>,
    }
}

/// What became of many messages.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"results": [{"id": "01jzc8m3f9xkq-17", "status": 200, "new_id": "01jzc8m3f9xkr-4"}], "more": false}))]
pub(in crate::api) struct BatchResult {
    /// In the order of the ids; with a filter, in the order of the mailbox.
    results: Vec<BatchItem>,
    /// Whether the filter lets more messages through than were done: send the same again.
    more: bool,
}

/// What became of a message.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct BatchItem {
    id: String,
    /// 200 if it was done; otherwise that of the problem.
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// The id that it, or its copy, has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

/// Change many messages
///
/// Marks, moves, copies or deletes up to 10,000 messages, with a result for each. Those of one mailbox are moved, copied or deleted
/// together or not at all. For the user and for server administrators.
#[utoipa::path(
    operation_id = "batch_messages", tag = "messages", security(("bearer" = ["messages:write"])), request_body = MessageBatch,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "What became of each.", body = BatchResult), Problems, BodyProblems)
)]
#[post("/users/{address}/messages/batch")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<MessageBatch>,
) -> Result<Json<BatchResult>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.changes_mail(&login)?;
    let (which, work) = body.read()?;
    let done = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let (picked, more) = which.pick(&house, &user).await?;
        let target = work.open(&house, &user).await?;
        let results = perform(&house, &user, picked, (&work, target.as_ref())).await?;
        Ok(BatchResult { results, more })
    });
    Ok(Json(done.await?))
}

/// Which messages.
enum Which {
    /// Those with these ids; a text that is no id is the id of nothing.
    Ids(Vec<(String, Option<MessageId>)>),
    Filter(Place, Filter),
}

/// What is done with them.
enum Work {
    Mark(Change),
    Move(Place),
    Copy(Place),
    Delete,
}

impl MessageBatch {
    fn read(self) -> Result<(Which, Work), Problem> {
        let which = match (self.ids, self.filter) {
            (Some(ids), None) if ids.len() > MOST => return Err(invalid("ids", format!("there may be {MOST} at a time"))),
            (Some(ids), None) => Which::Ids(ids.into_iter().map(|id| (id.clone(), id.parse().ok())).collect()),
            (None, Some(filter)) => filter.read()?,
            _ => return Err(invalid("ids", "either ids or filter must say which messages are meant")),
        };
        let place = Place::read(Kind::Invalid, self.mailbox.as_deref(), self.mailbox_id.as_deref())?;
        let work = match (self.action, self.marks, place) {
            (BatchAction::Mark, Some(marks), None) => Work::Mark(marks.read()?),
            (BatchAction::Mark, None, _) => return Err(invalid("marks", "the action mark needs it")),
            (BatchAction::Move | BatchAction::Copy | BatchAction::Delete, Some(_), _) => {
                return Err(invalid("marks", "it goes with the action mark"));
            }
            (BatchAction::Move, None, Some(place)) => Work::Move(place),
            (BatchAction::Copy, None, Some(place)) => Work::Copy(place),
            (BatchAction::Move | BatchAction::Copy, None, None) => {
                return Err(invalid("mailbox", "this action needs mailbox or mailbox_id"));
            }
            (BatchAction::Delete, None, None) => Work::Delete,
            (BatchAction::Mark, Some(_), Some(_)) | (BatchAction::Delete, None, Some(_)) => {
                return Err(invalid("mailbox", "it goes with the actions move and copy"));
            }
        };
        Ok((which, work))
    }
}

impl BatchFilter {
    fn read(self) -> Result<Which, Problem> {
        let filter = self.filter()?;
        // Nobody deletes a whole mailbox because a filter was forgotten.
        if (self.all == Some(true)) != filter.is_empty() {
            return Err(invalid(
                "filter.all",
                "either a filter is needed, or all, which goes with no filter",
            ));
        }
        let place = Place::read(Kind::Invalid, self.mailbox.as_deref(), self.mailbox_id.as_deref())?;
        Ok(Which::Filter(place.unwrap_or_else(Place::inbox), filter))
    }
}

/// A message that is meant, as the request names it.
struct Picked {
    name: String,
    id: Option<MessageId>,
}

impl Which {
    /// The messages, and whether there are more.
    async fn pick(self, house: &House, user: &User) -> Result<(Vec<Picked>, bool), Refusal> {
        match self {
            Self::Ids(ids) => Ok((ids.into_iter().map(|(name, id)| Picked { name, id }).collect(), false)),
            Self::Filter(place, filter) => {
                let mailbox = place.open(house, user).await?;
                let id = mailbox.info().id;
                let messages = find::in_mailbox(&mailbox, None, Order::Oldest);
                let (hits, more) = find::all(&Source::new(mailbox, &filter), messages, MOST).await?;
                let picked = hits.into_iter().map(|hit| {
                    let uid = hit.message.uid;
                    let id = MessageId { mailbox: id, uid };
                    Picked {
                        name: id.to_string(),
                        id: Some(id),
                    }
                });
                Ok((picked.collect(), more))
            }
        }
    }
}

impl Work {
    /// The mailbox that messages go to.
    async fn open(&self, house: &House, user: &User) -> Result<Option<Arc<Mailbox>>, Refusal> {
        match self {
            Self::Move(place) | Self::Copy(place) => place.open(house, user).await.map(Some),
            Self::Mark(_) | Self::Delete => Ok(None),
        }
    }
}

/// What became of a message: the id that it has now, if it is another one.
type Fate = Result<Option<MessageId>, Refusal>;

/// Does the work mailbox by mailbox.
async fn perform(
    house: &House,
    user: &User,
    picked: Vec<Picked>,
    asked: (&Work, Option<&Arc<Mailbox>>),
) -> Result<Vec<BatchItem>, Refusal> {
    let mut by_mailbox: BTreeMap<MailboxId, Vec<Uid>> = BTreeMap::new();
    for id in picked.iter().filter_map(|picked| picked.id) {
        by_mailbox.entry(id.mailbox).or_default().push(id.uid);
    }
    let mut fates: BTreeMap<MailboxId, Result<BTreeMap<Uid, Option<MessageId>>, Refusal>> = BTreeMap::new();
    for (id, mut uids) in by_mailbox {
        uids.sort_unstable();
        uids.dedup();
        let done = match house.mailboxes.open_id(user, id).await {
            Ok(mailbox) => in_mailbox(&mailbox, &uids, asked).await,
            // What is in no mailbox of theirs is not there.
            Err(Refusal::NotFound { .. }) => Ok(BTreeMap::new()),
            Err(refusal) => Err(refusal),
        };
        fates.insert(id, done);
    }
    let fate = |picked: &Picked| -> Fate {
        let missing = || Refusal::NotFound {
            what: "message",
            name: picked.name.clone(),
        };
        let id = picked.id.ok_or_else(missing)?;
        match fates.get(&id.mailbox) {
            Some(Ok(done)) => done.get(&id.uid).copied().ok_or_else(|| gone(id)),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err(missing()),
        }
    };
    Ok(picked
        .iter()
        .map(|picked| BatchItem::new(picked.name.clone(), fate(picked)))
        .collect())
}

/// Does the work with messages of one mailbox; those that are not in the answer were not there.
async fn in_mailbox(
    mailbox: &Arc<Mailbox>,
    uids: &[Uid],
    (work, target): (&Work, Option<&Arc<Mailbox>>),
) -> Result<BTreeMap<Uid, Option<MessageId>>, Refusal> {
    let same = |uids: Vec<Uid>| uids.into_iter().map(|uid| (uid, None)).collect();
    match (work, target) {
        (Work::Mark(change), _) => {
            let change = change.of_flags(mailbox).await?;
            let (stored, _) = mailbox.store(uids, change, None).await?;
            Ok(same(stored.iter().map(|message| message.uid).collect()))
        }
        (Work::Delete, _) => Ok(same(mailbox.remove(uids).await?)),
        (Work::Move(_), Some(target)) if target.info().id == mailbox.info().id => {
            let there = uids.iter().copied().filter(|uid| mailbox.message(*uid).is_some());
            Ok(same(there.collect()))
        }
        (Work::Move(_) | Work::Copy(_), Some(target)) => {
            let transferred = match work {
                Work::Move(_) => mailbox.relocate(uids, target).await?,
                _ => mailbox.copy(uids, target).await?,
            };
            let mailbox = target.info().id;
            let new = |uid| Some(MessageId { mailbox, uid });
            Ok(transferred.uids.into_iter().map(|(old, uid)| (old, new(uid))).collect())
        }
        (Work::Move(_) | Work::Copy(_), None) => Err(Refusal::LATER),
    }
}

impl BatchItem {
    fn new(id: String, fate: Fate) -> Self {
        match fate {
            Ok(new) => Self {
                id,
                status: 200,
                new_id: new.map(|new| new.to_string()),
                problem: None,
            },
            Err(refusal) => {
                let problem = Problem::from(refusal).document();
                Self {
                    id,
                    status: problem.status,
                    new_id: None,
                    problem: Some(problem),
                }
            }
        }
    }
}
