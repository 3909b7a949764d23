use std::collections::BTreeMap;

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
use crate::mail::directory::NewDomain;

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
    /// Texts of your own by name, such as the ids of a panel: at most 50, names of letters, digits, `.`, `_` and `-`.
    metadata: Option<BTreeMap<String, String>>,
    /// Marks of your own: at most 50.
    tags: Option<Vec<String>>,
}

/// Create a domain
///
/// From now on mail for the domain is received.
#[utoipa::path(
    operation_id = "create_domain", tag = "domains", security(("bearer" = ["domains:write"])), request_body = DomainCreate,
    responses(
        (status = 201, description = "The new domain.", body = Domain, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/domains")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<DomainCreate>) -> Result<Created<Domain>, Problem> {
    caller.server_admin()?;
    let new = body.read()?;
    let directory = caller.directory(&house);
    let record = house.run(|_| async move { directory.create_domain(new).await }).await?;
    let revision = record.revision();
    Ok(Created::new("domains", &record.domain.to_string(), record.into()).tagged(revision))
}

impl DomainCreate {
    /// What is to be made.
    pub(in crate::api) fn read(self) -> Result<NewDomain, Problem> {
        Ok(NewDomain {
            domain: field::value("domain", &self.domain)?,
            alias_of: self.alias_of.map(|text| field::value("alias_of", &text)).transpose()?,
            enabled: self.enabled.unwrap_or(true),
            description: field::text("description", self.description.unwrap_or_default())?,
            labels: field::labels(self.metadata, self.tags),
        })
    }
}
