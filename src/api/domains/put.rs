use std::collections::BTreeMap;

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
use crate::api::reply::Put;
use crate::mail::directory::NewDomain;
use crate::model::address;

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
    /// Texts of your own by name, such as the ids of a panel: at most 50, names of letters, digits, `.`, `_` and `-`.
    metadata: Option<BTreeMap<String, String>>,
    /// Marks of your own: at most 50.
    tags: Option<Vec<String>>,
}

/// Create or replace a domain
///
/// Makes it if it is not there; otherwise sets every field, those that are absent to their defaults. Saying it twice does no harm.
#[utoipa::path(
    operation_id = "put_domain", tag = "domains", security(("bearer" = ["domains:write"])), request_body = DomainPut,
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
    let new = NewDomain {
        domain: name,
        alias_of: body.alias_of.map(|text| field::value("alias_of", &text)).transpose()?,
        enabled: body.enabled.unwrap_or(true),
        description: field::text("description", body.description.unwrap_or_default())?,
        labels: field::labels(body.metadata, body.tags),
    };
    let directory = caller.directory(&house);
    let placed = house.run(|_| async move { directory.put_domain(new).await }).await?;
    let (key, revision) = (placed.now.domain.to_string(), placed.now.revision());
    Ok(Put::new(placed.is_new, ("domains", &key), revision, placed.now.into()))
}
