use actix_web::post;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DkimAlgorithm, DkimKey, DkimState};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::model::address;
use crate::model::dkim::{KeyState, Selector};

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"algorithm": "ed25519"}))]
pub(in crate::api) struct DkimKeyCreate {
    algorithm: DkimAlgorithm,
    /// Its name within the domain; made of the algorithm and the date if absent.
    #[schema(max_length = 63)]
    selector: Option<String>,
    /// `pending` if absent: publish its record, then make it `active`. Made active, it takes the place of the key of its algorithm
    /// that signed, which is retired.
    state: Option<DkimState>,
}

/// Create a DKIM key
///
/// The server makes it and keeps the private half to itself; the answer has the TXT record to publish. For server administrators,
/// and administrators of the domain.
#[utoipa::path(
    operation_id = "create_dkim_key", tag = "domains", security(("bearer" = ["dkim:write"])), request_body = DkimKeyCreate,
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses(
        (status = 201, description = "The new key.", body = DkimKey, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/domains/{domain}/dkim-keys")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<DkimKeyCreate>,
) -> Result<Created<DkimKey>, Problem> {
    let name: address::Domain = field::named("domain", &path)?;
    caller.domain_admin(Some(&name))?;
    let selector: Option<Selector> = body.selector.map(|text| field::value("selector", &text)).transpose()?;
    let state = body.state.map_or(KeyState::Pending, KeyState::from);
    let actor = caller.actor();
    let key = house
        .run(|house| async move { house.signing.add(&name, body.algorithm.into(), selector, state, &actor).await })
        .await?;
    let collection = format!("domains/{}/dkim-keys", key.domain);
    Ok(Created::new(&collection, &key.selector.to_string(), key.into()))
}
