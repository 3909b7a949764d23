//! Waiting for messages.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use serde_json::json;

use super::{ALICE, alice, import};
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;
use crate::support::wait::until;

fn wait(query: &str) -> String {
    format!("{ALICE}/messages/wait?{query}")
}

#[test]
fn the_next_message_that_matches_ends_the_wait() {
    let house = House::furnished();
    let alice = alice(&house);
    let before = import(&alice, "", "Subject: before\n\nx\n");
    assert_eq!(alice.get(&wait("timeout=0s")).status, 204, "only what comes from now on");
    let query = wait(&format!("subject=code&after={before}&timeout=60s"));
    let waiting = {
        let address = house.address("http");
        thread::spawn(move || Rest::login(address, "alice@house.test", PASSWORD).get(&query))
    };
    let mut smtp = house.smtp();
    smtp.send("ada@far.test", &["alice@house.test"], "Subject: news\n\nnothing\n")
        .expect(250);
    smtp.send("ada@far.test", &["alice@house.test"], "Subject: your code\n\n123 456\n")
        .expect(250);
    let found = waiting.join().expect("an answer").ok();
    assert_eq!((&found["subject"], &found["text"]), (&json!("your code"), &json!("123 456\r\n")));

    let again = alice.get(&wait(&format!("after={before}&timeout=1m"))).ok();
    assert_eq!(again["subject"], "news", "the first that came after");
    assert_eq!(
        alice.get(&wait("after=2020-01-01T00:00:00Z&subject=CODE&text=456")).ok()["subject"],
        "your code"
    );
    let later = wait(&format!("after={}&timeout=0", found["id"].as_str().expect("an id")));
    assert_eq!(alice.get(&later).status, 204);
}

#[test]
fn other_programs_put_messages_there_too() {
    let house = House::furnished();
    let alice = alice(&house);
    import(&alice, "", "Subject: first\n\nx\n");
    let query = wait("after=2020-01-01T00:00:00Z&subject=dropped&timeout=60");
    let waiting = {
        let address = house.address("http");
        thread::spawn(move || Rest::login(address, "alice@house.test", PASSWORD).get(&query))
    };
    crate::support::maildir::drop_into(&house.maildir("alice@house.test"), "1.dropped.x", "Subject: dropped\n\nx\n");
    assert_eq!(waiting.join().expect("an answer").ok()["subject"], "dropped");
}

#[test]
fn what_cannot_be_waited_for_is_refused() {
    let house = House::furnished();
    let alice = alice(&house);
    for query in ["timeout=301s", "timeout=soon", "after=yesterday", "unseen=x", "colour=red"] {
        alice.get(&wait(query)).problem(400);
    }
    alice.get(&wait("mailbox=Nowhere&timeout=0s")).problem(404);
    alice.get(&wait("after=0000000000007-9&timeout=0s")).problem(404);
}

/// A house where one may wait, and whether somebody does.
fn narrow() -> (House, Rest) {
    let house = Builder::default().set("http.max_waiting", 1).start();
    house.provision();
    let alice = alice(&house);
    assert_eq!(alice.get(&wait("timeout=0s")).status, 204);
    (house, alice)
}

/// Whether somebody else waits: then there is no room.
fn is_full(alice: &Rest) -> bool {
    alice.get(&wait("timeout=0s")).status == 429
}

#[test]
fn a_stop_of_the_server_ends_the_wait() {
    let (mut house, alice) = narrow();
    let waiting = {
        let address = house.address("http");
        // While it is asked whether there is room there may be none.
        let ask = move |other: &Rest| Some(other.get(&wait("timeout=300s"))).filter(|answer| answer.status != 429);
        thread::spawn(move || {
            let other = Rest::login(address, "alice@house.test", PASSWORD);
            until("room", || ask(&other))
        })
    };
    until("somebody to wait", || is_full(&alice).then_some(()));
    assert!(house.terminate().success());
    assert_eq!(waiting.join().expect("an answer").status, 204);
}

#[test]
fn who_goes_away_makes_room() {
    let (house, alice) = narrow();
    let tokens = house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": PASSWORD}))
        .ok();
    let token = tokens["access_token"].as_str().expect("a token");
    let request = format!(
        "GET /api/v1{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n",
        wait("timeout=300s")
    );
    let stream = until("somebody to wait", || {
        let mut stream = TcpStream::connect(house.address("http")).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        stream.set_nonblocking(true).expect("a socket");
        // An answer at once says that there was no room.
        let is_answered = || stream.peek(&mut [0]).is_ok();
        let waits = until("an answer or a wait", || {
            let full = is_full(&alice);
            (full || is_answered()).then_some(full)
        });
        (waits && !is_answered()).then_some(stream)
    });
    drop(stream);
    until("room for another", || (!is_full(&alice)).then_some(()));
}
