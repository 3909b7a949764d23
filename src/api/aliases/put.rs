use std::collections::BTreeMap;

use actix_web::put;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Alias, destinations};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Put;
use crate::api::time::Time;
use crate::mail::directory::NewAlias;
use crate::model::account::AliasAddress;

/// An alias as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"destinations": ["alice@example.test", "bob@elsewhere.test"]}))]
pub(in crate::api) struct AliasPut {
    /// May be repeated here; it must be the one in the path.
    address: Option<String>,
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

/// Create or replace an alias
///
/// Makes it if it is not there; otherwise sets every field, those that are absent to their defaults. Saying it twice does no harm.
#[utoipa::path(
    operation_id = "put_alias", tag = "aliases", security(("bearer" = ["aliases:write"])), request_body = AliasPut,
    params(("address" = String, Path, description = "The address of the alias, or `@domain`.", example = "info@example.test")),
    responses(
        (status = 200, description = "The replaced alias.", body = Alias),
        (status = 201, description = "The new alias.", body = Alias, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[put("/aliases/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Json(body): Json<AliasPut>) -> Result<Put<Alias>, Problem> {
    let address: AliasAddress = field::value("address", &path)?;
    caller.domain_admin(field::domain_of_alias(&address))?;
    field::same("address", &address, body.address.as_deref())?;
    let new = NewAlias {
        address,
        destinations: destinations(&body.destinations)?,
        enabled: body.enabled.unwrap_or(true),
        description: field::text("description", body.description.unwrap_or_default())?,
        expires_at: body.expires_at.map(|time| time.0),
        labels: field::labels(body.metadata, body.tags),
    };
    let directory = caller.directory(&house);
    let placed = house.run(|_| async move { directory.put_alias(new).await }).await?;
    let (key, revision) = (placed.now.address.to_string(), placed.now.revision());
    Ok(Put::new(placed.is_new, ("aliases", &key), revision, placed.now.into()))
}
