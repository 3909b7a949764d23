use actix_web::put;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Domain;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Created, Put};
use crate::model::address;
use crate::model::refusal::Refusal;

/// A domain as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"description": "The shop"}))]
pub(in crate::api) struct DomainPut {
    /// May be repeated here; it must be the one in the path.
    domain: Option<String>,
    /// The domain that this one is another name of.
    alias_of: Option<String>,
    /// Whether it takes and sends mail; true if absent.
    enabled: Option<bool>,
    /// Free text.
    #[schema(max_length = 255)]
    description: Option<String>,
}

/// Create or replace a domain
///
/// Makes it if it is not there; otherwise sets every field, those that are absent to their defaults. Saying it twice does no harm.
#[utoipa::path(
    operation_id = "put_domain", tag = "domains", security(("bearer" = [])), request_body = DomainPut,
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses(
        (status = 200, description = "The replaced domain.", body = Domain),
        (status = 201, description = "The new domain.", body = Domain, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[put("/domains/{domain}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Json(body): Json<DomainPut>) -> Result<Put<Domain>, Problem> {
    caller.server_admin()?;
    let name: address::Domain = field::value("domain", &path)?;
    field::same("domain", &name, body.domain.as_deref())?;
    let alias_of = body.alias_of.map(|text| field::value("alias_of", &text)).transpose()?;
    let description = field::text("description", body.description.unwrap_or_default())?;
    let enabled = body.enabled.unwrap_or(true);
    let (record, new) = house
        .run(|house| async move {
            let made = house
                .directory
                .create_domain(name.clone(), alias_of.clone(), description.clone())
                .await;
            let new = match made {
                Ok(record) if enabled => return Ok((record, true)),
                Ok(_) => true,
                Err(Refusal::Exists { .. }) => false,
                Err(refusal) => return Err(refusal),
            };
            let record = house
                .directory
                .change_domain(&name, Some(alias_of), Some(enabled), Some(description))
                .await?;
            Ok((record, new))
        })
        .await?;
    let key = record.domain.to_string();
    let domain = Domain::from(record);
    Ok(if new {
        Put::Created(Created::new("domains", &key, domain))
    } else {
        Put::Replaced(domain)
    })
}
