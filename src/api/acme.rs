//! What an authority reads that looks whether a name is this server's (RFC 8555 §8.3). It is no part of the API, and not in its document.

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};

use super::house::House;
use super::problem::{Kind, Problem};

/// Where it looks.
pub(super) const PATH: &str = "/.well-known/acme-challenge/{token}";

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route(PATH, web::get().to(answer));
}

async fn answer(house: Data<House>, token: Path<String>) -> HttpResponse {
    let Some(acme) = house.acme.clone() else {
        return nothing();
    };
    let token = token.into_inner();
    let found = house.run(|_| async move { Ok(acme.answer(&token).await?) }).await;
    match found {
        Ok(Some(text)) => HttpResponse::Ok().content_type("application/octet-stream").body(text),
        Ok(None) => nothing(),
        Err(problem) => problem.error_response(),
    }
}

fn nothing() -> HttpResponse {
    Problem::new(Kind::NoSuchPath, "nothing is shown here at this moment").error_response()
}
