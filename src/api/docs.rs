//! `GET /openapi.json`, and the documentation page at `/docs`, which loads nothing from elsewhere.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use actix_web::web::{self, Path};
use actix_web::{HttpResponse, Responder};
use utoipa_swagger_ui::Config;

use super::field::not_found;
use super::openapi;
use super::problem::Problem;

/// What the page may do: be itself. Swagger UI sets styles inline and has pictures as `data:`.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

static JSON: LazyLock<String> = LazyLock::new(openapi::json);

/// The paths of this room. They are for people and generators, so the document does not list them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(document))
        .route("/docs", web::get().to(entrance))
        .route("/docs/{file:.*}", web::get().to(page));
}

async fn document() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(JSON.as_str())
}

/// The page's own links are relative to `/docs/`.
async fn entrance() -> impl Responder {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

async fn page(file: Path<String>) -> Result<HttpResponse, Problem> {
    // The validator of Swagger UI is a service elsewhere: off.
    let config = Config::from("/openapi.json")
        .validator_url("none")
        .display_operation_id(true)
        .persist_authorization(false);
    match utoipa_swagger_ui::serve(&file, config.into()) {
        Ok(Some(found)) => Ok(HttpResponse::Ok()
            .content_type(found.content_type)
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(found.bytes.into_owned())),
        Ok(None) => Err(not_found("page", &file)),
        Err(error) => Err(Problem::broken(&*error)),
    }
}
