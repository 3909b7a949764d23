use std::collections::BTreeMap;

use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Alias, destinations};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::api::time::Time;
use crate::mail::directory::NewAlias;

/// An alias to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"address": "info@example.test", "destinations": ["alice@example.test"]}))]
pub(in crate::api) struct AliasCreate {
    /// What it answers to: an address of one of our domains, or `@domain`.
    address: String,
    /// Where its mail goes.
    #[schema(min_items = 1, max_items = 1000)]
    destinations: Vec<String>,
    /// True if absent.
    enabled: Option<bool>,
    /// Free text.
    #[schema(max_length = 255)]
    description: Option<String>,
    /// Texts of your own by name, such as the ids of a panel: at most 50, names of letters, digits, `.`, `_` and `-`.
    metadata: Option<BTreeMap<String, String>>,
    /// Marks of your own: at most 50.
    tags: Option<Vec<String>>,
    /// When it ends: from then on it answers as if it were not there. Absent: never.
    expires_at: Option<Time>,
}

/// Create an alias
///
/// Mail for the address goes to its destinations. An administrator of a domain makes aliases of that domain.
#[utoipa::path(
    operation_id = "create_alias", tag = "aliases", security(("bearer" = ["aliases:write"])), request_body = AliasCreate,
    responses(
        (status = 201, description = "The new alias.", body = Alias, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/aliases")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<AliasCreate>) -> Result<Created<Alias>, Problem> {
    let new = body.read()?;
    caller.domain_admin(field::domain_of_alias(&new.address))?;
    let directory = caller.directory(&house);
    let alias = house.run(|_| async move { directory.create_alias(new).await }).await?;
    let revision = alias.revision();
    Ok(Created::new("aliases", &alias.address.to_string(), alias.into()).tagged(revision))
}

impl AliasCreate {
    /// What is to be made.
    pub(in crate::api) fn read(self) -> Result<NewAlias, Problem> {
        Ok(NewAlias {
            address: field::value("address", &self.address)?,
            destinations: destinations(&self.destinations)?,
            enabled: self.enabled.unwrap_or(true),
            description: field::text("description", self.description.unwrap_or_default())?,
            expires_at: self.expires_at.map(|time| time.0),
            labels: field::labels(self.metadata, self.tags),
        })
    }
}
