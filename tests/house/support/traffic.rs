//! Users who send to many at other organisations, and the account of who got what: each recipient the message once, or again only
//! where the server that sent it ended before it could write down that it was taken (RFC 5321 §6.1).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::house::{Builder, House};
use super::mx::Answer::Slowly;
use super::mx::{Flaw, Manner, Mx};
use super::smtp::Smtp;
use super::street::Street;
use super::wait::until;

const USERS: [&str; 4] = ["alice@house.test", "bob@house.test", "carol@house.test", "dave@house.test"];
const DOMAINS: [&str; 3] = ["one.test", "two.test", "three.test"];
/// The most recipients of a message.
const MOST: usize = 20;

/// What is sent, and what arrives.
pub struct Traffic {
    street: Street,
    servers: Vec<Mx>,
    sent: Arc<Sent>,
    /// How many deliveries there are to be.
    goal: usize,
}

#[derive(Default)]
struct Sent {
    /// The recipients of each message that was accepted, by its subject.
    accepted: Mutex<BTreeMap<String, Vec<String>>>,
    deliveries: AtomicUsize,
    names: AtomicUsize,
}

/// How it went.
#[derive(Debug, Default, Clone, Copy)]
pub struct Account {
    /// Recipients of accepted messages.
    pub accepted: usize,
    /// Recipients of messages whose acceptance was not heard, and which were delivered.
    pub unheard: usize,
    /// Further copies, all of transactions in flight when a server ended.
    pub again: usize,
}

impl Traffic {
    /// So many deliveries to come. One of the servers takes its time at the end of each message.
    pub fn new(goal: usize) -> Self {
        let mut street = Street::new();
        let servers = DOMAINS.iter().enumerate().filter_map(|(place, domain)| {
            let slow = Flaw::always(".", Slowly(Duration::from_micros(500)));
            let manner = Manner {
                flaws: (place == 0).then_some(slow).into_iter().collect(),
                ..Manner::default()
            };
            street.build(domain, Some(manner))
        });
        Self {
            servers: servers.collect(),
            street,
            sent: Arc::default(),
            goal,
        }
    }

    /// A house that sends to these servers.
    pub fn house(&self, builder: Builder) -> Builder {
        self.street.house(builder)
    }

    /// Makes the users.
    pub fn provision(house: &House) {
        house.provision();
        USERS[2..].iter().for_each(|user| house.user(user));
    }

    /// The users log in and send until there is enough, or the server is gone.
    pub fn send(&self, house: &House, random: &mut StdRng) -> Vec<JoinHandle<()>> {
        let start = |user: &'static str| {
            let session = house.submission(user);
            let (sent, goal, random) = (Arc::clone(&self.sent), self.goal, StdRng::seed_from_u64(random.random()));
            thread::spawn(move || sent.send(session, user, goal, random))
        };
        USERS.map(start).into()
    }

    /// Waits until so many deliveries were taken.
    pub fn wait_for(&self, count: usize) {
        until(&format!("{count} deliveries"), || (self.taken() >= count).then_some(()));
    }

    fn taken(&self) -> usize {
        let of = |server: &Mx| server.look(|seen| seen.letters.iter().map(|letter| letter.to.len()).sum::<usize>());
        self.servers.iter().map(of).sum()
    }

    /// Waits until the queue is empty, and checks the account.
    pub fn settle(&self, house: &House) -> Account {
        let admin = house.admin();
        until("an empty queue", || {
            admin.get("/queue").ok()["items"]
                .as_array()
                .is_some_and(Vec::is_empty)
                .then_some(())
        });
        let mut copies: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
        for letter in self.servers.iter().flat_map(|server| server.seen().letters) {
            let subject = letter.text.lines().find_map(|line| line.strip_prefix("Subject: "));
            let subject = subject.expect("a subject").to_owned();
            assert!(letter.text.ends_with(&format!("\n\n{subject}\n")), "damaged: {}", letter.text);
            for to in letter.to {
                copies.entry((subject.clone(), to)).or_default().push(letter.is_settled);
            }
        }
        let mut account = Account::default();
        for (subject, recipients) in self.sent.accepted.lock().expect("accepted").iter() {
            for to in recipients {
                let found = copies.remove(&(subject.clone(), format!("<{to}>")));
                let found = found.unwrap_or_else(|| panic!("{subject} was accepted and did not reach {to}"));
                account.accepted += 1;
                account.again += further(&found, subject, to);
            }
        }
        for ((subject, to), found) in copies {
            account.unheard += 1;
            account.again += further(&found, &subject, &to);
        }
        for user in USERS {
            assert!(house.inbox(user).is_empty(), "{user} was told of a failure");
        }
        account
    }
}

/// How many copies are one too many. Only who was in the middle of a transaction may not have known of it.
fn further(copies: &[bool], subject: &str, to: &str) -> usize {
    let (_, before) = copies.split_last().expect("a copy");
    let is_known = before.iter().any(|is_settled| *is_settled);
    assert!(
        !is_known,
        "{subject} was sent to {to} again, and the first end was written down: {copies:?}"
    );
    before.len()
}

impl Sent {
    fn send(&self, mut session: Smtp, user: &str, goal: usize, mut random: StdRng) {
        while self.deliveries.load(Ordering::SeqCst) < goal {
            let name = format!("message {}", self.names.fetch_add(1, Ordering::SeqCst));
            let to: Vec<String> = (0..random.random_range(1..=MOST))
                .map(|place| format!("friend{place}@{}", DOMAINS[random.random_range(0..DOMAINS.len())]))
                .collect();
            let all: Vec<&str> = to.iter().map(String::as_str).collect();
            let letter = format!("From: {user}\nSubject: {name}\n\n{name}\n");
            if session.try_send(user, &all, &letter).is_none() {
                return;
            }
            self.deliveries.fetch_add(to.len(), Ordering::SeqCst);
            self.accepted.lock().expect("accepted").insert(name, to);
        }
    }
}
