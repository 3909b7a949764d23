//! Milters: filters that do what a test wants, and Debian's opendkim.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::milter::Milter;
use crate::support::mx::Mx;
use crate::support::smtp::Reply;
use crate::support::wait::until;

const ALL: u32 = 0xff;
const LETTER: &str = "From: ada@remote.test\nTo: alice@house.test\nSubject: one\nX-Old: first\nX-Old: second\n\tmore\n\nHello.\n.dot\n";

fn with(smtp: &[&Milter]) -> Builder {
    let addresses: Vec<String> = smtp.iter().map(|it| it.address.clone()).collect();
    Builder::default().set("milter.smtp", addresses)
}

fn send(house: &House) -> Reply {
    house.smtp().send("ada@remote.test", &["alice@house.test"], LETTER)
}

fn packet(kind: &str, data: &str) -> Vec<u8> {
    format!("{kind}{data}").into_bytes()
}

fn text(house: &House) -> String {
    maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0])
}

#[test]
fn a_milter_hears_the_whole_dialogue() {
    let milter = Milter::mild(0, 0);
    let house = with(&[&milter]).start();
    house.provision();
    send(&house).expect(250);
    assert!(text(&house).contains("\nX-Old: second\n\tmore\n\nHello."), "nothing is changed");
    milter.wait_for("Q");
    let told = milter.told();
    let spoken: Vec<&str> = told.iter().map(String::as_str).filter(|it| !it.starts_with("D ")).collect();
    assert!(spoken[0].starts_with("O ") && spoken[1].starts_with("C [127.0.0.1]|4"), "{told:?}");
    let rest = [
        "H client.test|",
        "M <ada@remote.test>|",
        "R <alice@house.test>|",
        "T ",
        "L From|ada@remote.test|",
        "L To|alice@house.test|",
        "L Subject|one|",
        "L X-Old|first|",
        "L X-Old|second\n\tmore|",
        "N ",
        "B Hello.\r\n.dot\r\n",
        "E ",
        "Q ",
    ];
    assert_eq!(spoken[2..], rest);
    for macros in [
        "D Cj|mail.house.test|{daemon_name}|smtp|",
        "D M{mail_addr}|ada@remote.test|",
        "D R{rcpt_addr}|alice@house.test|",
        "D Ei|",
    ] {
        assert!(told.iter().any(|it| it.starts_with(macros)), "{macros}: {told:?}");
    }
}

#[test]
fn what_a_milter_does_not_want_it_is_not_told() {
    // No greeting, no recipients, no body; no answers to fields and to the sender; blanks before values.
    let milter = Milter::mild(0, 0x02 | 0x08 | 0x10 | 0x80 | 0x4000 | 0x10_0000);
    let house = with(&[&milter]).start();
    house.provision();
    send(&house).expect(250);
    milter.wait_for("Q");
    let told = milter.told();
    assert!(
        !told.iter().any(|it| ["H ", "R ", "B "].iter().any(|kind| it.starts_with(kind))),
        "{told:?}"
    );
    assert!(told.iter().any(|it| it == "L Subject| one|"), "{told:?}");
}

#[test]
fn milters_change_a_message_one_after_the_other() {
    let first = Milter::start(ALL, 0, |kind, _| {
        let changes = vec![
            packet("h", "X-Added\0at the end\n\tof it\0"),
            packet("i", "\0\0\0\0X-First\0before all\0"),
            packet("m", "\0\0\0\x02X-Old\0another\0"),
            packet("m", "\0\0\0\x01Subject\0\0"),
            packet("p", ""),
            packet("b", "Another "),
            packet("b", "body.\r\n"),
            packet("+", "<bob@house.test>\0"),
            packet("e", "<bounces@remote.test>\0"),
            packet("a", ""),
        ];
        Some(if kind == 'E' { changes } else { vec![packet("c", "")] })
    });
    let second = Milter::mild(0, 0);
    let house = with(&[&first, &second]).start();
    house.provision();
    send(&house).expect(250);
    let alice = text(&house);
    let expected = "X-First: before all\nFrom: ada@remote.test\nTo: alice@house.test\nX-Old: first\nX-Old: another\nX-Added: at the end\n\tof it\n\n\
                    Another body.\n";
    assert!(alice.ends_with(expected), "{alice}");
    assert!(alice.starts_with("Return-Path: <bounces@remote.test>\n"), "{alice}");
    assert!(maildir::text(&house.wait_for_inbox("bob@house.test", 1)[0]).ends_with(expected));
    assert!(second.told().contains(&"B Another body.\r\n".to_owned()), "{:?}", second.told());
    assert!(second.told().contains(&"L X-First|before all|".to_owned()), "{:?}", second.told());
    let story = until("the story", || {
        let found = house.admin().get("/traces?address=ada@remote.test").ok().to_string();
        found
            .contains("added X-Added; added X-First; changed X-Old; took out Subject; changed the body; added the recipient")
            .then_some(found)
    });
    assert!(story.contains("\"step\":\"milter\""), "{story}");
}

#[test]
fn a_milter_refuses_at_each_step() {
    for step in ['C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E'] {
        let milter = Milter::start(ALL, 0, move |kind, _| {
            let answer = if kind == step {
                packet("y", "554 5.7.9 none of this, 100%%\0")
            } else {
                packet("c", "")
            };
            Some(vec![answer])
        });
        let house = with(&[&milter]).start();
        house.provision();
        let mut line = crate::support::line::Line::connect(house.address("smtp"));
        let commands = [
            "EHLO c.test",
            "MAIL FROM:<ada@remote.test>",
            "RCPT TO:<alice@house.test>",
            "DATA",
            "Subject: x\r\n\r\ny\r\n.",
        ];
        let replies = converse(&mut line, &commands);
        let refused = replies.last().expect("a reply");
        assert_eq!(refused, "554 5.7.9 none of this, 100%", "{step}: {replies:?}");
        assert!(house.inbox("alice@house.test").is_empty());
    }
}

/// What is said to the greeting and to each command, until the first that is refused.
fn converse(line: &mut crate::support::line::Line, commands: &[&str]) -> Vec<String> {
    let mut replies = Vec::new();
    for command in std::iter::once(None).chain(commands.iter().map(Some)) {
        if let Some(command) = command {
            line.say(command);
        }
        let last = loop {
            let read = line.line();
            if read.as_bytes().get(3) != Some(&b'-') {
                break read;
            }
        };
        let is_refused = last.starts_with(['4', '5']);
        replies.push(last);
        if is_refused {
            break;
        }
    }
    replies
}

#[test]
fn a_milter_says_it_in_other_ways() {
    let at_end = |answer: &'static [u8]| {
        Milter::start(ALL, 0, move |kind, _| {
            Some(vec![if kind == 'E' { answer.to_vec() } else { b"c".to_vec() }])
        })
    };
    for (answer, code, stored) in [
        (&b"r"[..], 550, 0),
        (b"t", 451, 0),
        (b"d", 250, 0),
        (b"a", 250, 1),
        (b"4", 421, 0),
        // What was not agreed on, what is malformed, and what is none: it has no say any more.
        (b"y250 yes\0", 451, 0),
        (b"z", 451, 0),
        (b"O\0\0\0\x06\0\0\0\0\0\0\0\0", 451, 0),
    ] {
        let milter = at_end(answer);
        let house = with(&[&milter]).start();
        house.provision();
        send(&house).expect(code);
        assert_eq!(house.inbox("alice@house.test").len(), stored, "{}", answer.escape_ascii());
    }
    let milter = Milter::start(ALL, 0, |kind, _| {
        let put_aside = vec![packet("q", "it smells\0"), packet("c", "")];
        Some(if kind == 'E' { put_aside } else { vec![packet("c", "")] })
    });
    let house = with(&[&milter]).start();
    house.provision();
    send(&house).expect(250);
    let junk = maildir::messages(&house.maildir("alice@house.test").join(".Junk"));
    assert!(maildir::text(&junk[0]).contains("X-Quarantine: it smells\n"));
}

#[test]
fn a_session_with_several_messages_and_one_that_is_given_up() {
    let milter = Milter::mild(0, 0);
    let house = with(&[&milter]).start();
    house.provision();
    let mut smtp = house.smtp();
    smtp.command("MAIL FROM:<eve@remote.test>").expect(250);
    smtp.command("RSET").expect(250);
    for _ in 0..2 {
        smtp.send("ada@remote.test", &["alice@house.test"], LETTER).expect(250);
    }
    let told = milter.told();
    let kinds: String = told.iter().filter(|it| !it.starts_with("D ")).map(|it| &it[..1]).collect();
    assert_eq!(kinds, "OCHMAMRTLLLLLNBEMRTLLLLLNBE");
}

#[test]
fn a_milter_that_is_gone_loses_no_mail() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let silent = silent.local_addr().expect("an address").to_string();
    let mute = Milter::start(ALL, 0, |kind, _| (kind != 'M').then(|| vec![b"c".to_vec()]));
    for address in ["127.0.0.1:9", "/nonexistent/socket", &silent, &mute.address] {
        for (on_failure, code) in [("accept", 250), ("tempfail", 451), ("reject", 550)] {
            let house = Builder::default()
                .set("milter.smtp", vec![address.to_owned()])
                .set("milter.on_failure", on_failure)
                .set("milter.command_timeout_seconds", 1)
                .start();
            house.provision();
            let mut smtp = house.smtp();
            let mail = smtp.command("MAIL FROM:<ada@remote.test>");
            assert_eq!(mail.code, code, "{address}, {on_failure}");
            // Who submits mail is not concerned.
            let mut own = house.submission("alice@house.test");
            own.send("alice@house.test", &["bob@house.test"], "From: alice@house.test\n\nHello.\n")
                .expect(250);
        }
    }
}

/// Debian's opendkim as a milter. It ends with the test.
struct OpenDkim {
    directory: TempDir,
    process: Child,
}

impl OpenDkim {
    /// `mode` is `s` or `v`; `settings` are further lines of its configuration.
    fn start(mode: &str, files: &[(&str, &str)], settings: &str) -> Self {
        let directory = TempDir::with_prefix("posthouse-opendkim-").expect("a temporary directory");
        let root = directory.path();
        for (name, content) in files {
            fs::write(root.join(name), content).expect("a file");
        }
        let settings = settings.replace("ROOT", &root.display().to_string());
        let config = format!(
            "Socket local:{root}/socket\nMode {mode}\nBackground no\nSyslog no\nUMask 002\nRequireSafeKeys no\n{settings}\n",
            root = root.display()
        );
        fs::write(root.join("opendkim.conf"), config).expect("a configuration");
        let process = Command::new("/usr/sbin/opendkim")
            .arg("-f")
            .arg("-x")
            .arg(root.join("opendkim.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("opendkim; the package of that name has it");
        let opendkim = Self { directory, process };
        until("opendkim", || opendkim.directory.path().join("socket").exists().then_some(()));
        opendkim
    }

    fn socket(&self) -> String {
        self.directory.path().join("socket").display().to_string()
    }
}

impl Drop for OpenDkim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A key in PEM, and what its record says.
fn key() -> (String, String) {
    let made = Command::new("openssl")
        .args(["genrsa", "-traditional", "2048"])
        .output()
        .expect("openssl");
    let pem = String::from_utf8(made.stdout).expect("PEM");
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("key"), &pem).expect("a file");
    let public = Command::new("openssl")
        .args(["rsa", "-pubout", "-in"])
        .arg(directory.path().join("key"))
        .output()
        .expect("openssl");
    let public = String::from_utf8(public.stdout).expect("PEM");
    let record: String = public.lines().filter(|line| !line.starts_with('-')).collect();
    (pem, format!("v=DKIM1; k=rsa; p={record}"))
}

/// opendkim signs what alice submits from one house, and another opendkim verifies it for another house.
#[test]
fn opendkim_signs_and_verifies() {
    let (pem, record) = key();
    let signing = OpenDkim::start(
        "s",
        &[("key", &pem)],
        "Domain house.test\nSelector s1\nKeyFile ROOT/key\nCanonicalization relaxed/simple\nInternalHosts 127.0.0.1",
    );
    let zone = format!("s1._domainkey.house.test {record}\n");
    let verifying = OpenDkim::start(
        "v",
        &[("keys", &zone)],
        "TestPublicKeys ROOT/keys\nAuthservID dkim.there.test\nAlwaysAddARHeader yes",
    );
    let mx = Mx::good();
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("milter.submission", vec![signing.socket()])
        .start();
    house.provision();
    let own = "From: Alice <alice@house.test>\nTo: friend@remote.test\nSubject:  a   folded\n\tsubject\n\n.dot \n\nHello  you.\n\n\n";
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["friend@remote.test"], own)
        .expect(250);
    let signed = mx.wait_for(1)[0].text.clone();
    assert!(
        signed.contains("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=house.test; s=s1;"),
        "{signed}"
    );
    let there = Builder::default().set("milter.smtp", vec![verifying.socket()]).start();
    there.provision();
    there.smtp().send("alice@house.test", &["bob@house.test"], &signed).expect(250);
    there
        .smtp()
        .send("alice@house.test", &["alice@house.test"], &signed.replacen("Hello", "Good-bye", 1))
        .expect(250);
    let good = maildir::text(&there.wait_for_inbox("bob@house.test", 1)[0]);
    assert!(good.contains("Authentication-Results: dkim.there.test;\n\tdkim=pass"), "{good}");
    let bad = maildir::text(&there.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(bad.contains("Authentication-Results: dkim.there.test;\n\tdkim=fail"), "{bad}");
    let found = there.command(&["doctor", "--json", "--no-block-lists"]);
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains(&format!("{} answers", verifying.socket())), "{found}");
}
