use std::str::FromStr;
use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Path};

use super::filter::{Filter, filters};
use super::find::{self, Found, Hit, Source};
use super::id::MessageId;
use super::list::MessageList;
use super::place::Place;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};
use crate::mail::mailbox::Mailbox;
use crate::model::account::User;
use crate::model::ids::{MailboxId, Uid};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;

filters! {
    /// What is looked for.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(in crate::api) struct Sought {
        /// Words that must all be in the header or the body; words between double quotes must stand together.
        #[param(example = "invoice \"november 2026\"", max_length = 1000)]
        q: Option<String>,
        /// Only in the mailbox of this name; in all if neither this nor `mailbox_id` is there.
        mailbox: Option<String>,
        /// Only in the mailbox with this id.
        mailbox_id: Option<String>,
        /// At most so many; 100 if absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<usize>,
        /// `next_cursor` of the page before.
        cursor: Option<String>,
    }
}

/// Search for messages
///
/// In all mailboxes of a user, the one that came in last first. The index of words is used where there is one; what is found is the same
/// without. A page that would take the reading of very many messages may end early: go on as long as there is a `next_cursor`. For the
/// user and for server administrators.
#[utoipa::path(
    operation_id = "search_messages", tag = "messages", security(("bearer" = ["messages:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), Sought),
    responses((status = 200, description = "A page of messages.", body = MessageList), Problems)
)]
#[get("/users/{address}/search")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(sought): Query<Sought>,
) -> Result<Json<MessageList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let filter = sought.filter()?.with_words("q", sought.q.as_deref().unwrap_or_default())?;
    let place = Place::read(Kind::Malformed, sought.mailbox.as_deref(), sought.mailbox_id.as_deref())?;
    let page = page::bounds(sought.limit, sought.cursor)?;
    let after: Option<Moment> = page
        .after
        .map(|cursor| cursor.parse().map_err(|()| page::bad_cursor()))
        .transpose()?;
    let found = house.run_while_asked(|house| async move {
        let user = owner(&house, &login).await?;
        let mailboxes = mailboxes(&house, &user, place.as_ref()).await?;
        let found = latest(&mailboxes, &filter, after, page.limit).await?;
        let next = found
            .last
            .and_then(|last| Some(Moment::of(mailboxes.get(last.source)?, &last.message)));
        let next_cursor = next.map(|moment| moment.to_string());
        let items = find::summaries(&mailboxes, &found.hits).await?;
        Ok(MessageList { items, next_cursor })
    });
    Ok(Json(found.await?))
}

/// The mailbox named, or all.
pub(super) async fn mailboxes(house: &House, user: &User, place: Option<&Place>) -> Result<Vec<Arc<Mailbox>>, Refusal> {
    if let Some(place) = place {
        return Ok(vec![place.open(house, user).await?]);
    }
    let mut mailboxes = Vec::new();
    for info in house.mailboxes.list(user).await? {
        match house.mailboxes.open_id(user, info.id).await {
            Ok(mailbox) => mailboxes.push(mailbox),
            // It went away in between.
            Err(Refusal::NotFound { .. }) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(mailboxes)
}

/// Where a message stands among those of all mailboxes: by the time when it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// Milliseconds, as the database keeps them.
    at: i64,
    mailbox: MailboxId,
    uid: Uid,
}

impl Moment {
    pub fn of(mailbox: &Mailbox, message: &MessageMeta) -> Self {
        Self::new(mailbox.info().id, message)
    }

    pub fn new(mailbox: MailboxId, message: &MessageMeta) -> Self {
        Self {
            at: message.internal_date.as_millisecond(),
            mailbox,
            uid: message.uid,
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mailbox, uid) = (self.mailbox, self.uid);
        write!(f, "{}~{}", self.at, MessageId { mailbox, uid })
    }
}

impl FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('~').ok_or(())?;
        let id: MessageId = id.parse().map_err(|_| ())?;
        Ok(Self {
            at: at.parse().map_err(|_| ())?,
            mailbox: id.mailbox,
            uid: id.uid,
        })
    }
}

/// The messages that came in last, before the moment.
async fn latest(mailboxes: &[Arc<Mailbox>], filter: &Filter, before: Option<Moment>, limit: usize) -> Result<Found, Refusal> {
    let sources: Vec<Source> = mailboxes.iter().map(|mailbox| Source::new(Arc::clone(mailbox), filter)).collect();
    let mut order: Vec<(Moment, Hit)> = Vec::new();
    for (mailbox, source) in mailboxes.iter().zip(0..) {
        let id = mailbox.info().id;
        let messages = mailbox.messages();
        order.extend(messages.iter().filter_map(|message| {
            let moment = Moment::new(id, message);
            let message = message.clone();
            before
                .is_none_or(|before| moment < before)
                .then_some((moment, Hit { source, message }))
        }));
        tokio::task::yield_now().await;
    }
    let sorted = tokio::task::spawn_blocking(move || {
        order.sort_unstable_by_key(|(moment, _)| std::cmp::Reverse(*moment));
        order
    });
    let sorted = sorted.await.map_err(|error| {
        tracing::error!(%error, "sorting ended too early");
        Refusal::LATER
    })?;
    find::first(&sources, sorted.into_iter().map(|(_, hit)| hit), limit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_back() {
        let moment = Moment {
            at: 1_700_000_000_123,
            mailbox: MailboxId(7),
            uid: Uid(9),
        };
        assert_eq!(moment.to_string(), "1700000000123~0000000000007-9");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        for bad in ["", "~", "1~", "x~0000000000007-9", "1~0000000000007-0"] {
            assert_eq!(bad.parse::<Moment>(), Err(()), "{bad}");
        }
    }
}
