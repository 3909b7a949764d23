//! Telling a client what has changed in its mailbox (RFC 3501 §5.2, §7.3, §7.4.1).

use crate::mail::mailbox::Messages;
use crate::model::ids::Uid;
use crate::model::mailbox::MessageMeta;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::encode::{fetch_head, flags, number};
use crate::wire::imap::response::all_flags;

use super::dispatch::Expunges;
use super::selected::{Finder, Selected};
use super::{search, vanished};

/// Octets that are gathered before they go to the connection.
const PIECE: usize = 16_384;

/// Brings the client's view up to the mailbox: new keywords, EXPUNGE, EXISTS, RECENT, changed flags.
pub(super) async fn send(selected: &mut Selected, expunges: Expunges, stream: &mut Stream) -> Result<(), Gone> {
    if expunges == Expunges::AllHeld {
        return Ok(());
    }
    tell_keywords(selected, stream);
    let now = selected.mailbox.messages();
    if now.is_same(&selected.view) {
        selected.told.clear();
        return Ok(());
    }
    let before = std::mem::replace(&mut selected.view, now.clone());
    let (gone, came) = compare(&before, &now);
    if is_overtaken(&before, &now, gone.len()) {
        return Err(Gone::Overtaken);
    }
    if matches!(expunges, Expunges::Sent | Expunges::Own) {
        search::gone(selected, &before, &gone, stream);
    }
    match expunges {
        Expunges::Sent | Expunges::Own if selected.qresync || selected.enabled.uid_only => {
            vanished::tell(&uids_of(&before, &gone), stream).await?
        }
        Expunges::Sent | Expunges::Own => tell_expunged(&gone, stream).await?,
        Expunges::Held | Expunges::AllHeld if gone.is_empty() => {}
        Expunges::Held | Expunges::AllHeld => selected.view = with_held(&before, &now, &gone),
    }
    if came {
        tell_new(selected, stream);
    }
    if !selected.is_mute_of_flags {
        tell_flags(selected, &before, stream).await?;
    }
    search::changed(selected, &before, stream).await?;
    selected.told.clear();
    Ok(())
}

/// New keywords, before a message is said to have them. FLAGS has always all of them.
pub(super) fn tell_keywords(selected: &mut Selected, stream: &mut Stream) {
    let keywords = selected.mailbox.keywords();
    if keywords.len() == selected.keywords {
        return;
    }
    selected.keywords = keywords.len();
    let mut out = b"* FLAGS ".to_vec();
    all_flags(&mut out, &keywords);
    out.extend_from_slice(b"\r\n");
    stream.write(&out);
}

/// The places in `before` of what is no longer there, ascending, and whether there is anything new.
fn compare(before: &Messages, now: &Messages) -> (Vec<usize>, bool) {
    let mut gone = Vec::new();
    for (old, new) in before.differences(now) {
        let mut finder = Finder::new(now, new.start);
        let places = old
            .clone()
            .zip(before.range(old))
            .filter(|(_, message)| finder.find(message.uid).is_none());
        gone.extend(places.map(|(index, _)| index));
    }
    let came = match (before.last(), now.last()) {
        (Some(before), Some(now)) => now.uid > before.uid,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    (gone, came)
}

/// Whether there are new messages before others that the client knows: an import brings an account with its UIDs. No response can say
/// so, since sequence numbers of messages only fall (RFC 3501 §2.3.1.2).
fn is_overtaken(before: &Messages, now: &Messages, gone: usize) -> bool {
    let Some(last) = before.last() else { return false };
    let until_last = now.partition_point(|message| message.uid <= last.uid);
    until_last > before.len().saturating_sub(gone)
}

fn uids_of(before: &Messages, gone: &[usize]) -> Vec<Uid> {
    let messages = gone.iter().filter_map(|&index| before.get(index));
    messages.map(|message| message.uid).collect()
}

/// `now`, with what is gone still in its place.
fn with_held(before: &Messages, now: &Messages, gone: &[usize]) -> Messages {
    let mut all: Vec<MessageMeta> = Vec::with_capacity(now.len().saturating_add(gone.len()));
    all.extend(gone.iter().filter_map(|&index| before.get(index)).cloned());
    all.extend(now.iter().cloned());
    // Two ascending runs: the sort finds and merges them.
    all.sort_by_key(|message| message.uid);
    all.into_iter().collect()
}

async fn tell_expunged(gone: &[usize], stream: &mut Stream) -> Result<(), Gone> {
    let mut out = Vec::new();
    for (before, index) in gone.iter().enumerate() {
        // Each EXPUNGE moves those behind it one down (RFC 3501 §7.4.1).
        let sequence = index.saturating_sub(before).saturating_add(1);
        untagged(&mut out, sequence, b" EXPUNGE\r\n");
        pass_on(&mut out, stream).await?;
    }
    stream.write(&out);
    Ok(())
}

fn tell_new(selected: &mut Selected, stream: &mut Stream) {
    let mut out = Vec::new();
    untagged(&mut out, selected.view.len(), b" EXISTS\r\n");
    if !selected.read_only && !selected.enabled.rev2 {
        let view = &selected.view;
        selected.recent.retain(|uid| view.find(uid, |message| message.uid).is_some());
        if let Some(last) = view.last() {
            selected.recent.append(&mut selected.mailbox.take_recent(last.uid));
        }
        selected.recent.sort_unstable();
        untagged(&mut out, selected.recent.len(), b" RECENT\r\n");
    }
    stream.write(&out);
}

fn untagged(out: &mut Vec<u8>, count: usize, what: &[u8]) {
    out.extend_from_slice(b"* ");
    number(out, count as u64);
    out.extend_from_slice(what);
}

/// The flags of messages that were there before and have others now.
async fn tell_flags(selected: &Selected, before: &Messages, stream: &mut Stream) -> Result<(), Gone> {
    let keywords = selected.mailbox.keywords();
    let mut out = Vec::new();
    for (old, new) in before.differences(&selected.view) {
        let mut finder = Finder::new(before, old.start);
        for (index, message) in new.clone().zip(selected.view.range(new)) {
            let Some(old) = finder.find(message.uid) else { continue };
            let changed = old.flags != message.flags || (selected.condstore && old.modseq != message.modseq);
            if changed && !is_told(selected, message) {
                write_flags(&mut out, (index, message), selected, &keywords);
                pass_on(&mut out, stream).await?;
            }
        }
    }
    stream.write(&out);
    Ok(())
}

/// `* 3 FETCH (FLAGS (\Seen))`, for a client that knows modseqs with the UID and the modseq (RFC 7162 §3.1).
pub(super) fn write_flags(out: &mut Vec<u8>, (index, message): (usize, &MessageMeta), selected: &Selected, keywords: &[String]) {
    let uid_only = selected.enabled.uid_only;
    fetch_head(out, index.saturating_add(1) as u64, message.uid, uid_only);
    // RFC 9051 §7.5.2: with the UID, if nobody asked.
    if (selected.condstore || selected.enabled.rev2) && !uid_only {
        out.extend_from_slice(b"UID ");
        number(out, u64::from(message.uid.0));
        out.push(b' ');
    }
    if selected.condstore {
        out.extend_from_slice(b"MODSEQ (");
        number(out, message.modseq.0);
        out.extend_from_slice(b") ");
    }
    out.extend_from_slice(b"FLAGS ");
    flags(out, message.flags, keywords, selected.is_recent(message.uid));
    out.extend_from_slice(b")\r\n");
}

fn is_told(selected: &Selected, message: &MessageMeta) -> bool {
    let told = |uid: Uid| {
        let at = selected.told.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
        selected.told.get(at)
    };
    told(message.uid).is_some_and(|(_, modseq)| *modseq >= message.modseq)
}

/// Gives the octets to the connection once there are enough of them.
pub(super) async fn pass_on(out: &mut Vec<u8>, stream: &mut Stream) -> Result<(), Gone> {
    if out.len() >= PIECE {
        stream.write(out);
        out.clear();
        stream.flush_if_large().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ModSeq;
    use crate::model::mailbox::Flags;

    fn list(uids: &[u32]) -> Messages {
        let message = |&uid: &u32| MessageMeta {
            uid: Uid(uid),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            size: 0,
            internal_date: jiff::Timestamp::UNIX_EPOCH,
        };
        uids.iter().map(message).collect()
    }

    #[test]
    fn what_is_gone_and_what_came_is_found() {
        for (before, now, gone, came) in [
            (&[1, 2, 3][..], &[1, 2, 3][..], &[][..], false),
            (&[1, 2, 3], &[2], &[0, 2], false),
            (&[1, 2, 3], &[2, 4], &[0, 2], true),
            (&[], &[7], &[], true),
            (&[1, 2], &[], &[0, 1], false),
            (&[5], &[6], &[0], true),
        ] {
            assert_eq!(compare(&list(before), &list(now)), (gone.to_vec(), came));
            assert!(!is_overtaken(&list(before), &list(now), gone.len()));
        }
    }

    #[test]
    fn messages_between_others_are_noticed() {
        assert!(is_overtaken(&list(&[5]), &list(&[1, 5]), 0));
        assert!(is_overtaken(&list(&[5, 9]), &list(&[6, 9, 10]), 1));
    }

    #[test]
    fn what_is_held_stays_in_its_place() {
        let held = with_held(&list(&[1, 2, 3, 9]), &list(&[2, 9, 10]), &[0, 2]);
        assert_eq!(held.iter().map(|message| message.uid.0).collect::<Vec<_>>(), [1, 2, 3, 9, 10]);
    }
}
