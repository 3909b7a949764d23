use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::User;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::{field, page};
use crate::mail::directory::Picked;
use crate::model::account;
use crate::model::ids::UserId;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// Only those of this domain.
    domain: Option<String>,
    /// Only those with this tag.
    #[param(max_length = 64)]
    tag: Option<String>,
    /// Only those with this text in their metadata: `name:value`.
    #[param(max_length = 320, example = "panel.id:17")]
    metadata: Option<String>,
    /// Only those with this text in their address or name, in any case of letters.
    #[param(max_length = 255)]
    search: Option<String>,
    /// True: those who were deleted and can be restored, instead of those who are there.
    deleted: Option<bool>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct UserList {
    /// By address.
    items: Vec<User>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List users
///
/// By address. An administrator of a domain sees the users of that domain.
#[utoipa::path(
    operation_id = "list_users", tag = "users", security(("bearer" = ["users:read"])), params(Which),
    responses((status = 200, description = "A page of users.", body = UserList), Problems)
)]
#[get("/users")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<UserList>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let picked = Picked {
        domains: caller.visible(domain)?,
        deleted: which.deleted.unwrap_or(false),
        ..field::picked(which.tag, which.metadata, which.search)?
    };
    let found = house.run(|house| async move {
        let found = house.directory.users(&picked, page.after.as_deref(), page.limit).await?;
        let ids: Vec<UserId> = found.items.iter().map(|user| user.id).collect();
        let usage = house.mailboxes.usage_of(&ids).await?;
        Ok((found, usage))
    });
    let (found, usage) = found.await?;
    let used = |user: &account::User| usage.get(&user.id).copied().unwrap_or_default();
    Ok(Json(UserList {
        items: found.items.iter().map(|user| User::with_usage(user, used(user))).collect(),
        next_cursor: found.next,
    }))
}
