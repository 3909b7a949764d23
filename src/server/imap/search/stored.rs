//! Search keys that what is kept of the messages answers: EMAILID and THREADID (RFC 8474 §5.3), SAVEDBEFORE and the like (RFC 8514 §4.3).
//! Each becomes the set of the UIDs that it finds, before the messages are gone through.

use std::collections::BTreeMap;

use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::server::imap::selected::Selected;
use crate::wire::imap::date::day;
use crate::wire::imap::search::Key;
use crate::wire::imap::sequence::SequenceSet;

/// How many messages are asked for at a time.
const STEP: usize = 500;

/// The messages that have an id.
type ByObject = BTreeMap<String, Vec<Uid>>;

/// Puts UIDs in the place of such keys.
pub(super) async fn resolve(key: &mut Key, selected: &Selected) -> Result<(), Refusal> {
    let mut by_object = ByObject::new();
    note(key, &mut by_object);
    if !by_object.is_empty() {
        find(&mut by_object, selected).await?;
    }
    replace(key, &by_object, selected);
    Ok(())
}

/// The ids that are looked for.
fn note(key: &Key, by_object: &mut ByObject) {
    match key {
        Key::EmailId(id) | Key::ThreadId(id) => drop(by_object.insert(id.clone(), Vec::new())),
        Key::And(keys) => keys.iter().for_each(|key| note(key, by_object)),
        Key::Or(a, b) => [a, b].into_iter().for_each(|key| note(key, by_object)),
        Key::Not(key) => note(key, by_object),
        _ => {}
    }
}

async fn find(by_object: &mut ByObject, selected: &Selected) -> Result<(), Refusal> {
    let mut start = 0;
    while start < selected.view.len() {
        let end = selected.view.len().min(start.saturating_add(STEP));
        let uids: Vec<Uid> = selected.view.range(start..end).map(|message| message.uid).collect();
        for (uid, ids) in selected.mailbox.object_ids(&uids).await? {
            for id in [ids.email.to_string(), ids.thread.to_string()] {
                by_object.entry(id).and_modify(|found| found.push(uid));
            }
        }
        start = end;
    }
    Ok(())
}

fn replace(key: &mut Key, by_object: &ByObject, selected: &Selected) {
    let uids = match key {
        Key::EmailId(id) | Key::ThreadId(id) => by_object.get(id).cloned().unwrap_or_default(),
        Key::Saved(when) => selected.mailbox.saved(|saved| when.matches(day(saved))),
        Key::And(keys) => return keys.iter_mut().for_each(|key| replace(key, by_object, selected)),
        Key::Or(a, b) => return [a, b].into_iter().for_each(|key| replace(key, by_object, selected)),
        Key::Not(key) => return replace(key, by_object, selected),
        _ => return,
    };
    *key = Key::Uid(SequenceSet::of(uids.into_iter().map(|uid| uid.0)));
}
