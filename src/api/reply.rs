//! What goes out when all went well.

use actix_web::body::BoxBody;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, Responder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::body::Json;

/// The base of all resources.
pub(super) const BASE: &str = "/api/v1";

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

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

/// 201 with the resource and where it is.
pub(super) struct Created<T> {
    location: String,
    resource: T,
}

impl<T> Created<T> {
    /// `collection` is the path below the base, such as `users`; `key` the last segment, not yet escaped.
    pub fn new(collection: &str, key: &str, resource: T) -> Self {
        Self {
            location: format!("{BASE}/{collection}/{}", utf8_percent_encode(key, SEGMENT)),
            resource,
        }
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().insert_header((LOCATION, self.location)).json(self.resource)
    }
}

/// The answer to a PUT: 201 if it made the resource, 200 if it replaced it.
pub(super) enum Put<T> {
    Created(Created<T>),
    Replaced(T),
}

impl<T: Serialize> Responder for Put<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Created(created) => created.respond_to(request),
            Self::Replaced(resource) => HttpResponse::Ok().json(resource),
        }
    }
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
