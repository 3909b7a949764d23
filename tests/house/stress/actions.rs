//! What comes to a client's mind, and what must be true of the answer.

use std::time::Duration;

use rand::RngExt;

use super::client::{Client, MAILBOXES, USER};
use super::ledger::Place;
use super::model::{Removals, number_after, ranges};
use super::opening;
use super::picking::Picked;
use super::storing;
use crate::support::smtp::Smtp;

/// About so many messages are in a mailbox: with more, more go than come.
const ENOUGH: usize = 60;
/// How long an IDLE waits for somebody to do something.
const WAIT: Duration = Duration::from_millis(200);

/// Does one thing, chosen by chance.
pub fn act(client: &mut Client) {
    let full = client.model().messages.len() > ENOUGH;
    let read_only = client.model().read_only;
    match client.random.random_range(0..100) {
        0..10 if full && !read_only => expunge(client),
        0..10 => append(client),
        10..16 if !full => deliver(client),
        16..38 if !read_only => storing::store(client),
        38..43 if !full => transfer(client, "COPY"),
        43..49 if !read_only => transfer(client, "MOVE"),
        49..60 if !read_only => storing::delete(client),
        60..66 if !read_only => expunge(client),
        66..78 => fetch(client),
        78..86 => search(client),
        86..91 => idle(client),
        91..95 => leave(client),
        95 => client.reconnect(),
        96 => status(client),
        _ => drop(client.say("NOOP", Removals::Allowed)),
    }
}

fn letter(client: &mut Client) -> (String, String) {
    let name = client.ledger.fresh_name();
    let body = "Some words in a line.\r\n".repeat(client.random.random_range(0..40));
    let text = format!("From: ada@client.test\r\nX-Name: {name}\r\nSubject: stress\r\n\r\n{body}");
    (name, text)
}

/// RFC 3501 §6.3.11: a message that comes to the mailbox that is open is seen at once.
fn append(client: &mut Client) {
    let mailbox = MAILBOXES[client.random.random_range(0..2)];
    let flags = ["", " (\\Seen)", " (\\Flagged work)"][client.random.random_range(0..3)];
    let (name, text) = letter(client);
    let command = format!("APPEND {mailbox}{flags}");
    let answer = client.imap().append_answer(&format!("{mailbox}{flags}"), text.as_bytes());
    let uid = answer
        .status
        .split_once("[APPENDUID ")
        .and_then(|(_, rest)| number_after(rest, " "));
    let Some(uid) = uid.and_then(|uid| u32::try_from(uid).ok()) else {
        client.fail(&format!("{command:?} was answered {answer:?}"));
    };
    let given = client.ledger.was_given((mailbox.to_owned(), uid), Some(&name));
    client.ledger.was_accepted(name);
    client.take_in(&command, answer, Removals::Allowed);
    if let Err(problem) = given {
        client.fail(&format!("{command:?}: {problem}"));
    }
    if client.model().mailbox == mailbox {
        client.find_out();
        let model = client.model();
        let is_there = model.get(uid).is_some() || model.is_gone(uid);
        if !is_there {
            client.fail(&format!("{command:?}: UID {uid} is not seen"));
        }
    }
}

fn deliver(client: &mut Client) {
    let (name, text) = letter(client);
    let mut smtp = Smtp::connect(client.doors.smtp);
    smtp.send("ada@client.test", &[USER], &text).expect(250);
    client.ledger.was_accepted(name);
    client.ledger.count("SMTP");
}

/// RFC 4315 §3, RFC 6851 §3.3.
fn transfer(client: &mut Client, verb: &str) {
    let Some(picked) = Picked::some(client, 5) else { return };
    let here = client.model().mailbox.clone();
    let target = match verb {
        "MOVE" => *MAILBOXES.iter().find(|name| **name != here).expect("two mailboxes"),
        _ => MAILBOXES[client.random.random_range(0..2)],
    };
    if verb == "MOVE" {
        client.ledger.doom(&here, &picked.uids);
    }
    let command = format!("{}{verb} {} {target}", picked.prefix(), picked.set);
    let heard = client.say(&command, Removals::Allowed);
    let texts = heard.untagged.iter().map(|it| it.text.as_str()).chain([heard.status.as_str()]);
    let code = texts.filter_map(|text| text.split_once("[COPYUID ")?.1.split_once(']')).next();
    let pairs = code.map_or(Ok(Vec::new()), |(code, _)| copied(code));
    let pairs = pairs.unwrap_or_else(|problem| client.fail(&format!("{command:?}: {problem}")));
    for &(old, new) in &pairs {
        let given = client.ledger.was_copied(&(here.clone(), old), (target.to_owned(), new));
        if let Err(problem) = given {
            client.fail(&format!("{command:?}: {problem}"));
        }
    }
    let went_along = |uid: &u32| pairs.iter().any(|(old, _)| old == uid);
    if let Some((stranger, _)) = pairs.iter().find(|(old, _)| !picked.uids.contains(old)) {
        client.fail(&format!("{command:?} took UID {stranger} along"));
    }
    let left: Vec<u32> = picked.uids.iter().copied().filter(|uid| !went_along(uid)).collect();
    client.must_go(&command, &left);
    if verb == "MOVE"
        && let Some(still) = picked.uids.iter().find(|uid| client.model().get(**uid).is_some())
    {
        client.fail(&format!("{command:?}: UID {still} is still here"));
    }
}

/// `38505 304,319:320 3956:3958` as pairs of old and new.
fn copied(code: &str) -> Result<Vec<(u32, u32)>, String> {
    let sets: Vec<&str> = code.split(' ').collect();
    let [_, old, new] = sets[..] else {
        return Err(format!("COPYUID {code}"));
    };
    let all = |set: &str| Ok::<Vec<u32>, String>(ranges(set)?.into_iter().flat_map(|(first, last)| first..=last).collect());
    let (old, new) = (all(old)?, all(new)?);
    if old.len() != new.len() {
        return Err(format!("COPYUID {code}"));
    }
    Ok(old.into_iter().zip(new).collect())
}

fn expunge(client: &mut Client) {
    let command = match Picked::some(client, 10) {
        Some(picked) if client.random.random_bool(0.5) => format!("UID EXPUNGE {}", picked.uid_set()),
        _ => "EXPUNGE".to_owned(),
    };
    client.say(&command, Removals::Allowed);
}

fn fetch(client: &mut Client) {
    let Some(picked) = Picked::some(client, 8) else { return };
    let items = [
        "(FLAGS UID)",
        "(UID RFC822.SIZE INTERNALDATE ENVELOPE)",
        "(UID BODYSTRUCTURE)",
        "(UID BODY.PEEK[])",
        "(UID BODY[HEADER.FIELDS (X-NAME)])",
        "(UID BODY.PEEK[TEXT]<0.20>)",
    ];
    let items = items[client.random.random_range(0..items.len())];
    let command = format!("{}FETCH {} {items}", picked.prefix(), picked.set);
    let heard = client.say(&command, picked.removals());
    let told = |uid: &u32| heard.fetched.iter().any(|it| it.uid == Some(*uid));
    let untold: Vec<u32> = picked.uids.iter().copied().filter(|uid| !told(uid)).collect();
    client.must_go(&command, &untold);
}

fn search(client: &mut Client) {
    let (before, uids) = (client.model().messages.len() as u32, client.model().uids());
    let place = uids.first().map(|&uid| (client.model().mailbox.clone(), uid));
    let name = place.and_then(|place: Place| client.ledger.name(&place));
    match (client.random.random_range(0..4), name) {
        (0, _) => {
            let heard = client.say("SEARCH ALL", Removals::Forbidden);
            let found = found(client, &heard.untagged, "SEARCH ALL");
            let after = client.model().messages.len() as u32;
            if !(1..=before).eq(found.iter().copied().take(before as usize)) || found.last().is_some_and(|&last| last > after) {
                client.fail(&format!("SEARCH ALL of {before} messages: {found:?}"));
            }
        }
        (1, Some(name)) => {
            let heard = client.say(&format!("UID SEARCH HEADER X-Name {name}"), Removals::Allowed);
            let mailbox = client.model().mailbox.clone();
            for uid in found(client, &heard.untagged, "UID SEARCH") {
                let other = client.ledger.name(&(mailbox.clone(), uid)).filter(|other| *other != name);
                if let Some(other) = other {
                    client.fail(&format!("a search for {name} found UID {uid}, {other}"));
                }
            }
        }
        _ => {
            let heard = client.say("UID SEARCH ALL", Removals::Allowed);
            let found = found(client, &heard.untagged, "UID SEARCH ALL");
            let untold: Vec<u32> = uids.into_iter().filter(|uid| found.binary_search(uid).is_err()).collect();
            client.must_go("UID SEARCH ALL", &untold);
        }
    }
}

/// The numbers that a search found, ascending.
fn found(client: &mut Client, untagged: &[crate::support::imap::Untagged], command: &str) -> Vec<u32> {
    let text = untagged.iter().find_map(|it| it.text.strip_prefix("* SEARCH"));
    let Some(text) = text else {
        client.fail(&format!("{command:?} has no result"));
    };
    let numbers: Vec<u32> = text.split_whitespace().map_while(|it| it.parse().ok()).collect();
    if !numbers.is_sorted_by(|a, b| a < b) {
        client.fail(&format!("{command:?} found {numbers:?}"));
    }
    numbers
}

/// RFC 2177 §3.
fn idle(client: &mut Client) {
    let wait = client.random.random_bool(0.6).then_some(WAIT);
    let answer = client.imap().idle(wait);
    client.take_in("IDLE", answer, Removals::Allowed);
}

fn leave(client: &mut Client) {
    let here = client.model().mailbox.clone();
    match client.random.random_range(0..3) {
        0 => drop(client.say("CLOSE", Removals::Allowed)),
        1 => drop(client.say("UNSELECT", Removals::Allowed)),
        _ => {
            client.leave();
            let other = MAILBOXES.iter().find(|name| **name != here).expect("two mailboxes");
            return opening::open(client, other);
        }
    }
    client.leave();
}

/// RFC 3501 §6.3.10.
fn status(client: &mut Client) {
    let here = client.model().mailbox.clone();
    let other = MAILBOXES.iter().find(|name| **name != here).expect("two mailboxes");
    let command = format!("STATUS {other} (MESSAGES UNSEEN RECENT UIDNEXT HIGHESTMODSEQ)");
    let heard = client.say(&command, Removals::Allowed);
    let number = |mark: &str| heard.untagged.iter().find_map(|it| number_after(&it.text, mark));
    let numbers = ["MESSAGES ", "UNSEEN ", "RECENT ", "UIDNEXT ", "HIGHESTMODSEQ "].map(number);
    let [Some(messages), Some(unseen), Some(recent), Some(uid_next), Some(highest)] = numbers else {
        client.fail(&format!("{command:?} was answered {:?}", heard.untagged));
    };
    let before = client.remembered(other);
    let went_back = before.is_some_and(|it| u64::from(it.uid_next) > uid_next || it.highest > highest);
    if unseen > messages || recent > messages || messages >= uid_next || went_back {
        client.fail(&format!("{command:?} was answered {:?}", heard.untagged));
    }
}
