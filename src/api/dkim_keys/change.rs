use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DkimKey, DkimState};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::model::address;
use crate::model::dkim::Selector;

/// A change of a key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "active"}))]
pub(in crate::api) struct DkimKeyPatch {
    state: DkimState,
}

/// Change a DKIM key
///
/// A key that becomes `active` takes the place of the key of its algorithm that signed, which is retired. For server
/// administrators, and administrators of the domain.
#[utoipa::path(
    operation_id = "change_dkim_key", tag = "domains", security(("bearer" = ["dkim:write"])), request_body = DkimKeyPatch,
    params(
        ("domain" = String, Path, description = "The name of the domain.", example = "example.test"),
        ("selector" = String, Path, description = "The name of the key.", example = "rsa-20261123")
    ),
    responses((status = 200, description = "The changed key.", body = DkimKey), Problems, BodyProblems)
)]
#[patch("/domains/{domain}/dkim-keys/{selector}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<DkimKeyPatch>,
) -> Result<Json<DkimKey>, Problem> {
    let name: address::Domain = field::named("domain", &path.0)?;
    caller.domain_admin(Some(&name))?;
    let selector: Selector = field::named("DKIM key", &path.1)?;
    let actor = caller.actor();
    let key = house
        .run(|house| async move { house.signing.set_state(&name, &selector, body.state.into(), &actor).await })
        .await?;
    Ok(Json(key.into()))
}
