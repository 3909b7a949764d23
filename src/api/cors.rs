//! Pages of other origins that may use the API from a browser (the Fetch standard, CORS protocol): none unless it is configured.

use actix_cors::Cors;

/// The headers of replies that such a page may read, besides those that every page may.
const EXPOSED: [&str; 9] = [
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Preference-Applied",
    "Idempotency-Replayed",
    "X-Request-Id",
];

/// For how many seconds a browser need not ask again.
const MAX_AGE: usize = 3600;

/// What tells browsers that pages of these origins are welcome. They log in by a token, so cookies are not asked for.
pub(super) fn allow(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allow_any_header()
        .expose_headers(EXPOSED)
        .max_age(MAX_AGE)
        .block_on_origin_mismatch(false);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
