//! How the API says no: RFC 9457 problem documents.
//!
//! This is the one table from a [`Refusal`] to a status and a type; no handler names a status of an error.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::model::refusal::Refusal;

/// The media type of a problem (RFC 9457 §3).
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// What every type of a problem begins with.
const URN: &str = "urn:posthouse:problem:";

/// What is said when something inside broke: the cause is in the log, under the request's id.
const BROKEN: &str = "something went wrong inside the server; the log has the cause under this reply's x-request-id";

/// What kind of trouble it is. Each kind has one stable `type`, one title, one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Malformed,
    NotAuthenticated,
    BadCredentials,
    CodeNeeded,
    NotPermitted,
    Disabled,
    NotFound,
    NoSuchPath,
    WrongMethod,
    TooSlow,
    Exists,
    InUse,
    OverQuota,
    StillRunning,
    DoneAlready,
    Changed,
    TooLarge,
    WrongMediaType,
    BadRange,
    Invalid,
    KeyReused,
    AliasLoop,
    BadMessage,
    LimitReached,
    Broken,
    TryLater,
}

impl Kind {
    /// The last part of the type, the title, the status.
    const fn spelled(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::Malformed => ("malformed", "The request is malformed", StatusCode::BAD_REQUEST),
            Self::NotAuthenticated => ("not-authenticated", "Authentication is needed", StatusCode::UNAUTHORIZED),
            Self::BadCredentials => ("bad-credentials", "The credentials are wrong", StatusCode::UNAUTHORIZED),
            Self::CodeNeeded => ("code-needed", "The code of the second factor is needed", StatusCode::UNAUTHORIZED),
            Self::NotPermitted => ("not-permitted", "This is not permitted", StatusCode::FORBIDDEN),
            Self::Disabled => ("disabled", "It is disabled", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", "There is no such thing", StatusCode::NOT_FOUND),
            Self::NoSuchPath => ("no-such-path", "There is no such path", StatusCode::NOT_FOUND),
            Self::WrongMethod => ("wrong-method", "The path does not take this method", StatusCode::METHOD_NOT_ALLOWED),
            Self::TooSlow => ("too-slow", "The request came too slowly", StatusCode::REQUEST_TIMEOUT),
            Self::Exists => ("exists", "It exists already", StatusCode::CONFLICT),
            Self::InUse => ("in-use", "It is still in use", StatusCode::CONFLICT),
            Self::OverQuota => ("over-quota", "The quota is reached", StatusCode::CONFLICT),
            Self::StillRunning => ("still-running", "The same request is still at work", StatusCode::CONFLICT),
            Self::DoneAlready => ("done-already", "The same request was done already", StatusCode::CONFLICT),
            Self::Changed => (
                "changed",
                "It is not in the state that was expected",
                StatusCode::PRECONDITION_FAILED,
            ),
            Self::TooLarge => ("too-large", "The request is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::WrongMediaType => (
                "wrong-media-type",
                "The media type is not taken here",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            Self::BadRange => ("bad-range", "There is no such range", StatusCode::RANGE_NOT_SATISFIABLE),
            Self::Invalid => ("invalid", "A value is invalid", StatusCode::UNPROCESSABLE_ENTITY),
            Self::KeyReused => (
                "key-reused",
                "The Idempotency-Key was used for another request",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::AliasLoop => ("alias-loop", "The aliases lead in a circle", StatusCode::UNPROCESSABLE_ENTITY),
            Self::BadMessage => ("bad-message", "The message cannot be taken", StatusCode::UNPROCESSABLE_ENTITY),
            Self::LimitReached => ("limit-reached", "A limit is reached", StatusCode::TOO_MANY_REQUESTS),
            Self::Broken => ("broken", "Something went wrong inside", StatusCode::INTERNAL_SERVER_ERROR),
            Self::TryLater => ("try-later", "Not possible at this moment", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl Kind {
    /// A detail for the document.
    const fn example(self) -> &'static str {
        match self {
            Self::Malformed => "limit: invalid digit found in string",
            Self::NotAuthenticated => "this needs 'Authorization: Bearer' with an access token or an API key",
            Self::BadCredentials => "the login name or the password is wrong",
            Self::CodeNeeded => "this login needs the code of its second factor too",
            Self::NotPermitted => "only a server administrator may do this",
            Self::Disabled => "alice@example.test is disabled",
            Self::NotFound => "there is no user alice@example.test",
            Self::NoSuchPath => "there is no /api/v1/domain here; GET /openapi.json has the list",
            Self::WrongMethod => "/api/v1/domains takes GET, POST",
            Self::TooSlow => "the body did not come in time",
            Self::Exists => "user alice@example.test exists already",
            Self::InUse => "example.test still has users or aliases",
            Self::OverQuota => "alice@example.test is over quota",
            Self::StillRunning => "the first request with this key is still at work",
            Self::DoneAlready => "this was done already, and its reply is not shown again: see /api/v1/api-keys/01jzc8m3f9xkq",
            Self::Changed => "it has been changed since; read it again",
            Self::TooLarge => "the body is larger than the limit of 1048576 octets",
            Self::WrongMediaType => "the body must be application/json",
            Self::BadRange => "there are 2431 octets",
            Self::Invalid => "the address has no @",
            Self::KeyReused => "this key was used for another request; a new request needs a new key",
            Self::AliasLoop => "the aliases of info@example.test lead in a circle",
            Self::BadMessage => "the message has no From header",
            Self::LimitReached => "too many failed logins",
            Self::Broken => BROKEN,
            Self::TryLater => "not possible at this moment, try again later",
        }
    }
}

/// A no, on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    field: Option<String>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of a kind, with a sentence for the person who reads it.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            retry_after: None,
        }
    }

    /// Names the field at fault.
    pub fn at(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }

    /// The same for what stands in the query string: what cannot be taken there makes the request malformed.
    pub fn in_query(self) -> Self {
        Self {
            kind: Kind::Malformed,
            ..self
        }
    }

    /// Too many requests; how long to wait.
    pub fn too_many(detail: String, after: Duration) -> Self {
        Self {
            retry_after: Some(after),
            ..Self::new(Kind::LimitReached, detail)
        }
    }

    /// Something broke that should not: it is logged here, and nothing of it is told outside.
    pub fn broken(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request broke");
        Self::new(Kind::Broken, BROKEN)
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// The body of the reply.
    pub fn document(&self) -> Document {
        let (name, title, status) = self.kind.spelled();
        Document {
            r#type: format!("{URN}{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            field: self.field.clone(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let kind = match &refusal {
            Refusal::UnknownRecipient(_) | Refusal::NotFound { .. } => Kind::NotFound,
            Refusal::Disabled(_) => Kind::Disabled,
            Refusal::RelayDenied(_) | Refusal::NotYourAddress { .. } | Refusal::NotPermitted(_) => Kind::NotPermitted,
            Refusal::AliasLoop(_) => Kind::AliasLoop,
            Refusal::OverQuota(_) => Kind::OverQuota,
            Refusal::TooLarge(_) => Kind::TooLarge,
            Refusal::ByFilter { .. } if refusal.is_temporary() => Kind::TryLater,
            Refusal::BadMessage(_)
            | Refusal::Rejected(_)
            | Refusal::NotAuthenticated(_)
            | Refusal::Infected(_)
            | Refusal::ByFilter { .. } => Kind::BadMessage,
            Refusal::BadCredentials => Kind::BadCredentials,
            Refusal::CodeNeeded => Kind::CodeNeeded,
            Refusal::Exists { .. } => Kind::Exists,
            Refusal::InUse(_) => Kind::InUse,
            Refusal::Changed => Kind::Changed,
            Refusal::Invalid { field, problem } => return Self::new(Kind::Invalid, problem.clone()).at(*field),
            Refusal::LimitReached(_) => Kind::LimitReached,
            Refusal::NoRoom | Refusal::PutOff(_) => Kind::TryLater,
            Refusal::TryLater { after } => {
                return Self {
                    retry_after: *after,
                    ..Self::new(Kind::TryLater, detail)
                };
            }
        };
        Self::new(kind, detail)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.spelled().2
    }

    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status_code());
        reply.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        if self.status_code() == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: a 401 names the scheme.
            reply.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(after) = self.retry_after {
            reply.insert_header((RETRY_AFTER, after.as_secs().max(1)));
        }
        reply.json(self.document())
    }
}

/// An error (RFC 9457). `type` is stable and made for programs, `detail` is made for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:posthouse:problem:invalid", "title": "A value is invalid", "status": 422,
    "detail": "unknown field `adress`, expected `address` or `destinations`", "field": "adress"
}))]
pub(super) struct Document {
    /// What kind of problem it is: `urn:posthouse:problem:…`, see the list in the description of this document.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// The status of the reply.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// The field of the request at fault, where one is: a path such as `destinations[2]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// What an operation may answer that asks who is calling.
pub(super) struct Problems;

/// What an operation may answer besides if it takes a JSON body.
pub(super) struct BodyProblems;

/// What an operation may answer that asks nobody who they are.
pub(super) struct OpenProblems;

/// What the question for readiness may answer.
pub(super) struct ReadyProblems;

/// What an operation may answer besides if something can stand in its way.
pub(super) struct Conflict;

/// What an operation may answer besides if a value of its query can be invalid.
pub(super) struct Invalid;

/// What an operation may answer besides if it changes a resource that can be expected in a state.
pub(super) struct Unexpected;

/// What an operation may answer besides if it can be repeated under a key.
pub(super) struct Repeated;

/// What an operation may answer besides if it sends octets by ranges.
pub(super) struct RangeProblems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            Kind::Malformed,
            Kind::NotAuthenticated,
            Kind::NotPermitted,
            Kind::NotFound,
            Kind::LimitReached,
            Kind::Broken,
            Kind::TryLater,
        ])
    }
}

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::TooSlow, Kind::Exists, Kind::TooLarge, Kind::WrongMediaType, Kind::Invalid])
    }
}

impl IntoResponses for OpenProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[
            Kind::Malformed,
            Kind::BadCredentials,
            Kind::Disabled,
            Kind::LimitReached,
            Kind::Broken,
            Kind::TryLater,
        ])
    }
}

impl IntoResponses for ReadyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::Broken, Kind::TryLater])
    }
}

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::InUse])
    }
}

impl IntoResponses for Invalid {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::Invalid])
    }
}

impl IntoResponses for Unexpected {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::Changed])
    }
}

impl IntoResponses for Repeated {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::TooSlow, Kind::StillRunning, Kind::KeyReused])
    }
}

impl IntoResponses for RangeProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        documented(&[Kind::BadRange])
    }
}

fn documented(kinds: &[Kind]) -> BTreeMap<String, RefOr<Response>> {
    let response = |kind: &Kind| {
        let (name, title, status) = kind.spelled();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(
            serde_json::json!({"type": format!("{URN}{name}"), "title": title, "status": status.as_u16(), "detail": kind.example()}),
        ));
        let response = ResponseBuilder::new().description(title).content(PROBLEM_JSON, content.build());
        (status.as_str().to_owned(), RefOr::T(response.build()))
    };
    kinds.iter().map(response).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_status_and_type() {
        let text = || "x".to_owned();
        for (refusal, status, name) in [
            (Refusal::UnknownRecipient(text()), 404, "not-found"),
            (Refusal::Disabled(text()), 403, "disabled"),
            (Refusal::RelayDenied(text()), 403, "not-permitted"),
            (Refusal::AliasLoop(text()), 422, "alias-loop"),
            (Refusal::OverQuota(text()), 409, "over-quota"),
            (Refusal::TooLarge(1), 413, "too-large"),
            (
                Refusal::NotYourAddress {
                    login: text(),
                    sender: text(),
                },
                403,
                "not-permitted",
            ),
            (Refusal::BadMessage(text()), 422, "bad-message"),
            (Refusal::Rejected(text()), 422, "bad-message"),
            (Refusal::BadCredentials, 401, "bad-credentials"),
            (Refusal::CodeNeeded, 401, "code-needed"),
            (Refusal::NotPermitted(text()), 403, "not-permitted"),
            (
                Refusal::NotFound {
                    what: "user",
                    name: text(),
                },
                404,
                "not-found",
            ),
            (
                Refusal::Exists {
                    what: "user",
                    name: text(),
                },
                409,
                "exists",
            ),
            (Refusal::InUse(text()), 409, "in-use"),
            (Refusal::Changed, 412, "changed"),
            (
                Refusal::Invalid {
                    field: "address",
                    problem: text(),
                },
                422,
                "invalid",
            ),
            (Refusal::LimitReached(text()), 429, "limit-reached"),
            (Refusal::LATER, 503, "try-later"),
        ] {
            let problem = Problem::from(refusal);
            let document = problem.document();
            assert_eq!((document.status, document.r#type), (status, format!("{URN}{name}")));
            assert_eq!(problem.error_response().headers().get(CONTENT_TYPE).unwrap(), PROBLEM_JSON);
        }
    }

    #[test]
    fn a_reply_says_what_helps_the_client() {
        let wait = Problem::from(Refusal::TryLater {
            after: Some(Duration::from_secs(7)),
        })
        .error_response();
        assert_eq!(wait.headers().get(RETRY_AFTER).unwrap(), "7");
        assert_eq!(
            Problem::from(Refusal::BadCredentials)
                .error_response()
                .headers()
                .get(WWW_AUTHENTICATE)
                .unwrap(),
            "Bearer"
        );
        let invalid = Problem::from(Refusal::Invalid {
            field: "address",
            problem: "it has no @".to_owned(),
        });
        assert_eq!(invalid.document().field.as_deref(), Some("address"));
    }
}
