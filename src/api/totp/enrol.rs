use actix_web::post;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::Once;

/// What an authenticator app makes codes of.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/mail%2Eexample%2Eorg:alice%40example%2Etest?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=mail%2Eexample%2Eorg"
}))]
pub(in crate::api) struct Enrolment {
    /// The key, in base32.
    secret: String,
    /// The same for a QR code.
    uri: String,
}

/// Enrol a second factor
///
/// Makes a key for an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds). Nothing is asked for yet: the factor is on after a first
/// code of the app has been confirmed. Only for the user.
#[utoipa::path(
    operation_id = "enrol_totp", tag = "totp", security(("bearer" = ["users:password"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The key, this once.", body = Enrolment), Problems, Conflict)
)]
#[post("/users/{address}/totp")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Once<Json<Enrolment>>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.oneself(&login)?;
    let directory = caller.directory(&house);
    let made = house
        .run(|house| async move { directory.enrol_second_factor(&login.key(), &house.hostname).await })
        .await?;
    Ok(Once(Json(Enrolment {
        secret: made.secret.expose().to_owned(),
        uri: made.uri.expose().to_owned(),
    })))
}
