//! Certificates: which one a client is shown, and what becomes of it when its files change.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use toml::{Table, Value};

use crate::support::house::{Builder, House};
use crate::support::imap::Imap;
use crate::support::tls::{self, shown};
use crate::support::wait::until;

/// Writes a fresh certificate for the name, and its key.
fn put(directory: &Path, name: &str) {
    let (certificate, key) = tls::self_signed(name);
    for (kind, text) in [("key", key), ("pem", certificate)] {
        let fresh = directory.join("fresh");
        fs::write(&fresh, text).expect("a file");
        fs::rename(fresh, directory.join(format!("{name}.{kind}"))).expect("a file in its place");
    }
}

fn files(directory: &Path, name: &str) -> Table {
    let path = |kind: &str| Value::from(directory.join(format!("{name}.{kind}")).display().to_string());
    Table::from_iter([("certificate".to_owned(), path("pem")), ("key".to_owned(), path("key"))])
}

/// A house with a default certificate for a.test and one for b.test.
fn house_of_two(directory: &Path) -> House {
    put(directory, "a.test");
    put(directory, "b.test");
    let first = files(directory, "a.test");
    let house = Builder::default()
        .set("tls.certificate", first["certificate"].clone())
        .set("tls.key", first["key"].clone())
        .set("tls.certificates", vec![files(directory, "b.test")])
        .set("tls.watch_seconds", 1)
        .start();
    house.provision();
    house
}

#[test]
fn a_client_is_shown_the_certificate_of_the_name_it_asks_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let house = house_of_two(directory.path());
    let imaps = house.address("imaps");
    let (a, b) = (shown(imaps, "a.test"), shown(imaps, "b.test"));
    assert_ne!(a, b);
    assert_eq!(shown(imaps, "B.Test"), b);
    assert_eq!(shown(imaps, "c.test"), a);
    let list = house.admin().get("/certificates").ok();
    let names: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| &one["names"][0])
        .collect();
    assert_eq!(names, ["a.test", "b.test"]);
    assert_eq!(list["items"][0]["default"], true);
    assert_eq!(list["items"][1]["source"], "file");
    let table = house.command(&["certificate", "list"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("b.test"));
}

#[test]
fn a_changed_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let directory = tempfile::tempdir().expect("a directory");
    let house = house_of_two(directory.path());
    let imaps = house.address("imaps");
    let old = shown(imaps, "b.test");
    let mut session = house.imap("alice@house.test");
    put(directory.path(), "b.test");
    let new = until("the new certificate", || {
        let now = shown(imaps, "b.test");
        (now != old).then_some(now)
    });
    // Whoever was there stays.
    session.ok("NOOP");

    let (other, _) = tls::self_signed("b.test");
    fs::write(directory.path().join("b.test.pem"), other).expect("a file");
    house.signal(Signal::HUP);
    until("what is wrong in the log", || house.log().contains("is kept").then_some(()));
    assert_eq!(shown(imaps, "b.test"), new);
    let list = house.admin().get("/certificates").ok();
    let problem = list["items"][1]["problem"].as_str().expect("a problem");
    assert!(problem.contains("tls.certificates[0].key"), "{problem}");
    assert!(list["items"][0].get("problem").is_none());

    put(directory.path(), "b.test");
    house.signal(Signal::HUP);
    until("a certificate that is whole", || (shown(imaps, "b.test") != new).then_some(()));
    Imap::login(imaps, "alice@house.test", crate::support::house::PASSWORD);
}

/// The events of a kind, when there is one at least.
fn events(house: &House, kind: &str) -> Vec<serde_json::Value> {
    until(kind, || {
        let list = house.admin().get(&format!("/events?kinds={kind}")).ok();
        list["items"].as_array().filter(|items| !items.is_empty()).cloned()
    })
}

#[test]
fn certificates_of_files_are_events_and_numbers() {
    let directory = tempfile::tempdir().expect("a directory");
    let house = house_of_two(directory.path());
    // The first look has been when the house is asked; what is there then is no news.
    house.admin().get("/certificates").ok();
    put(directory.path(), "b.test");
    let renewed = events(&house, "certificate.renewed");
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_eq!(renewed[0]["data"]["names"][0], "b.test");
    fs::write(directory.path().join("b.test.pem"), "nothing").expect("a file");
    let failed = events(&house, "certificate.failed");
    assert!(
        failed[0]["data"]["problem"].as_str().is_some_and(|text| !text.is_empty()),
        "{failed:?}"
    );
    let numbers = house.anonymous().get("/metrics").text;
    let line = numbers
        .lines()
        .find(|line| line.starts_with("posthouse_certificate_expiry_seconds{name=\"b.test\"}"));
    let left: f64 = line
        .and_then(|line| line.split(' ').nth(1))
        .expect("a number")
        .parse()
        .expect("a number");
    assert!(left > 86_400.0, "{left}");
}

#[test]
fn a_certificate_that_ends_soon_is_an_event_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let (name, path) = ("soon.test", directory.path());
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).expect("parameters");
    let key = rcgen::KeyPair::generate().expect("a key");
    params.not_after = (std::time::SystemTime::now() + std::time::Duration::from_hours(60)).into();
    fs::write(path.join("soon.test.key"), key.serialize_pem()).expect("a file");
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(path.join("soon.test.pem"), certificate.pem()).expect("a file");
    let mut house = Builder::default()
        .set("tls.certificates", vec![files(path, name)])
        .set("tls.watch_seconds", 1)
        .start();
    let told = events(&house, "certificate.expiring");
    assert_eq!(told[0]["data"]["days"], 3, "{told:?}");
    assert_eq!(told[0]["data"]["names"][0], name);
    house.kill();
    house.start_again();
    let node = house.another_node();
    // Both have looked when they tell of files that are changed since.
    let fresh = rcgen::CertificateParams::new([name.to_owned()]).expect("parameters");
    fs::write(path.join("soon.test.pem"), fresh.self_signed(&key).expect("a certificate").pem()).expect("a file");
    until("both", || (events(&house, "certificate.renewed").len() == 2).then_some(()));
    assert_eq!(events(&house, "certificate.expiring").len(), 1);
    drop(node);
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let directory = tempfile::tempdir().expect("a directory");
    let (name, path) = ("soon.test", directory.path());
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).expect("parameters");
    let key = rcgen::KeyPair::generate().expect("a key");
    params.not_after = rcgen::date_time_ymd(2000, 1, 1);
    fs::write(path.join("soon.test.key"), key.serialize_pem()).expect("a file");
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(path.join("soon.test.pem"), certificate.pem()).expect("a file");
    let house = Builder::default().set("tls.certificates", vec![files(path, name)]).start();
    let warned = until("a warning", || {
        let log = house.log();
        log.lines()
            .find(|line| line.contains("a certificate has expired"))
            .map(str::to_owned)
    });
    assert!(warned.contains(name), "{warned}");
}
