//! GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 §4.1): what the user's mailboxes may hold together.
//!
//! A user with limits has one quota root, for all their mailboxes; one without has none. Limits are set in the directory, not here.

use crate::mail::mailbox::Usage;
use crate::model::account::User;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::encode::{mailbox, number, string};
use crate::wire::imap::response::Word;

use super::outcome::{Done, Fault};
use super::{Imap, access};

/// The name of the one quota root.
const ROOT: &str = "User quota";
/// STORAGE is counted in units of so many octets (RFC 9208 §5.1).
const UNIT: u64 = 1024;

pub(super) async fn get_quota(imap: &Imap, user: &User, root: &str, stream: &mut Stream) -> Result<Done, Fault> {
    if root != ROOT || !has_limits(user) {
        return Err(Fault::no(Word::NonExistent, "there is no such quota root"));
    }
    let mut out = Vec::new();
    write(&mut out, user, imap.mailboxes.usage(user).await?);
    stream.write(&out);
    Ok(Done::new("that is the quota"))
}

pub(super) async fn get_quota_root(imap: &Imap, user: &User, name: &str, (stream, utf8): (&mut Stream, bool)) -> Result<Done, Fault> {
    let opened = access::open(imap, user, name, Rights::READ).await?;
    let mut out = b"* QUOTAROOT ".to_vec();
    mailbox(&mut out, opened.shown.as_str(), utf8);
    // What others may hold is theirs to know.
    if opened.is_own && has_limits(user) {
        out.push(b' ');
        string(&mut out, ROOT.as_bytes());
        out.extend_from_slice(b"\r\n");
        write(&mut out, user, imap.mailboxes.usage(user).await?);
    } else {
        out.extend_from_slice(b"\r\n");
    }
    stream.write(&out);
    Ok(Done::new("that is the quota"))
}

pub(super) fn set_quota() -> Fault {
    Fault::no(Word::NoPerm, "limits are set by an administrator over the API")
}

fn has_limits(user: &User) -> bool {
    user.quota_bytes.is_some() || user.quota_messages.is_some()
}

/// `* QUOTA "User quota" (STORAGE 10 512 MESSAGE 3 100)`: the resources that have a limit.
fn write(out: &mut Vec<u8>, user: &User, usage: Usage) {
    out.extend_from_slice(b"* QUOTA ");
    string(out, ROOT.as_bytes());
    // What is begun counts as used, what is not whole cannot be.
    let storage = user.quota_bytes.map(|most| (usage.bytes.div_ceil(UNIT), most / UNIT));
    let messages = user.quota_messages.map(|most| (usage.messages, most));
    let mut before = b" (";
    for (name, resource) in [("STORAGE ", storage), ("MESSAGE ", messages)] {
        let Some((used, most)) = resource else { continue };
        out.extend_from_slice(if before == b" (" { before } else { b" " });
        before = b"  ";
        out.extend_from_slice(name.as_bytes());
        number(out, used);
        out.push(b' ');
        number(out, most);
    }
    out.extend_from_slice(b")\r\n");
}
