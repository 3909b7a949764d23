//! Those who only want their mail, while others attack.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::house::{House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::line::Line;
use crate::support::rest::Rest;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

/// How long a guest waits before the next visit.
const BETWEEN: Duration = Duration::from_millis(50);

/// What they come for.
const WISHES: [&str; 5] = ["mails in", "mails out", "IMAP", "POP3", "API"];

/// Guests who come again and again; a visit that fails fails the test.
pub struct Guests {
    all: Vec<JoinHandle<()>>,
    leave: Arc<AtomicBool>,
    visits: Arc<[Count; 5]>,
}

#[derive(Default)]
struct Count {
    times: AtomicU64,
    longest_ms: AtomicU64,
}

/// How often each wish was granted, and how long it took at most.
pub struct Visits(Vec<(&'static str, u64, u64)>);

impl fmt::Display for Visits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self
            .0
            .iter()
            .map(|(wish, times, longest)| format!("{times} {wish} (at most {longest} ms)"));
        f.write_str(&each.collect::<Vec<_>>().join(", "))
    }
}

/// Where the doors are.
#[derive(Clone, Copy)]
struct Doors {
    smtp: SocketAddr,
    submissions: SocketAddr,
    imaps: SocketAddr,
    pop3s: SocketAddr,
    http: SocketAddr,
}

impl Guests {
    pub fn come(house: &House) -> Self {
        let doors = Doors {
            smtp: house.address("smtp"),
            submissions: house.address("submissions"),
            imaps: house.address("imaps"),
            pop3s: house.address("pop3s"),
            http: house.address("http"),
        };
        let (leave, visits) = (Arc::new(AtomicBool::new(false)), Arc::<[Count; 5]>::default());
        let guest = |wish: usize| {
            let (leave, visits) = (Arc::clone(&leave), Arc::clone(&visits));
            thread::spawn(move || {
                while !leave.load(Ordering::Relaxed) {
                    let begin = Instant::now();
                    visit(wish, doors);
                    let took = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                    visits[wish].longest_ms.fetch_max(took, Ordering::Relaxed);
                    visits[wish].times.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(BETWEEN);
                }
            })
        };
        Self {
            all: (0..WISHES.len()).map(guest).collect(),
            leave,
            visits,
        }
    }

    pub fn until_all_were_served(&self) {
        until("a visit of each guest", || {
            let served = self.visits.iter().all(|count| count.times.load(Ordering::Relaxed) > 0);
            (served || self.all.iter().any(JoinHandle::is_finished)).then_some(())
        });
    }

    /// Waits until the visits that began are over; each wish was granted at least once.
    pub fn leave(self) -> Visits {
        self.leave.store(true, Ordering::Relaxed);
        for guest in self.all {
            guest.join().expect("a guest was not served");
        }
        let counts = WISHES.iter().zip(self.visits.iter());
        let visits: Vec<_> = counts
            .map(|(wish, count)| (*wish, count.times.load(Ordering::Relaxed), count.longest_ms.load(Ordering::Relaxed)))
            .collect();
        assert!(visits.iter().all(|(_, times, _)| *times > 0), "{}", Visits(visits));
        Visits(visits)
    }
}

fn visit(wish: usize, doors: Doors) {
    const LETTER: &str = "Subject: in the middle of it all\n\nx\n";
    match wish {
        0 => {
            let mut smtp = Smtp::connect(doors.smtp);
            smtp.send("ada@client.test", &["bob@house.test"], LETTER).expect(250);
        }
        1 => {
            let mut smtp = Smtp::connect_tls(doors.submissions);
            smtp.login("alice@house.test", PASSWORD).expect(235);
            let letter = format!("From: alice@house.test\n{LETTER}");
            smtp.send("alice@house.test", &["bob@house.test"], &letter).expect(250);
        }
        2 => {
            let mut imap = Imap::login(doors.imaps, "bob@house.test", PASSWORD);
            imap.select("INBOX");
            imap.ok("FETCH 1:* (FLAGS)");
        }
        3 => {
            let mut pop3 = Line::connect_tls(doors.pop3s);
            assert!(pop3.line().starts_with("+OK"));
            for line in ["USER alice@house.test", &format!("PASS {PASSWORD}"), "STAT", "QUIT"] {
                pop3.say(line);
                let answer = pop3.line();
                assert!(answer.starts_with("+OK"), "{answer}");
            }
        }
        _ => {
            let alice = Rest::login(doors.http, "alice@house.test", PASSWORD);
            alice.get("/users/alice@house.test/mailboxes").ok();
        }
    }
}
