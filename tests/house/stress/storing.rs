//! Changing flags (RFC 3501 §6.4.6, RFC 7162 §3.1.3), and what the answer must say.

use std::collections::BTreeMap;

use rand::RngExt;

use super::client::{Client, Heard};
use super::model::{Flags, Message, ranges};
use super::picking::Picked;

/// The flags that clients play with.
const FLAGS: [&str; 7] = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Forwarded", "$Junk", "work"];

/// What becomes of the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Add,
    Remove,
    Replace,
}

struct Change {
    mode: Mode,
    flags: Flags,
    silent: bool,
    unchanged_since: Option<u64>,
}

/// Some flags of some messages.
pub fn store(client: &mut Client) {
    let Some(picked) = Picked::some(client, 6) else { return };
    let modes = [Mode::Add, Mode::Add, Mode::Remove, Mode::Replace];
    let many = client.random.random_range(1..3);
    let since = client.model().get(picked.uids[0]).map(|message| message.modseq);
    let change = Change {
        mode: modes[client.random.random_range(0..modes.len())],
        flags: (0..many)
            .map(|_| FLAGS[client.random.random_range(0..FLAGS.len())].to_owned())
            .collect(),
        silent: client.random.random_bool(0.4),
        unchanged_since: since.filter(|_| client.has_modseqs() && client.random.random_bool(0.4)),
    };
    change_flags(client, &picked, &change);
}

/// \Deleted of some messages.
pub fn delete(client: &mut Client) {
    let Some(picked) = Picked::some(client, 4) else { return };
    client.ledger.doom(&client.model().mailbox.clone(), &picked.uids);
    let change = Change {
        mode: Mode::Add,
        flags: ["\\Deleted".to_owned()].into(),
        silent: client.random.random_bool(0.5),
        unchanged_since: None,
    };
    change_flags(client, &picked, &change);
}

impl Change {
    fn apply(&self, flags: &Flags) -> Flags {
        match self.mode {
            Mode::Add => flags | &self.flags,
            Mode::Remove => flags - &self.flags,
            Mode::Replace => self.flags.clone(),
        }
    }

    /// Whether flags can be what the change left.
    fn can_leave(&self, flags: &Flags) -> bool {
        self.apply(flags) == *flags
    }

    fn command(&self, picked: &Picked) -> String {
        let since = self
            .unchanged_since
            .map_or(String::new(), |since| format!(" (UNCHANGEDSINCE {since})"));
        let mode = match self.mode {
            Mode::Add => "+FLAGS",
            Mode::Remove => "-FLAGS",
            Mode::Replace => "FLAGS",
        };
        let silent = if self.silent { ".SILENT" } else { "" };
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        format!(
            "{}STORE {}{since} {mode}{silent} ({})",
            picked.prefix(),
            picked.set,
            flags.join(" ")
        )
    }
}

fn change_flags(client: &mut Client, picked: &Picked, change: &Change) {
    let command = change.command(picked);
    let known: BTreeMap<u32, Message> = picked
        .uids
        .iter()
        .filter_map(|&uid| Some((uid, client.model().get(uid)?.clone())))
        .collect();
    let answer = client.imap().command(&command);
    let left = left_alone(client, picked, &answer.status);
    if change.silent {
        // What the client asked for it takes for done, unless it hears otherwise.
        for uid in picked.uids.iter().filter(|uid| !left.contains(uid)) {
            if let Some(message) = client.model_mut().get_mut(*uid) {
                message.flags = message.flags.as_ref().map(|flags| change.apply(flags));
                message.flags_at = None;
            }
        }
    }
    let heard = client.take_in(&command, answer, picked.removals());
    if let Some(since) = change.unchanged_since {
        let newer = |client: &Client, uid: u32| client.model().get(uid).is_none_or(|message| message.modseq > since);
        if let Some(uid) = left.iter().find(|uid| !newer(client, **uid)) {
            client.fail(&format!("{command:?}: UID {uid} was left alone, and nothing newer was told of it"));
        }
    }
    if !change.silent {
        check(client, &command, (picked, change), (&known, &left, &heard));
    }
}

/// What MODIFIED names.
fn left_alone(client: &mut Client, picked: &Picked, status: &str) -> Vec<u32> {
    let Some((set, _)) = status.split_once("[MODIFIED ").and_then(|(_, rest)| rest.split_once(']')) else {
        return Vec::new();
    };
    let numbers = ranges(set).unwrap_or_else(|problem| client.fail(&problem));
    let numbers = numbers.into_iter().flat_map(|(first, last)| first..=last);
    let model = client.model();
    let uid = |number: u32| {
        if picked.by_uid {
            Some(number)
        } else {
            model.messages.get((number as usize).checked_sub(1)?)?.uid
        }
    };
    let left: Vec<u32> = numbers.filter_map(uid).collect();
    if let Some(stranger) = left.iter().find(|uid| !picked.uids.contains(uid)) {
        client.fail(&format!("{status:?} names UID {stranger}, and the command did not"));
    }
    left
}

type Outcome<'a> = (&'a BTreeMap<u32, Message>, &'a [u32], &'a Heard);

/// Each message has what it should have, was left alone, or is gone.
fn check(client: &mut Client, command: &str, (picked, change): (&Picked, &Change), (known, left, heard): Outcome<'_>) {
    let mut untold = Vec::new();
    for &uid in picked.uids.iter().filter(|uid| !left.contains(uid)) {
        // The first is the answer; another may be somebody else's doing.
        let told = heard.fetched.iter().find(|it| it.uid == Some(uid) && it.flags.is_some());
        let Some(flags) = told.and_then(|told| told.flags.as_ref()) else {
            untold.push(uid);
            continue;
        };
        if !change.can_leave(flags) {
            client.fail(&format!("{command:?}: UID {uid} has {flags:?}"));
        }
        let before = known.get(&uid).filter(|message| Some(message.modseq) == change.unchanged_since);
        let expected = before.and_then(|message| message.flags.as_ref()).map(|flags| change.apply(flags));
        if expected.as_ref().is_some_and(|expected| expected != flags) {
            client.fail(&format!(
                "{command:?}: UID {uid} was {before:?} and has {flags:?}: something came between"
            ));
        }
    }
    client.must_go(command, &untold);
}
