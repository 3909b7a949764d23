use std::collections::BTreeMap;

use actix_web::put;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Role, User, new_password};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Put;
use crate::mail::directory::NewUser;
use crate::model::account::{self, Retention};
use crate::model::secret::Secret;

/// A user as they shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple", "display_name": "Alice", "quota_bytes": 1_073_741_824_u64}))]
pub(in crate::api) struct UserPut {
    /// May be repeated here; it must be the one in the path.
    address: Option<String>,
    /// The password. Without it and without `password_hash` the password of a user who is there stays.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// Instead of the password: its hash.
    #[schema(value_type = Option<String>)]
    password_hash: Option<Secret>,
    /// The name for people.
    #[schema(max_length = 255)]
    display_name: Option<String>,
    /// `user` if absent.
    role: Option<Role>,
    /// True if absent.
    enabled: Option<bool>,
    /// The most octets their mailboxes may hold together; absent: no limit.
    #[schema(maximum = 9_223_372_036_854_775_807_i64)]
    quota_bytes: Option<u64>,
    /// The most messages their mailboxes may hold together; absent: no limit.
    #[schema(maximum = 9_223_372_036_854_775_807_i64)]
    quota_messages: Option<u64>,
    /// After how many days a message is removed from their Junk mailbox; 0: never; absent: as `retention.junk_days` of the server says.
    #[schema(maximum = 36_500)]
    junk_days: Option<u64>,
    /// After how many days a message is removed from their Trash; 0: never; absent: as `retention.trash_days` of the server says.
    #[schema(maximum = 36_500)]
    trash_days: Option<u64>,
    /// Texts of your own by name, such as the ids of a panel: at most 50, names of letters, digits, `.`, `_` and `-`.
    metadata: Option<BTreeMap<String, String>>,
    /// Marks of your own: at most 50.
    tags: Option<Vec<String>>,
}

/// Create or replace a user
///
/// Makes the user if there is none; otherwise sets every field, those that are absent to their defaults, but the password stays if
/// none is given. Saying it twice does no harm. Mail that is there stays.
#[utoipa::path(
    operation_id = "put_user", tag = "users", security(("bearer" = ["users:write"])), request_body = UserPut,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses(
        (status = 200, description = "The replaced user.", body = User),
        (status = 201, description = "The new user.", body = User, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[put("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Json(body): Json<UserPut>) -> Result<Put<User>, Problem> {
    let login: Login = field::value("address", &path)?;
    caller.domain_admin(login.domain())?;
    field::same("address", &login, body.address.as_deref())?;
    let wanted = NewUser {
        login: login.to_string(),
        password: new_password(body.password, body.password_hash)?,
        display_name: field::text("display_name", body.display_name.unwrap_or_default())?,
        role: body.role.unwrap_or(Role::User).into(),
        enabled: body.enabled.unwrap_or(true),
        quota_bytes: field::number("quota_bytes", body.quota_bytes)?,
        quota_messages: field::number("quota_messages", body.quota_messages)?,
        retention: Retention {
            junk_days: body.junk_days,
            trash_days: body.trash_days,
        },
        labels: field::labels(body.metadata, body.tags),
    };
    caller.grants(wanted.role)?;
    let directory = caller.directory(&house);
    let placed = house
        .run(|_| async move {
            let sets_password = wanted.password.is_some();
            let may = |there: &account::User| {
                caller.manages(there)?;
                if sets_password { caller.sets_passwords() } else { Ok(()) }
            };
            directory.put_user(wanted, may).await
        })
        .await?;
    let (user, revision) = (&placed.now, placed.now.revision());
    Ok(Put::new(placed.is_new, ("users", &user.login), revision, User::from(&**user)))
}
