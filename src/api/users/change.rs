use std::collections::BTreeMap;

use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Role, User};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::mail::directory::UserChange;

/// A change of a user (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Alice Liddell", "quota_bytes": 2_147_483_648_u64}))]
pub(in crate::api) struct UserPatch {
    /// The name for people.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    role: Option<Role>,
    /// A disabled user cannot log in, and mail for them is refused.
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
    /// The most octets their mailboxes may hold together. `null`: no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    quota_bytes: Option<Option<u64>>,
    /// The most messages their mailboxes may hold together. `null`: no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, maximum = 9_223_372_036_854_775_807_i64)]
    quota_messages: Option<Option<u64>>,
    /// After how many days a message is removed from their Junk mailbox. 0: never. `null`: as `retention.junk_days` of the server says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, maximum = 36_500)]
    junk_days: Option<Option<u64>>,
    /// After how many days a message is removed from their Trash. 0: never. `null`: as `retention.trash_days` of the server says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, maximum = 36_500)]
    trash_days: Option<Option<u64>>,
    /// Texts of your own by name, merged with those that are there: `null` takes one away, or all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    metadata: Option<Option<BTreeMap<String, Option<String>>>>,
    /// Marks of your own: all of them.
    #[serde(default, deserialize_with = "present")]
    tags: Option<Vec<String>>,
}

/// Change a user
///
/// A merge patch: a field that is absent stays as it is. The password has a path of its own.
#[utoipa::path(
    operation_id = "change_user", tag = "users", security(("bearer" = ["users:write"])), request_body = UserPatch,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The changed user.", body = User), Problems, BodyProblems)
)]
#[patch("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Json(body): Json<UserPatch>) -> Result<Tagged<User>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.domain_admin(login.domain())?;
    let change = UserChange {
        display_name: body.display_name.map(|text| field::text("display_name", text)).transpose()?,
        role: body.role.map(Into::into),
        enabled: body.enabled,
        quota_bytes: body.quota_bytes.map(|size| field::number("quota_bytes", size)).transpose()?,
        quota_messages: body
            .quota_messages
            .map(|count| field::number("quota_messages", count))
            .transpose()?,
        junk_days: body.junk_days,
        trash_days: body.trash_days,
        labels: field::labels_change(body.metadata, body.tags),
    };
    if let Some(role) = change.role {
        caller.grants(role)?;
    }
    let directory = caller.directory(&house);
    let user = house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            directory.change_user(&key, change).await
        })
        .await?;
    Ok(Tagged(user.revision(), User::from(&*user)))
}
