use std::collections::BTreeMap;

use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Alias, destinations};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::api::time::Time;
use crate::mail::directory::AliasChange;
use crate::model::account::AliasAddress;

/// A change of an alias (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"destinations": ["alice@example.test", "bob@elsewhere.test"]}))]
pub(in crate::api) struct AliasPatch {
    /// Where its mail goes: the whole list.
    #[serde(default, deserialize_with = "present")]
    #[schema(min_items = 1, max_items = 1000)]
    destinations: Option<Vec<String>>,
    /// A disabled alias answers as if it were not there.
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
    /// When it ends: from then on it answers as if it were not there. `null`: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// Change an alias
///
/// A merge patch: a field that is absent stays as it is.
#[utoipa::path(
    operation_id = "change_alias", tag = "aliases", security(("bearer" = ["aliases:write"])), request_body = AliasPatch,
    params(("address" = String, Path, description = "The address of the alias, or `@domain`.", example = "info@example.test")),
    responses((status = 200, description = "The changed alias.", body = Alias), Problems, BodyProblems)
)]
#[patch("/aliases/{address}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<AliasPatch>,
) -> Result<Tagged<Alias>, Problem> {
    let address: AliasAddress = field::named("alias", &path)?;
    caller.domain_admin(field::domain_of_alias(&address))?;
    let change = AliasChange {
        destinations: body.destinations.map(|texts| destinations(&texts)).transpose()?,
        enabled: body.enabled,
        description: body.description.map(|text| field::text("description", text)).transpose()?,
        expires_at: body.expires_at.map(|time| time.map(|time| time.0)),
        labels: field::labels_change(body.metadata, body.tags),
    };
    let directory = caller.directory(&house);
    let alias = house.run(|_| async move { directory.change_alias(&address, change).await }).await?;
    Ok(Tagged(alias.revision(), alias.into()))
}
