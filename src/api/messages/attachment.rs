use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::id::MessageId;
use super::open;
use super::stream::{self, Content};
use crate::api::caller::Caller;
use crate::api::field::{self, Login, not_found};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems, RangeProblems};
use crate::api::reply::Octets;
use crate::wire::message::structure::Structure;
use crate::wire::message::view;

/// RFC 8187 §3.2.1: what of attr-char is no letter or digit stays too.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!');

/// The longest name of a file, in characters.
const NAME: usize = 200;

/// Get an attachment
///
/// Its octets, decoded; with `Range`, those of one range. The media type is the sender's word, so they come as a download that no browser
/// shows. For the user and for server administrators.
#[utoipa::path(
    operation_id = "get_attachment", tag = "messages", security(("bearer" = ["messages:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17"),
        ("n" = u32, Path, description = "The number of the attachment, from 1.", example = 1, minimum = 1),
        ("Range" = Option<String>, Header, description = "One range of octets; of several, all is sent.", example = "bytes=0-499"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of what the client has a part of: if it is another one, all is sent."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what the client has: if it is the same, the answer is 304.")
    ),
    responses(
        (status = 200, description = "The attachment.", body = inline(Octets), content_type = "application/octet-stream",
         headers(("Content-Disposition" = String, description = "`attachment`, with the name of the file."),
                 ("ETag" = String, description = "Names the octets."))),
        (status = 206, description = "The range of it that was asked for.", body = inline(Octets), content_type = "application/octet-stream",
         headers(("Content-Range" = String, description = "Which octets these are."))),
        (status = 304, description = "The client has it already."),
        Problems, RangeProblems
    )
)]
#[get("/users/{address}/messages/{message_id}/attachments/{n}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (address, id, number) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let n: u32 = field::named("attachment", &number)?;
    let found = house.run(|house| async move {
        let opened = open(&house, &login, id).await?;
        let found = house
            .whole(&opened.file, |octets| view::attachments(octets, &Structure::parse(octets)))
            .await?;
        Ok(found
            .into_iter()
            .find(|attachment| attachment.n == n)
            .map(|attachment| (attachment, opened.file)))
    });
    let (attachment, file) = found.await?.ok_or_else(|| not_found("attachment", &number))?;
    let media_type = HeaderValue::from_str(&attachment.media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let content = Content {
        tag: format!("{id}-{}-{n}", file.size()),
        file,
        range: attachment.range,
        encoding: attachment.encoding,
        size: attachment.size,
    };
    let disposition = disposition(attachment.filename.as_deref(), n);
    Ok(stream::answer(&request, house, content, |reply| {
        reply
            .content_type(media_type)
            .insert_header((CONTENT_DISPOSITION, disposition))
            .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    }))
}

/// RFC 6266 §4.3: the name in ASCII for old clients, and in UTF-8. Never a path, never a control character.
fn disposition(name: Option<&str>, n: u32) -> String {
    let name = name.and_then(|name| name.rsplit(['/', '\\']).next()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() {
        return format!("attachment; filename=\"attachment-{n}\"");
    }
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || " .-_()+,".contains(c) {
            c
        } else {
            '_'
        }
    };
    let ascii: String = name.chars().map(plain).collect();
    if ascii == name {
        return format!("attachment; filename=\"{ascii}\"");
    }
    format!(
        "attachment; filename=\"{ascii}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, ATTR_CHAR)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_only_a_name() {
        for (name, expected) in [
            (Some("report.pdf"), r#"attachment; filename="report.pdf""#),
            (Some("../../etc/passwd"), r#"attachment; filename="passwd""#),
            (Some(r"C:\x\y.txt"), r#"attachment; filename="y.txt""#),
            (
                Some("a\"b\r\nX: y.txt"),
                r#"attachment; filename="a_bX_ y.txt"; filename*=UTF-8''a%22bX%3A%20y.txt"#,
            ),
            (
                Some("Größe.txt"),
                r#"attachment; filename="Gr__e.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt"#,
            ),
            (Some(".."), r#"attachment; filename="attachment-3""#),
            (None, r#"attachment; filename="attachment-3""#),
        ] {
            assert_eq!(disposition(name, 3), expected);
        }
    }
}
