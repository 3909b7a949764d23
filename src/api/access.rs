//! What the blocklist and the allowlist have in common.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::Json;
use super::caller::Caller;
use super::field;
use super::house::House;
use super::page;
use super::problem::Problem;
use super::reply::{Created, NoContent};
use super::time::Time;
use crate::mail::defence::NewEntry;
use crate::model::access::{self, AccessList, Subject};
use actix_web::web::Data;

/// An entry of a list.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"subject": "192.0.2.0/24", "note": "our branch office", "created_at": "2026-11-23T20:19:30.125Z"}))]
pub(super) struct AccessEntry {
    /// Whom it is about: a network, the address of a sender, or a domain with those below it.
    subject: String,
    /// What the operator notes on it.
    note: String,
    /// When it was made.
    created_at: Time,
    /// Until when it holds; absent: until it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
}

/// An entry to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subject": "example.org", "note": "sends what nobody asked for"}))]
pub(super) struct AccessEntryCreate {
    /// Whom it is about: an address or a network, the address of a sender, or a domain, which stands for those below it too.
    #[schema(max_length = 400)]
    subject: String,
    /// What the operator notes on it.
    #[schema(max_length = 255)]
    note: Option<String>,
    /// Until when it holds; absent: until it is deleted.
    expires_at: Option<Time>,
}

/// A page of entries of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessEntryList {
    /// By subject.
    items: Vec<AccessEntry>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichEntries {
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<access::AccessEntry> for AccessEntry {
    fn from(entry: access::AccessEntry) -> Self {
        Self {
            subject: entry.subject.to_string(),
            note: entry.note,
            created_at: Time(entry.created_at),
            expires_at: entry.ends_at.map(Time),
        }
    }
}

/// A page of a list.
pub(super) async fn list(
    caller: &Caller,
    house: &Data<House>,
    list: AccessList,
    which: WhichEntries,
) -> Result<Json<AccessEntryList>, Problem> {
    caller.server_admin()?;
    let page = page::bounds(which.limit, which.cursor)?;
    let found = house
        .run(|house| async move { house.defence.entries(list, page.after.as_deref(), page.limit).await })
        .await?;
    Ok(Json(AccessEntryList {
        items: found.items.into_iter().map(AccessEntry::from).collect(),
        next_cursor: found.next,
    }))
}

/// Adds an entry to a list.
pub(super) async fn create(
    caller: &Caller,
    house: &Data<House>,
    list: AccessList,
    body: AccessEntryCreate,
) -> Result<Created<AccessEntry>, Problem> {
    caller.server_admin()?;
    let new = NewEntry {
        subject: field::value("subject", &body.subject)?,
        note: field::text("note", body.note.unwrap_or_default())?,
        ends_at: body.expires_at.map(|time| time.0),
    };
    let defence = caller.defence(house);
    let entry = house.run(|_| async move { defence.add_entry(list, new).await }).await?;
    Ok(Created::new(list.as_str(), &entry.subject.to_string(), entry.into()))
}

/// An entry of a list.
pub(super) async fn show(caller: &Caller, house: &Data<House>, list: AccessList, subject: &str) -> Result<Json<AccessEntry>, Problem> {
    caller.server_admin()?;
    let subject: Subject = field::named("entry", subject)?;
    let entry = house.run(|house| async move { house.defence.entry(list, &subject).await }).await?;
    Ok(Json(entry.into()))
}

/// Removes an entry of a list.
pub(super) async fn remove(caller: &Caller, house: &Data<House>, list: AccessList, subject: &str) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let subject: Subject = field::named("entry", subject)?;
    let defence = caller.defence(house);
    house.run(|_| async move { defence.remove_entry(list, &subject).await }).await?;
    Ok(NoContent)
}
