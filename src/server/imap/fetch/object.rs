//! What is kept of a message beside its octets: EMAILID and THREADID (RFC 8474 §5), SAVEDATE (RFC 8514 §4.2), PREVIEW (RFC 8970 §3).

use crate::mail::mailbox::Mailbox;
use crate::model::ids::{EmailId, ThreadId, Uid};
use crate::model::refusal::Refusal;
use crate::wire::imap::date::write_date_time;
use crate::wire::imap::encode::nstring;
use crate::wire::imap::fetch::Item;

use super::{AtHand, Lazy};

/// The previews of messages; those that are wanted only if they are at hand may be missing.
pub(super) async fn previews(mailbox: &Mailbox, uids: &[Uid], lazy: Option<Lazy>) -> Result<Vec<(Uid, String)>, Refusal> {
    match lazy {
        Some(Lazy(true)) => mailbox.kept_previews(uids).await,
        _ => mailbox.previews(uids).await,
    }
}

/// Writes an item with its name.
pub(super) fn write(out: &mut Vec<u8>, item: &Item, at_hand: &AtHand) {
    match item {
        Item::Preview { .. } => {
            out.extend_from_slice(b"PREVIEW ");
            nstring(out, at_hand.preview.as_ref().map(String::as_bytes));
        }
        Item::EmailId => {
            out.extend_from_slice(b"EMAILID (");
            out.extend_from_slice(at_hand.objects.map_or(EmailId(0), |ids| ids.email).to_string().as_bytes());
            out.push(b')');
        }
        Item::ThreadId => {
            out.extend_from_slice(b"THREADID (");
            out.extend_from_slice(at_hand.objects.map_or(ThreadId(0), |ids| ids.thread).to_string().as_bytes());
            out.push(b')');
        }
        _ => {
            out.extend_from_slice(b"SAVEDATE ");
            match at_hand.saved {
                Some(saved) => write_date_time(out, saved),
                None => out.extend_from_slice(b"NIL"),
            }
        }
    }
}
