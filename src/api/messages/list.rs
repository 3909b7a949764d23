use std::collections::HashMap;

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::id::MessageId;
use super::summary::MessageSummary;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};
use crate::mail::mailbox::{Mailbox, Messages};
use crate::model::ids::Uid;
use crate::model::mailbox::{Flags, MailboxName, MessageMeta};
use crate::model::refusal::Refusal;

/// How many structures are asked for at a time.
const RANGE: usize = 200;

/// The most addresses of a field that a list shows; the message itself has all.
const ADDRESSES: usize = 100;

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// The name of the mailbox; `INBOX` if absent.
    #[param(example = "INBOX")]
    mailbox: Option<String>,
    /// Only those that are not seen, or only those that are.
    unseen: Option<bool>,
    /// Only those that are flagged, or only those that are not.
    flagged: Option<bool>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MessageList {
    /// The newest first.
    items: Vec<MessageSummary>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List messages
///
/// Those of one mailbox, the newest first. Messages that come in while you turn the pages do not shift them. For the user and for
/// server administrators.
#[utoipa::path(
    operation_id = "list_messages", tag = "messages", security(("bearer" = [])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), Which),
    responses((status = 200, description = "A page of messages.", body = MessageList), Problems)
)]
#[get("/users/{address}/messages")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<MessageList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let page = page::bounds(which.limit, which.cursor)?;
    let after: Option<MessageId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let name = match which.mailbox {
        Some(name) => MailboxName::parse(&name).map_err(|error| Problem::new(Kind::Malformed, error.to_string()).at("mailbox"))?,
        None => MailboxName::inbox(),
    };
    let wanted = Wanted {
        seen: which.unseen.map(|unseen| !unseen),
        flagged: which.flagged,
    };
    let found = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let mailbox = house.mailboxes.open(&user, &name).await?;
        let id = mailbox.info().id;
        if after.is_some_and(|after| after.mailbox != id) {
            return Ok(None);
        }
        let (metas, more) = pick(&mailbox.messages(), wanted, after.map(|after| after.uid), page.limit);
        let next_cursor = metas.last().filter(|_| more).map(|last| {
            MessageId {
                mailbox: id,
                uid: last.uid,
            }
            .to_string()
        });
        let items = summaries(&mailbox, &metas).await?;
        Ok(Some(MessageList { items, next_cursor }))
    });
    found.await?.map(Json).ok_or_else(page::bad_cursor)
}

/// Which flags a message must have, or must not have.
#[derive(Clone, Copy)]
struct Wanted {
    seen: Option<bool>,
    flagged: Option<bool>,
}

impl Wanted {
    fn admits(self, flags: Flags) -> bool {
        let fits = |wanted: Option<bool>, flag| wanted.is_none_or(|wanted| wanted == flags.contains(flag));
        fits(self.seen, Flags::SEEN) && fits(self.flagged, Flags::FLAGGED)
    }
}

/// The newest messages before `before`, and whether there are more.
fn pick(messages: &Messages, wanted: Wanted, before: Option<Uid>, limit: usize) -> (Vec<MessageMeta>, bool) {
    let end = before.map_or(messages.len(), |before| messages.partition_point(|meta| meta.uid < before));
    let mut found = (0..end)
        .rev()
        .filter_map(|at| messages.get(at))
        .filter(|meta| wanted.admits(meta.flags));
    let page = found.by_ref().take(limit).cloned().collect();
    (page, found.next().is_some())
}

/// A message that is removed in between is left out.
async fn summaries(mailbox: &Mailbox, metas: &[MessageMeta]) -> Result<Vec<MessageSummary>, Refusal> {
    let mut items = Vec::with_capacity(metas.len());
    for range in metas.chunks(RANGE) {
        // Ascending, as the cache is read.
        let uids: Vec<Uid> = range.iter().rev().map(|meta| meta.uid).collect();
        let structures: HashMap<Uid, _> = mailbox.structures(&uids).await?.into_iter().collect();
        for meta in range {
            if let Some(structure) = structures.get(&meta.uid) {
                items.push(MessageSummary::new(mailbox, meta, &structure.envelope, ADDRESSES));
            }
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::ids::ModSeq;

    #[test]
    fn pages_go_from_the_newest_to_the_oldest() {
        let meta = |uid: u32| MessageMeta {
            uid: Uid(uid),
            flags: if uid.is_multiple_of(2) { Flags::SEEN } else { Flags::NONE },
            modseq: ModSeq(1),
            size: 1,
            internal_date: Timestamp::UNIX_EPOCH,
        };
        let messages: Messages = [2, 3, 5, 8, 9].into_iter().map(meta).collect();
        let any = Wanted { seen: None, flagged: None };
        let uids = |(page, more): (Vec<MessageMeta>, bool)| (page.iter().map(|meta| meta.uid.0).collect::<Vec<_>>(), more);
        assert_eq!(uids(pick(&messages, any, None, 2)), (vec![9, 8], true));
        assert_eq!(uids(pick(&messages, any, Some(Uid(8)), 2)), (vec![5, 3], true));
        assert_eq!(uids(pick(&messages, any, Some(Uid(3)), 2)), (vec![2], false));
        // The cursor's message was removed in between.
        assert_eq!(uids(pick(&messages, any, Some(Uid(7)), 9)), (vec![5, 3, 2], false));
        let unseen = Wanted { seen: Some(false), ..any };
        assert_eq!(uids(pick(&messages, unseen, None, 2)), (vec![9, 5], true));
        assert_eq!(uids(pick(&messages, unseen, None, 3)), (vec![9, 5, 3], false));
        assert_eq!(uids(pick(&Messages::from_iter([]), any, None, 3)), (vec![], false));
    }
}
