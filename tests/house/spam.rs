//! Telling spam from mail: the commands, and what the doors make of a judgement.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;
use crate::support::smtp::Reply;
use crate::support::{maildir, wait};

const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

fn spam(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let data = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    command.arg("spam").args(arguments).envs(environment.iter().copied());
    command.env("POSTHOUSE_DATA_DIR", data.path()).output().expect("a program")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A message in a file.
fn file(message: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), message.replace('\n', "\r\n")).expect("written");
    file
}

#[test]
fn the_rules_are_listed_with_their_weights() {
    let listed = spam(&["rules", "--json"], &[("POSTHOUSE_SPAM__WEIGHTS", "{ MISSING_DATE = 7.5 }")]);
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let rules: Vec<serde_json::Value> = text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(rules.len() >= 100, "{}", rules.len());
    let date = rules.iter().find(|rule| rule["name"] == "MISSING_DATE").expect("the rule");
    assert_eq!((date["weight"].as_f64(), date["default_weight"].as_f64()), (Some(7.5), Some(1.0)));
    let wrong = spam(
        &["check", file("x").path().to_str().expect("a path")],
        &[("POSTHOUSE_SPAM__WEIGHTS", "{ MISSING_DATES = 7.5 }")],
    );
    assert!(!wrong.status.success());
    assert!(
        text(&wrong.stderr).contains("perhaps MISSING_DATE was meant"),
        "{}",
        text(&wrong.stderr)
    );
}

#[test]
fn a_message_is_judged() {
    let message = file(&format!("Subject: a try\nFrom: ada@example.org\n\n{GTUBE}\n"));
    let path = message.path().to_str().expect("a path");
    let judged = spam(
        &["check", path, "--from", "ada@example.org", "--to", "bob@house.test", "--json"],
        &[],
    );
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let document: serde_json::Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    assert_eq!(document["action"], "reject");
    let names: Vec<&str> = document["symbols"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert!(names.contains(&"GTUBE") && names.contains(&"MISSING_DATE"), "{names:?}");
    assert_eq!(spam(&["check", "/nonexistent/file"], &[]).status.code(), Some(2));
}

/// A house that judges what comes from this machine as if it came from elsewhere. Nobody answers what it asks name servers.
fn judging() -> Builder {
    Builder::default()
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("spam.engine", "builtin")
}

fn send(house: &House, message: &str) -> Reply {
    house.smtp().send("ada@remote.test", &["alice@house.test"], message)
}

/// Of which so much is odd that it is junk, whatever it says.
fn odd(number: usize) -> String {
    format!(
        "From: PayPa1 <x@paypa1-login.xyz>\nTo: undisclosed-recipients:;\nSubject: V I A G R A !!\nX-Spam-Status: No, score=-99\n\
         Message-ID: <{number}>\n\nCheap pills number {number} from our pharmacy: http://paypa1-login.xyz/login\n"
    )
}

fn junk(house: &House) -> Vec<std::path::PathBuf> {
    maildir::messages(&house.maildir("alice@house.test").join(".Junk"))
}

/// RFC 5321 §4.2.3: what is refused as spam is refused in the dialogue, and nothing of it is kept.
#[test]
fn spam_beyond_doubt_is_refused() {
    let house = judging().start();
    house.provision();
    let reply = send(&house, &format!("From: ada@remote.test\nSubject: a try\n\n{GTUBE}\n"));
    reply.expect(550);
    assert!(reply.lines.concat().contains("5.7.1"), "{:?}", reply.lines);
    assert!(house.inbox("alice@house.test").is_empty() && junk(&house).is_empty());
    // Not from users: they may send what they like.
    let mut submission = house.submission("alice@house.test");
    let own = format!("From: alice@house.test\nTo: alice@house.test\nSubject: a try\n\n{GTUBE}\n");
    submission.send("alice@house.test", &["alice@house.test"], &own).expect(250);
    assert_eq!(house.wait_for_inbox("alice@house.test", 1).len(), 1);
}

#[test]
fn spam_is_junk_and_says_why_and_other_mail_is_not() {
    let house = judging().set("spam.reject", 1000.0).start();
    house.provision();
    send(&house, &odd(1)).expect(250);
    let text = maildir::text(&junk(&house)[0]);
    assert!(
        text.contains("X-Spam: Yes\n") && text.contains("X-Spam-Status: Yes, score="),
        "{text}"
    );
    assert!(text.contains("LOOKALIKE_FROM=") && !text.contains("score=-99"), "{text}");
    let good = "Received: from a.remote.test by b.remote.test; Thu, 26 Nov 2026 11:59:00 +0000\nFrom: Ada <ada@remote.test>\nTo: alice@house.test\nSubject: Minutes\nMessage-ID: <1@remote.test>\n\
                Date: Thu, 26 Nov 2026 11:59:00 +0000\n\nHere are the minutes of yesterday, with thanks to all who were there.\n";
    send(&house, good).expect(250);
    let text = maildir::text(&house.inbox("alice@house.test")[0]);
    assert!(text.contains("X-Spam-Status: No, score=") && !text.contains("X-Spam: "), "{text}");
}

/// The steps of these names in the stories of what came from a sender, the newest story first.
fn steps(house: &House, sender: &str, name: &str) -> Vec<Value> {
    wait::until(&format!("a step {name} of {sender}"), || {
        let told = house.command(&["trace", sender, "--json"]);
        let stories = text(&told.stdout);
        let stories = stories.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let steps = stories.flat_map(|story| story["steps"].as_array().cloned().unwrap_or_default());
        let found: Vec<Value> = steps.filter(|step| step["step"] == name).collect();
        (!found.is_empty()).then_some(found)
    })
}

#[test]
fn a_judgement_is_told_in_the_story_of_the_message() {
    let house = judging().set("spam.reject", 1000.0).start();
    house.provision();
    send(&house, &odd(1)).expect(250);
    let judged = &steps(&house, "ada@remote.test", "judged")[0];
    assert_eq!((&judged["action"], &judged["required"]), (&json!("junk"), &json!(6.0)), "{judged}");
    let symbols = judged["symbols"].as_array().expect("a list");
    let is_told = |symbol: &Value| symbol.as_str().is_some_and(|it| it.starts_with("LOOKALIKE_FROM="));
    assert!(symbols.iter().any(is_told), "{judged}");
}

/// A sender on the allowlist can be named by anybody: it counts where SPF, or a signature, says that it is from them.
#[test]
fn who_is_on_the_allowlist_is_not_taken_for_spam() {
    let dns = Dns::start();
    dns.txt("good.test", "v=spf1 ip4:127.0.0.0/8 -all").txt("other.test", "v=spf1 ?all");
    let house = judging().set("dns.servers", vec![dns.address()]).set("spam.reject", 1000.0).start();
    house.provision();
    let admin = house.admin();
    let to = ["alice@house.test"];
    for subject in ["ada@good.test", "other.test"] {
        admin.post("/allowlist", json!({"subject": subject})).ok();
    }
    let mut junk_so_far = 0;
    for (number, (sender, is_junk)) in [("ada@good.test", false), ("eve@good.test", true), ("ada@other.test", true)]
        .into_iter()
        .enumerate()
    {
        house.smtp().send(sender, &to, &odd(number)).expect(250);
        junk_so_far += usize::from(is_junk);
        assert_eq!(junk(&house).len(), junk_so_far, "{sender}");
    }
    let told = &steps(&house, "ada@good.test", "not_judged")[0];
    assert!(told["reason"].as_str().is_some_and(|it| it.contains("allowlist")), "{told}");
    let text = maildir::text(&house.inbox("alice@house.test")[0]);
    assert!(
        !text.contains("X-Spam-Status"),
        "what others say of it in our words is taken out: {text}"
    );
    admin.post("/allowlist", json!({"subject": "127.0.0.0/8"})).ok();
    house.smtp().send("eve@elsewhere.test", &to, &odd(9)).expect(250);
    assert_eq!(junk(&house).len(), junk_so_far);
}

#[test]
fn what_users_move_is_learned() {
    let house = judging()
        .set("spam.reject", 1000.0)
        .set("spam.junk", 900.0)
        .set("spam.bayes_min_learns", 3)
        .start();
    house.provision();
    for number in 0..6 {
        send(&house, &odd(number)).expect(250);
        let good =
            format!("From: ada@remote.test\nSubject: Item {number}\n\nThe board has met and asks for plan {number} of the new building.\n");
        send(&house, &good).expect(250);
    }
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    // The odd ones are learned as spam; the others are put among them by mistake and taken out again.
    imap.ok("UID MOVE 1:12 Junk");
    imap.select("Junk");
    imap.ok("UID MOVE 2,4,6,8,10,12 INBOX");
    let new = "Subject: x\n\nThe board has met once more and asks for the plan of the new building.\n";
    let path = house.path("new.eml");
    std::fs::write(&path, new.replace('\n', "\r\n")).expect("written");
    wait::until("what was moved is learned", || {
        let checked = house.command(&["spam", "check", path.to_str().expect("a path")]);
        text(&checked.stdout).contains("BAYES_HAM").then_some(())
    });
}

#[test]
fn messages_are_learned_once_and_by_hand() {
    let house = Builder::default().start();
    let path = house.path("a.eml");
    std::fs::write(&path, "Subject: x\r\n\r\nCheap pills from our pharmacy.\r\n").expect("written");
    let path = path.to_str().expect("a path");
    for (kind, said) in [("--spam", "\"new\":1"), ("--spam", "\"known\":1"), ("--ham", "\"moved\":1")] {
        let learned = house.command(&["spam", "learn", kind, path, "--json"]);
        assert!(
            text(&learned.stdout).contains(said),
            "{kind}: {}{}",
            text(&learned.stdout),
            text(&learned.stderr)
        );
    }
}

/// A message that nothing is wrong with, so that only what was learned of its words counts.
fn about(number: usize) -> Vec<u8> {
    format!("Subject: Plan {number}\r\n\r\nThe board has met once more and asks for plan {number} of the new building.\r\n").into_bytes()
}

#[test]
fn the_api_teaches_by_stored_messages_and_by_others() {
    let house = Builder::default().set("spam.bayes_users_teach_all", false).start();
    house.provision();
    house
        .smtp()
        .send("ada@remote.test", &["alice@house.test"], "Subject: x\n\nCheap pills.\n")
        .expect(250);
    let alice = Rest::login(house.address("http"), "alice@house.test", PASSWORD);
    let id = alice.get("/users/alice@house.test/messages").ok()["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/users/alice@house.test/messages/{id}/lessons");
    for (kind, outcome) in [("spam", "learned"), ("spam", "known"), ("ham", "moved")] {
        assert_eq!(alice.post(&path, json!({"kind": kind})).ok(), json!({"user": outcome}));
    }
    alice.post(&path, json!({"kind": "eggs"})).problem(422);
    let media = [("content-type", "message/rfc822")];
    let send = |caller: &Rest, path: &str, octets: Vec<u8>| caller.send(Method::POST, path, &media, Some(octets));
    let admin = house.admin();
    assert_eq!(
        send(&alice, "/users/alice@house.test/lessons?kind=ham", about(1)).ok(),
        json!({"user": "learned"})
    );
    assert_eq!(send(&admin, "/lessons?kind=ham", about(1)).ok(), json!({"server": "learned"}));
    assert_eq!(send(&admin, "/lessons?kind=spam", about(1)).ok(), json!({"server": "moved"}));
    send(&alice, "/lessons?kind=ham", about(2)).problem(403);
    send(&admin, "/lessons?kind=ham", Vec::new()).problem(422);
    send(&admin, "/lessons", about(2)).problem(400);
    admin.post("/lessons?kind=ham", json!({})).problem(415);
}

#[test]
fn what_a_client_brings_into_junk_is_learned() {
    let house = judging().set("spam.bayes_min_learns", 1).start();
    house.provision();
    let path = house.path("new.eml");
    std::fs::write(&path, about(2)).expect("written");
    let path = path.to_str().expect("a path");
    let other = house.path("other.eml");
    std::fs::write(
        &other,
        "Subject: x\r\n\r\nSomething else entirely, of which nobody has ever heard.\r\n",
    )
    .expect("written");
    house.command(&["spam", "learn", "--ham", other.to_str().expect("a path")]);
    let mut imap = house.imap("alice@house.test");
    imap.append("Junk", &about(1));
    wait::until("what was brought is learned", || {
        let checked = house.command(&["spam", "check", path]);
        text(&checked.stdout).contains("BAYES_SPAM").then_some(())
    });
}

/// An rspamd on loopback that says the same of each message; what it was asked, head and body.
fn rspamd(answer: &'static str) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut octets = Vec::new();
            let mut piece = [0; 4096];
            let (head, body) = loop {
                let count = stream.read(&mut piece).unwrap_or(0);
                octets.extend_from_slice(&piece[..count]);
                let all = text(&octets);
                let Some((head, body)) = all.split_once("\r\n\r\n") else {
                    assert!(count > 0, "a whole request");
                    continue;
                };
                let head = head.to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if count == 0 || length.is_none_or(|length| length.parse() == Ok(body.len())) {
                    break (head, body.to_owned());
                }
            };
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            );
            let _ = stream.write_all(reply.as_bytes());
            if told.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

#[test]
fn rspamd_judges_in_the_place_of_the_rules() {
    let (url, asked) = rspamd(
        r#"{"score":7.5,"required_score":15.0,"action":"add header","symbols":{"BAYES_SPAM":{"name":"BAYES_SPAM","score":5.1,"options":["99%"]}}}"#,
    );
    let house = judging().set("spam.engine", "rspamd").set("spam.rspamd_url", url).start();
    house.provision();
    send(&house, "From: ada@remote.test\nSubject: hello\n\nHello.\n").expect(250);
    let (head, body) = asked.recv_timeout(std::time::Duration::from_secs(20)).expect("a question");
    for field in ["post /checkv2 ", "ip: 127.0.0.1", "from: ada@remote.test", "rcpt: alice@house.test"] {
        assert!(head.contains(field), "{field}: {head}");
    }
    assert!(body.contains("Subject: hello\r\n"), "{body}");
    let text = maildir::text(&junk(&house)[0]);
    assert!(
        text.contains("X-Spam-Status: Yes, score=7.50 required=15.00\n\ttests=BAYES_SPAM=5.10\n"),
        "{text}"
    );
    // What users move teaches it.
    let mut imap = house.imap("alice@house.test");
    imap.select("Junk");
    imap.ok("UID MOVE 1 INBOX");
    let (head, _) = asked.recv_timeout(std::time::Duration::from_secs(20)).expect("a lesson");
    assert!(head.starts_with("post /learnham "), "{head}");
}

#[test]
fn rspamd_can_put_a_message_off_and_refuse_it() {
    for (action, code, said) in [
        ("soft reject", 451, "perhaps when it is sent again later"),
        ("greylist", 250, ""),
        ("reject", 550, "taken for spam"),
    ] {
        let answer = format!(r#"{{"score":7.5,"required_score":15.0,"action":"{action}","symbols":{{}}}}"#);
        let (url, _asked) = rspamd(answer.leak());
        let house = judging().set("spam.engine", "rspamd").set("spam.rspamd_url", url).start();
        house.provision();
        let reply = send(&house, "From: ada@remote.test\nSubject: hello\n\nHello.\n");
        let heard = reply.expect(code).lines.join(" ");
        assert!(heard.contains(said), "{action}: {heard}");
        let taken = maildir::messages(&house.maildir("alice@house.test")).len();
        assert_eq!(taken, usize::from(code == 250), "{action}");
    }
}

#[test]
fn a_dead_rspamd_loses_no_mail() {
    for (on_failure, code) in [("accept", 250), ("tempfail", 451)] {
        let house = judging()
            .set("spam.engine", "rspamd")
            .set("spam.rspamd_url", "http://127.0.0.1:9")
            .set("spam.on_failure", on_failure)
            .start();
        house.provision();
        send(&house, "From: ada@remote.test\nSubject: hello\n\nHello.\n").expect(code);
    }
}
