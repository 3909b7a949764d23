//! One id for each request: in every reply, and in every line that is logged for it.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::{Instrument, Span, field};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Clone)]
pub(super) struct RequestId(pub String);

/// The span of a request: for log lines by id, method and path. What stands in traces besides is told when all is known of it.
fn span_of(id: &str, request: &ServiceRequest) -> Span {
    tracing::info_span!(
        "http",
        request_id = %id,
        method = %request.method(),
        path = %request.path(),
        otel.kind = field::Empty,
        otel.name = field::Empty,
        otel.status_code = field::Empty,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
    )
}

/// Names the span as OpenTelemetry would have it, by the route. No line is logged in it any more that would have all of this in front.
fn tell_traces(span: &Span, reply: &ServiceResponse<impl MessageBody>) {
    let request = reply.request();
    span.record("otel.kind", "server");
    if let Some(route) = request.match_pattern() {
        span.record("otel.name", field::display(format_args!("{} {route}", request.method())));
        span.record("http.route", route);
    }
    span.record("http.response.status_code", reply.status().as_u16());
    if reply.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Gives the request its id and its span, and sets the headers that every reply has.
pub(super) async fn stamp(mut request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = uuid::Uuid::now_v7().to_string();
    let span = span_of(&id, &request);
    if request.method() == Method::HEAD {
        // RFC 9110 §9.3.2: the answer to HEAD is that to GET; the connection leaves the body out.
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let begun = Instant::now();
    let mut reply = next.call(request).instrument(span.clone()).await?;
    let milliseconds = begun.elapsed().as_millis();
    span.in_scope(|| tracing::debug!(status = reply.status().as_u16(), milliseconds, "answered"));
    // Without traces nobody would read it.
    if cfg!(feature = "otel") {
        tell_traces(&span, &reply);
    }
    let headers = reply.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        // Answers are about people's mail: no cache between keeps them (RFC 9111 §5.2.2.5).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(reply)
}
