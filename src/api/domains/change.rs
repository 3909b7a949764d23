use std::collections::BTreeMap;

use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Domain;
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::mail::directory::DomainChange;
use crate::model::address;

/// A change of a domain (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub(in crate::api) struct DomainPatch {
    /// The domain that this one is another name of. `null`: it is one of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    alias_of: Option<Option<String>>,
    /// Whether it takes and sends mail.
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
    /// Free text.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    description: Option<String>,
    /// Texts of your own by name, merged with those that are there: `null` takes one away, or all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    metadata: Option<Option<BTreeMap<String, Option<String>>>>,
    /// Marks of your own: all of them.
    #[serde(default, deserialize_with = "present")]
    tags: Option<Vec<String>>,
}

/// Change a domain
///
/// A merge patch: a field that is absent stays as it is.
#[utoipa::path(
    operation_id = "change_domain", tag = "domains", security(("bearer" = ["domains:write"])), request_body = DomainPatch,
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses((status = 200, description = "The changed domain.", body = Domain), Problems, BodyProblems)
)]
#[patch("/domains/{domain}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<DomainPatch>,
) -> Result<Tagged<Domain>, Problem> {
    caller.server_admin()?;
    let name: address::Domain = field::named("domain", &path)?;
    let change = DomainChange {
        alias_of: match body.alias_of {
            Some(Some(text)) => Some(Some(field::value("alias_of", &text)?)),
            Some(None) => Some(None),
            None => None,
        },
        enabled: body.enabled,
        description: body.description.map(|text| field::text("description", text)).transpose()?,
        labels: field::labels_change(body.metadata, body.tags),
    };
    let directory = caller.directory(&house);
    let record = house.run(|_| async move { directory.change_domain(&name, change).await }).await?;
    Ok(Tagged(record.revision(), record.into()))
}
