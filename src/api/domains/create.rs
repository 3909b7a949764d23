use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Domain;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::model::address;

/// A domain to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"domain": "example.test"}))]
pub(in crate::api) struct DomainCreate {
    /// Its name, in ASCII or Unicode form.
    #[schema(max_length = 253)]
    domain: String,
    /// The domain that this one is another name of: `x@this` goes where `x@that` goes.
    alias_of: Option<String>,
    /// Whether it takes and sends mail; true if absent.
    enabled: Option<bool>,
    /// Free text.
    #[schema(max_length = 255)]
    description: Option<String>,
}

/// Create a domain
///
/// From now on mail for the domain is received.
#[utoipa::path(
    operation_id = "create_domain", tag = "domains", security(("bearer" = [])), request_body = DomainCreate,
    responses(
        (status = 201, description = "The new domain.", body = Domain, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/domains")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<DomainCreate>) -> Result<Created<Domain>, Problem> {
    caller.server_admin()?;
    let name: address::Domain = field::value("domain", &body.domain)?;
    let alias_of = body.alias_of.map(|text| field::value("alias_of", &text)).transpose()?;
    let description = field::text("description", body.description.unwrap_or_default())?;
    let record = house
        .run(|house| async move {
            let record = house.directory.create_domain(name.clone(), alias_of, description).await?;
            match body.enabled {
                Some(false) => house.directory.change_domain(&name, None, Some(false), None).await,
                _ => Ok(record),
            }
        })
        .await?;
    Ok(Created::new("domains", &record.domain.to_string(), record.into()))
}
