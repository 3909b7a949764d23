//! `GET /metrics`: the numbers for Prometheus, to those who may read them.

use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, FORWARDED, HeaderName};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::BoxFuture;

use super::caller;
use super::house::House;
use super::problem::{Kind, Problem};
use crate::model::refusal::Refusal;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A form in which numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, version 0.0.4.
    Text,
}

/// Reads the numbers; the error is for the log.
pub type Metrics = Arc<dyn Fn(Exposition) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// The path of this room. It is for programs that know it, so the document does not list it.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(show));
}

async fn show(request: HttpRequest, house: Data<House>) -> Result<HttpResponse, Problem> {
    if !is_from_allowed_network(&request, &house) {
        caller::reads_server(request.headers(), &house).await?;
    }
    let exposition = Exposition::wanted(&request);
    let asked = house.run_while_asked(|house| async move {
        (house.metrics)(exposition).await.map_err(|reason| {
            tracing::warn!(reason, "the numbers cannot be read");
            Refusal::LATER
        })
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, exposition.content_type()))
        .body(asked.await?))
}

/// Whether the client itself is in one of `metrics.allow_from`: behind a proxy everybody seems to be.
fn is_from_allowed_network(request: &HttpRequest, house: &House) -> bool {
    let passed_on = request.headers().contains_key(FORWARDED) || request.headers().contains_key(X_FORWARDED_FOR);
    let allowed = |peer: std::net::SocketAddr| house.metrics_from.iter().any(|network| network.contains(peer.ip()));
    !passed_on && request.peer_addr().is_some_and(allowed)
}

impl Exposition {
    /// Prometheus asks for OpenMetrics; what asks for nothing gets the older text.
    fn wanted(request: &HttpRequest) -> Self {
        let mut accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
        match accepted.any(|value| value.to_ascii_lowercase().contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Who is not from an allowed network and has no token.
pub(super) fn needs_token() -> Problem {
    Problem::new(
        Kind::NotAuthenticated,
        "the numbers are for the networks of metrics.allow_from, or with 'Authorization: Bearer' of a server administrator",
    )
}
