use std::collections::BTreeMap;

use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Role, User, new_password};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::mail::directory::NewUser;
use crate::model::account::Retention;
use crate::model::secret::Secret;

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"address": "alice@example.test", "password": "correct horse battery staple", "display_name": "Alice"}))]
pub(in crate::api) struct UserCreate {
    /// An address of one of our domains; or a bare name for a server administrator without a mailbox.
    address: String,
    /// The password. Without it and without `password_hash` nobody can log in as this user.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// Instead of the password: its hash in a scheme such as `{ARGON2ID}`, `{BLF-CRYPT}` or `{SHA512-CRYPT}`.
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

/// Create a user
///
/// From now on mail for the address is delivered. An administrator of a domain makes users of that domain.
#[utoipa::path(
    operation_id = "create_user", tag = "users", security(("bearer" = ["users:write"])), request_body = UserCreate,
    responses(
        (status = 201, description = "The new user.", body = User, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/users")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<UserCreate>) -> Result<Created<User>, Problem> {
    let (login, new) = body.read()?;
    caller.domain_admin(login.domain())?;
    caller.grants(new.role)?;
    let directory = caller.directory(&house);
    let user = house.run(|_| async move { directory.create_user(new).await }).await?;
    Ok(Created::new("users", &user.login, User::from(&*user)).tagged(user.revision()))
}

impl UserCreate {
    /// Who is to be made.
    pub(in crate::api) fn read(self) -> Result<(Login, NewUser), Problem> {
        let login: Login = field::value("address", &self.address)?;
        let new = NewUser {
            login: login.to_string(),
            password: new_password(self.password, self.password_hash)?,
            display_name: field::text("display_name", self.display_name.unwrap_or_default())?,
            role: self.role.unwrap_or(Role::User).into(),
            enabled: self.enabled.unwrap_or(true),
            quota_bytes: field::number("quota_bytes", self.quota_bytes)?,
            quota_messages: field::number("quota_messages", self.quota_messages)?,
            retention: Retention {
                junk_days: self.junk_days,
                trash_days: self.trash_days,
            },
            labels: field::labels(self.metadata, self.tags),
        };
        Ok((login, new))
    }
}
