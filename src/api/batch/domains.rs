use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};

use super::{BatchLine, How, Item, answer};
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::domains::create::DomainCreate;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::mail::directory::{Directory, NewDomain};
use crate::model::refusal::Refusal;

impl Item for DomainCreate {
    type New = NewDomain;

    fn read(self, caller: &Caller) -> Result<(String, NewDomain), Problem> {
        caller.server_admin()?;
        let new = DomainCreate::read(self)?;
        Ok((new.domain.to_string(), new))
    }

    async fn place(directory: Directory, _caller: Arc<Caller>, all: Vec<NewDomain>) -> Result<Vec<Result<bool, Refusal>>, Refusal> {
        let placed = directory.put_domains(all).await?;
        Ok(placed.into_iter().map(|one| one.map(|placed| placed.is_new)).collect())
    }
}

/// Create or replace many domains
///
/// One on each line (NDJSON), or in one array; each as for creating one. The answer has a line for each, as they are done, with the status
/// that it would have had alone. They are stored in groups, and one that is refused harms no other.
#[utoipa::path(
    operation_id = "batch_domains", tag = "domains", security(("bearer" = ["domains:write"])), params(How),
    request_body(description = "The domains.", content((Vec<DomainCreate> = "application/json"), (DomainCreate = "application/x-ndjson"))),
    responses(
        (status = 200, description = "A result on each line.", body = BatchLine, content_type = "application/x-ndjson"),
        Problems, BodyProblems
    )
)]
#[post("/batch/domains")]
pub async fn handler(
    request: HttpRequest,
    caller: Caller,
    house: Data<House>,
    Query(how): Query<How>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    caller.server_admin()?;
    answer::<DomainCreate>(&request, payload, caller, house, &how).await
}
