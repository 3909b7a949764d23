use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::located;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::messages::{MessageMarks, Shelf};
use crate::api::page;
use crate::api::problem::{Problem, Problems};
use crate::mail::mailbox::{Mailbox, Picture};
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;

/// Since when.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Since {
    /// The `modseq` of the last answer; 0, or absent, for all there is.
    #[param(example = 41)]
    since_modseq: Option<u64>,
    /// At most so many changed messages; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What changed in a mailbox.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "id": "01jzc8m3f9xkq-17", "uid": 17, "modseq": 42, "seen": true, "flagged": false, "answered": false, "forwarded": false,
        "draft": false, "deleted": false, "keywords": []
    }],
    "vanished": [{"first_uid": 3, "last_uid": 9}], "modseq": 42, "uidvalidity": 1
}))]
pub(in crate::api) struct MailboxChanges {
    /// The messages that are new or have other marks, in the order of their changes.
    items: Vec<MessageMarks>,
    /// The messages that are no longer there: on the last page. Among them may be some that the client never knew.
    vanished: Vec<Vanished>,
    /// What to ask with the next time, when there are no more pages.
    modseq: u64,
    /// If it is another one than before, the client must forget all that it knows of the mailbox.
    #[schema(value_type = u64)]
    uidvalidity: u32,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Messages that are no longer there: all with these numbers and those between.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::api) struct Vanished {
    #[schema(value_type = u64)]
    first_uid: u32,
    #[schema(value_type = u64)]
    last_uid: u32,
}

/// List changes of a mailbox
///
/// What is new, has other marks or is gone since the client last asked. For the user and for server administrators.
#[utoipa::path(
    operation_id = "list_mailbox_changes", tag = "mailboxes", security(("bearer" = ["mailboxes:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq"),
        Since
    ),
    responses((status = 200, description = "A page of changes.", body = MailboxChanges), Problems)
)]
#[get("/users/{address}/mailboxes/{mailbox_id}/changes")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Query(since): Query<Since>,
) -> Result<Json<MailboxChanges>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let page = page::bounds(since.limit, since.cursor)?;
    let after = page
        .after
        .map(|cursor| position(&cursor).ok_or_else(page::bad_cursor))
        .transpose()?;
    let modseq = field::number("since_modseq", since.since_modseq).map_err(Problem::in_query)?;
    let since = ModSeq(modseq.unwrap_or(0));
    let found = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        let mailbox = house.mailboxes.open(&user, &info.name).await?;
        changes(&mailbox, since, (after, page.limit)).await
    });
    found.await.map(Json)
}

async fn changes(mailbox: &Arc<Mailbox>, since: ModSeq, (after, limit): (Option<(ModSeq, Uid)>, usize)) -> Result<MailboxChanges, Refusal> {
    let picture = mailbox.picture(false, None);
    // Looked up after the picture was taken: a message that goes in between is told to be gone.
    let gone = mailbox.expunged_since(since).await?;
    // Keywords are never taken away, so those of now are those of the picture too.
    let shelf = Shelf::of(mailbox);
    let (changed, more) = changed(&picture, since, after, limit);
    let next = changed.last().filter(|_| more);
    Ok(MailboxChanges {
        next_cursor: next.map(|last| format!("{}~{}", last.modseq, last.uid)),
        vanished: if more { Vec::new() } else { vanished(&picture, since, gone) },
        items: changed.iter().map(|message| MessageMarks::new(&shelf, message)).collect(),
        modseq: picture.highest_modseq.0,
        uidvalidity: mailbox.info().uidvalidity,
    })
}

/// The messages that changed, in the order of their changes, after the one named; and whether there are more.
fn changed(picture: &Picture, since: ModSeq, after: Option<(ModSeq, Uid)>, limit: usize) -> (Vec<MessageMeta>, bool) {
    let is_new = |message: &&MessageMeta| {
        let place = (message.modseq, message.uid);
        message.modseq > since && after.is_none_or(|after| place > after)
    };
    let mut changed: Vec<MessageMeta> = picture.messages.iter().filter(is_new).cloned().collect();
    changed.sort_unstable_by_key(|message| (message.modseq, message.uid));
    let more = changed.len() > limit;
    changed.truncate(limit);
    (changed, more)
}

/// What is no longer there of what went since then; of all there ever was, if what went is no longer known.
fn vanished(picture: &Picture, since: ModSeq, gone: Option<Vec<(Uid, Uid)>>) -> Vec<Vanished> {
    let last = picture.uid_next.0.saturating_sub(1);
    let gone = match gone {
        // Who knows nothing has nothing to forget.
        _ if since == ModSeq(0) => Vec::new(),
        Some(gone) => gone.into_iter().map(|(first, last)| (first.0, last.0)).collect(),
        None => vec![(1, last)],
    };
    let mut vanished: Vec<Vanished> = Vec::new();
    let mut add = |first_uid: u32, last_uid: u32| {
        if first_uid <= last_uid {
            vanished.push(Vanished { first_uid, last_uid });
        }
    };
    for (first, last) in gone {
        let begin = picture.messages.partition_point(|message| message.uid.0 < first);
        let there = picture.messages.iter_from(begin).map(|message| message.uid.0);
        let mut next = first;
        for uid in there.take_while(|uid| *uid <= last) {
            add(next, uid.saturating_sub(1));
            next = uid.saturating_add(1);
        }
        add(next, last);
    }
    vanished
}

/// Where the page before ended.
fn position(cursor: &str) -> Option<(ModSeq, Uid)> {
    let (modseq, uid) = cursor.split_once('~')?;
    Some((ModSeq(modseq.parse().ok()?), Uid(uid.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::mailbox::Flags;

    fn picture(messages: &[(u32, u64)]) -> Picture {
        let message = |&(uid, modseq): &(u32, u64)| MessageMeta {
            uid: Uid(uid),
            flags: Flags::NONE,
            modseq: ModSeq(modseq),
            size: 1,
            internal_date: Timestamp::UNIX_EPOCH,
        };
        Picture {
            messages: messages.iter().map(message).collect(),
            highest_modseq: ModSeq(9),
            uid_next: Uid(10),
            keywords: Vec::new().into(),
            recent: Vec::new(),
        }
    }

    #[test]
    fn changes_come_in_their_order_page_by_page() {
        let picture = picture(&[(1, 5), (2, 3), (4, 7), (6, 5)]);
        let of = |since, after, limit| {
            let (changed, more) = changed(&picture, ModSeq(since), after, limit);
            (changed.iter().map(|it| it.uid.0).collect::<Vec<_>>(), more)
        };
        assert_eq!(of(0, None, 9), (vec![2, 1, 6, 4], false));
        assert_eq!(of(3, None, 2), (vec![1, 6], true));
        assert_eq!(of(3, position("5~6"), 2), (vec![4], false));
        assert_eq!(of(3, position("5~1"), 1), (vec![6], true));
        assert_eq!(of(9, None, 2), (vec![], false));
        for bad in ["", "5", "5~", "x~1", "5~-1"] {
            assert_eq!(position(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_there_has_not_vanished() {
        let picture = picture(&[(2, 1), (5, 1), (6, 1)]);
        let of = |since, gone: Option<&[(u32, u32)]>| {
            let gone = gone.map(|gone| gone.iter().map(|&(first, last)| (Uid(first), Uid(last))).collect());
            let vanished = vanished(&picture, ModSeq(since), gone);
            vanished.iter().map(|it| (it.first_uid, it.last_uid)).collect::<Vec<_>>()
        };
        assert_eq!(of(1, Some(&[(1, 1), (3, 7)])), [(1, 1), (3, 4), (7, 7)]);
        assert_eq!(of(1, None), [(1, 1), (3, 4), (7, 9)]);
        assert_eq!(of(0, None), []);
        assert_eq!(of(1, Some(&[])), []);
    }
}
