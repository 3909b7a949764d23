//! Many clients that wait, and what each of them costs.

use std::fs;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::imap::Imap;

/// So many sessions are measured.
const SESSIONS: u64 = 400;
/// The memory that each may add, in KB.
const MOST: u64 = 20;

/// A session that idles in its INBOX.
fn idling(house: &House) -> Imap {
    let mut imap = Imap::login_plain(house.address("imap"), "alice@house.test", PASSWORD);
    imap.ok("SELECT INBOX");
    let line = imap.line();
    line.say("x IDLE");
    assert!(line.line().starts_with('+'));
    imap
}

/// The server's memory, in KB.
fn resident(house: &House) -> u64 {
    let path = format!("/proc/{}/status", house.pid().as_raw_nonzero());
    let status = fs::read_to_string(path).expect("the server's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

#[test]
fn a_session_that_idles_is_small() {
    let house = Builder::default()
        .set("tls.allow_plaintext_auth_from", vec!["127.0.0.0/8"])
        .set("limits.max_connections_per_address", 0)
        .start();
    house.provision();
    // What the first sessions need, others have as well.
    let _first: Vec<Imap> = (0..50).map(|_| idling(&house)).collect();
    let before = resident(&house);
    let _more: Vec<Imap> = (0..SESSIONS).map(|_| idling(&house)).collect();
    let each = resident(&house).saturating_sub(before) / SESSIONS;
    assert!(each < MOST, "each session takes {each} KB");
}
