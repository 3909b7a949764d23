use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::id::MessageId;
use super::summary::{Correspondent, MessageSummary, Shelf};
use super::{Opened, html, open};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::mail::mailbox::{PREVIEW, Summary};
use crate::model::refusal::Refusal;
use crate::wire::message::authentication;
use crate::wire::message::structure::Structure;
use crate::wire::message::view::{self, Heading, View};

/// The most octets of text, and of HTML, that are shown. The raw message has the rest.
const SHOWN: usize = 1_048_576;

/// A message, decoded.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Message {
    #[serde(flatten)]
    summary: MessageSummary,
    reply_to: Vec<Correspondent>,
    bcc: Vec<Correspondent>,
    /// In-Reply-To, without angle brackets.
    in_reply_to: Vec<String>,
    /// References, without angle brackets, the oldest first.
    references: Vec<String>,
    /// Every header field in order, decoded.
    headers: Vec<HeaderField>,
    /// The plain text; made from the HTML if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The HTML, cleaned of everything that runs, loads a frame or sends a form. Pictures keep their `cid:` and `https:` addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    /// Whether text or HTML were too long to be shown whole.
    truncated: bool,
    /// All that is not text or HTML of the message.
    attachments: Vec<Attachment>,
    /// What this server found out about who sent it, as it noted when the message came in; what others noted is left out.
    authentication: Vec<Authentication>,
}

/// The result of a check (RFC 8601 §2.2).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"method": "dkim", "result": "pass", "properties": [{"name": "header.d", "value": "elsewhere.test"}]}))]
pub(in crate::api) struct Authentication {
    /// Such as `spf`, `dkim`, `dmarc`, `arc`, `iprev`.
    method: String,
    /// Such as `pass`, `fail`, `none`, `softfail`, `temperror`.
    result: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What was checked.
    properties: Vec<AuthenticationProperty>,
}

/// Something that was checked.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "header.d", "value": "elsewhere.test"}))]
pub(in crate::api) struct AuthenticationProperty {
    /// Such as `header.d` or `smtp.mailfrom`.
    name: String,
    value: String,
}

impl From<authentication::Outcome> for Authentication {
    fn from(outcome: authentication::Outcome) -> Self {
        let property = |(name, value)| AuthenticationProperty { name, value };
        Self {
            method: outcome.method,
            result: outcome.result,
            reason: outcome.reason,
            properties: outcome.properties.into_iter().map(property).collect(),
        }
    }
}

/// A header field.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "Subject", "value": "Hello"}))]
pub(in crate::api) struct HeaderField {
    name: String,
    value: String,
}

/// An attachment.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"n": 1, "name": "report.pdf", "type": "application/pdf", "size": 48_213, "inline": false}))]
pub(in crate::api) struct Attachment {
    /// Its number, from 1: `…/attachments/{n}`.
    n: u32,
    /// The name that the sender gave it. It is no safe name of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The media type that the sender gave it.
    r#type: String,
    /// Octets, decoded.
    size: u64,
    /// Whether it is meant to be shown with the text.
    inline: bool,
    /// What `cid:` addresses in the HTML call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_id: Option<String>,
}

impl Message {
    /// The message, in the state that changes can name.
    pub(super) fn tagged(self) -> Tagged<Self> {
        Tagged(self.summary.revision(), self)
    }
}

impl From<view::Attachment> for Attachment {
    fn from(attachment: view::Attachment) -> Self {
        Self {
            n: attachment.n,
            name: attachment.filename,
            r#type: attachment.media_type,
            size: attachment.size,
            inline: attachment.inline,
            content_id: attachment.content_id,
        }
    }
}

/// Show a message
///
/// Decoded: header, text, cleaned HTML, the list of attachments. Reading it here does not mark it as seen. For the user and for
/// server administrators.
#[utoipa::path(
    operation_id = "show_message", tag = "messages", security(("bearer" = ["messages:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17")
    ),
    responses((status = 200, description = "The message.", body = Message), Problems)
)]
#[get("/users/{address}/messages/{message_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Tagged<Message>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let message = house.run(|house| async move {
        let opened = open(&house, &login, id).await?;
        read(&house, &opened).await
    });
    Ok(message.await?.tagged())
}

/// The message for people.
pub(super) async fn read(house: &House, opened: &Opened) -> Result<Message, Refusal> {
    let hostname = house.hostname.clone();
    let parts = house.whole(&opened.file, move |octets| parts(octets, &hostname)).await?;
    let threads = opened.mailbox.threads(&[opened.meta.uid]).await?;
    // A message that went in between has no thread any more.
    let thread = threads.first().map(|(_, thread)| *thread).ok_or_else(|| opened.gone())?;
    let summary = Summary {
        heading: parts.heading,
        has_attachments: parts.has_attachments,
        preview: parts.preview,
        thread,
    };
    let people = |list: Vec<view::Mailbox>| list.into_iter().map(Correspondent::from).collect();
    let view = parts.view;
    Ok(Message {
        summary: MessageSummary::new(&Shelf::of(&opened.mailbox), &opened.meta, &summary),
        reply_to: people(view.reply_to),
        bcc: people(view.bcc),
        in_reply_to: view.in_reply_to,
        references: view.references,
        headers: view.headers.into_iter().map(|(name, value)| HeaderField { name, value }).collect(),
        text: view.text,
        html: view.html,
        truncated: parts.truncated,
        attachments: view.attachments.into_iter().map(Attachment::from).collect(),
        authentication: parts.authentication.into_iter().map(Authentication::from).collect(),
    })
}

/// A message read; the HTML is clean.
struct Parts {
    heading: Heading,
    has_attachments: bool,
    preview: String,
    view: View,
    truncated: bool,
    authentication: Vec<authentication::Outcome>,
}

fn parts(octets: &[u8], hostname: &str) -> Parts {
    let structure = Structure::parse(octets);
    let mut view = View::new(octets, &structure);
    let mut truncated = false;
    for text in [&mut view.text, &mut view.html].into_iter().flatten() {
        truncated |= cut(text);
    }
    view.html = view.html.map(|html| html::clean(&html));
    Parts {
        heading: Heading::new(&structure.envelope, usize::MAX),
        has_attachments: view::has_attachments(&structure),
        preview: view::preview(octets, &structure, PREVIEW),
        view,
        truncated,
        authentication: authentication::results(octets, hostname),
    }
}

/// Cuts a text that is too long; whether it was.
fn cut(text: &mut String) -> bool {
    let long = text.len() > SHOWN;
    if long {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.shrink_to_fit();
    }
    long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_cleaned_and_long_texts_are_cut() {
        let message = b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p onclick=x()>Hi<script>y()</script></p>";
        let parts = parts(message, "mail.house.test");
        assert_eq!(parts.view.html.as_deref(), Some("<p>Hi</p>"));
        assert!(!parts.truncated);
        let mut text = "ü".repeat(SHOWN);
        assert!(cut(&mut text));
        assert_eq!(text.len(), SHOWN);
    }
}
