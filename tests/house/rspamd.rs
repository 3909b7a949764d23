//! The real rspamd in the place of the own spam engine: Debian's package with its defaults, private to the test.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::ports::free_port;
use crate::support::wait::until;

const ALICE: &str = "alice@house.test";
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
/// It compiles its expressions when it starts, on a machine that has more to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running rspamd, and the Redis in which it keeps what it has learned.
struct Rspamd {
    processes: Vec<Child>,
    controller: u16,
    _directory: TempDir,
}

impl Rspamd {
    fn start() -> Self {
        let directory = TempDir::with_prefix("posthouse-rspamd-").expect("a temporary directory");
        let root = directory.path();
        fs::set_permissions(root, PermissionsExt::from_mode(0o755)).expect("permissions");
        let (check, controller, redis) = (free_port(), free_port(), free_port());
        configure(root, (check, controller, redis));
        let mut store = Command::new("redis-server");
        store
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &redis.to_string(), "--dir"])
            .arg(root);
        let mut engine = Command::new("rspamd");
        // Not as another user: all of it is in a directory of our own.
        engine.args(["-f", "-i", "-c"]).arg(root.join("etc/rspamd.conf"));
        for (name, place) in [
            ("CONFDIR", "etc"),
            ("LOCAL_CONFDIR", "etc"),
            ("DBDIR", "db"),
            ("LOGDIR", "log"),
            ("RUNDIR", "run"),
        ] {
            engine.arg(format!("--var={name}={}", root.join(place).display()));
        }
        let spawn = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a program");
        let processes = vec![spawn(&mut store), spawn(&mut engine)];
        let rspamd = Self {
            processes,
            controller,
            _directory: directory,
        };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", controller)).is_err() {
            assert!(Instant::now() < end, "rspamd does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        rspamd
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.controller)
    }

    /// How many lessons it has taken.
    fn learned(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.controller)).expect("a connection");
        stream.write_all(b"GET /stat HTTP/1.0\r\n\r\n").expect("asked");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        let (_, body) = said.split_once("\r\n\r\n").expect("a body");
        let stat: Value = serde_json::from_str(body).expect("JSON");
        stat["learned"].as_u64().expect("a number")
    }

    fn die(&mut self) {
        for process in &mut self.processes {
            // Its children end with it only when it is asked, not when it is killed.
            let pid = rustix::process::Pid::from_child(process);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = process.wait();
        }
        self.processes.clear();
    }
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        self.die();
    }
}

/// Debian's configuration, with what must be private.
fn configure(root: &Path, (check, controller, redis): (u16, u16, u16)) {
    let copied = Command::new("cp").arg("-r").arg("/etc/rspamd").arg(root.join("etc")).status();
    assert!(copied.expect("cp").success());
    for folder in ["db", "log", "run", "etc/local.d"] {
        fs::create_dir_all(root.join(folder)).expect("a directory");
    }
    let log = format!(
        "type = \"file\";\nfilename = \"{}/log/rspamd.log\";\nlevel = \"warning\";\n",
        root.display()
    );
    for (name, text) in [
        ("worker-normal.inc", format!("bind_socket = \"127.0.0.1:{check}\";\ncount = 1;\n")),
        (
            "worker-controller.inc",
            format!("bind_socket = \"127.0.0.1:{controller}\";\nsecure_ip = \"127.0.0.1\";\ncount = 1;\n"),
        ),
        ("worker-proxy.inc", "enabled = false;\n".to_owned()),
        ("redis.conf", format!("servers = \"127.0.0.1:{redis}\";\n")),
        ("greylist.conf", "enabled = false;\n".to_owned()),
        ("logging.inc", log),
        // Nobody answers, and nobody waits for it.
        (
            "options.inc",
            "dns { nameserver = [\"127.0.0.1:9\"]; timeout = 0.05s; retransmits = 1; }\n".to_owned(),
        ),
    ] {
        fs::write(root.join("etc/local.d").join(name), text).expect("written");
    }
}

fn judging(url: &str) -> Builder {
    Builder::default()
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("spam.engine", "rspamd")
        .set("spam.rspamd_url", url.to_owned())
        .set("spam.rspamd_timeout_seconds", 60)
}

/// A message with enough words to learn from.
fn letter(number: usize, more: &str) -> String {
    format!(
        "From: Ada <ada@remote.test>\nTo: {ALICE}\nSubject: Plan {number}\nMessage-ID: <{number}@remote.test>\n\
         Date: Thu, 26 Nov 2026 11:59:00 +0000\n\nThe board has met once more and asks for plan number {number} of the new building, with\n\
         thanks to all who were there yesterday and to those who were not. {more}\n"
    )
}

fn send(house: &House, message: &str, code: u16) {
    house.smtp().send("ada@remote.test", &[ALICE], message).expect(code);
}

#[test]
fn the_real_rspamd_judges_and_is_taught_and_its_death_loses_nothing() {
    let mut rspamd = Rspamd::start();
    let house = judging(&rspamd.url()).start();
    house.provision();
    send(&house, &letter(1, ""), 250);
    let text = maildir::text(&house.inbox(ALICE)[0]);
    assert!(
        text.contains("X-Spam-Status: No, score=") && text.contains("FROM_HAS_DN="),
        "{text}"
    );
    // RFC 5321 §4.2.3: what it would refuse is refused.
    send(&house, &letter(2, GTUBE), 550);
    assert_eq!(house.inbox(ALICE).len(), 1);
    let before = rspamd.learned();
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    imap.ok("UID MOVE 1 Junk");
    until("what was moved is learned as spam", || {
        (rspamd.learned() == before + 1).then_some(())
    });
    imap.select("Junk");
    imap.ok("UID MOVE 1 INBOX");
    until("what was moved back is learned as none", || {
        (rspamd.learned() == before + 2).then_some(())
    });
    let strict = judging(&rspamd.url()).set("spam.on_failure", "tempfail").start();
    strict.provision();
    rspamd.die();
    send(&house, &letter(3, ""), 250);
    assert_eq!(house.wait_for_inbox(ALICE, 2).len(), 2);
    send(&strict, &letter(4, ""), 451);
    assert!(strict.inbox(ALICE).is_empty());
}
