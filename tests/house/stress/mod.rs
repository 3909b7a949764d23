//! Many clients at one mailbox: each does what comes to its mind and holds every response against what it knows (RFC 3501 §7.4.1,
//! RFC 7162 §3); in the end all agree with a fresh session, with the Maildir and with a new index.

mod actions;
mod client;
mod ledger;
mod model;
mod opening;
mod picking;
mod storing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::support::house::{Builder, House};
use crate::support::maildir;

use client::{Client, Doors, Kind, MAILBOXES, USER};
use ledger::{Ledger, Place};
use model::{Fetched, Flags};

/// A message of the fresh session: its name and flags.
type Seen = BTreeMap<Place, (String, Flags)>;

/// `tests/soak` runs it with more clients, for longer.
#[test]
fn many_clients_at_one_mailbox() {
    let seed = number("HOUSE_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    let clients = number("HOUSE_CLIENTS").unwrap_or(8);
    let seconds = number("HOUSE_SECONDS").unwrap_or(12);
    // Shown when the test fails. The clients repeat what they choose; how they meet is chance.
    println!("HOUSE_SEED={seed} HOUSE_CLIENTS={clients} HOUSE_SECONDS={seconds}");
    let house = Builder::default()
        .set("tls.allow_plaintext_auth_from", vec!["127.0.0.0/8"])
        .set("limits.max_connections_per_address", 0)
        .set("log.level", "warn")
        .start();
    house.provision();
    house.imap(USER).ok("CREATE Other");

    let ledger = Arc::new(Ledger::default());
    let doors = Doors::of(&house);
    let end = Instant::now() + Duration::from_secs(seconds);
    let running: Vec<_> = (0..clients)
        .map(|place| {
            let client = Client::new(place, Kind::of(place), seed, doors, Arc::clone(&ledger));
            thread::spawn(move || client.run(end))
        })
        .collect();
    let ended: Vec<_> = running.into_iter().map(thread::JoinHandle::join).collect();
    println!("{} commands: {:?}", ledger.commands.load(Ordering::Relaxed), ledger.counts());
    let clients: Vec<Client> = ended
        .into_iter()
        .map(|ended| ended.unwrap_or_else(|_| panic!("a client failed, see above")))
        .collect();
    settle(&house, &ledger, clients);
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// All clients have stopped: what they know is what there is.
fn settle(house: &House, ledger: &Ledger, clients: Vec<Client>) {
    let there = look(house);
    let uids: BTreeMap<Place, Flags> = there.iter().map(|(place, (_, flags))| (place.clone(), flags.clone())).collect();
    for client in clients {
        client.agrees(&uids);
    }
    ledger.settle(&there.iter().map(|(place, (name, _))| (place.clone(), name.clone())).collect());
    for mailbox in MAILBOXES {
        assert_eq!(on_disk(house, mailbox), of(&there, mailbox), "the Maildir of {mailbox}");
    }
    let reindexed = house.command(&["reindex", USER]);
    assert!(reindexed.status.success(), "{}", String::from_utf8_lossy(&reindexed.stderr));
    assert_eq!(look(house), there, "after posthouse reindex");
}

/// Both mailboxes as a fresh session sees them.
fn look(house: &House) -> Seen {
    let mut imap = house.imap(USER);
    let mut seen = Seen::new();
    for mailbox in MAILBOXES {
        imap.select(mailbox);
        for response in imap.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (X-NAME)])") {
            let fetched = Fetched::read(&response);
            let (Some(uid), Some(flags)) = (fetched.uid, fetched.flags) else {
                continue;
            };
            let name = client::name_in(fetched.literal.as_deref().unwrap_or_default());
            let before = seen.insert((mailbox.to_owned(), uid), (name.expect("X-Name"), flags));
            assert!(before.is_none(), "{mailbox} has UID {uid} twice");
        }
    }
    seen
}

/// The name and the letters of the flags of each file.
fn on_disk(house: &House, mailbox: &str) -> Vec<(String, String)> {
    let mut path = house.maildir(USER);
    if mailbox != "INBOX" {
        path.push(format!(".{mailbox}"));
    }
    let files = maildir::messages(&path);
    let mut all: Vec<_> = files
        .iter()
        .map(|file| {
            let name = client::name_in(maildir::text(file).as_bytes()).expect("X-Name");
            let letters = maildir::flags(file).chars().filter(char::is_ascii_uppercase).collect();
            (name, letters)
        })
        .collect();
    all.sort();
    all
}

/// The same of what a session sees.
fn of(there: &Seen, mailbox: &str) -> Vec<(String, String)> {
    let letter = |flag: &String| {
        Some(match flag.as_str() {
            "\\Draft" => 'D',
            "\\Flagged" => 'F',
            "$Forwarded" => 'P',
            "\\Answered" => 'R',
            "\\Seen" => 'S',
            "\\Deleted" => 'T',
            _ => return None,
        })
    };
    let mine = there.iter().filter(|((of, _), _)| of == mailbox);
    let mut all: Vec<_> = mine
        .map(|(_, (name, flags))| {
            let mut letters: Vec<char> = flags.iter().filter_map(letter).collect();
            letters.sort_unstable();
            (name.clone(), letters.into_iter().collect())
        })
        .collect();
    all.sort();
    all
}
