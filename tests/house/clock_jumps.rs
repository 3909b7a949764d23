//! A clock that is set while the server runs: days ahead, hours back. No message is lost, what waits is neither hurried nor forgotten,
//! and sessions go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::clock::Clock;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::mx::{Answer, Mx};
use crate::support::rest::Rest;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

const ALICE: &str = "alice@house.test";
const BOB: &str = "bob@house.test";

/// A place for mail that takes none while it is busy.
fn place() -> (Mx, Arc<AtomicBool>) {
    let busy = Arc::new(AtomicBool::new(true));
    let is_busy = Arc::clone(&busy);
    let mx = Mx::scripted(move |line, _| match line {
        line if line.starts_with("MAIL") && is_busy.load(Ordering::SeqCst) => Answer::Say("451 4.3.2 busy"),
        _ => Answer::Usual,
    });
    (mx, busy)
}

fn house(clock: &Clock, dns: &Dns, mx: &Mx) -> House {
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 2)
        .set("queue.retry_max_seconds", 2);
    let house = clock.drive(house).start();
    house.provision();
    house
}

/// How often the only recipient in the queue was tried.
fn attempts(house: &House) -> u64 {
    let queue = house.admin().get("/queue").ok();
    let recipient = &queue["items"][0]["recipients"][0];
    assert_ne!(recipient["state"], "failed", "{queue}");
    recipient["attempts"].as_u64().unwrap_or_default()
}

/// It is tried again before long, and not more often than the waits between two tries allow.
fn is_tried_at_its_pace(house: &House) {
    let (before, began) = (attempts(house), Instant::now());
    let after = until("another two tries", || Some(attempts(house)).filter(|now| *now >= before + 2));
    // Each wait is a second and a half at least; one try may have been due.
    let most = 2 + began.elapsed().as_millis() as u64 / 1_400;
    assert!(after - before <= most, "{} tries in {:?}", after - before, began.elapsed());
}

fn letter(smtp: &mut Smtp, to: &str) {
    smtp.send(ALICE, &[to], &format!("From: {ALICE}\r\nSubject: x\r\n\r\nx\r\n"))
        .expect(250);
}

fn tokens(house: &House) -> Value {
    let body = json!({"username": ALICE, "password": PASSWORD});
    house.anonymous().post("/auth/login", body).ok()
}

fn status_with(house: &House, tokens: &Value) -> u16 {
    let token = tokens["access_token"].as_str().expect("a token");
    let caller = Rest::anonymous(house.address("http")).with_token(token);
    caller.get("/users/alice@house.test/mailboxes").status
}

fn refreshed(house: &House, tokens: &Value) -> Value {
    let body = json!({"refresh_token": tokens["refresh_token"]});
    house.anonymous().post("/auth/refresh", body).ok()
}

#[test]
fn a_clock_may_jump() {
    let (clock, dns, (mx, busy)) = (Clock::right(), Dns::start(), place());
    let mut house = house(&clock, &dns, &mx);
    let (mut submission, mut smtp, mut imap) = (house.submission(ALICE), house.smtp(), house.imap(BOB));
    let first = tokens(&house);
    letter(&mut submission, "friend@remote.test");
    is_tried_at_its_pace(&house);

    clock.set(72);
    is_tried_at_its_pace(&house);
    letter(&mut smtp, BOB);
    assert_eq!(imap.select("INBOX").0, 1);
    assert_eq!(status_with(&house, &first), 401, "its time is over");
    let ahead = refreshed(&house, &first);
    assert_eq!(status_with(&house, &ahead), 200);

    clock.set(70);
    is_tried_at_its_pace(&house);
    letter(&mut smtp, BOB);
    imap.ok("NOOP");
    assert_eq!(status_with(&house, &ahead), 401, "it is not of this time");
    let second = refreshed(&house, &ahead);
    assert_eq!(status_with(&house, &second), 200);

    // It is set right, and beyond, while the server is off.
    house.kill();
    clock.set(-5);
    house.start_again();
    is_tried_at_its_pace(&house);
    letter(&mut house.smtp(), BOB);
    assert_eq!(house.inbox(BOB).len(), 3);
    assert_eq!(status_with(&house, &tokens(&house)), 200);
    assert_eq!(house.imap(BOB).select("INBOX").0, 3);

    // It has seen each letter that it refused, as they are sent without waiting for the replies.
    let refused = mx.seen().letters.len();
    busy.store(false, Ordering::SeqCst);
    until("an empty queue", || (house.queued() == 0).then_some(()));
    assert_eq!(mx.seen().letters.len(), refused + 1, "once");
    assert!(!house.log().contains("panicked"), "{}", house.log());
}
