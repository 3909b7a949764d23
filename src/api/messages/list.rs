use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::filter::filters;
use super::find::{self, Order, Source};
use super::id::MessageId;
use super::place::Place;
use super::summary::MessageSummary;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};

filters! {
    /// Which messages.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(in crate::api) struct Which {
        /// The name of the mailbox; `INBOX` if neither this nor `mailbox_id` is there.
        #[param(example = "INBOX")]
        mailbox: Option<String>,
        /// The id of the mailbox, instead of its name.
        mailbox_id: Option<String>,
        /// `newest` (the default) or `oldest` first.
        #[param(inline)]
        order: Option<Order>,
        /// At most so many; 100 if absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<usize>,
        /// `next_cursor` of the page before.
        cursor: Option<String>,
    }
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MessageList {
    /// In the order asked for.
    pub(super) items: Vec<MessageSummary>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// List messages
///
/// Those of one mailbox that all filters let through, the newest first unless asked otherwise. Messages that come in while you turn the
/// pages do not shift them. A page that would take the reading of very many messages may end early: go on as long as there is a
/// `next_cursor`. For the user and for server administrators.
#[utoipa::path(
    operation_id = "list_messages", tag = "messages", security(("bearer" = ["messages:read"])),
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
    let filter = which.filter()?;
    let place = Place::read(Kind::Malformed, which.mailbox.as_deref(), which.mailbox_id.as_deref())?.unwrap_or_else(Place::inbox);
    let order = which.order.unwrap_or_default();
    let page = page::bounds(which.limit, which.cursor)?;
    let after: Option<MessageId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let found = house.run_while_asked(|house| async move {
        let user = owner(&house, &login).await?;
        let mailbox = place.open(&house, &user).await?;
        let id = mailbox.info().id;
        if after.is_some_and(|after| after.mailbox != id) {
            return Ok(None);
        }
        let messages = find::in_mailbox(&mailbox, after.map(|after| after.uid), order);
        let source = Source::new(mailbox, &filter);
        let found = find::first(std::slice::from_ref(&source), messages, page.limit).await?;
        let next_cursor = found.last.map(|last| {
            let uid = last.message.uid;
            MessageId { mailbox: id, uid }.to_string()
        });
        let items = find::summaries(&[source.mailbox], &found.hits).await?;
        Ok(Some(MessageList { items, next_cursor }))
    });
    found.await?.map(Json).ok_or_else(page::bad_cursor)
}
