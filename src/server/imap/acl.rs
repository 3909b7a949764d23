//! GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3).

use std::net::IpAddr;

use crate::mail::mailbox::Access;
use crate::model::account::User;
use crate::model::audit::Actor;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::SetAcl;
use crate::wire::imap::encode::{astring, mailbox};

use super::outcome::{Done, Fault};
use super::{Imap, select};

/// A mailbox on which the user has any of these rights.
async fn access<'u>(imap: &Imap, user: &'u User, text: &str, needed: Rights) -> Result<Access<'u>, Fault> {
    if !imap.mailboxes.shares() {
        return Err(Fault::bad("mailboxes are not shared here"));
    }
    let access = imap.mailboxes.access(user, &select::name(text)?).await?;
    access.require(needed)?;
    Ok(access)
}

pub(super) async fn get(imap: &Imap, user: &User, text: &str, client: (&mut Stream, bool)) -> Result<Done, Fault> {
    let access = access(imap, user, text, Rights::ADMIN).await?;
    let others = imap.mailboxes.acl(access.owner(), &access.name).await?;
    let mut out = b"* ACL ".to_vec();
    mailbox(&mut out, access.shown.as_str(), client.1);
    let owner = (access.owner().login.clone(), Rights::ALL);
    for (identifier, rights) in std::iter::once(owner).chain(others) {
        out.push(b' ');
        astring(&mut out, identifier.as_bytes());
        out.push(b' ');
        astring(&mut out, rights.to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    client.0.write(&out);
    Ok(Done::new("that is who may use it"))
}

pub(super) async fn set(imap: &Imap, user: &User, asked: SetAcl, from: Option<IpAddr>) -> Result<Done, Fault> {
    let access = access(imap, user, &asked.mailbox, Rights::ADMIN).await?;
    let change = |old| asked.change.apply(old);
    let change = imap
        .mailboxes
        .set_acl(access.owner(), &access.name, &asked.identifier, change)
        .await?;
    imap.audit.note_rights(&Actor::user(user, from), access.owner(), &change).await;
    Ok(Done::new("so it is"))
}

/// The owner has all rights for ever; to others each can be given by itself.
pub(super) async fn list_rights(imap: &Imap, user: &User, asked: (&str, &str), client: (&mut Stream, bool)) -> Result<Done, Fault> {
    let access = access(imap, user, asked.0, Rights::ADMIN).await?;
    imap.mailboxes.acl(access.owner(), &access.name).await?;
    let mut out = b"* LISTRIGHTS ".to_vec();
    mailbox(&mut out, access.shown.as_str(), client.1);
    out.push(b' ');
    astring(&mut out, asked.1.as_bytes());
    if asked.1.eq_ignore_ascii_case(&access.owner().login) {
        out.push(b' ');
        out.extend_from_slice(Rights::ALL.to_string().as_bytes());
    } else {
        // RFC 4314 §2.1.1: `c` and `d` are listed by themselves.
        out.extend_from_slice(b" \"\"");
        for letter in Rights::ALL.to_string().chars() {
            out.push(b' ');
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
    client.0.write(&out);
    Ok(Done::new("those are they"))
}

pub(super) async fn my_rights(imap: &Imap, user: &User, text: &str, client: (&mut Stream, bool)) -> Result<Done, Fault> {
    let access = access(imap, user, text, Rights::NONE).await?;
    // Of a mailbox that is not there nobody has any.
    imap.mailboxes.acl(access.owner(), &access.name).await?;
    let mut out = Vec::new();
    write_my_rights(&mut out, access.shown.as_str(), access.rights, client.1);
    client.0.write(&out);
    Ok(Done::new("that is what you may do"))
}

/// `* MYRIGHTS INBOX lrswipkxteacd`
pub(super) fn write_my_rights(out: &mut Vec<u8>, name: &str, rights: Rights, utf8: bool) {
    out.extend_from_slice(b"* MYRIGHTS ");
    mailbox(out, name, utf8);
    out.push(b' ');
    astring(out, rights.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}
