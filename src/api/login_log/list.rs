use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;
use crate::api::word::{OutcomeName, ProtocolName};
use crate::mail::directory::LoginFilter;
use crate::model::ids::LoginId;
use crate::model::login::{LoginOutcome, LoginRecord};

/// Which logins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// Only those of this user, or to this name.
    #[param(example = "alice@example.test")]
    address: Option<String>,
    /// Only those of addresses of this domain.
    #[param(example = "example.test")]
    domain: Option<String>,
    /// Only those that ended so.
    #[param(value_type = Option<OutcomeName>)]
    outcome: Option<OutcomeName>,
    /// True: only those that were refused.
    failed: Option<bool>,
    /// Only those from this moment on.
    #[param(value_type = Option<Time>)]
    since: Option<Time>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A login that was tried.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "at": "2026-11-23T20:19:30.125Z", "login": "alice@example.test", "protocol": "imap", "address": "192.0.2.7",
    "outcome": "wrong_password", "times": 3
}))]
pub(in crate::api) struct LoginEntry {
    id: String,
    /// When.
    at: Time,
    /// The user, or the name that was given where there is none; empty for a token that is not good.
    login: String,
    protocol: ProtocolName,
    /// The client's address, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    outcome: OutcomeName,
    /// How often the same happened within a second or so.
    times: u64,
}

impl From<LoginRecord> for LoginEntry {
    fn from(record: LoginRecord) -> Self {
        Self {
            id: record.id.to_string(),
            at: Time(record.at),
            login: record.login,
            protocol: ProtocolName(record.protocol),
            address: record.from.map(|ip| ip.to_string()),
            outcome: OutcomeName(record.outcome),
            times: record.count,
        }
    }
}

/// A page of the login log.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct LoginLog {
    /// The newest first.
    items: Vec<LoginEntry>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Show the login log
///
/// Who logged in, or tried to, when, how, from where, and why it was refused; the newest first, kept for `auth.login_log_days`. A user sees
/// their own, an administrator of a domain those of its users, with `address` or without.
#[utoipa::path(
    operation_id = "list_logins", tag = "sessions", security(("bearer" = ["sessions:read"])), params(Which),
    responses((status = 200, description = "A page of the log.", body = LoginLog), Problems)
)]
#[get("/login-log")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<LoginLog>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let domains = match (&which.address, domain) {
        (Some(address), None) => {
            caller.sees(&field::named::<Login>("user", address)?)?;
            None
        }
        (_, domain) => caller.visible(domain)?,
    };
    let failed = which.failed.unwrap_or(false);
    let outcomes = match which.outcome {
        Some(outcome) => vec![outcome.0],
        None if failed => LoginOutcome::ALL
            .into_iter()
            .filter(|outcome| *outcome != LoginOutcome::Success)
            .collect(),
        None => Vec::new(),
    };
    let filter = LoginFilter {
        login: which.address,
        domains,
        outcomes,
        since: which.since.map(|time| time.0),
    };
    let before: Option<LoginId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let found = house
        .run(|house| async move { house.directory.login_log(&filter, before, page.limit).await })
        .await?;
    Ok(Json(LoginLog {
        items: found.items.into_iter().map(LoginEntry::from).collect(),
        next_cursor: found.next,
    }))
}
