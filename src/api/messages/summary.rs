//! What a list shows of a message.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::id::MessageId;
use crate::api::time::Time;
use crate::mail::mailbox::{Mailbox, Summary};
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::{Flags, MailboxInfo, MessageMeta};
use crate::model::revision::Revision;
use crate::wire::message::view;

/// A message, as a list shows it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq-17", "mailbox_id": "01jzc8m3f9xkq", "mailbox": "INBOX", "uid": 17, "size": 2431,
    "received_at": "2026-11-23T20:19:30Z", "seen": false, "flagged": false, "answered": false, "forwarded": false, "draft": false,
    "deleted": false, "keywords": [], "modseq": 42, "subject": "Hello", "from": [{"name": "Bob", "address": "bob@elsewhere.test"}],
    "to": [{"address": "alice@example.test"}], "cc": [], "date": "2026-11-23T20:19:28Z", "message_id": "7f3a@elsewhere.test",
    "thread_id": "T00000000000000000000000000000017", "has_attachments": false, "preview": "Good morning, Alice"
}))]
pub(super) struct MessageSummary {
    /// Its id: changes only when the message is moved.
    pub id: String,
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
    /// Rises in the mailbox with each change: see its `changes`.
    modseq: u64,
    /// The subject, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    pub from: Vec<Correspondent>,
    to: Vec<Correspondent>,
    cc: Vec<Correspondent>,
    /// When it was written, as the message says; absent if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Time>,
    /// Message-ID, without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// The conversation that it is part of.
    pub thread_id: String,
    /// Whether there are files with it that are not meant to be shown with the text.
    has_attachments: bool,
    /// The begin of the text, on one line.
    preview: String,
}

/// Somebody who wrote or got a message.
#[derive(Clone, Serialize, ToSchema)]
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

impl Correspondent {
    /// Whether it is the same person, as far as the address tells.
    pub fn is(&self, other: &Self) -> bool {
        self.address.eq_ignore_ascii_case(&other.address)
    }
}

impl From<&view::Mailbox> for Correspondent {
    fn from(mailbox: &view::Mailbox) -> Self {
        mailbox.clone().into()
    }
}

/// The marks of a message.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MessageMarks {
    id: String,
    /// Its number in the mailbox.
    #[schema(value_type = u64)]
    uid: u32,
    /// Rises in the mailbox with each change.
    modseq: u64,
    seen: bool,
    flagged: bool,
    answered: bool,
    forwarded: bool,
    draft: bool,
    deleted: bool,
    keywords: Vec<String>,
}

impl MessageMarks {
    pub fn new(shelf: &Shelf, message: &MessageMeta) -> Self {
        let has = |flag| message.flags.contains(flag);
        Self {
            id: shelf.id(message).to_string(),
            uid: message.uid.0,
            modseq: message.modseq.0,
            seen: has(Flags::SEEN),
            flagged: has(Flags::FLAGGED),
            answered: has(Flags::ANSWERED),
            forwarded: has(Flags::FORWARDED),
            draft: has(Flags::DRAFT),
            deleted: has(Flags::DELETED),
            keywords: shelf.keywords(message.flags),
        }
    }
}

/// What the summaries of a mailbox's messages have in common.
pub(in crate::api) struct Shelf {
    info: MailboxInfo,
    keywords: Arc<[String]>,
}

impl Shelf {
    pub fn of(mailbox: &Mailbox) -> Self {
        Self {
            info: mailbox.info(),
            keywords: mailbox.keywords(),
        }
    }

    /// The name of a message of this mailbox.
    pub fn id(&self, message: &MessageMeta) -> MessageId {
        MessageId {
            mailbox: self.info.id,
            uid: message.uid,
        }
    }

    /// The names of the keywords among flags.
    pub fn keywords(&self, flags: Flags) -> Vec<String> {
        let names = flags.keywords().filter_map(|index| self.keywords.get(usize::from(index)));
        names.cloned().collect()
    }
}

impl MessageSummary {
    /// The state of the message.
    pub fn revision(&self) -> Revision {
        Revision::of_message(Uid(self.uid), ModSeq(self.modseq))
    }

    pub fn new(shelf: &Shelf, message: &MessageMeta, summary: &Summary) -> Self {
        let has = |flag| message.flags.contains(flag);
        let people = |list: &[view::Mailbox]| list.iter().map(Correspondent::from).collect();
        let heading = &summary.heading;
        Self {
            id: shelf.id(message).to_string(),
            mailbox_id: shelf.info.id.to_string(),
            mailbox: shelf.info.name.to_string(),
            uid: message.uid.0,
            size: message.size,
            received_at: Time(message.internal_date),
            seen: has(Flags::SEEN),
            flagged: has(Flags::FLAGGED),
            answered: has(Flags::ANSWERED),
            forwarded: has(Flags::FORWARDED),
            draft: has(Flags::DRAFT),
            deleted: has(Flags::DELETED),
            keywords: shelf.keywords(message.flags),
            modseq: message.modseq.0,
            subject: heading.subject.clone(),
            from: people(&heading.from),
            to: people(&heading.to),
            cc: people(&heading.cc),
            date: heading.date.map(Time),
            message_id: heading.message_id.clone(),
            thread_id: summary.thread.to_string(),
            has_attachments: summary.has_attachments,
            preview: summary.preview.clone(),
        }
    }
}
