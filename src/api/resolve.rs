//! Where mail for an address would go, and why.

use std::fmt::Display;
use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::caller::Caller;
use super::field;
use super::house::House;
use super::problem::{Document, Problem, Problems};
use crate::mail::directory::{Explanation, LocalRecipient, ResolveStep, Route};
use crate::mail::mailbox::Usage;
use crate::model::address::EmailAddress;
use crate::model::refusal::Refusal;

/// Where mail for an address would go.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "address": "info@example.test", "accepted": true,
    "steps": [
        {"kind": "domain", "address": "example.test", "text": "example.test is one of our domains"},
        {"kind": "alias", "address": "info@example.test", "leads_to": ["alice@example.test"],
         "text": "info@example.test is an alias of alice@example.test"},
        {"kind": "domain", "address": "example.test", "text": "example.test is one of our domains"},
        {"kind": "user", "address": "alice@example.test", "text": "alice@example.test is a user"},
        {"kind": "quota", "address": "alice@example.test", "text": "alice@example.test has 20480 octets in 3 messages, with no limit"},
        {"kind": "mailbox", "address": "alice@example.test", "text": "it is stored in the INBOX of alice@example.test"}
    ],
    "users": ["alice@example.test"], "forwards": []
}))]
pub(super) struct Resolution {
    address: String,
    /// Whether mail would be taken at this moment.
    accepted: bool,
    /// The way, in its order.
    steps: Vec<Step>,
    /// The users who would get it.
    users: Vec<String>,
    /// The addresses outside that it would be forwarded to.
    forwards: Vec<String>,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

/// A step on the way.
#[derive(Serialize, ToSchema)]
struct Step {
    kind: StepKind,
    /// The address, user or domain that it is about.
    address: String,
    /// Where an alias leads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leads_to: Vec<String>,
    /// What stood after the separator in the address, such as `shop` of `alice+shop@example.test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The same in words.
    text: String,
}

/// What a step is about.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StepKind {
    Domain,
    Alias,
    CatchAll,
    Again,
    User,
    Disabled,
    Nobody,
    Forward,
    Postmaster,
    Quota,
    Mailbox,
}

impl Step {
    fn new(kind: StepKind, address: impl Display, text: String) -> Self {
        Self {
            kind,
            address: address.to_string(),
            leads_to: Vec::new(),
            detail: None,
            text,
        }
    }

    fn leading(self, destinations: &[EmailAddress]) -> Self {
        Self {
            leads_to: destinations.iter().map(EmailAddress::to_string).collect(),
            ..self
        }
    }
}

impl From<ResolveStep> for Step {
    fn from(step: ResolveStep) -> Self {
        match step {
            ResolveStep::Domain {
                domain,
                is_ours,
                enabled,
                alias_of,
            } => {
                let text = match (is_ours, enabled, alias_of) {
                    (false, _, _) => format!("{domain} is none of our domains"),
                    (true, false, _) => format!("{domain} is one of our domains, and disabled"),
                    (true, true, Some(real)) => format!("{domain} is another name of {real}"),
                    (true, true, None) => format!("{domain} is one of our domains"),
                };
                Self::new(StepKind::Domain, domain, text)
            }
            ResolveStep::Alias {
                address,
                destinations,
                detail,
            } => {
                let text = format!("{address} is an alias of {}", listed(&destinations));
                Self {
                    detail,
                    ..Self::new(StepKind::Alias, address, text).leading(&destinations)
                }
            }
            ResolveStep::CatchAll { address, destinations } => {
                let text = format!("nothing else answers, and {address} is a catch-all to {}", listed(&destinations));
                Self::new(StepKind::CatchAll, address, text).leading(&destinations)
            }
            ResolveStep::Again { address } => {
                let text = format!("{address} was followed already, and is not followed again");
                Self::new(StepKind::Again, address, text)
            }
            ResolveStep::User { login, detail } => {
                let text = format!("{login} is a user");
                Self {
                    detail,
                    ..Self::new(StepKind::User, login, text)
                }
            }
            ResolveStep::Disabled { address } => {
                let text = format!("{address} is disabled");
                Self::new(StepKind::Disabled, address, text)
            }
            ResolveStep::Nobody { address } => {
                let text = format!("nobody answers to {address}");
                Self::new(StepKind::Nobody, address, text)
            }
            ResolveStep::Forward { address } => {
                let text = format!("{address} is on another server");
                Self::new(StepKind::Forward, address, text)
            }
            ResolveStep::Postmaster { login } => {
                let text = format!("nobody else is postmaster, so {login}, who administers, is");
                Self::new(StepKind::Postmaster, login, text)
            }
        }
    }
}

fn listed(addresses: &[EmailAddress]) -> String {
    addresses.iter().map(EmailAddress::to_string).collect::<Vec<_>>().join(", ")
}

/// Resolve an address
///
/// Goes the way that a message would go now, step by step: the domain, the chain of aliases, the catch-all, the users and how full their
/// mailboxes are, the addresses outside. Nothing is sent. For administrators of the domain.
#[utoipa::path(
    operation_id = "resolve_address", tag = "domains", security(("bearer" = ["aliases:read"])),
    params(("address" = String, Path, description = "An address of one of our domains.", example = "info@example.test")),
    responses((status = 200, description = "The way.", body = Resolution), Problems)
)]
#[get("/resolve/{address}")]
pub(super) async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<Resolution>, Problem> {
    let address: EmailAddress = field::named("address", &path)?;
    caller.domain_admin(address.domain())?;
    let asked = address.clone();
    let found = house.run(|house| async move {
        let explained = house.directory.explain(&asked).await?;
        let ends = ends(&house, &explained).await?;
        Ok((explained, ends))
    });
    let (explained, ends) = found.await?;
    Ok(Json(resolution(&address, explained, ends)))
}

/// A user whom it would come to, how full their mailboxes are, and whether there is room.
type End = (LocalRecipient, Usage, Result<(), Refusal>);

async fn ends(house: &Arc<House>, explained: &Explanation) -> Result<Vec<End>, Refusal> {
    let Ok(Route::Here { users, .. }) = &explained.outcome else {
        return Ok(Vec::new());
    };
    let mut ends = Vec::with_capacity(users.len());
    for recipient in users {
        let usage = house.mailboxes.usage(&recipient.user).await?;
        let room = house.mailboxes.check_quota(&recipient.user, 1, 1).await;
        ends.push((recipient.clone(), usage, room));
    }
    Ok(ends)
}

fn resolution(address: &EmailAddress, explained: Explanation, ends: Vec<End>) -> Resolution {
    let mut steps: Vec<Step> = explained.steps.into_iter().map(Step::from).collect();
    let mut problem = None;
    for (recipient, usage, room) in ends {
        let login = &recipient.user.login;
        let limit = match recipient.user.quota_bytes {
            Some(most) => format!("of {most}"),
            None => "with no limit".to_owned(),
        };
        let text = format!("{login} has {} octets in {} messages, {limit}", usage.bytes, usage.messages);
        steps.push(Step::new(StepKind::Quota, login, text));
        match room {
            Ok(()) => steps.push(Step::new(StepKind::Mailbox, login, format!("it is stored in the INBOX of {login}"))),
            Err(refusal) => problem = Some(Problem::from(refusal).document()),
        }
    }
    let (users, forwards) = match explained.outcome {
        Ok(Route::Here { users, forwards }) => (users, forwards),
        Ok(Route::Outside) => (Vec::new(), vec![address.clone()]),
        Err(refusal) => {
            problem = Some(Problem::from(refusal).document());
            (Vec::new(), Vec::new())
        }
    };
    Resolution {
        address: address.to_string(),
        accepted: problem.is_none(),
        steps,
        users: users.iter().map(|recipient| recipient.user.login.clone()).collect(),
        forwards: forwards.iter().map(EmailAddress::to_string).collect(),
        problem,
    }
}
