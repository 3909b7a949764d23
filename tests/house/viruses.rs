//! Looking for viruses: the real clamd with a signature of its own, and one on loopback that says what a test wants.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::json;
use tempfile::TempDir;

use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::smtp::Reply;
use crate::support::wait::{PATIENCE, until};

/// The begin of the file that all scanners take for a virus, in two parts, so that none takes this one for it.
const BEGIN: (&str, &str) = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR");
const REST: &str = "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

fn infected() -> String {
    format!("From: ada@remote.test\nSubject: a file\n\n{}{}{REST}\n", BEGIN.0, BEGIN.1)
}

const HARMLESS: &str = "From: ada@remote.test\nSubject: hello\nX-Virus-Status: Clean, we swear\n\nHello.\n";

/// Debian's clamd, with one signature. It ends with the test.
struct Clamd {
    directory: TempDir,
    process: Child,
}

impl Clamd {
    fn start() -> Self {
        let directory = TempDir::with_prefix("posthouse-clamd-").expect("a temporary directory");
        let root = directory.path();
        let hex: String = format!("{}{}", BEGIN.0, BEGIN.1)
            .bytes()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        std::fs::create_dir(root.join("database")).expect("a directory");
        std::fs::write(root.join("database/one.ndb"), format!("Test-File:0:*:{hex}\n")).expect("a signature");
        let config = format!(
            "Foreground yes\nDatabaseDirectory {root}/database\nLocalSocket {root}/socket\nStreamMaxLength 1M\n",
            root = root.display()
        );
        std::fs::write(root.join("clamd.conf"), config).expect("a configuration");
        let process = Command::new("/usr/sbin/clamd")
            .arg("--config-file")
            .arg(root.join("clamd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("clamd; the package clamav-daemon has it");
        let clamd = Self { directory, process };
        until("clamd", || clamd.socket().exists().then_some(()));
        clamd
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A clamd on loopback that says the same of each message; how many octets each had.
fn stand_in(answer: &'static [u8]) -> (String, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address").to_string();
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut command = [0; 10];
            stream.read_exact(&mut command).expect("a command");
            assert_eq!(&command, b"zINSTREAM\0");
            let mut all = 0;
            loop {
                let mut length = [0; 4];
                stream.read_exact(&mut length).expect("a length");
                let length = u32::from_be_bytes(length) as usize;
                if length == 0 {
                    break;
                }
                stream.read_exact(&mut vec![0; length]).expect("a piece");
                all += length;
            }
            stream.write_all(answer).expect("an answer");
            if told.send(all).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

fn send(house: &House, message: &str) -> Reply {
    house.smtp().send("ada@remote.test", &["alice@house.test"], message)
}

fn with_clamd(address: impl std::fmt::Display) -> Builder {
    Builder::default().set("virus.clamd_address", address.to_string())
}

fn examined(house: &House) -> String {
    let found = house.command(&["doctor", "--json", "--no-block-lists"]);
    String::from_utf8_lossy(&found.stdout).into_owned()
}

fn junk(house: &House) -> Vec<PathBuf> {
    maildir::messages(&house.maildir("alice@house.test").join(".Junk"))
}

/// RFC 3463 §3.8: X.7.0.
#[test]
fn what_has_a_virus_is_refused_and_other_mail_says_that_it_has_none() {
    let clamd = Clamd::start();
    let house = with_clamd(clamd.socket().display()).start();
    house.provision();
    let reply = send(&house, &infected());
    reply.expect(554);
    let said = reply.lines.concat();
    assert!(said.contains("5.7.0 the message has the virus Test-File.UNOFFICIAL"), "{said}");
    assert!(house.inbox("alice@house.test").is_empty() && junk(&house).is_empty());
    send(&house, HARMLESS).expect(250);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert_eq!(text.matches("X-Virus-Status: ").count(), 1, "{text}");
    assert!(text.contains("X-Virus-Status: Clean\n"), "{text}");
    // Users may not send it either, and what they send is not marked.
    let mut session = house.submission("alice@house.test");
    let own = infected().replace("ada@remote.test", "alice@house.test");
    session.send("alice@house.test", &["bob@house.test"], &own).expect(554);
    let own = "From: alice@house.test\nSubject: x\n\nHello.\n";
    session.send("alice@house.test", &["bob@house.test"], own).expect(250);
    let text = maildir::text(&house.wait_for_inbox("bob@house.test", 1)[0]);
    assert!(!text.contains("X-Virus-Status"), "{text}");
    // It is told in the story, as an event, and in the numbers.
    let traces = until("the stories", || {
        let found = house.admin().get("/traces?address=ada@remote.test").ok();
        Some(found).filter(|found| found["items"].as_array().is_some_and(|items| items.len() == 2))
    });
    let steps = |number: usize| traces["items"][number]["steps"].to_string();
    assert!(
        steps(1).contains("it has the virus Test-File.UNOFFICIAL") && steps(1).contains("refused: "),
        "{traces}"
    );
    assert!(steps(0).contains("scanned: no virus"), "{traces}");
    let numbers = house.anonymous().get("/metrics").text;
    assert!(numbers.contains("posthouse_virus_scans_total{result=\"infected\"} 2"), "{numbers}");
    let found = examined(&house);
    assert!(found.contains("answers: ClamAV"), "{found}");
}

#[test]
fn filters_ask_for_viruses_and_for_spam() {
    let (address, asked) = stand_in(b"stream: Some.Virus FOUND\0");
    let house = with_clamd(address)
        .set("virus.action", "junk")
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("spam.engine", "builtin")
        .set("spam.reject", 1000.0)
        .start();
    house.provision();
    send(&house, HARMLESS).expect(250);
    let text = maildir::text(&junk(&house)[0]);
    assert!(text.contains("X-Virus-Status: Infected with Some.Virus\n"), "{text}");
    assert!(asked.recv_timeout(PATIENCE).expect("a message") > HARMLESS.len());
    // It is told once, whoever takes it for junk.
    let junked = until("the event", || {
        let found = house.admin().get("/events?kinds=message.junked").ok();
        found["items"].as_array().map(Vec::len).filter(|count| *count > 0)
    });
    assert_eq!(junked, 1);
    let script = "require [\"virustest\", \"spamtest\", \"spamtestplus\", \"relational\", \"comparator-i;ascii-numeric\", \"fileinto\", \
                  \"mailbox\"];\n\
                  if allof (virustest :value \"eq\" :comparator \"i;ascii-numeric\" \"5\", \
                  spamtest :value \"ge\" :comparator \"i;ascii-numeric\" \"1\", \
                  spamtest :percent :value \"ge\" :comparator \"i;ascii-numeric\" \"0\", \
                  not spamtest :percent :value \"eq\" :comparator \"i;ascii-numeric\" \"100\") { fileinto :create \"Found\"; }\n";
    let (admin, path) = (house.admin(), "/users/alice@house.test/sieve/main");
    admin.put(path, json!({ "content": script })).ok();
    admin.post(&format!("{path}/activate"), json!(null));
    send(&house, HARMLESS).expect(250);
    until("a message in Found", || {
        Some(maildir::messages(&house.maildir("alice@house.test").join(".Found"))).filter(|found| found.len() == 1)
    });
}

#[test]
fn a_large_message_is_shown_in_pieces_and_no_more_than_is_wanted() {
    let (address, asked) = stand_in(b"stream: OK\0");
    let house = with_clamd(address).set("virus.max_scan_bytes", 1_000_000).start();
    house.provision();
    let large = format!("Subject: large\n\n{}", "0123456789abcde\n".repeat(200_000));
    send(&house, &large).expect(250);
    assert_eq!(asked.recv_timeout(PATIENCE).expect("a message"), 1_000_000);
    send(&house, &large[..400_016]).expect(250);
    let shown = asked.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(shown, large[..400_016].replace('\n', "\r\n").len());
}

#[test]
fn a_clamd_that_cannot_loses_no_mail() {
    let (failing, _asked) = stand_in(b"INSTREAM size limit exceeded. ERROR\0");
    let (mumbling, _asked_too) = stand_in(b"stream: perhaps\0");
    for address in ["127.0.0.1:9", "/nonexistent/socket", &failing, &mumbling] {
        for (on_failure, code) in [("accept", 250), ("tempfail", 451)] {
            let house = with_clamd(address).set("virus.on_failure", on_failure).start();
            house.provision();
            send(&house, HARMLESS).expect(code);
            let left = house.inbox("alice@house.test");
            assert_eq!(left.len(), usize::from(code == 250), "{address}");
            if let Some(path) = left.first() {
                let text = maildir::text(path);
                assert!(!text.contains("X-Virus-Status"), "{text}");
            }
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let silent = listener.local_addr().expect("an address");
    let house = with_clamd(silent).set("virus.timeout_seconds", 1).start();
    house.provision();
    send(&house, HARMLESS).expect(451);
    let found = examined(&house);
    assert!(found.contains("clamd took longer than"), "{found}");
}
