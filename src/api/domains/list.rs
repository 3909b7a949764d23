use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Domain;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};

/// Which domains.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of domains.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct DomainList {
    /// By name.
    items: Vec<Domain>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List domains
///
/// By name. An administrator of a domain sees only that one.
#[utoipa::path(
    operation_id = "list_domains", tag = "domains", security(("bearer" = [])), params(Which),
    responses((status = 200, description = "A page of domains.", body = DomainList), Problems)
)]
#[get("/domains")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<DomainList>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let (items, next_cursor) = match caller.visible(None)? {
        Some(own) => (
            vec![house.run(|house| async move { house.directory.domain(&own).await }).await?],
            None,
        ),
        None => {
            let found = house
                .run(|house| async move { house.directory.domains(page.after.as_deref(), page.limit).await })
                .await?;
            (found.items, found.next)
        }
    };
    Ok(Json(DomainList {
        items: items.into_iter().map(Domain::from).collect(),
        next_cursor,
    }))
}
