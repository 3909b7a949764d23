//! STORE and UID STORE (RFC 3501 §6.4.6, RFC 7162 §3.1.3).

use std::sync::Arc;

use crate::mail::filter::Cause;
use crate::model::account::User;
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::{FlagChange, MessageMeta};
use crate::model::rights::Rights;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::command::{Store, StoreMode};
use crate::wire::imap::encode::{fetch_head, flags as write_flags, number};
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::selected::Selected;
use super::{Imap, flags, updates};

pub(super) async fn store(
    imap: &Imap,
    (user, selected): (&Arc<User>, &mut Selected),
    store: Store,
    stream: &mut Stream,
) -> Result<Done, Fault> {
    if selected.read_only {
        return Err(Fault::No(Code::ReadOnly, "the mailbox is open for reading only".into()));
    }
    selected.condstore |= store.unchanged_since.is_some();
    let uids = selected.uids(&selected.pick(&store.set, store.uid)?);
    let mailbox = &selected.mailbox;
    let changeable = selected.rights.flags();
    let named = match store.mode {
        // Who may not set keywords makes none.
        StoreMode::Replace | StoreMode::Add if selected.rights.contains(Rights::WRITE) => flags::to_set(mailbox, &store.flags).await?,
        _ => flags::known(mailbox, &store.flags),
    };
    // RFC 4314 §4: NO only if none of it may be changed.
    let allowed = named.only(changeable);
    let is_denied = match named.is_empty() {
        true => !store.flags.is_empty() && !selected.rights.contains(Rights::WRITE),
        false => allowed.is_empty(),
    };
    if changeable.is_empty() || is_denied {
        return Err(Fault::no(Word::NoPerm, "you may not change these flags"));
    }
    let change = match store.mode {
        StoreMode::Replace => FlagChange::Among(allowed, changeable),
        StoreMode::Add => FlagChange::Add(allowed),
        StoreMode::Remove => FlagChange::Remove(allowed),
    };
    if uids.is_empty() {
        return Ok(Done::new("there was nothing to change"));
    }
    let (changed, left) = mailbox.store(&uids, change, store.unchanged_since.map(ModSeq)).await?;
    if selected.shared.is_none() {
        let uids = changed.iter().map(|message| message.uid).collect();
        imap.tell((user, &selected.mailbox), uids, (Cause::Flag, flags::written(&store.flags)));
    }
    updates::tell_keywords(selected, stream);
    if !store.silent || selected.condstore {
        tell(selected, &changed, &store, stream).await?;
    }
    // RFC 3501 §6.4.6: who asked for silence is told nonetheless of flags that somebody else changed before, and cannot know.
    let knows = |message: &&MessageMeta| !store.silent || expects(selected, message, change);
    let told = changed.iter().filter(knows).map(|message| (message.uid, message.modseq));
    selected.told = told.collect();
    selected.told.sort_unstable();
    if left.is_empty() {
        return Ok(Done::new("stored"));
    }
    Ok(Done::with(
        Code::Modified(names(selected, &left, store.uid)),
        "some have changed meanwhile",
    ))
}

/// Whether the message has the flags that the client must think it has.
fn expects(selected: &Selected, message: &MessageMeta, change: FlagChange) -> bool {
    let known = selected.view.find(&message.uid, |message| message.uid);
    let known = known.and_then(|index| selected.view.get(index));
    known.is_some_and(|known| change.apply(known.flags) == message.flags)
}

/// The new flags, or with `.SILENT` only the modseqs (RFC 7162 §3.1.3).
async fn tell(selected: &Selected, changed: &[MessageMeta], store: &Store, stream: &mut Stream) -> Result<(), Gone> {
    let keywords = selected.mailbox.keywords();
    let mut out = Vec::new();
    for message in changed {
        let Some(sequence) = selected.sequence(message.uid) else { continue };
        fetch_head(&mut out, u64::from(sequence), message.uid, selected.enabled.uid_only);
        if store.uid || selected.condstore {
            out.extend_from_slice(b"UID ");
            number(&mut out, u64::from(message.uid.0));
        }
        if selected.condstore {
            out.extend_from_slice(b" MODSEQ (");
            number(&mut out, message.modseq.0);
            out.push(b')');
        }
        if !store.silent {
            out.extend_from_slice(if store.uid || selected.condstore { b" FLAGS " } else { b"FLAGS " });
            write_flags(&mut out, message.flags, &keywords, selected.is_recent(message.uid));
        }
        out.extend_from_slice(b")\r\n");
        updates::pass_on(&mut out, stream).await?;
    }
    stream.write(&out);
    Ok(())
}

/// What MODIFIED calls the messages: as the command called them.
fn names(selected: &Selected, uids: &[Uid], by_uid: bool) -> Vec<u32> {
    let name = |uid: &Uid| if by_uid { Some(uid.0) } else { selected.sequence(*uid) };
    uids.iter().filter_map(name).collect()
}
