//! STATUS (RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 8438 §2, RFC 9208 §4.1.4, RFC 8474 §4.3, RFC 7889 §3).

use crate::model::account::User;
use crate::model::mailbox::MailboxStatus;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::StatusItem;
use crate::wire::imap::encode::{mailbox, mailbox_id, number};

use super::outcome::{Done, Fault};
use super::{Imap, access};

pub(super) async fn status(
    imap: &Imap,
    user: &User,
    asked: (&str, &[StatusItem]),
    (stream, utf8): (&mut Stream, bool),
) -> Result<Done, Fault> {
    let opened = access::open(imap, user, asked.0, Rights::READ).await?;
    let mut out = Vec::new();
    let status = opened.mailbox.status();
    write(&mut out, (opened.shown.as_str(), utf8), &status, (asked.1, imap));
    stream.write(&out);
    Ok(Done::new("that is the mailbox"))
}

/// Writes a STATUS response.
pub(super) fn write(out: &mut Vec<u8>, (name, utf8): (&str, bool), status: &MailboxStatus, (items, imap): (&[StatusItem], &Imap)) {
    out.extend_from_slice(b"* STATUS ");
    mailbox(out, name, utf8);
    out.extend_from_slice(b" (");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        let known = StatusItem::ALL.iter().find(|(known, _)| known == item);
        out.extend_from_slice(known.map_or("", |(_, name)| name).as_bytes());
        out.push(b' ');
        let value = match item {
            StatusItem::Messages => status.messages.into(),
            StatusItem::Recent => status.recent.into(),
            StatusItem::UidNext => status.uid_next.0.into(),
            StatusItem::UidValidity => status.uidvalidity.into(),
            StatusItem::Unseen => status.unseen.into(),
            StatusItem::Deleted => status.deleted.into(),
            StatusItem::DeletedStorage => status.deleted_size,
            StatusItem::Size => status.size,
            StatusItem::HighestModSeq => status.highest_modseq.0,
            StatusItem::AppendLimit => imap.max_message,
            StatusItem::MailboxId => {
                mailbox_id(out, status.id);
                continue;
            }
        };
        number(out, value);
    }
    out.extend_from_slice(b")\r\n");
}
