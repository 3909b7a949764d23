use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};

use super::id::MessageId;
use super::open;
use super::stream::{self, Content};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems, RangeProblems};
use crate::api::reply::Octets;
use crate::wire::message::transfer::Encoding;

/// Get a message as it is
///
/// The octets of the message, as an `.eml` file has them; with `Range`, those of one range. For the user and for server administrators.
#[utoipa::path(
    operation_id = "get_raw_message", tag = "messages", security(("bearer" = ["messages:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17"),
        ("Range" = Option<String>, Header, description = "One range of octets; of several, all is sent.", example = "bytes=0-499"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of what the client has a part of: if it is another one, all is sent."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what the client has: if it is the same, the answer is 304.")
    ),
    responses(
        (status = 200, description = "The message.", body = inline(Octets), content_type = "message/rfc822",
         headers(("ETag" = String, description = "Names the octets."))),
        (status = 206, description = "The range of it that was asked for.", body = inline(Octets), content_type = "message/rfc822",
         headers(("Content-Range" = String, description = "Which octets these are."))),
        (status = 304, description = "The client has it already."),
        Problems, RangeProblems
    )
)]
#[get("/users/{address}/messages/{message_id}/raw")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let opened = house.run(|house| async move { open(&house, &login, id).await }).await?;
    let size = opened.file.size();
    let content = Content {
        file: opened.file,
        range: 0..size,
        encoding: Encoding::Identity,
        size,
        tag: format!("{id}-{size}"),
    };
    Ok(stream::answer(&request, house, content, |reply| {
        reply.content_type("message/rfc822");
    }))
}
