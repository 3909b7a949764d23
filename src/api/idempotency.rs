//! Requests that may be repeated: a POST with an `Idempotency-Key` is done once, and who sends it again gets the same reply.
//!
//! What makes a request the same is its caller, path, query, type, length and the first octets of its body, as many as a JSON body may
//! have. It is done to the end even if the client goes away. A reply that failed is not kept, since nothing was changed; of one that
//! shows a secret only that it was given.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::stream::{self, StreamExt};
use tracing::Instrument;

use super::body::BODY_TIME;
use super::caller;
use super::house::House;
use super::problem::{Kind, Problem};
use super::reply::ShownOnce;
use crate::mail::repeats::{Answer, Begun, Turn};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const KEY: usize = 255;

/// The headers that are a part of the reply, not of its way.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, ETAG];

/// Does a request with a key once.
pub(super) async fn once(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let keyed = match keyed(&request) {
        Ok(keyed) => keyed,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let Some(Keyed { house, caller, key }) = keyed else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let content = match content(&mut request, house.settings.max_json_bytes).await {
        Ok(content) => content,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let begun = house
        .run(|house| async move { house.repeats.begin(&caller, &key, &content).await })
        .await;
    let reply = match begun {
        Ok(Begun::First(turn)) => {
            // A task of its own: that the client goes away ends the request, but not the work.
            let work = async move { settle(&house, turn, next.call(request).await?).await };
            let done = actix_web::rt::spawn(work.instrument(tracing::Span::current())).await;
            return done.unwrap_or_else(|error| Err(Problem::broken(&error).into()));
        }
        Ok(Begun::Answered(answer)) => again(answer),
        Ok(Begun::Running) => Problem::new(Kind::StillRunning, "the first request with this key is still at work").error_response(),
        Ok(Begun::Different) => {
            let detail = "this key was used for another request; a new request needs a new key";
            Problem::new(Kind::KeyReused, detail).at("idempotency-key").error_response()
        }
        Err(problem) => problem.error_response(),
    };
    Ok(request.into_response(reply))
}

struct Keyed {
    house: Data<House>,
    caller: String,
    key: String,
}

/// The key of a request that has one, and somebody who sends it.
fn keyed(request: &ServiceRequest) -> Result<Option<Keyed>, Problem> {
    let (true, Some(key)) = (request.method() == Method::POST, request.headers().get(IDEMPOTENCY_KEY)) else {
        return Ok(None);
    };
    let (Some(house), Some(caller)) = (request.app_data::<Data<House>>(), caller::name(request)) else {
        return Ok(None);
    };
    let text = key.to_str().unwrap_or_default().trim();
    let key = text.trim_matches('"');
    // The quotes count: the document knows nothing of them.
    if key.is_empty() || text.len() > KEY {
        let detail = format!("an Idempotency-Key has between 1 and {KEY} visible ASCII characters");
        return Err(Problem::new(Kind::Malformed, detail).at("idempotency-key"));
    }
    Ok(Some(Keyed {
        house: house.clone(),
        caller,
        key: key.to_owned(),
    }))
}

/// All that makes the request this one. The body is put back.
async fn content(request: &mut ServiceRequest, most: usize) -> Result<Vec<u8>, Problem> {
    let mut rest = request.take_payload();
    let begin = tokio::time::timeout(BODY_TIME, begin_of(&mut rest, most))
        .await
        .map_err(|_| Problem::new(Kind::TooSlow, "the body did not come in time"))?
        .map_err(|error| Problem::new(Kind::Malformed, format!("the body broke off: {error}")))?;
    let header = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    let head = [
        request.method().as_str().as_bytes(),
        request.uri().to_string().as_bytes(),
        header(CONTENT_TYPE),
        header(CONTENT_LENGTH),
    ]
    .join(&b'\n');
    let content = [&head, &begin[..]].join(&b'\n');
    let whole = stream::once(async move { Ok(begin) }).chain(rest);
    request.set_payload(Payload::Stream { payload: Box::pin(whole) });
    Ok(content)
}

/// The first octets, some more than `most` if there are as many.
async fn begin_of(payload: &mut Payload, most: usize) -> Result<Bytes, PayloadError> {
    let mut begin = BytesMut::new();
    while begin.len() <= most {
        match payload.next().await {
            Some(piece) => begin.extend_from_slice(&piece?),
            None => break,
        }
    }
    Ok(begin.freeze())
}

/// Keeps the reply of a request that was done.
async fn settle(
    house: &Data<House>,
    turn: Turn,
    reply: ServiceResponse<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (request, reply) = reply.into_parts();
    let (reply, body) = reply.into_parts();
    let (body, octets) = match body.boxed().try_into_bytes() {
        Ok(octets) => (octets.clone().boxed(), Some(octets)),
        Err(streamed) => (streamed, None),
    };
    let answer = reply.status().is_success().then(|| Answer {
        status: reply.status().as_u16(),
        headers: kept(reply.headers()),
        body: octets
            .filter(|_| !reply.extensions().contains::<ShownOnce>())
            .map(|octets| octets.to_vec()),
    });
    let noted = house.run(|house| async move {
        match answer {
            Some(answer) => house.repeats.finish(turn, answer).await,
            None => house.repeats.give_up(turn).await,
        }
    });
    if let Err(problem) = noted.await {
        tracing::warn!(%problem, "the reply to a request with an Idempotency-Key is not kept");
    }
    Ok(ServiceResponse::new(request, reply.set_body(body)))
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    KEPT.iter().filter_map(|name| Some((name.to_string(), text(name)?))).collect()
}

/// The reply once more.
fn again(answer: Answer) -> HttpResponse {
    let Some(body) = answer.body else {
        let at = answer.headers.iter().find(|(name, _)| *name == LOCATION.as_str());
        let at = at.map(|(_, path)| format!(": see {path}")).unwrap_or_default();
        let detail = format!("this was done already, and its reply is not shown again{at}");
        return Problem::new(Kind::DoneAlready, detail).error_response();
    };
    let mut reply = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    for header in answer.headers {
        reply.insert_header(header);
    }
    reply.insert_header((REPLAYED, "true")).body(body)
}
