//! Starting and stopping: what is wrong is said in one line with exit status 2, and nothing is half-started.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use rustix::process::Signal;

use crate::support::house::{Builder, House};
use crate::support::line::Line;
use crate::support::tls;
use crate::support::wait::until;

/// Exit status 2, and one line on standard error that names all of these; never `ready`.
#[track_caller]
fn refused(output: &Output, names: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!said.lines().any(|line| line.trim() == "ready"), "{said}");
    let fitting = said.lines().any(|line| names.iter().all(|name| line.contains(name)));
    assert!(fitting, "no line names {names:?}:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn an_unknown_key_is_named() {
    refused(
        &Builder::default().set("smtp.max_recipient", 3).build().serve_to_end(),
        &["max_recipient"],
    );
    refused(&Builder::default().set("smpt.max_recipients", 3).build().serve_to_end(), &["smpt"]);
}

#[test]
fn a_wrong_type_is_named() {
    refused(
        &Builder::default().set("smtp.max_recipients", "many").build().serve_to_end(),
        &["smtp.max_recipients"],
    );
    refused(
        &Builder::default()
            .env("POSTHOUSE_SMTP__MAX_RECIPIENTS", "many")
            .build()
            .serve_to_end(),
        &["POSTHOUSE_SMTP__MAX_RECIPIENTS"],
    );
}

#[test]
fn a_file_that_is_no_toml_is_named() {
    let house = Builder::default().build();
    fs::write(house.config(), "hostname = \n").expect("a file");
    refused(&house.serve_to_end(), &["posthouse.toml"]);
    fs::remove_file(house.config()).expect("no file");
    refused(&house.serve_to_end(), &["posthouse.toml"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Builder::default().set("listen.imap", vec![address.clone()]).build().serve_to_end();
    refused(&output, &["imap", &address]);
}

#[test]
fn an_unreadable_certificate_is_named() {
    let house = Builder::default()
        .set("tls.certificate", "/nonexistent/cert.pem")
        .set("tls.key", "/nonexistent/key.pem")
        .build();
    refused(&house.serve_to_end(), &["/nonexistent/cert.pem"]);
    let house = Builder::default().set("tls.certificate", "/nonexistent/cert.pem").build();
    refused(&house.serve_to_end(), &["tls.key"]);
}

#[test]
fn a_database_that_cannot_be_reached_is_named() {
    for url in [
        "postgres://nobody:secret@127.0.0.1:9/none",
        "mysql://nobody:secret@127.0.0.1:9/none",
    ] {
        let house = Builder::default()
            .set("database.url", url)
            .set("database.acquire_timeout_seconds", 2)
            .build();
        let output = house.serve_to_end();
        refused(&output, &["127.0.0.1:9"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"), "the password is told");
    }
    let output = Builder::default().set("database.url", "oracle://x").build().serve_to_end();
    refused(&output, &["database.url"]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let house = Builder::default()
        .set("smtp.max_message_bytes", 1000)
        .env("POSTHOUSE_SMTP__MAX_MESSAGE_BYTES", "4321")
        .env("POSTHOUSE_HOSTNAME", "named.house.test")
        .start();
    let mut line = Line::connect(house.address("smtp"));
    assert!(line.line().starts_with("220 named.house.test "));
    let extensions = house.smtp().command("EHLO again.test").lines;
    assert!(extensions.iter().any(|line| line == "SIZE 4321"), "{extensions:?}");
}

#[test]
fn a_certificate_of_ones_own_is_used() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let (certificate, key) = tls::self_signed("mail.house.test");
    let (certificate_file, key_file) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    fs::write(&certificate_file, certificate).expect("a file");
    fs::write(&key_file, key).expect("a file");
    let house = Builder::default()
        .set("tls.certificate", certificate_file.to_string_lossy().into_owned())
        .set("tls.key", key_file.to_string_lossy().into_owned())
        .start();
    Line::connect_tls(house.address("imaps")).line();
}

#[test]
fn the_screen_shows_where_everything_is() {
    let house = House::furnished();
    let (smtp, http) = (house.address("smtp").to_string(), house.address("http").to_string());
    let wanted = [&*smtp, &*http, "/docs", "curl"];
    until("the start-up screen", || {
        wanted.iter().all(|it| house.screen().contains(it)).then_some(())
    });
}

/// Without a configuration: everything has its default, and the administrator's password is printed once, at the first start.
#[test]
fn the_first_start_makes_a_password() {
    let mut house = Builder::default().without_password().start();
    let made = until("a password", || password_shown(&house.screen()));
    crate::support::rest::Rest::login(house.address("http"), "admin", &made);
    house.terminate();
    let before = house.screen().len();
    house.start_again();
    until("the start-up screen", || house.screen()[before..].contains("/docs").then_some(()));
    assert!(!house.screen()[before..].contains(&made), "it is shown once");
}

/// The word after `Password`.
fn password_shown(screen: &str) -> Option<String> {
    let line = screen.lines().find(|line| line.trim_start().starts_with("Password "))?;
    Some(line.split_whitespace().nth(1)?.to_owned())
}

#[test]
fn a_signal_ends_it_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut house = House::furnished();
        house.signal(signal);
        assert!(house.terminate().success());
    }
}

/// A server whose API is switched off still does everything else.
#[test]
fn it_runs_without_the_api() {
    let mut house = Builder::default().set("listen.http", Vec::<String>::new()).start();
    house.smtp().command("NOOP").expect(250);
    assert!(house.terminate().success());
}

/// A message whose end arrives after the signal still gets its 250, and is there after the next start.
#[test]
fn a_transaction_in_flight_is_finished() {
    let mut house = House::furnished();
    let mut smtp = house.smtp();
    smtp.envelope("ada@client.test", &["alice@house.test"]).expect(354);
    smtp.send_raw(b"Subject: in flight\r\n\r\n");
    house.signal(Signal::TERM);
    let address = house.address("smtp");
    until("the end of accepting", || {
        std::net::TcpStream::connect(address).is_err().then_some(())
    });
    smtp.send_raw(b"the rest\r\n.\r\n");
    smtp.reply().expect(250);
    drop(smtp);
    assert!(house.terminate().success());
    assert_eq!(house.inbox("alice@house.test").len(), 1);
}

#[test]
fn a_unix_socket_serves_lmtp() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("lmtp.sock");
    let _house = Builder::default()
        .set("listen.lmtp", vec![path.to_string_lossy().into_owned()])
        .start();
    let mut greeting = String::new();
    BufReader::new(UnixStream::connect(&path).expect("a socket"))
        .read_line(&mut greeting)
        .expect("a line");
    assert!(greeting.starts_with("220 "), "{greeting}");
}

#[test]
fn the_configuration_can_be_checked_without_starting() {
    let house = Builder::default().build();
    let output = house.command(&["config", "check"]);
    assert!(output.status.success(), "{output:?}");
    refused(
        &Builder::default().set("smtp.nonsense", 1).build().command(&["config", "check"]),
        &["nonsense"],
    );
}
