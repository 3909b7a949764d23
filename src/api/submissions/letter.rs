//! A message to be sent, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::body::present;
use crate::api::field::{self, invalid};
use crate::api::problem::Problem;
use crate::model::account::User;
use crate::model::address::EmailAddress;
use crate::model::mailbox::MailboxName;
use crate::wire::message::letter::{Enclosure, Letter, Person, is_media_type};

/// The longest subject, and the longest value of a header field, in octets.
const TEXT: usize = 10_000;
/// The longest name of a file, in octets: it must fit a line when it is encoded.
const FILE_NAME: usize = 255;
/// The longest Message-ID, in octets (RFC 5322 §2.1.1).
const MESSAGE_ID: usize = 900;
/// The most attachments, header fields, and ids of a message.
const MOST: usize = 1_000;

/// Fields that are made of others here, or that servers write.
const RESERVED: [&str; 18] = [
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "authentication-results",
    "arc-seal",
];

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from": {"name": "Alice", "address": "alice@example.test"}, "to": [{"name": "Bob", "address": "bob@elsewhere.test"}],
    "subject": "Your report", "text": "Here it is.\n", "save_to": "Sent",
    "attachments": [{"name": "report.txt", "type": "text/plain", "content": "SGVsbG8K"}]
}))]
pub(in crate::api) struct NewSubmission {
    /// Who writes; the user if absent. It must be an address that the user may send with.
    #[serde(default, deserialize_with = "present")]
    from: Option<NewPerson>,
    /// Who gets it.
    #[serde(default)]
    #[schema(max_items = 1000)]
    to: Vec<NewPerson>,
    /// Who gets a copy.
    #[serde(default)]
    #[schema(max_items = 1000)]
    cc: Vec<NewPerson>,
    /// Who gets a copy that the others do not know of.
    #[serde(default)]
    #[schema(max_items = 1000)]
    bcc: Vec<NewPerson>,
    /// Who gets the answers, if it is not who writes.
    #[serde(default)]
    #[schema(max_items = 1000)]
    reply_to: Vec<NewPerson>,
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 10_000)]
    subject: Option<String>,
    /// The plain text.
    #[serde(default, deserialize_with = "present")]
    text: Option<String>,
    /// The HTML; send a plain text too, for those who cannot show it.
    #[serde(default, deserialize_with = "present")]
    html: Option<String>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    attachments: Vec<NewAttachment>,
    /// Further fields of the header, such as `List-Unsubscribe`.
    #[serde(default)]
    #[schema(max_items = 1000)]
    headers: Vec<NewHeader>,
    /// The Message-ID of what it answers, with or without angle brackets.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 900)]
    in_reply_to: Option<String>,
    /// The Message-IDs of the conversation so far, the oldest first; that of `in_reply_to` if absent.
    #[serde(default)]
    #[schema(max_items = 1000)]
    references: Vec<String>,
    /// The name of the mailbox that a copy is put into, such as `Sent`; no copy is kept if absent.
    #[serde(default, deserialize_with = "present")]
    pub save_to: Option<String>,
}

/// Somebody who writes or gets a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Bob", "address": "bob@elsewhere.test"}))]
pub(in crate::api) struct NewPerson {
    /// The name for people.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    name: Option<String>,
    address: String,
}

/// A file that goes with a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "report.txt", "type": "text/plain", "content": "SGVsbG8K"}))]
pub(in crate::api) struct NewAttachment {
    /// Its name.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    name: Option<String>,
    /// Its media type; `application/octet-stream` if absent.
    #[serde(default, deserialize_with = "present")]
    r#type: Option<String>,
    /// Its octets in base64.
    #[schema(format = Byte)]
    content: String,
    /// What the HTML calls it by `cid:`, without angle brackets.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 900)]
    content_id: Option<String>,
    /// Whether it is shown with the HTML and not listed as a file.
    #[serde(default)]
    inline: bool,
}

/// A field of the header.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "List-Unsubscribe", "value": "<https://example.test/unsubscribe>"}))]
pub(in crate::api) struct NewHeader {
    #[schema(max_length = 76)]
    name: String,
    #[schema(max_length = 10_000)]
    value: String,
}

/// A message to be sent, checked.
pub(super) struct Outgoing {
    pub letter: Letter,
    /// Each recipient once, with the field that names it.
    pub recipients: Vec<(String, EmailAddress)>,
    pub save_to: Option<MailboxName>,
}

impl NewSubmission {
    /// The message, by this user, under this Message-ID.
    pub(super) fn read(self, user: &User, message_id: String, now: Timestamp) -> Result<Outgoing, Problem> {
        let from = match (self.from, &user.address) {
            (Some(from), _) => from.read("from")?,
            (None, Some(address)) => Person {
                name: Some(user.display_name.clone()).filter(|name| !name.is_empty()),
                address: address.clone(),
            },
            (None, None) => return Err(invalid("from", "it must say who writes")),
        };
        let (to, cc, bcc) = (people("to", self.to)?, people("cc", self.cc)?, people("bcc", self.bcc)?);
        let recipients = recipients(&[("to", &to), ("cc", &cc), ("bcc", &bcc)]);
        if recipients.is_empty() {
            return Err(invalid("to", "to, cc or bcc must name somebody"));
        }
        let in_reply_to: Vec<String> = self
            .in_reply_to
            .iter()
            .map(|id| read_id("in_reply_to", id))
            .collect::<Result<_, _>>()?;
        let mut references = each("references", self.references, |at, id| read_id(at, &id))?;
        if references.is_empty() {
            references.clone_from(&in_reply_to);
        }
        let text = |name: &str, text: Option<String>| text.map(|text| readable(name, text)).transpose();
        let letter = Letter {
            message_id,
            date: now,
            from,
            to,
            cc,
            bcc,
            reply_to: people("reply_to", self.reply_to)?,
            subject: self.subject.map(|subject| line("subject", subject, TEXT)).transpose()?,
            in_reply_to,
            references,
            fields: each("headers", self.headers, |at, header| header.read(at))?,
            text: text("text", self.text)?,
            html: text("html", self.html)?,
            enclosures: each("attachments", self.attachments, |at, attachment| attachment.read(at))?,
        };
        Ok(Outgoing {
            letter,
            recipients,
            save_to: self.save_to.as_deref().map(save_to).transpose()?,
        })
    }
}

/// The mailbox that a copy is put into.
fn save_to(name: &str) -> Result<MailboxName, Problem> {
    MailboxName::parse(name).map_err(|error| invalid("save_to", error.to_string()))
}

impl NewPerson {
    fn read(self, at: &str) -> Result<Person, Problem> {
        Ok(Person {
            name: self.name.map(|name| field::text(&format!("{at}.name"), name)).transpose()?,
            address: field::value(&format!("{at}.address"), &self.address)?,
        })
    }
}

impl NewHeader {
    fn read(self, at: &str) -> Result<(String, String), Problem> {
        let name_at = format!("{at}.name");
        // RFC 5322 §2.2.
        let is_name = |octet: u8| octet.is_ascii_graphic() && octet != b':';
        if self.name.is_empty() || self.name.len() > 76 || !self.name.bytes().all(is_name) {
            return Err(invalid(
                &name_at,
                "a name is of printable ASCII without ':' and spaces; at most 76 characters",
            ));
        }
        let lower = self.name.to_ascii_lowercase();
        let is_reserved =
            RESERVED.contains(&lower.as_str()) || ["content-", "resent-", "arc-"].iter().any(|begin| lower.starts_with(begin));
        if is_reserved {
            return Err(invalid(
                &name_at,
                format!("{} is not set by hand; it is made of the other fields, or by servers", self.name),
            ));
        }
        Ok((self.name, line(&format!("{at}.value"), self.value, TEXT)?))
    }
}

impl NewAttachment {
    fn read(self, at: &str) -> Result<Enclosure, Problem> {
        let media_type = self.r#type.unwrap_or_else(|| "application/octet-stream".to_owned());
        if !is_media_type(&media_type) {
            return Err(invalid(
                &format!("{at}.type"),
                "right would be a media type such as application/pdf",
            ));
        }
        let content_at = format!("{at}.content");
        let content: String = self.content.split_ascii_whitespace().collect();
        let content = STANDARD
            .decode(content)
            .map_err(|error| invalid(&content_at, format!("it is no base64: {error}")))?;
        let enclosure = Enclosure {
            name: self.name.map(|name| line(&format!("{at}.name"), name, FILE_NAME)).transpose()?,
            media_type,
            content_id: self.content_id.map(|id| read_id(&format!("{at}.content_id"), &id)).transpose()?,
            inline: self.inline,
            content,
        };
        enclosure.check().map_err(|error| invalid(&content_at, error.to_string()))?;
        Ok(enclosure)
    }
}

fn people(name: &str, list: Vec<NewPerson>) -> Result<Vec<Person>, Problem> {
    each(name, list, |at, person| person.read(at))
}

fn recipients(lists: &[(&str, &[Person])]) -> Vec<(String, EmailAddress)> {
    let mut all: Vec<(String, EmailAddress)> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (name, list) in lists {
        for (index, person) in list.iter().enumerate() {
            if known.insert(person.address.clone()) {
                all.push((format!("{name}[{index}].address"), person.address.clone()));
            }
        }
    }
    all
}

/// Reads each of a list, which is told where it stands.
fn each<T, U>(name: &str, list: Vec<T>, mut read: impl FnMut(&str, T) -> Result<U, Problem>) -> Result<Vec<U>, Problem> {
    if list.len() > MOST {
        return Err(invalid(name, format!("there may be {MOST}")));
    }
    let read = |(index, item)| read(&format!("{name}[{index}]"), item);
    list.into_iter().enumerate().map(read).collect()
}

/// A Message-ID or Content-ID without angle brackets (RFC 5322 §3.6.4).
fn read_id(at: &str, text: &str) -> Result<String, Problem> {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let is_fine = |c: char| c.is_ascii_graphic() && c != '<' && c != '>';
    if id.is_empty() || id.len() > MESSAGE_ID || !id.chars().all(is_fine) {
        return Err(invalid(at, "right would be an id such as 7f3a@elsewhere.test"));
    }
    Ok(id.to_owned())
}

/// A text on one line.
fn line(at: &str, text: String, most: usize) -> Result<String, Problem> {
    if text.len() > most || text.chars().any(char::is_control) {
        return Err(invalid(
            at,
            format!("it must be one line of at most {most} octets, without control characters"),
        ));
    }
    Ok(text)
}

/// A text of many lines.
fn readable(at: &str, text: String) -> Result<String, Problem> {
    if text.contains('\0') {
        return Err(invalid(at, "it has a NUL character"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::account::Role;
    use crate::model::ids::UserId;

    fn read(body: Value) -> Result<Outgoing, Problem> {
        let user = User {
            id: UserId(1),
            login: "ada@h.test".into(),
            address: "ada@h.test".parse().ok(),
            display_name: "Ada".into(),
            role: Role::User,
            enabled: true,
            quota_bytes: None,
            quota_messages: None,
            retention: Default::default(),
            filter: None,
            labels: Default::default(),
            deleted_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let body: NewSubmission = serde_json::from_value(body).unwrap();
        body.read(&user, "<1@h.test>".into(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_is_absent_is_the_users() {
        let outgoing = read(
            json!({"to": [{"address": "b@x.test"}], "bcc": [{"address": "B@x.test"}, {"address": "c@x.test"}],
            "in_reply_to": "<0@x.test>"}),
        )
        .unwrap();
        assert_eq!(outgoing.letter.from.name.as_deref(), Some("Ada"));
        assert_eq!(outgoing.letter.references, ["0@x.test"]);
        let named: Vec<String> = outgoing.recipients.iter().map(|(at, address)| format!("{at} {address}")).collect();
        assert_eq!(named, ["to[0].address b@x.test", "bcc[1].address c@x.test"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let to = json!([{"address": "b@x.test"}]);
        for (field, value, at) in [
            ("to", json!([]), "to"),
            ("to", json!([{"address": "b"}]), "to[0].address"),
            ("cc", json!([{"address": "b@x.test", "name": "a\nb"}]), "cc[0].name"),
            ("subject", json!("a\r\nBcc: b"), "subject"),
            ("headers", json!([{"name": "Bcc", "value": "x"}]), "headers[0].name"),
            ("headers", json!([{"name": "Content-Type", "value": "x"}]), "headers[0].name"),
            (
                "headers",
                json!([{"name": "X", "value": "x"}, {"name": "X:", "value": "x"}]),
                "headers[1].name",
            ),
            ("headers", json!([{"name": "X", "value": "a\nb"}]), "headers[0].value"),
            ("attachments", json!([{"content": "?"}]), "attachments[0].content"),
            (
                "attachments",
                json!([{"content": "", "type": "multipart/mixed"}]),
                "attachments[0].type",
            ),
            (
                "attachments",
                json!([{"content": "AA==", "type": "message/rfc822"}]),
                "attachments[0].content",
            ),
            ("in_reply_to", json!("a b"), "in_reply_to"),
            ("text", json!("a\0"), "text"),
            ("save_to", json!("a//b"), "save_to"),
        ] {
            let mut body = json!({"to": to});
            body[field] = value;
            let problem = read(body).err().unwrap();
            let detail = problem.to_string();
            assert_eq!(problem, invalid(at, detail), "{field}");
        }
    }
}
