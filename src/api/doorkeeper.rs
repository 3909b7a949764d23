//! Whoever is kept out of the other doors is kept out of this one too.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use super::house::House;
use super::problem::{Kind, Problem};

/// Answers a request from an address that is banned or blocked, before anything of it is looked at.
pub(super) async fn turn_away(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let refused = request.app_data::<Data<House>>().and_then(|house| {
        let peer = request.peer_addr()?.ip();
        house.defence.refuses(peer)
    });
    if refused.is_some() {
        let problem = Problem::new(Kind::NotPermitted, "nothing is taken from this address");
        return Ok(request.into_response(problem.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
