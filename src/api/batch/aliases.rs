use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};

use super::{BatchLine, How, Item, answer};
use crate::api::aliases::create::AliasCreate;
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::mail::directory::{Directory, NewAlias};
use crate::model::refusal::Refusal;

impl Item for AliasCreate {
    type New = NewAlias;

    fn read(self, caller: &Caller) -> Result<(String, NewAlias), Problem> {
        let new = AliasCreate::read(self)?;
        caller.domain_admin(field::domain_of_alias(&new.address))?;
        Ok((new.address.to_string(), new))
    }

    async fn place(directory: Directory, _caller: Arc<Caller>, all: Vec<NewAlias>) -> Result<Vec<Result<bool, Refusal>>, Refusal> {
        let placed = directory.put_aliases(all).await?;
        Ok(placed.into_iter().map(|one| one.map(|placed| placed.is_new)).collect())
    }
}

/// Create or replace many aliases
///
/// One on each line (NDJSON), or in one array; each as for creating one. The answer has a line for each, as they are done, with the status
/// that it would have had alone. They are stored in groups, and one that is refused harms no other.
#[utoipa::path(
    operation_id = "batch_aliases", tag = "aliases", security(("bearer" = ["aliases:write"])), params(How),
    request_body(description = "The aliases.", content((Vec<AliasCreate> = "application/json"), (AliasCreate = "application/x-ndjson"))),
    responses(
        (status = 200, description = "A result on each line.", body = BatchLine, content_type = "application/x-ndjson"),
        Problems, BodyProblems
    )
)]
#[post("/batch/aliases")]
pub async fn handler(
    request: HttpRequest,
    caller: Caller,
    house: Data<House>,
    Query(how): Query<How>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    caller.administers()?;
    answer::<AliasCreate>(&request, payload, caller, house, &how).await
}
