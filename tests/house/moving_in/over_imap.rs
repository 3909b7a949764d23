//! An account is copied over IMAP from a real Dovecot.

use serde_json::Value;

use super::{all_kept, compare, folders, kept, live, sum};
use crate::support::dovecot::{Dovecot, Habits, PASSWORD, USUAL};
use crate::support::house::House;
use crate::support::program::Ran;

fn copy(house: &House, dovecot: &Dovecot, more: &[&str]) -> Ran {
    let (imap, imaps) = (dovecot.imap.port().to_string(), dovecot.imaps.port().to_string());
    let port = if more.contains(&"implicit") { imaps } else { imap };
    let fixed = [
        "import",
        "imap",
        "--host",
        "localhost",
        "--port",
        &port,
        "--user",
        "alice@house.test",
        "--password-file",
        "-",
        "--to",
        "bob@house.test",
        "--json",
    ];
    house.command_with_input(&[&fixed[..], more].concat(), &format!("{PASSWORD}\n"))
}

fn reports(ran: Ran) -> Vec<Value> {
    ran.ok().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn an_account_is_copied(habits: Habits) {
    let dovecot = Dovecot::start(habits);
    live(&dovecot, "alice@house.test");
    let theirs = all_kept(&dovecot, "alice@house.test");
    let house = House::furnished();
    let authority = dovecot.authority();
    let told = reports(copy(&house, &dovecot, &["--tls", "implicit", "--ca-file", &authority]));
    assert_eq!(
        (sum(&told, "added"), sum(&told, "failed"), sum(&told, "renumbered")),
        (25, 0, 0),
        "{told:?}"
    );
    compare(&house, &theirs, "bob@house.test");

    let mut there = dovecot.login("alice@house.test");
    there.append("INBOX", b"Subject: late\r\n\r\nOne more.\r\n");
    there.select("INBOX");
    there.ok("UID STORE 3 FLAGS.SILENT (\\Seen new)");
    let mut here = house.imap("bob@house.test");
    here.select("INBOX");
    here.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted)");
    here.ok("UID EXPUNGE 6");
    let told = reports(copy(&house, &dovecot, &["--tls", "starttls", "--ca-file", &authority]));
    let counts = ["added", "known", "updated", "removed", "failed", "renumbered"].map(|field| sum(&told, field));
    assert_eq!(counts, [1, 24, 1, 1, 0, 0], "{told:?}");
    here.select("INBOX");
    assert_eq!(here.uids(), [2, 3, 5, 7, 8]);
    let (_, mails) = kept(&mut here, "INBOX");
    assert!(mails[1].starts_with(r#"3 ["\\Seen", "new"]"#), "{mails:?}");
}

#[test]
fn an_account_is_copied_and_followed() {
    an_account_is_copied(USUAL);
}

#[test]
fn an_account_with_a_prefix_is_copied() {
    an_account_is_copied(Habits {
        prefix: "INBOX.",
        separator: '.',
        ..USUAL
    });
}

#[test]
fn certificates_and_logins_are_checked() {
    let dovecot = Dovecot::start(USUAL);
    let house = House::furnished();
    for (more, status, names) in [
        (&["--tls", "implicit"][..], 1, "TLS with localhost"),
        (&["--tls", "starttls"], 1, "TLS with localhost"),
        (&["--tls", "none", "--user", "nobody"], 2, "--user"),
    ] {
        let ran = copy(&house, &dovecot, more);
        assert_eq!(ran.status, Some(status), "{}", ran.all);
        assert!(ran.all.contains(names), "{}", ran.all);
    }
    assert_eq!(reports(copy(&house, &dovecot, &["--tls", "none"])).len(), 1, "the INBOX alone");
    assert_eq!(reports(copy(&house, &dovecot, &["--tls", "implicit", "--insecure"])).len(), 1);
    let port = dovecot.imap.port().to_string();
    let arguments = [
        "import",
        "imap",
        "--host",
        "localhost",
        "--port",
        &port,
        "--tls",
        "none",
        "--user",
        "alice@house.test",
        "--password-file",
        "-",
        "--to",
        "bob@house.test",
    ];
    let ran = house.command_with_input(&arguments, "wrong\n");
    assert_eq!(ran.status, Some(1), "{}", ran.all);
    assert!(ran.all.contains("the login was refused"), "{}", ran.all);
}

#[test]
fn one_folder_is_copied_and_what_is_too_large_is_told() {
    let dovecot = Dovecot::start(USUAL);
    live(&dovecot, "alice@house.test");
    let mut there = dovecot.login("alice@house.test");
    there.append("Sent", format!("Subject: large\r\n\r\n{}\r\n", "x".repeat(200_000)).as_bytes());
    there.append("Sent", b"Subject: after\r\n\r\nText.\r\n");
    let house = crate::support::house::Builder::default()
        .set("smtp.max_message_bytes", 100_000)
        .start();
    house.provision();
    let ran = copy(&house, &dovecot, &["--tls", "none", "--folder", "Sent"]);
    assert_eq!(ran.status, Some(1), "{}", ran.all);
    assert!(
        ran.all
            .contains("the message with the UID 8: the message is larger than the limit of 100000 octets"),
        "{}",
        ran.all
    );
    let mut here = house.imap("bob@house.test");
    here.select("Sent");
    assert_eq!(here.uids(), [2, 3, 5, 6, 7, 9]);
    assert_eq!(here.select("INBOX").0, 0);
    assert_eq!(folders(&dovecot).len(), super::FOLDERS.len());
}

/// The connection is cut again and again; what came is kept, and nothing comes twice.
#[test]
fn a_broken_connection_is_gone_on_with() {
    let dovecot = Dovecot::start(USUAL);
    let mut there = dovecot.login("alice@house.test");
    for number in 0..60 {
        there.append(
            "INBOX",
            format!("Subject: {number}\r\n\r\n{}\r\n", "line\r\n".repeat(2_000)).as_bytes(),
        );
    }
    let theirs = kept(&mut there, "INBOX");
    let house = House::furnished();
    let relay = cutting_relay(dovecot.imap, 300_000);
    let port = relay.port().to_string();
    let arguments = [
        "import",
        "imap",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
        "--user",
        "alice@house.test",
        "--password-file",
        "-",
        "--to",
        "bob@house.test",
        "--json",
    ];
    let told = reports(house.command_with_input(&arguments, &format!("{PASSWORD}\n")));
    assert_eq!(
        (sum(&told, "added"), sum(&told, "known"), sum(&told, "failed")),
        (60, 0, 0),
        "{told:?}"
    );
    let mut here = house.imap("bob@house.test");
    assert_eq!(kept(&mut here, "INBOX"), theirs);
}

/// Passes on connections, each until so many octets came from the server.
fn cutting_relay(to: std::net::SocketAddr, most: u64) -> std::net::SocketAddr {
    use std::io::{Read, Write, copy};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(to) else { return };
            let (mut from_client, mut to_server) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            std::thread::spawn(move || {
                let _ = copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            let mut to_client = client;
            let _ = copy(&mut server.take(most), &mut to_client);
            let _ = to_client.flush();
            let _ = to_client.shutdown(Shutdown::Both);
        }
    });
    address
}
