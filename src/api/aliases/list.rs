use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Alias;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::{field, page};
use crate::mail::directory::Picked;

/// Which aliases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// Only those of this domain.
    domain: Option<String>,
    /// Only those with this tag.
    #[param(max_length = 64)]
    tag: Option<String>,
    /// Only those with this text in their metadata: `name:value`.
    #[param(max_length = 320, example = "panel.id:17")]
    metadata: Option<String>,
    /// Only those with this text in their address or description, in any case of letters.
    #[param(max_length = 255)]
    search: Option<String>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of aliases.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AliasList {
    /// By address.
    items: Vec<Alias>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List aliases
///
/// By address. An administrator of a domain sees the aliases of that domain.
#[utoipa::path(
    operation_id = "list_aliases", tag = "aliases", security(("bearer" = ["aliases:read"])), params(Which),
    responses((status = 200, description = "A page of aliases.", body = AliasList), Problems)
)]
#[get("/aliases")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<AliasList>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let picked = Picked {
        domains: caller.visible(domain)?,
        ..field::picked(which.tag, which.metadata, which.search)?
    };
    let found = house
        .run(|house| async move { house.directory.aliases(&picked, page.after.as_deref(), page.limit).await })
        .await?;
    Ok(Json(AliasList {
        items: found.items.into_iter().map(Alias::from).collect(),
        next_cursor: found.next,
    }))
}
