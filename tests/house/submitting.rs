//! Users send: what they may, what a broken STARTTLS must not do, what passwords are good for.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::line::Line;
use crate::support::maildir;
use crate::support::smtp::Smtp;

const LETTER: &str = "From: alice@house.test\nTo: bob@house.test\nSubject: within\n\nHello.\n";

#[test]
fn submission_over_starttls_delivers_within_the_house() {
    let house = House::furnished();
    let mut smtp = Smtp::connect(house.address("submission")).start_tls();
    smtp.login("ALICE@house.test", PASSWORD).expect(235);
    smtp.send("alice@house.test", &["bob@house.test"], LETTER).expect(250);
    let text = maildir::text(&house.inbox("bob@house.test")[0]);
    assert!(text.contains("Subject: within\n"), "{text}");
}

/// RFC 6409 §8: what a message must have and lacks is added.
#[test]
fn date_and_message_id_are_added() {
    let house = House::furnished();
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["bob@house.test"], LETTER)
        .expect(250);
    let text = maildir::text(&house.inbox("bob@house.test")[0]).to_lowercase();
    assert!(text.contains("\ndate: ") && text.contains("\nmessage-id: <"), "{text}");
}

/// RFC 3207 §4.2 and CVE-2011-0411: what came in clear text before the handshake is never carried out after it.
#[test]
fn commands_before_the_handshake_are_forgotten() {
    let house = House::furnished();
    for (listener, greeting, injected) in [
        ("smtp", "EHLO client.test\r\n", "STARTTLS\r\nNOOP injected\r\n"),
        ("submission", "EHLO client.test\r\n", "STARTTLS\r\nNOOP injected\r\n"),
        ("imap", "", "a STARTTLS\r\nb NOOP\r\n"),
        ("pop3", "", "STLS\r\nCAPA\r\n"),
    ] {
        let mut line = Line::connect(house.address(listener));
        line.line();
        if !greeting.is_empty() {
            line.send(greeting.as_bytes()).expect("a connection");
            while line.line().as_bytes().get(3) == Some(&b'-') {}
        }
        line.send(injected.as_bytes()).expect("a connection");
        let Ok(reply) = line.try_line() else {
            continue;
        };
        let agreed = [&b"220"[..], b"a OK", b"+OK"].iter().any(|yes| reply.starts_with(yes));
        if !agreed || line.start_tls().is_err() {
            // Refusing the whole is as good.
            continue;
        }
        line.say(if listener == "imap" { "c CAPABILITY" } else { "NONSENSE" });
        let first = line.line();
        assert!(
            first.starts_with("* CAPABILITY") || first.starts_with('5') || first.starts_with("-ERR"),
            "{listener} carried out what came before the handshake: {first}"
        );
    }
}

#[test]
fn a_handshake_that_never_comes_holds_nothing_up() {
    let house = House::furnished();
    let mut silent = TcpStream::connect(house.address("submissions")).expect("a connection");
    silent.write_all(b"EHLO not.tls\r\n").expect("a connection");
    house.submission("alice@house.test").command("NOOP").expect(250);
}

#[test]
fn a_new_password_counts_at_once() {
    let house = House::furnished();
    house.submission("alice@house.test");
    house
        .admin()
        .put("/users/alice@house.test/password", json!({"password": "another-secret-8"}))
        .ok();
    let mut smtp = Smtp::connect_tls(house.address("submissions"));
    smtp.login("alice@house.test", PASSWORD).expect(535);
    smtp.login("alice@house.test", "another-secret-8").expect(235);
}

/// Hashes as other servers keep them open the door, and are argon2id after the first login. All are of the word `secret`,
/// made by Dovecot 2.3.
#[test]
fn passwords_of_other_servers_are_good() {
    let house = House::furnished();
    let hashes = [
        ("md5", "{MD5-CRYPT}$1$/7QCw8qu$GVaLcGO91l0m49IzXJ4is/"),
        (
            "sha256",
            "{SHA256-CRYPT}$5$5ZQJjzu.XxsOLbso$bW95pFDNOeQDIK1aX.E.6Zg3YPGna/n2mmVNFeyE.JA",
        ),
        (
            "sha512",
            "{SHA512-CRYPT}$6$ru04572FFQezyPpS$ccspP6Mi.pNJrgnToSdYiW2VigBhSvzzfCTYthRkDWN8vHbxSekTWRaiEQWmwS9wQ5T4s7phmmTrz2hPxt4Vj1",
        ),
        ("bcrypt", "{BLF-CRYPT}$2y$05$CqyYX91NWqfQ6AnsCfvsQuyoodqK1Z5.Yj.s/.GMOuBu459YeJGX6"),
        ("ssha256", "{SSHA256}euUSUM/m5zJ7WxekBEfe2FgJ9QAlT+iz5xZPxHbDSkGEYlrc"),
        (
            "ssha512",
            "{SSHA512}sr5qNX+4JipC06AE++nhsTUhfoN7zRD9IWNMw3inf1U3dY/TvSRaebn1JFVv4nb0uZJJ0kdQAVCmqR4do0Q+d7f6qbE=",
        ),
        (
            "pbkdf2",
            "{PBKDF2}$1$N2uxwSBhq4sQEfbk$5000$405b0c43635ff2e28380ba1b475e5acf4a523e51",
        ),
        (
            "argon2id",
            "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$DX7Ct49Jp49ZiNCI6KSHmw$fNdj7mGC0Pt7tEkxSlroiSk343+uODgE5htVEEKLwec",
        ),
    ];
    for (name, hash) in hashes {
        let address = format!("{name}@house.test");
        house
            .admin()
            .post("/users", json!({"address": address, "password_hash": hash}))
            .ok();
        for _ in 0..2 {
            let mut smtp = Smtp::connect_tls(house.address("submissions"));
            smtp.login(&address, "not it").expect(535);
            smtp.login(&address, "secret").expect(235);
        }
    }
}

/// RFC 5322 §3.6.3: those in Bcc get the message, and nobody sees that they do. Long messages lie in a file by then.
#[test]
fn bcc_is_taken_out() {
    let house = House::furnished();
    for (count, body) in ["Hello.\n".to_owned(), "A line of a long letter.\n".repeat(100_000)]
        .iter()
        .enumerate()
    {
        let letter = format!("From: alice@house.test\nbcc: bob@house.test,\n\tcarol@house.test\nSubject: hidden\nBcc:\n\nBcc: {body}");
        house
            .submission("alice@house.test")
            .send("alice@house.test", &["bob@house.test"], &letter)
            .expect(250);
        let texts: Vec<String> = house
            .wait_for_inbox("bob@house.test", count + 1)
            .iter()
            .map(|it| maildir::text(it))
            .collect();
        let text = texts.iter().max_by_key(|text| text.len()).unwrap();
        let (header, rest) = text.split_once("\n\n").expect("a header");
        assert!(!header.to_lowercase().contains("bcc") && !header.contains("carol"), "{header}");
        assert!(header.contains("\nFrom: alice@house.test\nSubject: hidden"), "{header}");
        assert_eq!(rest, format!("Bcc: {body}"));
    }
}

/// RFC 6409 §8.1 and RFC 5322 §3.6: From is there once, and is the user's.
#[test]
fn from_must_be_there_and_be_theirs() {
    let house = House::furnished();
    house.alias("info@house.test", &["alice@house.test"]);
    let send = |house: &House, header: &str| {
        let letter = format!("{header}Subject: from\n\nHello.\n");
        let reply = house
            .submission("alice@house.test")
            .send("alice@house.test", &["bob@house.test"], &letter);
        (reply.code, reply.lines.concat())
    };
    for (header, code, words) in [
        ("From: Alice <alice@house.test>\n", 250, "2.0.0"),
        ("From: info@house.test\n", 250, "2.0.0"),
        ("From: alice+news@house.test, info@house.test\n", 250, "2.0.0"),
        ("", 554, "5.6.0 the message has no From field"),
        (
            "From: alice@house.test\nFrom: alice@house.test\n",
            554,
            "5.6.0 the message has more than one",
        ),
        ("From: Alice\n", 554, "5.6.0"),
        (
            "From: bob@house.test\n",
            553,
            "5.7.1 alice@house.test may not send as bob@house.test",
        ),
        ("From: alice@house.test, president@elsewhere.test\n", 553, "5.7.1"),
    ] {
        let (given, text) = send(&house, header);
        assert!(given == code && text.contains(words), "{header}: {given} {text}");
    }
    let lenient = Builder::default().set("submission.check_from", false).start();
    lenient.provision();
    assert_eq!(send(&lenient, "From: president@elsewhere.test\n").0, 250);
    assert_eq!(send(&lenient, "").0, 250);
}

/// A stolen password sends so much and no more, also through a restart; other users go on.
#[test]
fn a_user_sends_no_more_than_the_limit() {
    let mut house = Builder::default()
        .set("submission.recipients_per_day", 3)
        .set("submission.messages_per_day", 2)
        .start();
    house.provision();
    let send = |house: &House, user: &str, to: &[&str]| {
        let letter = format!("From: {user}\nSubject: many\n\nHello.\n");
        let reply = house.submission(user).send(user, to, &letter);
        (reply.code, reply.lines.concat())
    };
    let both = ["alice@house.test", "bob@house.test"];
    assert_eq!(send(&house, "alice@house.test", &both).0, 250);
    let (code, text) = send(&house, "alice@house.test", &both);
    assert!(
        code == 452 && text.contains("4.7.1 the limit of 3 recipients a day is reached; it ends at 2"),
        "{text}"
    );
    assert_eq!(send(&house, "alice@house.test", &both[1..]).0, 250);
    house.kill();
    house.start_again();
    let (code, text) = send(&house, "alice@house.test", &both[1..]);
    assert!(code == 452 && text.contains("the limit of 2 messages a day is reached"), "{text}");
    assert!(house.log().contains("a user has reached a limit of submission"));
    assert_eq!(send(&house, "bob@house.test", &both).0, 250);
}
