//! MOVE and UID MOVE (RFC 6851 §3).

use std::sync::Arc;

use crate::mail::filter::Cause;
use crate::model::account::User;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::Transfer;
use crate::wire::imap::response::{Code, Status, status};

use super::outcome::{Done, Fault};
use super::selected::Selected;
use super::{Imap, access};

pub(super) async fn relocate(imap: &Imap, place: (&Arc<User>, &Selected), relocate: &Transfer, stream: &mut Stream) -> Result<Done, Fault> {
    let (user, selected) = place;
    if selected.read_only {
        return Err(Fault::No(Code::ReadOnly, "the mailbox is open for reading only".into()));
    }
    // RFC 4314 §4: it is a COPY, a STORE of \Deleted and an EXPUNGE.
    selected.require(Rights::TRASH.with(Rights::EXPUNGE))?;
    let uids = selected.uids(&selected.pick(&relocate.set, relocate.uid)?);
    let target = access::target(imap, user, &relocate.mailbox).await?;
    if uids.is_empty() {
        return Ok(Done::new("there was nothing to move"));
    }
    let moved = selected
        .mailbox
        .relocate_with(&uids, &target.mailbox, target.rights.flags())
        .await
        .map_err(Fault::of_target)?;
    if !moved.uids.is_empty() {
        if target.is_own {
            let new = moved.uids.iter().map(|(_, new)| *new).collect();
            imap.tell((user, &target.mailbox), new, (Cause::Copy, Vec::new()));
        }
        // RFC 6851 §4.3: COPYUID comes before the EXPUNGE responses, so it cannot wait for the tagged OK.
        let code = Code::CopyUid {
            uidvalidity: moved.uidvalidity,
            uids: moved.uids,
        };
        let mut out = Vec::new();
        status(&mut out, None, Status::Ok, Some(&code), "moved");
        stream.write(&out);
        if selected.qresync {
            return Ok(Done::with(Code::HighestModSeq(selected.mailbox.highest_modseq()), "moved"));
        }
    }
    Ok(Done::new("moved"))
}
