//! Hostile sessions at every listener: whatever comes, the server stays up, stays small, and serves the others meanwhile.
//!
//! The suite has a hundred at each listener; `tests/hostile` has ten thousand. `HOUSE_SESSIONS` says how many, `HOUSE_ATTACKERS` how many at
//! the same time, `HOUSE_SEED` repeats the choices of an earlier run.

mod attacks;
mod guests;

use std::collections::VecDeque;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::house::{Builder, House};
use crate::support::peer::connect;
use attacks::{Attack, Manner};
use guests::Guests;

/// How many connections each of them leaves open for a while, without a word or with one octet now and then.
const HELD: usize = 25;

/// The most memory that the server may ever have had, in KiB.
const MOST_MEMORY: u64 = 200 * 1024;

/// How long the server may take none of what is sent, or say nothing, until the attacker is content.
const CONTENT: Duration = Duration::from_millis(100);

const LISTENERS: [&str; 11] = [
    "smtp",
    "submission",
    "submissions",
    "lmtp",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "managesieve",
    "http",
    "https",
];

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is a number")),
        Err(_) => default,
    }
}

/// A figure of `/proc/PID/status`, in KiB.
fn memory(house: &House, name: &str) -> u64 {
    let path = format!("/proc/{}/status", house.pid().as_raw_nonzero());
    let text = fs::read_to_string(path).expect("a process");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a figure");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// One of many attackers: its share of the sessions at each listener.
fn attack(house: &House, (attacker, attackers): (u64, usize), sessions: u64, done: &AtomicU64) {
    let mut random = StdRng::seed_from_u64(number("HOUSE_SEED", 7).wrapping_add(attacker));
    let mut held: VecDeque<TcpStream> = VecDeque::new();
    for listener in LISTENERS {
        for _ in (attacker..sessions).step_by(attackers) {
            let attack = Attack::choose(listener, &mut random);
            // Attackers have more than one address, or the limit for each would end it all.
            let from = random.random_range(10..250);
            if let Some(left_open) = once(house.address(listener), from, &attack) {
                held.push_back(left_open);
            }
            if held.len() > HELD {
                held.pop_front();
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Does its worst to one connection; gives it back if it is to stay open.
fn once(to: SocketAddr, from: u8, attack: &Attack) -> Option<TcpStream> {
    let stream = connect(to, from);
    stream.set_read_timeout(Some(CONTENT)).expect("a time limit");
    stream.set_write_timeout(Some(CONTENT)).expect("a time limit");
    match attack.manner {
        Manner::Leave => {
            attacks::send(&stream, &attack.octets);
            attacks::listen(&stream);
            None
        }
        // The system sends a reset where something is left unread.
        Manner::Deaf => {
            attacks::send(&stream, &attack.octets);
            None
        }
        Manner::Reset => {
            attacks::send(&stream, &attack.octets);
            let socket = socket2::SockRef::from(&stream);
            socket.set_linger(Some(Duration::ZERO)).expect("a linger");
            None
        }
        Manner::Hold => {
            attacks::send(&stream, &attack.octets);
            Some(stream)
        }
        Manner::OverTls => {
            attacks::send_over_tls(&stream, &attack.octets);
            None
        }
    }
}

#[test]
fn hostile_sessions_harm_nobody() {
    let sessions = number("HOUSE_SESSIONS", 120);
    let house = Builder::default()
        .set("listen.https", vec!["127.0.0.1:0"])
        .set("imap.command_timeout_seconds", 5)
        .set("smtp.data_timeout_seconds", 5)
        .set("http.guest_requests_per_minute", 0)
        .start();
    house.provision();
    let (begin, done) = (Instant::now(), AtomicU64::new(0));
    let guests = Guests::come(&house);
    thread::scope(|scope| {
        let attackers = number("HOUSE_ATTACKERS", 12) as usize;
        for attacker in 0..attackers as u64 {
            let (house, done) = (&house, &done);
            scope.spawn(move || attack(house, (attacker, attackers), sessions, done));
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    let visits = guests.leave();
    let (peak, now) = (memory(&house, "VmHWM:"), memory(&house, "VmRSS:"));
    println!(
        "{} hostile sessions at {} listeners in {seconds:.0} s; memory at most {} MB, in the end {} MB; served meanwhile: {visits}",
        done.load(Ordering::Relaxed),
        LISTENERS.len(),
        peak / 1024,
        now / 1024
    );
    assert_eq!(done.load(Ordering::Relaxed), sessions * LISTENERS.len() as u64);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
    let log = house.log();
    for word in ["panicked", "a fault of ours", "a request broke"] {
        assert!(!log.contains(word), "{word} in the log");
    }
    // And everybody is served as before.
    let calm = Guests::come(&house);
    calm.until_all_were_served();
    calm.leave();
}
