//! What IMAP calls the envelope: the header fields that a list of messages shows.

use serde::{Deserialize, Serialize};

use super::address::{Address, addresses};
use super::limits;
use crate::wire::message::header::{Fields, unfold};

/// The envelope of a message (RFC 3501 §7.4.2). Texts are unfolded, not decoded; absent fields are `None` or an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Envelope {
    /// Date, as written.
    pub date: Option<Vec<u8>>,
    /// Subject, as written.
    pub subject: Option<Vec<u8>>,
    /// From.
    pub from: Vec<Address>,
    /// Sender; From where it is absent or empty.
    pub sender: Vec<Address>,
    /// Reply-To; From where it is absent or empty.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// In-Reply-To, as written.
    pub in_reply_to: Option<Vec<u8>>,
    /// Message-ID, as written.
    pub message_id: Option<Vec<u8>>,
}

impl Envelope {
    /// Reads the envelope of a header block.
    pub fn parse(header: &[u8]) -> Self {
        let mut envelope = Self::default();
        let mut seen: u16 = 0;
        for field in Fields::new(header) {
            let Some(kind) = Kind::of(field.name) else { continue };
            // The first of a field counts.
            let bit = 1_u16 << (kind as u16);
            if seen & bit == 0 {
                seen |= bit;
                envelope.set(kind, field.value.get(..limits::FIELD).unwrap_or(field.value));
            }
        }
        // RFC 3501 §7.4.2: the server gives From for a missing Sender and Reply-To.
        for list in [&mut envelope.sender, &mut envelope.reply_to] {
            if list.is_empty() {
                list.clone_from(&envelope.from);
            }
        }
        envelope
    }

    fn set(&mut self, kind: Kind, value: &[u8]) {
        let text = || Some(unfold(value).into_owned());
        match kind {
            Kind::Date => self.date = text(),
            Kind::Subject => self.subject = text(),
            Kind::InReplyTo => self.in_reply_to = text(),
            Kind::MessageId => self.message_id = text(),
            Kind::From => self.from = addresses(value),
            Kind::Sender => self.sender = addresses(value),
            Kind::ReplyTo => self.reply_to = addresses(value),
            Kind::To => self.to = addresses(value),
            Kind::Cc => self.cc = addresses(value),
            Kind::Bcc => self.bcc = addresses(value),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Date,
    Subject,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    InReplyTo,
    MessageId,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Kind); 10] = [
            (b"Date", Kind::Date),
            (b"Subject", Kind::Subject),
            (b"From", Kind::From),
            (b"Sender", Kind::Sender),
            (b"Reply-To", Kind::ReplyTo),
            (b"To", Kind::To),
            (b"Cc", Kind::Cc),
            (b"Bcc", Kind::Bcc),
            (b"In-Reply-To", Kind::InReplyTo),
            (b"Message-ID", Kind::MessageId),
        ];
        NAMES
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, kind)| kind)
    }
}
