use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;
use crate::api::word::ProtocolName;
use crate::mail::directory::ApiSession;
use crate::mail::sessions;
use crate::model::login::Protocol;

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "imap-17", "protocol": "imap", "since": "2026-11-23T20:19:30.125Z", "address": "192.0.2.7", "tls": "TLS1.3 AES256_GCM"
}))]
pub(in crate::api) struct Session {
    /// Its name here, by which it can be ended.
    id: String,
    protocol: ProtocolName,
    /// When it began.
    since: Time,
    /// When its refresh token was last used, for one of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Time>,
    /// When it ends if its refresh token is not used before, for one of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
    /// The client's address, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// TLS version and cipher.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
}

impl From<ApiSession> for Session {
    fn from(session: ApiSession) -> Self {
        Self {
            id: session.id.to_string(),
            protocol: ProtocolName(Protocol::Api),
            since: Time(session.since),
            last_used_at: Some(Time(session.last_used_at)),
            ends_at: Some(Time(session.ends_at)),
            address: session.peer.map(|ip| ip.to_string()),
            tls: None,
        }
    }
}

impl From<sessions::Session> for Session {
    fn from(session: sessions::Session) -> Self {
        let protocol = session.way.protocol;
        Self {
            id: format!("{protocol}-{}", session.id),
            protocol: ProtocolName(protocol),
            since: Time(session.since),
            last_used_at: None,
            ends_at: None,
            address: session.way.peer.map(|ip| ip.to_string()),
            tls: session.way.tls,
        }
    }
}

/// The sessions of a user.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SessionList {
    /// Those of the API, then the connections of mail clients; the oldest first.
    items: Vec<Session>,
}

/// List sessions
///
/// The logins to the API that have not ended, and the connections of mail clients to this node. For the user, and for administrators of
/// their domain.
#[utoipa::path(
    operation_id = "list_sessions", tag = "sessions", security(("bearer" = ["sessions:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The sessions.", body = SessionList), Problems)
)]
#[get("/users/{address}/sessions")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<SessionList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let found = house.run(|house| async move {
        let key = login.key();
        let of_api = house.directory.api_sessions(&key).await?;
        let user = house.directory.user(&key).await?;
        Ok((of_api, house.sessions.list_of(user.id)))
    });
    let (of_api, open) = found.await?;
    let items = of_api.into_iter().map(Session::from).chain(open.into_iter().map(Session::from));
    Ok(Json(SessionList { items: items.collect() }))
}
