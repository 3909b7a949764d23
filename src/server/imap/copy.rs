//! COPY and UID COPY (RFC 3501 §6.4.7, RFC 4315 §3).

use std::sync::Arc;

use crate::mail::filter::Cause;
use crate::model::account::User;
use crate::wire::imap::command::Transfer;
use crate::wire::imap::response::Code;

use super::outcome::{Done, Fault};
use super::selected::Selected;
use super::{Imap, access};

pub(super) async fn copy(imap: &Imap, user: &Arc<User>, selected: &Selected, copy: &Transfer) -> Result<Done, Fault> {
    let uids = selected.uids(&selected.pick(&copy.set, copy.uid)?);
    let target = access::target(imap, user, &copy.mailbox).await?;
    if uids.is_empty() {
        return Ok(Done::new("there was nothing to copy"));
    }
    // RFC 4314 §4: flags that the user may not set there are left out.
    let settable = target.rights.flags();
    let copied = selected.mailbox.copy_with(&uids, &target.mailbox, settable).await;
    let copied = copied.map_err(Fault::of_target)?;
    if copied.uids.is_empty() {
        return Ok(Done::new("the messages are gone"));
    }
    if target.is_own {
        let new = copied.uids.iter().map(|(_, new)| *new).collect();
        imap.tell((user, &target.mailbox), new, (Cause::Copy, Vec::new()));
    }
    Ok(Done::with(
        Code::CopyUid {
            uidvalidity: copied.uidvalidity,
            uids: copied.uids,
        },
        "copied",
    ))
}
