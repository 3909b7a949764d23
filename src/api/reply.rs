//! What goes out when all went well.

use actix_web::body::BoxBody;
use actix_web::http::header::{CACHE_CONTROL, ContentType, ETAG, HeaderName, LINK, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::body::Json;
use super::problem::Problem;
use super::{page, tag};
use crate::model::revision::Revision;

/// The base of all resources.
pub(super) const BASE: &str = "/api/v1";

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What is escaped in a segment of a path: all but RFC 3986 §3.3's pchar, of which the sub-delims are escaped too, but for `+`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+');

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        represent(request, StatusCode::OK, None, &self.0)
    }
}

/// A resource that is changed as a whole, in the state of its revision.
pub(super) struct Tagged<T>(pub Revision, pub T);

impl<T: Serialize> Responder for Tagged<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        represent(request, StatusCode::OK, Some(self.0), &self.1)
    }
}

/// 201 with the resource and where it is.
pub(super) struct Created<T> {
    location: String,
    revision: Option<Revision>,
    resource: T,
}

impl<T> Created<T> {
    /// `collection` is the path below the base, such as `users`; `key` the last segment, not yet escaped.
    pub fn new(collection: &str, key: &str, resource: T) -> Self {
        Self {
            location: format!("{BASE}/{collection}/{}", segment(key)),
            revision: None,
            resource,
        }
    }

    /// The same in a state that changes can name.
    pub fn tagged(self, revision: Revision) -> Self {
        Self {
            revision: Some(revision),
            ..self
        }
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut reply = represent(request, StatusCode::CREATED, self.revision, &self.resource);
        if let Ok(location) = self.location.parse() {
            reply.headers_mut().insert(LOCATION, location);
        }
        reply
    }
}

/// The answer to a PUT: 201 if it made the resource, 200 if it replaced it.
pub(super) enum Put<T> {
    Created(Created<T>),
    Replaced(Tagged<T>),
}

impl<T> Put<T> {
    /// `collection` and `key` as for [`Created::new`].
    pub fn new(is_new: bool, (collection, key): (&str, &str), revision: Revision, shown: T) -> Self {
        match is_new {
            true => Self::Created(Created::new(collection, key, shown).tagged(revision)),
            false => Self::Replaced(Tagged(revision, shown)),
        }
    }
}

impl<T: Serialize> Responder for Put<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Created(created) => created.respond_to(request),
            Self::Replaced(resource) => resource.respond_to(request),
        }
    }
}

/// A reply with a secret that is shown this once: it is given whole, and never again.
pub(super) struct Once<R>(pub R);

/// Marks such a reply.
pub(super) struct ShownOnce;

impl<R: Responder<Body = BoxBody>> Responder for Once<R> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        request.extensions_mut().insert(ShownOnce);
        let mut reply = self.0.respond_to(request);
        reply.extensions_mut().insert(ShownOnce);
        reply
    }
}

/// A segment of a path, escaped.
pub(super) fn segment(key: &str) -> impl std::fmt::Display {
    utf8_percent_encode(key, SEGMENT)
}

/// What is shown of a resource or a list, with the headers that belong to it; 304 if the client has it already, nothing of it if the
/// client would rather not have it.
fn represent<T: Serialize>(request: &HttpRequest, status: StatusCode, revision: Option<Revision>, shown: &T) -> HttpResponse {
    let octets = match serde_json::to_vec(shown) {
        Ok(octets) => octets,
        Err(error) => return Problem::broken(&error).error_response(),
    };
    let mut reply = HttpResponse::build(status);
    let is_read = request.method() == Method::GET;
    // RFC 9110 §9.3.4: the answer to a PUT has no validator where more is kept than was sent.
    if is_read || revision.is_some() && request.method() != Method::PUT {
        let tag = tag::of(revision, &octets);
        reply.insert_header((ETAG, tag.as_str()));
        if is_read {
            reply.insert_header((CACHE_CONTROL, "private, no-cache"));
            if tag::is_known(request.headers(), &tag) {
                return reply.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
    }
    if is_read && let Some(link) = page::next_link(request, &octets) {
        reply.insert_header((LINK, link));
    }
    let is_resource = revision.is_some() || status == StatusCode::CREATED;
    if !is_read && is_resource && wants_minimal(request) {
        reply.insert_header((PREFERENCE_APPLIED, "return=minimal"));
        let status = if status == StatusCode::OK { StatusCode::NO_CONTENT } else { status };
        return reply.status(status).finish();
    }
    reply.content_type(ContentType::json()).body(octets)
}

/// RFC 7240 §4.2.
fn wants_minimal(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(PREFER).filter_map(|line| line.to_str().ok());
    let mut wishes = lines.flat_map(|line| line.split([',', ';']));
    let minimal = wishes.any(|wish| {
        let wish: String = wish.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        wish.eq_ignore_ascii_case("return=minimal")
    });
    minimal && !request.extensions().contains::<ShownOnce>()
}

/// 204: done, and there is nothing to show.
pub(super) struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// For the document: octets that are no JSON, such as a message or an attachment.
pub(super) struct Octets;

impl PartialSchema for Octets {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Octets {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path() {
        let location = |key| Created::new("aliases", key, ()).location;
        assert_eq!(location("@example.test"), "/api/v1/aliases/@example.test");
        assert_eq!(location("a/b+c d@example.test"), "/api/v1/aliases/a%2Fb+c%20d@example.test");
    }
}
