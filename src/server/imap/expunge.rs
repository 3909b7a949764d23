//! EXPUNGE and UID EXPUNGE (RFC 3501 §6.4.3, RFC 4315 §2.1, RFC 7162 §3.2.7). The EXPUNGE responses are those of every change: see [`super::updates`].

use crate::model::rights::Rights;
use crate::wire::imap::response::Code;
use crate::wire::imap::sequence::SequenceSet;

use super::outcome::{Done, Fault};
use super::selected::Selected;

pub(super) async fn expunge(selected: &Selected, set: Option<&SequenceSet>) -> Result<Done, Fault> {
    if selected.read_only {
        return Err(Fault::No(Code::ReadOnly, "the mailbox is open for reading only".into()));
    }
    selected.require(Rights::EXPUNGE)?;
    let removed = match set {
        None => selected.mailbox.expunge(None).await?,
        Some(set) => {
            let uids = selected.uids(&selected.pick(set, true)?);
            selected.mailbox.expunge(Some(&uids)).await?
        }
    };
    if removed.is_empty() || !selected.qresync {
        return Ok(Done::new("expunged"));
    }
    // RFC 7162 §3.2.7, §3.2.9. The changes up to here are told before the OK.
    Ok(Done::with(Code::HighestModSeq(selected.mailbox.highest_modseq()), "expunged"))
}
