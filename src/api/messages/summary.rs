//! What a list shows of a message.

use serde::Serialize;
use utoipa::ToSchema;

use super::id::MessageId;
use crate::api::time::Time;
use crate::mail::mailbox::Mailbox;
use crate::model::mailbox::{Flags, MessageMeta};
use crate::wire::message::header::{decode_text, sent_at};
use crate::wire::message::structure::Envelope;
use crate::wire::message::view;

/// A message, as a list shows it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq-17", "mailbox_id": "01jzc8m3f9xkq", "mailbox": "INBOX", "uid": 17, "size": 2431,
    "received_at": "2026-11-23T20:19:30Z", "seen": false, "flagged": false, "answered": false, "forwarded": false, "draft": false,
    "deleted": false, "keywords": [], "subject": "Hello", "from": [{"name": "Bob", "address": "bob@elsewhere.test"}],
    "to": [{"address": "alice@example.test"}], "cc": [], "date": "2026-11-23T20:19:28Z"
}))]
pub(super) struct MessageSummary {
    /// Its id: changes only when the message is moved.
    id: String,
    /// The id of the mailbox that it is in.
    mailbox_id: String,
    /// The name of that mailbox.
    mailbox: String,
    /// Its number in the mailbox.
    #[schema(value_type = u64)]
    uid: u32,
    /// Octets.
    size: u64,
    /// When it came in.
    received_at: Time,
    seen: bool,
    flagged: bool,
    answered: bool,
    forwarded: bool,
    draft: bool,
    /// Marked for removal by an IMAP client.
    deleted: bool,
    /// Further marks, such as `$Junk` or a client's labels.
    keywords: Vec<String>,
    /// The subject, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    from: Vec<Correspondent>,
    to: Vec<Correspondent>,
    cc: Vec<Correspondent>,
    /// When it was written, as the message says; absent if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Time>,
}

/// Somebody who wrote or got a message.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "Bob", "address": "bob@elsewhere.test"}))]
pub(super) struct Correspondent {
    /// The name for people, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The address. It is what the message says, so it may be none.
    address: String,
}

impl From<view::Mailbox> for Correspondent {
    fn from(mailbox: view::Mailbox) -> Self {
        Self {
            name: mailbox.name,
            address: mailbox.address,
        }
    }
}

impl MessageSummary {
    /// Of a message of this mailbox, with at most so many addresses a field.
    pub fn new(mailbox: &Mailbox, meta: &MessageMeta, envelope: &Envelope, addresses: usize) -> Self {
        let info = mailbox.info();
        let has = |flag| meta.flags.contains(flag);
        let people = |list| view::mailboxes(list).into_iter().take(addresses).map(Correspondent::from).collect();
        Self {
            id: MessageId {
                mailbox: info.id,
                uid: meta.uid,
            }
            .to_string(),
            mailbox_id: info.id.to_string(),
            mailbox: info.name.to_string(),
            uid: meta.uid.0,
            size: meta.size,
            received_at: Time(meta.internal_date),
            seen: has(Flags::SEEN),
            flagged: has(Flags::FLAGGED),
            answered: has(Flags::ANSWERED),
            forwarded: has(Flags::FORWARDED),
            draft: has(Flags::DRAFT),
            deleted: has(Flags::DELETED),
            keywords: keywords(meta.flags, &mailbox.keywords()),
            subject: envelope.subject.as_deref().map(decode_text),
            from: people(&envelope.from),
            to: people(&envelope.to),
            cc: people(&envelope.cc),
            date: envelope.date.as_deref().and_then(sent_at).map(Time),
        }
    }
}

fn keywords(flags: Flags, names: &[String]) -> Vec<String> {
    flags
        .keywords()
        .filter_map(|index| names.get(usize::from(index)).cloned())
        .collect()
}
