//! Searches that tell what changes in them: RETURN (UPDATE), ADDTO, REMOVEFROM, CANCELUPDATE (RFC 5267 §4.3, §4.5).
//!
//! What changed is looked at when the client is told of changes anyway. Only searches whose answer depends on the messages alone can do
//! this ([`crate::wire::imap::search::Key::is_lasting`]); of others the client is told that there will be no updates.

use std::sync::Arc;

use crate::mail::mailbox::Messages;
use crate::model::ids::Uid;
use crate::server::imap::outcome::{Done, Fault};
use crate::server::imap::selected::{Finder, Selected};
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::command::Tag;
use crate::wire::imap::encode::set;
use crate::wire::imap::response::{Code, Status, status};
use crate::wire::imap::search::Key;

use super::{Asked, Hit, sift, test};

/// A search and what it finds.
pub(in crate::server::imap) struct Context {
    tag: Tag,
    uid: bool,
    key: Key,
    /// What the client knows of, ascending.
    found: Vec<Uid>,
}

/// Keeps the search that was just answered.
pub(super) fn keep(selected: &mut Selected, (key, uid): (Key, bool), found: Vec<Uid>, asked: Asked<'_>) {
    selected.contexts.retain(|context| context.tag != *asked.tag);
    if !key.is_lasting() || selected.contexts.len() >= asked.settings.max_contexts {
        return refuse_update(asked.tag, asked.stream);
    }
    let tag = asked.tag.clone();
    selected.contexts.push(Context { tag, uid, key, found });
}

/// `* NO [NOUPDATE "a"]`: changes will not be told (RFC 5267 §4.3.1).
pub(in crate::server::imap) fn refuse_update(tag: &Tag, stream: &mut Stream) {
    let mut out = Vec::new();
    let code = Code::NoUpdate(tag.clone());
    status(&mut out, None, Status::No, Some(&code), "changes of this search are not told");
    stream.write(&out);
}

/// CANCELUPDATE. A tag that is not known is one that was cancelled already.
pub(in crate::server::imap) fn cancel_update(selected: &mut Selected, tags: &[String]) -> Done {
    selected
        .contexts
        .retain(|context| !tags.iter().any(|tag| tag == context.tag.as_str()));
    Done::new("no more updates")
}

/// Tells what goes with messages that are gone, as long as their numbers hold.
pub(in crate::server::imap) fn gone(selected: &mut Selected, before: &Messages, places: &[usize], stream: &mut Stream) {
    for context in &mut selected.contexts {
        let mut numbers = Vec::new();
        for &place in places {
            let Some(message) = before.get(place) else { continue };
            if let Ok(at) = context.found.binary_search(&message.uid) {
                context.found.remove(at);
                numbers.push(number(context.uid, message.uid, place));
            }
        }
        context.tell(" REMOVEFROM (0 ", &numbers, stream);
    }
}

/// Tells what new and changed messages do to the searches; `before` is the view as it was.
pub(in crate::server::imap) async fn changed(selected: &mut Selected, before: &Messages, stream: &mut Stream) -> Result<(), Gone> {
    if selected.contexts.is_empty() {
        return Ok(());
    }
    let candidates = differences(selected, before);
    let mut contexts = std::mem::take(&mut selected.contexts);
    if !candidates.is_empty() {
        let mut at = 0;
        while let Some(context) = contexts.get_mut(at) {
            match context.look(selected, &candidates, stream).await {
                Ok(()) => at = at.saturating_add(1),
                Err(Fault::Gone(gone)) => return Err(gone),
                Err(fault) => {
                    tracing::warn!(?fault, "a search cannot tell its changes any more");
                    refuse_update(&contexts.remove(at).tag, stream);
                }
            }
        }
    }
    selected.contexts = contexts;
    Ok(())
}

/// The messages that are new, or not what they were.
fn differences(selected: &Selected, before: &Messages) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (old, new) in before.differences(&selected.view) {
        let mut finder = Finder::new(before, old.start);
        for (place, message) in new.clone().zip(selected.view.range(new)) {
            if finder.find(message.uid).is_none_or(|old| old.modseq != message.modseq) {
                hits.push(Hit {
                    sequence: u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1),
                    message: message.clone(),
                });
            }
        }
    }
    hits
}

impl Context {
    async fn look(&mut self, selected: &Selected, candidates: &[Hit], stream: &mut Stream) -> Result<(), Fault> {
        let test = Arc::new(test::prepare(&mut self.key.clone(), selected).await?);
        let found = sift(selected, &test, candidates.to_vec(), None).await?;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let mut found = found.iter().peekable();
        for hit in candidates {
            let uid = hit.message.uid;
            let matches = found.next_if(|found| found.message.uid == uid).is_some();
            match (self.found.binary_search(&uid), matches) {
                (Err(at), true) => {
                    self.found.insert(at, uid);
                    added.push(hit.number(self.uid));
                }
                (Ok(at), false) => {
                    self.found.remove(at);
                    removed.push(hit.number(self.uid));
                }
                _ => {}
            }
        }
        self.tell(" REMOVEFROM (0 ", &removed, stream);
        self.tell(" ADDTO (0 ", &added, stream);
        Ok(())
    }

    /// `* ESEARCH (TAG "a") UID ADDTO (0 7:8)`. The place 0 is what a search has that has no order (RFC 5267 §4.3.2).
    fn tell(&self, what: &str, numbers: &[u32], stream: &mut Stream) {
        if numbers.is_empty() {
            return;
        }
        let mut out = format!("* ESEARCH (TAG \"{}\")", self.tag.as_str()).into_bytes();
        if self.uid {
            out.extend_from_slice(b" UID");
        }
        out.extend_from_slice(what.as_bytes());
        set(&mut out, numbers.iter().copied());
        out.extend_from_slice(b")\r\n");
        stream.write(&out);
    }
}

fn number(by_uid: bool, uid: Uid, place: usize) -> u32 {
    match by_uid {
        true => uid.0,
        false => u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1),
    }
}
