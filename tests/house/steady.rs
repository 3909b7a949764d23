//! A day's work in a row: memory does not grow with what was done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::accepted::letter;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::mx::{Manner, Mx};
use crate::support::pop3::Pop3;
use crate::support::rest::Rest;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

const USERS: u64 = 8;
/// A mailbox with more messages than these is emptied but for a few.
const MANY: u32 = 60;
/// From so many operations on the growth is judged: before that, caches fill.
const JUDGED_FROM: u64 = 500_000;
/// How much more memory may be in use at the end than after the first fifth, in percent.
const MOST_GROWTH: u64 = 5;

/// `tests/soak steady` runs it with a million operations.
#[test]
fn memory_is_steady() {
    let goal = std::env::var("HOUSE_OPERATIONS").map_or(4_000, |text| text.parse().expect("HOUSE_OPERATIONS is a number"));
    let plain = Manner {
        is_plain: true,
        ..Manner::default()
    };
    let mx = Mx::mannered(([127, 0, 0, 1], 0).into(), plain);
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("limits.max_connections_per_address", 0)
        .set("submission.messages_per_hour", 0)
        .set("submission.messages_per_day", 0)
        .set("submission.recipients_per_hour", 0)
        .set("submission.recipients_per_day", 0)
        .set("log.level", "warn")
        .start();
    house.provision();
    let day = Arc::new(Day::default());
    let begun = Instant::now();
    let users: Vec<JoinHandle<()>> = (0..USERS)
        .map(|number| {
            let user = format!("user{number}@house.test");
            house.user(&user);
            let worker = Worker::new(&house, user, number, Arc::clone(&day));
            thread::spawn(move || worker.run())
        })
        .collect();
    let mut warm = 0;
    let mut next = goal / 20;
    // The least since the last look: a password's hash takes as much as half of all, and is there for a moment.
    let mut least = u64::MAX;
    let mut memory = u64::MAX;
    while day.done() < goal {
        assert!(!users.iter().any(JoinHandle::is_finished), "a user has given up, see above");
        thread::sleep(Duration::from_millis(20));
        least = least.min(resident(&house));
        if day.done() < next {
            continue;
        }
        let mark = next;
        next += goal / 20;
        memory = std::mem::replace(&mut least, u64::MAX);
        println!(
            "{} operations after {} s: {} KiB",
            day.done(),
            begun.elapsed().as_secs(),
            memory / 1024
        );
        // The highest so far: what is in use goes up and down with the moment.
        if mark <= goal / 5 {
            warm = memory.max(warm);
        }
    }
    day.is_over.store(true, Ordering::Relaxed);
    users.into_iter().for_each(|user| user.join().expect("a user"));
    until("an empty queue", || (house.queued() == 0).then_some(()));
    judge(&day, begun, (warm, memory.min(resident(&house))));
}

/// Whether it has grown, as far as so few operations say.
fn judge(day: &Day, begun: Instant, (warm, memory): (u64, u64)) {
    let (done, seconds) = (day.done(), begun.elapsed().as_secs().max(1));
    println!(
        "{done} operations, {} a second: {} KiB after a fifth, {} KiB at the end",
        done / seconds,
        warm / 1024,
        memory / 1024
    );
    if done >= JUDGED_FROM {
        assert!(memory * 100 < warm * (100 + MOST_GROWTH), "memory has grown");
    }
}

/// Octets of memory in use, without what is mapped from files.
fn resident(house: &House) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.pid().as_raw_nonzero())).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

#[derive(Default)]
struct Day {
    operations: AtomicU64,
    is_over: AtomicBool,
}

impl Day {
    fn done(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection for each request: between two of them the server may close one that waits.
fn over_http(address: SocketAddr, user: &str) -> Rest {
    Rest::login(address, user, PASSWORD).with_header("connection", "close")
}

/// A user with all their programs.
struct Worker {
    user: String,
    random: StdRng,
    day: Arc<Day>,
    smtp: Smtp,
    submission: Smtp,
    imap: Imap,
    rest: Rest,
    /// Of IMAP, POP3 and HTTP.
    addresses: [SocketAddr; 3],
}

impl Worker {
    fn new(house: &House, user: String, number: u64, day: Arc<Day>) -> Self {
        let mut imap = house.imap(&user);
        imap.select("INBOX");
        Self {
            smtp: house.smtp(),
            submission: house.submission(&user),
            imap,
            rest: over_http(house.address("http"), &user),
            addresses: ["imaps", "pop3s", "http"].map(|name| house.address(name)),
            random: StdRng::seed_from_u64(number),
            user,
            day,
        }
    }

    fn run(mut self) {
        while !self.day.is_over.load(Ordering::Relaxed) {
            match self.random.random_range(0..100) {
                0..25 => self.receive(),
                25..30 => self.submit(),
                30..90 => self.read(),
                90..94 => self.tidy(),
                94..98 => self.look_over_http(),
                98 => self.log_in_again(),
                _ => self.fetch_over_pop3(),
            }
            self.day.count();
        }
    }

    fn receive(&mut self) {
        let octets = self.random.random_range(200..4_000);
        let letter = letter("steady", octets, &mut self.random);
        self.smtp.send("ada@client.test", &[&self.user], &letter).expect(250);
    }

    fn submit(&mut self) {
        let letter = format!("From: {}\nSubject: out\n\nHello.\n", self.user);
        self.submission.send(&self.user, &["friend@remote.test"], &letter).expect(250);
    }

    fn read(&mut self) {
        let commands = [
            "NOOP",
            "UID FETCH 1:* (FLAGS)",
            "FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
            "FETCH * BODY.PEEK[]",
            "STORE * +FLAGS (\\Seen)",
            "STORE * -FLAGS (\\Seen)",
            "UID SEARCH UNSEEN",
            "UID SEARCH SUBJECT accepted",
            "STATUS Sent (MESSAGES UIDNEXT)",
        ];
        let command = commands[self.random.random_range(0..commands.len())];
        let status = self.imap.command(command).status;
        // RFC 3501 §6.4.8: in an empty mailbox there is no `*`.
        assert!(status.starts_with("OK") || status.starts_with("BAD"), "{command}: {status}");
    }

    /// The mailbox stays as large as it is.
    fn tidy(&mut self) {
        let (exists, _) = self.imap.select("INBOX");
        if exists > MANY {
            self.imap.ok(&format!("STORE 1:{} +FLAGS.SILENT (\\Deleted)", exists - MANY / 2));
            self.imap.ok("EXPUNGE");
        }
    }

    fn look_over_http(&mut self) {
        let path = format!("/users/{}/messages?limit=20", self.user);
        let mut listed = self.rest.get(&path);
        if listed.status == 401 {
            // An access token lasts for a part of a day.
            self.rest = over_http(self.addresses[2], &self.user);
            listed = self.rest.get(&path);
        }
        listed.ok();
    }

    fn log_in_again(&mut self) {
        let mut imap = Imap::login(self.addresses[0], &self.user, PASSWORD);
        imap.select("INBOX");
        imap.ok("LOGOUT");
    }

    fn fetch_over_pop3(&mut self) {
        let mut pop3 = Pop3::login(self.addresses[1], &self.user, PASSWORD);
        pop3.lines("UIDL");
        pop3.ok("QUIT");
    }
}
