use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};

use super::{BatchLine, How, Item, answer};
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::users::create::UserCreate;
use crate::mail::directory::{Directory, NewUser};
use crate::model::account::User;
use crate::model::refusal::Refusal;

impl Item for UserCreate {
    type New = NewUser;

    fn read(self, caller: &Caller) -> Result<(String, NewUser), Problem> {
        let (login, new) = UserCreate::read(self)?;
        caller.domain_admin(login.domain())?;
        caller.grants(new.role)?;
        Ok((login.key(), new))
    }

    async fn place(directory: Directory, caller: Arc<Caller>, all: Vec<NewUser>) -> Result<Vec<Result<bool, Refusal>>, Refusal> {
        let may = |there: &User, sets_password: bool| {
            caller.manages(there)?;
            if sets_password { caller.sets_passwords() } else { Ok(()) }
        };
        let placed = directory.put_users(all, &may).await?;
        Ok(placed.into_iter().map(|one| one.map(|placed| placed.is_new)).collect())
    }
}

/// Create or replace many users
///
/// One on each line (NDJSON), or in one array; each as for creating one. The answer has a line for each, as they are done, with the status
/// that it would have had alone. They are stored in groups, and one that is refused harms no other. A password that is given as
/// a hash saves the time of hashing it; an API key without the scope `users:password` sets none of users who are there.
#[utoipa::path(
    operation_id = "batch_users", tag = "users", security(("bearer" = ["users:write"])), params(How),
    request_body(description = "The users.", content((Vec<UserCreate> = "application/json"), (UserCreate = "application/x-ndjson"))),
    responses(
        (status = 200, description = "A result on each line.", body = BatchLine, content_type = "application/x-ndjson"),
        Problems, BodyProblems
    )
)]
#[post("/batch/users")]
pub async fn handler(
    request: HttpRequest,
    caller: Caller,
    house: Data<House>,
    Query(how): Query<How>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    caller.administers()?;
    answer::<UserCreate>(&request, payload, caller, house, &how).await
}
