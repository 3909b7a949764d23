//! Libraries that programs are written with: IMAPClient (Python), ImapFlow (Node.js), and what Prometheus reads numbers with (Python).
//!
//! Nobody packages them, so `tests/house/clients/install` fetches them, in fixed versions, into a folder below the target directory.

use std::path::PathBuf;
use std::process::Command;

use super::{certificate_of, house_with_mail, port};
use crate::support::house::{House, PASSWORD};
use crate::support::program::finish;

/// Where the libraries are.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name);
    assert!(
        folder.is_dir(),
        "{} is not there; run tests/house/clients/install",
        folder.display()
    );
    folder
}

/// Runs one of our scripts with its library.
fn run(house: &House, (program, script): (&str, &str), (variable, library): (&str, PathBuf)) {
    let script = format!("{}/tests/house/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("timeout");
    command
        .args(["60", program, &script, &port(house, "imaps"), &certificate_of(house)])
        .args(["alice@house.test", PASSWORD])
        .env(variable, library)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    assert_eq!(finish(&mut command, "").ok().trim(), "ok");
}

#[test]
fn imapclient_works() {
    let house = house_with_mail();
    run(&house, ("python3", "library.py"), ("PYTHONPATH", folder("library")));
    let files = house.maildir("alice@house.test");
    assert!(crate::support::maildir::messages(&files).is_empty());
    assert_eq!(crate::support::maildir::messages(&files.join(".Trash")).len(), 1);
}

#[test]
fn imapflow_works() {
    let house = house_with_mail();
    run(
        &house,
        ("node", "library/session.js"),
        ("NODE_PATH", folder("node").join("node_modules")),
    );
    assert!(house.inbox("alice@house.test").is_empty());
}

#[test]
fn prometheus_reads_the_numbers() {
    let house = house_with_mail();
    let script = format!("{}/tests/house/clients/metrics.py", env!("CARGO_MANIFEST_DIR"));
    let url = format!("http://{}/metrics", house.address("http"));
    let mut command = Command::new("timeout");
    command
        .args(["60", "python3", &script, &url])
        .env("PYTHONPATH", folder("library"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    assert_eq!(finish(&mut command, "").ok().trim(), "ok");
}
