//! What threads are made of: a row for each message, from the fields of its header that are kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;

use crate::server::imap::sort::base_subject;
use crate::wire::message::casemap::casemap;
use crate::wire::message::header::{find, thread_ids};

/// The most references of a message that are followed: the first, and the last of the others.
const MAX_REFERENCES: usize = 32;

/// A message.
pub(super) struct Row {
    /// Where it stands among the messages; decides between those of the same moment.
    pub(super) place: usize,
    /// When it was sent.
    pub(super) date: Timestamp,
    /// The base subject, in the form in which texts are compared.
    pub(super) subject: String,
    /// Whether the subject is that of a reply or of a forwarded message.
    pub(super) is_reply: bool,
    /// The Message-ID, as a number.
    pub(super) id: Option<usize>,
    /// What it answers, oldest first.
    pub(super) references: Vec<usize>,
}

/// The messages, in the order of the mailbox.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// How many ids there are.
    pub(super) ids: usize,
    numbers: HashMap<Vec<u8>, usize>,
}

impl Rows {
    /// Adds a message: when it was sent, the kept fields of its header.
    pub(super) fn push(&mut self, date: Timestamp, header: &[u8]) {
        let base = base_subject(header);
        let ids = |name| find(header, name).map(thread_ids).unwrap_or_default();
        let own = ids("Message-ID").into_iter().next();
        let mut references = ids("References");
        if references.is_empty() {
            // RFC 5256 §3 REFERENCES, step 1A.
            references = ids("In-Reply-To");
            references.truncate(1);
        }
        if references.len() > MAX_REFERENCES {
            references.drain(1..=references.len().saturating_sub(MAX_REFERENCES));
        }
        let row = Row {
            place: self.rows.len(),
            date,
            subject: casemap(&base.text),
            is_reply: base.is_reply,
            id: own.map(|id| self.id(id)),
            references: references.into_iter().map(|id| self.id(id)).collect(),
        };
        self.rows.push(row);
    }

    fn id(&mut self, id: Vec<u8>) -> usize {
        match self.numbers.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let number = *free.insert(self.ids);
                self.ids = self.ids.saturating_add(1);
                number
            }
        }
    }
}
