//! Ends one session, or all of a user.

use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::SessionId;
use crate::model::login::Protocol;

/// A session, by its name in the list.
enum Named {
    Api(SessionId),
    Open(u64),
}

impl Named {
    fn parse(text: &str) -> Result<Self, Problem> {
        match text.split_once('-') {
            Some((protocol, number)) => {
                let known: Result<Protocol, _> = protocol.parse();
                let number = known.ok().and_then(|_| number.parse().ok());
                number.map(Self::Open).ok_or_else(|| field::not_found("session", text))
            }
            None => field::named("session", text).map(Self::Api),
        }
    }
}

/// End a session
///
/// One of the API ends on all nodes; a connection of a mail client must be one to this node. For the user, and for administrators of their
/// domain.
#[utoipa::path(
    operation_id = "end_session", tag = "sessions", security(("bearer" = ["sessions:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("id" = String, Path, description = "The id of the session.", example = "imap-17")
    ),
    responses((status = 204, description = "It is over."), Problems)
)]
#[delete("/users/{address}/sessions/{id}")]
pub async fn one(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let named = Named::parse(&id)?;
    let directory = caller.directory(&house);
    let ended = house.run(|house| async move {
        let key = login.key();
        let user = directory.user(&key).await?;
        caller.manages(&user)?;
        match named {
            Named::Api(id) => directory.end_api_session(&key, id).await.map(|()| true),
            Named::Open(number) => Ok(house.sessions.end_one(user.id, number)),
        }
    });
    match ended.await? {
        true => Ok(NoContent),
        false => Err(field::not_found("session", &id)),
    }
}

/// End all sessions
///
/// Those of all protocols, on all nodes: everybody who is logged in as the user must log in again. For the user, and for administrators of
/// their domain.
#[utoipa::path(
    operation_id = "end_sessions", tag = "sessions", security(("bearer" = ["sessions:write"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 204, description = "They are over."), Problems)
)]
#[delete("/users/{address}/sessions")]
pub async fn all(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let directory = caller.directory(&house);
    house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            directory.end_sessions(&key).await
        })
        .await?;
    Ok(NoContent)
}
