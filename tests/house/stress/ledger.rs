//! What all clients together know: which UID is which message, what was put where, and what anybody may have removed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message by its mailbox and UID.
pub type Place = (String, u32);

/// Shared by all clients.
#[derive(Default)]
pub struct Ledger {
    /// A client has failed: the others need not go on.
    pub failed: AtomicBool,
    /// Commands that were answered.
    pub commands: AtomicUsize,
    names: AtomicUsize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The X-Name of each message that somebody looked at.
    names: BTreeMap<Place, String>,
    /// The UIDs that APPENDUID and COPYUID told.
    given: BTreeSet<Place>,
    /// Names of messages that were accepted.
    accepted: BTreeSet<String>,
    /// What somebody marked \Deleted or moved, before the command was sent.
    doomed: BTreeSet<Place>,
    /// What somebody was told is gone.
    gone: BTreeSet<Place>,
    counts: BTreeMap<String, usize>,
}

impl Ledger {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name that no message has, and that is in no other name.
    pub fn fresh_name(&self) -> String {
        format!("letter-{}x", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// A command was answered.
    pub fn count(&self, command: &str) {
        self.commands.fetch_add(1, Ordering::Relaxed);
        let words: Vec<&str> = command.split(' ').take(2).collect();
        let verb = if words[0] == "UID" { words.join(" ") } else { words[0].to_owned() };
        *self.known().counts.entry(verb).or_default() += 1;
    }

    /// How often each was.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.known().counts.clone()
    }

    /// The message at a place has this name; for everybody and for ever.
    pub fn is_named(&self, place: Place, name: &str) -> Result<(), String> {
        let mut known = self.known();
        let before = known.names.entry(place.clone()).or_insert_with(|| name.to_owned());
        if before == name {
            Ok(())
        } else {
            Err(format!("{place:?} is {name} to one client and {before} to another"))
        }
    }

    /// The name of the message at a place, if somebody looked.
    pub fn name(&self, place: &Place) -> Option<String> {
        self.known().names.get(place).cloned()
    }

    /// A new message got this UID (RFC 4315 §3).
    pub fn was_given(&self, place: Place, name: Option<&str>) -> Result<(), String> {
        if !self.known().given.insert(place.clone()) {
            return Err(format!("{place:?} was given twice"));
        }
        name.map_or(Ok(()), |name| self.is_named(place, name))
    }

    /// A message of this name was taken.
    pub fn was_accepted(&self, name: String) {
        self.known().accepted.insert(name);
    }

    /// These are about to be marked \Deleted or moved.
    pub fn doom(&self, mailbox: &str, uids: &[u32]) {
        let places = uids.iter().map(|&uid| (mailbox.to_owned(), uid));
        self.known().doomed.extend(places);
    }

    /// A client was told that these are gone.
    pub fn went(&self, mailbox: &str, uids: &[u32]) {
        let places = uids.iter().map(|&uid| (mailbox.to_owned(), uid));
        self.known().gone.extend(places);
    }

    /// A copy got this UID; it has the flags of the other, so \Deleted too.
    pub fn was_copied(&self, from: &Place, to: Place) -> Result<(), String> {
        let name = self.name(from);
        if self.known().doomed.contains(from) {
            self.known().doomed.insert(to.clone());
        }
        self.was_given(to, name.as_deref())
    }

    /// What is gone from a mailbox by now, for everybody who opens it from here on.
    pub fn gone(&self, mailbox: &str) -> BTreeSet<u32> {
        let known = self.known();
        let of = known.gone.iter().filter(|(of, _)| of == mailbox);
        of.map(|(_, uid)| *uid).collect()
    }

    /// Compares with what is there in the end, by place the name: nothing lost that nobody removed, nothing back that was gone.
    pub fn settle(&self, there: &BTreeMap<Place, String>) {
        let known = self.known();
        for place in &known.given {
            assert!(
                there.contains_key(place) || known.doomed.contains(place),
                "{place:?} is lost, and nobody removed it"
            );
        }
        for place in &known.gone {
            assert!(!there.contains_key(place), "{place:?} was gone and is back");
            assert!(known.doomed.contains(place), "{place:?} is gone, and nobody removed it");
        }
        for (place, name) in there {
            let before = known.names.get(place);
            assert!(before.is_none_or(|before| before == name), "{place:?} was {before:?} and is {name}");
        }
        let kept: BTreeSet<&String> = there.values().collect();
        let removed: BTreeSet<&String> = known.doomed.iter().filter_map(|place| known.names.get(place)).collect();
        let lost: Vec<&String> = known
            .accepted
            .iter()
            .filter(|name| !kept.contains(name) && !removed.contains(name))
            .collect();
        assert!(lost.is_empty(), "accepted, lost, and nobody removed them: {lost:?}");
    }
}
