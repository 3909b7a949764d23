//! What breaks around the server: disks that are full or may not be written, a database or a name
//! server that goes, clients that vanish. Each time nothing that got a 250 is lost, who asks is told to
//! come again, and the server recovers by itself. `tests/soak faults` runs them for longer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::accepted::{Accepted, letter};
use crate::support::databases::Mortal;
use crate::support::disk::{Disk, ReadOnly};
use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::mx::{Letter, Mx};
use crate::support::rest::Rest;
use crate::support::smtp::{Reply, Smtp};
use crate::support::wait::until;

const ALICE: &str = "alice@house.test";
const BOB: &str = "bob@house.test";
const BOTH: [&str; 2] = [ALICE, BOB];

/// A number for the longer forms.
fn number(variable: &str, usual: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// A house on a disk of its own, which mail may take to the last octet.
fn on(disk: &Disk) -> House {
    let house = Builder::default().set("mail.reserve_bytes", 0).data(disk.path("data")).start();
    house.provision();
    house
}

/// Sends a message, and begins anew where it is refused on the way.
fn send(smtp: &mut Smtp, from: &str, to: &[&str], letter: &str) -> Reply {
    let reply = smtp.send(from, to, &format!("From: {from}\r\n{letter}"));
    if reply.code != 250 {
        smtp.command("RSET").expect(250);
    }
    reply
}

#[test]
fn a_full_disk_refuses_for_now() {
    let Some(disk) = Disk::of_megabytes(24) else { return };
    let mut house = on(&disk);
    let (accepted, mut random) = (Accepted::default(), StdRng::seed_from_u64(1));
    let mut smtp = house.smtp();
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    send(&mut smtp, "ada@client.test", &BOTH, &letter("before", 3_000, &mut random)).expect(250);
    accepted.add("before".into(), BOTH.to_vec());

    let alice = Rest::login(house.address("http"), ALICE, PASSWORD);
    disk.fill(0);
    // In memory and in a file; for a mailbox and for the queue.
    for octets in [3_000, 400_000] {
        let reply = send(&mut smtp, "ada@client.test", &BOTH, &letter("refused", octets, &mut random));
        assert!(reply.code == 452 && reply.lines[0].starts_with("4.3.1 "), "{reply:?}");
        let outside = send(
            &mut house.submission(ALICE),
            ALICE,
            &["friend@remote.test"],
            &letter("refused", octets, &mut random),
        );
        assert!(outside.code == 452, "{outside:?}");
    }
    let status = imap.append("INBOX", letter("refused", 400_000, &mut random).as_bytes());
    assert!(status.starts_with("NO [UNAVAILABLE] there is no room"), "{status}");
    let import = alice.post_raw(
        "/users/alice@house.test/messages",
        "message/rfc822",
        letter("refused", 400_000, &mut random).as_bytes(),
    );
    assert_eq!(import.status, 503, "{import:?}");
    assert_eq!(imap.ok("FETCH 1 BODY.PEEK[]").len(), 1);

    disk.make_room();
    // The same sessions go on.
    send(&mut smtp, "ada@client.test", &BOTH, &letter("after", 400_000, &mut random)).expect(250);
    accepted.add("after".into(), BOTH.to_vec());
    for user in BOTH {
        accepted.verify_exactly(&house, user);
    }
    house.kill();
    house.start_again();
    for user in BOTH {
        accepted.verify_exactly(&house, user);
    }
    assert_eq!(house.queued(), 0);
}

/// Mail comes from all sides while the disk is filled up to some octets again and again: at some point within the writing of each kind
/// of file.
#[test]
fn a_disk_that_fills_under_load_loses_nothing() {
    let Some(disk) = Disk::of_megabytes(48) else { return };
    let mut house = on(&disk);
    let accepted = Arc::new(Accepted::default());
    let (enough, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let address = house.address("smtp");
    let senders: Vec<_> = (0..6)
        .map(|session| {
            let (accepted, enough, refused) = (Arc::clone(&accepted), Arc::clone(&enough), Arc::clone(&refused));
            thread::spawn(move || {
                let mut random = StdRng::seed_from_u64(session);
                let mut smtp = Smtp::connect(address);
                let mut count = 0;
                while !enough.load(Ordering::Relaxed) {
                    count += 1;
                    let name = format!("{session}-{count}");
                    let octets = if random.random_bool(0.1) { 150_000 } else { 2_000 };
                    let reply = send(&mut smtp, "ada@client.test", &BOTH, &letter(&name, octets, &mut random));
                    match reply.code {
                        250 => accepted.add(name, BOTH.to_vec()),
                        452 => _ = refused.fetch_add(1, Ordering::Relaxed),
                        code => panic!("{code} is no reply to a full disk: {reply:?}"),
                    }
                }
            })
        })
        .collect();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..number("HOUSE_FILLS", 8) {
        let (before, taken) = (refused.load(Ordering::Relaxed), accepted.len());
        disk.fill(random.random_range(0..300_000));
        until("refusals", || (refused.load(Ordering::Relaxed) > before + 5).then_some(()));
        disk.make_room();
        until("mail that is taken again", || (accepted.len() > taken + 20).then_some(()));
    }
    enough.store(true, Ordering::Relaxed);
    senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
    for user in BOTH {
        accepted.verify_exactly(&house, user);
    }
    house.kill();
    house.start_again();
    for user in BOTH {
        accepted.verify_exactly(&house, user);
    }
}

/// With a reserve the disk is never full of mail, and who has too much of it can delete it.
#[test]
fn mail_leaves_room_to_delete_mail() {
    let Some(disk) = Disk::of_megabytes(24) else { return };
    let house = Builder::default()
        .set("mail.reserve_bytes", 8_000_000)
        .data(disk.path("data"))
        .start();
    house.provision();
    let mut random = StdRng::seed_from_u64(3);
    let mut smtp = house.smtp();
    send(&mut smtp, "ada@client.test", &[ALICE], &letter("large", 4_000_000, &mut random)).expect(250);
    disk.fill(4_000_000);
    until("no more mail", || {
        let reply = send(&mut smtp, "ada@client.test", &[BOB], &letter("small", 100, &mut random));
        (reply.code == 452).then_some(())
    });
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    until("mail again", || {
        let reply = send(&mut smtp, "ada@client.test", &[BOB], &letter("small", 100, &mut random));
        (reply.code == 250).then_some(())
    });
}

/// The mail lies on a disk that the system has made read-only: everything can be read, and nothing is taken.
#[test]
fn a_disk_may_become_read_only() {
    let house = Builder::default().start();
    house.provision();
    let (accepted, mut random) = (Accepted::default(), StdRng::seed_from_u64(4));
    let mut smtp = house.smtp();
    let mut imap = house.imap(ALICE);
    send(&mut smtp, "ada@client.test", &BOTH, &letter("before", 2_000, &mut random)).expect(250);
    accepted.add("before".into(), BOTH.to_vec());
    imap.select("INBOX");
    let Some(mail) = ReadOnly::make(&house.data().join("mail")) else {
        return;
    };
    let Some(spool) = ReadOnly::make(&house.data().join("spool")) else {
        return;
    };
    for octets in [2_000, 400_000] {
        send(&mut smtp, "ada@client.test", &BOTH, &letter("refused", octets, &mut random)).expect(451);
    }
    assert!(imap.append("INBOX", b"Subject: x\r\n\r\nx\r\n").starts_with("NO [UNAVAILABLE]"));
    assert_eq!(imap.ok("FETCH 1 BODY.PEEK[]").len(), 1);
    drop((mail, spool));
    send(&mut smtp, "ada@client.test", &BOTH, &letter("after", 400_000, &mut random)).expect(250);
    accepted.add("after".into(), BOTH.to_vec());
    BOTH.into_iter().for_each(|user| accepted.verify_exactly(&house, user));
}

/// Nobody answers questions about names: mail for others waits in the queue, mail for users here does not.
#[test]
fn dns_may_go_and_come_back() {
    let (mx, dns) = (Mx::good(), Dns::start());
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    dns.keep_silent(true);
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("dns.timeout_seconds", 1)
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .start();
    house.provision();
    let text = "Subject: x\r\n\r\nx\r\n";
    send(&mut house.submission(ALICE), ALICE, &["friend@remote.test", BOB], text).expect(250);
    send(&mut house.smtp(), "ada@client.test", &[BOB], text).expect(250);
    assert_eq!(house.inbox(BOB).len(), 2);
    let queue = until("an attempt", || {
        let queue = house.admin().get("/queue").ok();
        let attempts = queue["items"][0]["recipients"][0]["attempts"].as_u64();
        attempts.is_some_and(|attempts| attempts > 0).then_some(queue)
    });
    assert_eq!(queue["items"][0]["recipients"][0]["state"], "waiting", "{queue}");
    dns.keep_silent(false);
    mx.wait_for(1);
    until("an empty queue", || (house.queued() == 0).then_some(()));
}

/// A client vanishes in the middle of a message, without a word of TLS or TCP but the end: nothing of it is kept.
#[test]
fn a_peer_may_vanish_within_tls() {
    let house = House::furnished();
    for _ in 0..20 {
        let mut smtp = house.smtp().start_tls();
        smtp.envelope("ada@client.test", &[BOB]).expect(354);
        smtp.send_raw(&vec![b'x'; 300_000]);
        drop(smtp);
        let mut imap = house.imap(ALICE);
        imap.line().send(b"a APPEND INBOX {1000000}\r\n").expect("a connection");
        imap.line().send(&vec![b'x'; 300_000]).expect("a connection");
    }
    send(&mut house.smtp(), "ada@client.test", &BOTH, "Subject: x\r\n\r\nx\r\n").expect(250);
    let left = || std::fs::read_dir(house.data().join("spool/incoming")).expect("the spool").count();
    until("nothing to be left of them", || (left() == 0).then_some(()));
    BOTH.into_iter().for_each(|user| assert_eq!(house.inbox(user).len(), 1));
}

#[test]
fn postgres_may_go_and_come_back() {
    a_database_goes(Mortal::postgres());
}

#[test]
fn mariadb_may_go_and_come_back() {
    a_database_goes(Mortal::mariadb());
}

/// The database is killed under load, and starts again after a while: those who asked meanwhile were told to come again, on sessions that
/// live on.
fn a_database_goes(mut database: Mortal) {
    let mx = Mx::good();
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("database.url", database.url())
        .set("database.acquire_timeout_seconds", 1)
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .start();
    house.provision();
    let load = Load::start(&house);
    let seconds = number("HOUSE_SECONDS", 3) as u64;
    for _ in 0..number("HOUSE_ROUNDS", 2) {
        let (accepted, refused) = load.so_far();
        until("mail before the fault", || (load.so_far().0 > accepted + 20).then_some(()));
        database.kill();
        let began = Instant::now();
        until("temporary errors", || (load.so_far().1 > refused + 8).then_some(()));
        thread::sleep(Duration::from_secs(seconds).saturating_sub(began.elapsed()));
        assert_eq!(house.anonymous().get("/health/live").status, 200);
        assert_eq!(house.anonymous().get("/health/ready").status, 503);
        database.start();
        let accepted = load.so_far().0;
        until("mail that is taken again", || (load.so_far().0 > accepted + 20).then_some(()));
        assert_eq!(house.anonymous().get("/health/ready").status, 200);
    }
    let told = load.stop();
    for user in BOTH {
        told.local.verify(&house, user);
    }
    until("an empty queue", || (house.queued() == 0).then_some(()));
    let arrived = mx.seen().letters;
    for name in told.outside.lock().expect("names").iter() {
        let has_it = |letter: &Letter| letter.text.contains(&format!("X-Name: {name}\n"));
        assert!(arrived.iter().any(has_it), "{name} was accepted and did not arrive");
    }
}

/// Sessions of all kinds that go on whatever they are told, as long as it is a temporary error.
struct Load {
    shared: Arc<Shared>,
    sessions: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    local: Accepted,
    outside: Mutex<Vec<String>>,
    accepted: AtomicUsize,
    refused: AtomicUsize,
    enough: AtomicBool,
}

impl Load {
    fn start(house: &House) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let mut sessions = Vec::new();
        for session in 0..4 {
            let (shared, smtp) = (Arc::clone(&shared), house.smtp());
            sessions.push(thread::spawn(move || shared.outsider(session, smtp)));
        }
        for session in 4..6 {
            let (shared, smtp) = (Arc::clone(&shared), house.submission(ALICE));
            sessions.push(thread::spawn(move || shared.insider(session, smtp)));
        }
        for _ in 0..2 {
            let (shared, mut imap) = (Arc::clone(&shared), house.imap(BOB));
            imap.select("INBOX");
            sessions.push(thread::spawn(move || shared.read(imap)));
        }
        Self { shared, sessions }
    }

    /// Messages that were accepted, commands that were refused.
    fn so_far(&self) -> (usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (of(&self.shared.accepted), of(&self.shared.refused))
    }

    /// What the sessions were told.
    fn stop(self) -> Arc<Shared> {
        self.shared.enough.store(true, Ordering::Relaxed);
        self.sessions.into_iter().for_each(|session| session.join().expect("a session"));
        self.shared
    }
}

impl Shared {
    fn outsider(&self, session: u64, mut smtp: Smtp) {
        self.send(session, |name, letter| {
            let reply = send(&mut smtp, "ada@client.test", &BOTH, letter);
            if reply.code == 250 {
                self.local.add(name, BOTH.to_vec());
            }
            reply
        });
    }

    fn insider(&self, session: u64, mut smtp: Smtp) {
        self.send(session, |name, letter| {
            let reply = send(&mut smtp, ALICE, &["friend@remote.test"], letter);
            if reply.code == 250 {
                self.outside.lock().expect("names").push(name);
            }
            reply
        });
    }

    fn send(&self, session: u64, mut send: impl FnMut(String, &str) -> Reply) {
        let mut random = StdRng::seed_from_u64(session);
        let mut count = 0;
        while !self.enough.load(Ordering::Relaxed) {
            count += 1;
            let name = format!("{session}-{count}");
            let reply = send(name.clone(), &letter(&name, 1_000, &mut random));
            match reply.code {
                250 => self.accepted.fetch_add(1, Ordering::Relaxed),
                400..500 => self.refused.fetch_add(1, Ordering::Relaxed),
                _ => panic!("{reply:?} is no temporary error"),
            };
        }
    }

    fn read(&self, mut imap: Imap) {
        while !self.enough.load(Ordering::Relaxed) {
            for command in [
                "STORE 1 FLAGS.SILENT (\\Seen)",
                "UID FETCH 1:10 (FLAGS ENVELOPE)",
                "STATUS Sent (MESSAGES)",
                "NOOP",
            ] {
                let status = imap.command(command).status;
                if status.starts_with("NO [UNAVAILABLE]") {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert!(
                        status.starts_with("OK") || status.starts_with("NO [NONEXISTENT]"),
                        "{command}: {status}"
                    );
                }
            }
        }
    }
}
