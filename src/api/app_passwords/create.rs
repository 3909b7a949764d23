use actix_web::post;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppPassword;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Created, Once, segment};
use crate::api::time::Time;
use crate::api::word::ProtocolName;
use crate::mail::directory;
use crate::model::login::Protocol;

/// An app password to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "phone", "protocols": ["imap", "submission"]}))]
pub(in crate::api) struct AppPasswordCreate {
    /// What it is for.
    #[schema(max_length = 255)]
    name: String,
    /// What it is good for; all protocols of mail clients if absent.
    #[schema(min_items = 1)]
    protocols: Option<Vec<ProtocolName>>,
    /// When it stops working; absent: never.
    expires_at: Option<Time>,
}

/// A new app password, with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct NewAppPassword {
    #[serde(flatten)]
    about: AppPassword,
    /// Goes into the mail client, with or without the dashes. Keep it now.
    #[schema(example = "k7mpq-x2hwd-9vsrt-fnb4e")]
    password: String,
}

/// Create an app password
///
/// The answer has the password itself, this once: to be given to one mail client, instead of the user's own. For the user, and for
/// administrators of their domain.
#[utoipa::path(
    operation_id = "create_app_password", tag = "app-passwords", security(("bearer" = ["users:password"])),
    request_body = AppPasswordCreate,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses(
        (status = 201, description = "The new app password.", body = NewAppPassword, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/users/{address}/app-passwords")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<AppPasswordCreate>,
) -> Result<Once<Created<NewAppPassword>>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let protocols = match body.protocols {
        Some(names) => names.into_iter().map(|name| name.0).collect(),
        None => Protocol::OF_CLIENTS.to_vec(),
    };
    let new = directory::NewAppPassword {
        name: field::text("name", body.name)?,
        protocols,
        expires_at: body.expires_at.map(|time| time.0),
    };
    let collection = format!("users/{}/app-passwords", segment(&login.key()));
    let directory = caller.directory(&house);
    let made = house.run(|_| async move {
        let key = login.key();
        caller.manages(&*directory.user(&key).await?)?;
        directory.create_app_password(&key, new).await
    });
    let (password, secret) = made.await?;
    let shown = NewAppPassword {
        password: secret.expose().to_owned(),
        about: password.into(),
    };
    let id = shown.about.id.clone();
    Ok(Once(Created::new(&collection, &id, shown)))
}
