//! The items of FETCH that need no file.

use std::sync::Arc;

use crate::model::ids::Uid;
use crate::model::mailbox::MessageMeta;
use crate::wire::imap::date::write_date_time;
use crate::wire::imap::encode::{flags, number};
use crate::wire::imap::fetch::{Item, write_size_name};
use crate::wire::imap::structure::{body, envelope};
use crate::wire::message::structure::Structure;

use crate::server::imap::selected::Selected;

/// What the items are written from, beside the message.
pub(super) struct Context<'a> {
    pub(super) selected: &'a Selected,
    /// The mailbox's keywords.
    pub(super) keywords: Arc<[String]>,
    /// The messages that became \Seen by this command, ascending.
    pub(super) newly_seen: Vec<Uid>,
}

impl Context<'_> {
    /// Whether the message became \Seen by this command.
    pub(super) fn is_newly_seen(&self, uid: Uid) -> bool {
        !self.newly_seen.is_empty() && self.newly_seen.binary_search(&uid).is_ok()
    }

    /// Writes an item with its name. Without the structure that it needs, it is NIL.
    pub(super) fn write(&self, out: &mut Vec<u8>, item: &Item, message: &MessageMeta, structure: Option<&Structure>) {
        match item {
            Item::Uid => {
                out.extend_from_slice(b"UID ");
                number(out, u64::from(message.uid.0));
            }
            Item::Flags => {
                out.extend_from_slice(b"FLAGS ");
                flags(out, message.flags, &self.keywords, self.selected.is_recent(message.uid));
            }
            Item::Size => {
                out.extend_from_slice(b"RFC822.SIZE ");
                number(out, message.size);
            }
            Item::InternalDate => {
                out.extend_from_slice(b"INTERNALDATE ");
                write_date_time(out, message.internal_date);
            }
            Item::ModSeq => {
                out.extend_from_slice(b"MODSEQ (");
                number(out, message.modseq.0);
                out.push(b')');
            }
            Item::Envelope => {
                out.extend_from_slice(b"ENVELOPE ");
                or_nil(out, structure, |out, structure| envelope(out, &structure.envelope));
            }
            Item::Body => {
                out.extend_from_slice(b"BODY ");
                or_nil(out, structure, |out, structure| body(out, &structure.root, false));
            }
            Item::BodyStructure => {
                out.extend_from_slice(b"BODYSTRUCTURE ");
                or_nil(out, structure, |out, structure| body(out, &structure.root, true));
            }
            // Written where they are at hand: see `object`.
            Item::Preview { .. } | Item::EmailId | Item::ThreadId | Item::SaveDate => {}
            Item::Binary(binary) => {
                binary.write_name(out);
                out.extend_from_slice(b" NIL");
            }
            Item::BinarySize(part) => {
                write_size_name(out, part);
                out.extend_from_slice(b" 0");
            }
            Item::Section(section) => {
                section.write_name(out);
                out.extend_from_slice(b" NIL");
            }
        }
    }
}

fn or_nil(out: &mut Vec<u8>, structure: Option<&Structure>, write: impl FnOnce(&mut Vec<u8>, &Structure)) {
    match structure {
        Some(structure) => write(out, structure),
        None => out.extend_from_slice(b"NIL"),
    }
}
