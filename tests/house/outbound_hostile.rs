//! The servers of others at their worst, many at a time: each recipient gets the message once or its sender is told once, in the right
//! words, and a good server beside them waits for none of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::mx::Answer::{HangUp, Last, Octets, Say, Slowly, Stall, TakeAndHangUp};
use crate::support::mx::{Flaw, Manner, Mx};
use crate::support::report::Report;
use crate::support::street::Street;
use crate::support::wait::until;

/// The fields about a recipient.
type Fields = BTreeMap<String, String>;

/// A domain, its server, and what is to become of a message to it.
struct Case {
    domain: &'static str,
    /// None: nobody listens.
    manner: Option<Manner>,
    to: &'static [&'static str],
    returned: Option<Returned>,
    /// How often the message may be taken: more than once only where the end of a transaction was not heard (RFC 5321 §6.1).
    most_copies: usize,
}

/// What comes back.
struct Returned {
    to: &'static [&'static str],
    status: &'static str,
    /// What the server said; none if it is our own finding.
    said: Option<&'static str>,
    /// What people are told.
    told: &'static str,
}

impl Case {
    fn new(domain: &'static str, flaws: impl Into<Vec<Flaw>>) -> Self {
        Self {
            domain,
            manner: Some(Manner {
                flaws: flaws.into(),
                ..Manner::default()
            }),
            to: &["friend"],
            returned: None,
            most_copies: 1,
        }
    }

    /// Its server takes BDAT.
    fn by_chunks(mut self) -> Self {
        if let Some(manner) = &mut self.manner {
            manner.has_chunking = true;
        }
        self
    }

    fn returned(self, status: &'static str, said: Option<&'static str>, told: &'static str) -> Self {
        let to = self.to;
        let returned = Some(Returned { to, status, said, told });
        Self { returned, ..self }
    }

    fn is_returned(&self, local: &str) -> bool {
        self.returned.as_ref().is_some_and(|returned| returned.to.contains(&local))
    }
}

/// What is well in the end.
fn delivered() -> Vec<Case> {
    vec![
        Case::new("good.test", []),
        Case::new(
            "slow.test",
            ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."].map(|at| Flaw::always(at, Slowly(Duration::from_millis(3)))),
        ),
        Case::new("grey.test", [Flaw::first(1, "RCPT", Say("450 4.7.1 greylisted, come again"))]),
        Case::new("tls-refused.test", [Flaw::always("STARTTLS", Say("454 4.7.0 not now"))]),
        Case::new(
            "tls-garbage.test",
            [Flaw::always("STARTTLS", Last(b"220 2.0.0 go on\r\nthis is no TLS"))],
        ),
        Case::new("tls-empty.test", [Flaw::always("STARTTLS", Last(b"220 2.0.0 go on\r\n"))]),
        Case::new("tls-closed.test", [Flaw::always("STARTTLS", HangUp)]),
        Case::new("helo-only.test", [Flaw::always("EHLO", Say("500 5.5.1 what?"))]),
        Case::new("busy-at-mail.test", [Flaw::first(1, "MAIL", Say("421 4.3.2 too busy"))]),
        Case::new("hangs-once-at-354.test", [Flaw::first(1, "DATA", Stall(b"354 go on\r\n"))]),
        Case::new("hangs-once-at-the-end.test", [Flaw::first(1, ".", Stall(b""))]),
        Case::new("closes-once-at-the-end.test", [Flaw::first(1, ".", HangUp)]),
        Case::new(
            "closes-once-in-a-reply.test",
            [Flaw::first(1, "RCPT", Last(b"250-2.1.5 half a re"))],
        ),
        Case::new("zero.test", [Flaw::always("CONNECT", Octets(b"220 mx \0 odd\r\n".into()))]),
        Case::new("chunks.test", []).by_chunks(),
        Case::new(
            "grey-chunks.test",
            [Flaw::first(1, "RCPT", Say("450 4.7.1 greylisted, come again"))],
        )
        .by_chunks(),
        Case::new("chunks-hang-once-at-the-end.test", [Flaw::first(1, ".", Stall(b""))]).by_chunks(),
        Case::new("chunks-close-once-at-the-end.test", [Flaw::first(1, ".", HangUp)]).by_chunks(),
        Case::new("chunks-put-off-once.test", [Flaw::first(1, ".", Say("451 4.3.0 disk full"))]).by_chunks(),
        Case {
            most_copies: 2,
            ..Case::new("takes-and-closes-once.test", [Flaw::first(1, ".", TakeAndHangUp)])
        },
    ]
}

fn no(at: &'static str, reply: &'static str) -> Flaw {
    Flaw::always(at, Say(reply))
}

/// Nothing gets through until its time is over.
fn out_of_reach() -> Vec<Case> {
    let dead = Case {
        manner: None,
        ..Case::new("dead.test", [])
    };
    vec![
        dead.returned("4.4.1", None, "connecting: "),
        Case::new("hole.test", [Flaw::always("CONNECT", Stall(b""))]).returned("4.4.2", None, "the greeting: no answer within 2 seconds"),
        Case::new("trickle.test", [Flaw::always("CONNECT", Slowly(Duration::from_millis(500)))]).returned(
            "4.4.2",
            None,
            "the greeting: no answer within 2 seconds",
        ),
        Case::new("closed.test", [no("CONNECT", "554 5.7.1 go away")]).returned("4.3.2", Some("554 5.7.1 go away"), "It was tried for"),
        Case::new("no-hello.test", [no("EHLO", "550 5.7.1 no"), no("HELO", "550 5.7.1 no, really")]).returned(
            "4.3.2",
            Some("550 5.7.1 no, really"),
            "did not take the message",
        ),
        Case::new("always-busy.test", [no("MAIL", "421 4.3.2 closing")]).returned("4.3.2", Some("421 4.3.2 closing"), "It was tried for"),
        Case::new("hangs-at-354.test", [Flaw::always("DATA", Stall(b"354 go on\r\n"))]).returned(
            "4.4.2",
            None,
            "the end of DATA: no answer within 4 seconds",
        ),
        Case::new("half-a-reply.test", [Flaw::always("EHLO", Last(b"250-mx.remote.test\r\n250-PIPE"))]).returned(
            "4.4.2",
            None,
            "EHLO: the other side closed the connection",
        ),
        Case::new("talks.test", [Flaw::always("CONNECT", Octets(b"hello there\r\n".into()))]).returned("4.4.2", None, "has no reply code"),
        Case::new(
            "long.test",
            [Flaw::always("CONNECT", Octets([&b"220 "[..], &[b'x'; 5000], b"\r\n"].concat()))],
        )
        .returned("4.4.2", None, "has a line that is too long"),
        Case::new("endless.test", [Flaw::always("EHLO", Octets(b"250-and\r\n".repeat(1000)))]).returned(
            "4.4.2",
            None,
            "has too many lines",
        ),
    ]
}

/// Somebody says no.
fn refused() -> Vec<Case> {
    let picky = Case {
        to: &["one", "nobody", "two"],
        ..Case::new("picky.test", [Flaw::always("RCPT TO:<NOBODY", Say("550 5.1.1 no such user here"))])
    };
    vec![
        Case {
            returned: Some(Returned {
                to: &["nobody"],
                status: "5.1.1",
                said: Some("550 5.1.1 no such user here"),
                told: "There is no such address.",
            }),
            ..picky
        },
        Case::new("changes-its-mind.test", [no("DATA", "554 5.7.1 on second thought, no")]).returned(
            "5.7.1",
            Some("554 5.7.1 on second thought, no"),
            "refused the message by its rules",
        ),
        Case::new("refuses-at-the-end.test", [no(".", "550-5.7.1 spam\r\n550 5.7.1 and no ham")]).returned(
            "5.7.1",
            Some("550 5.7.1 spam and no ham"),
            "refused the message by its rules",
        ),
        Case {
            to: &["one", "nobody", "two"],
            returned: Some(Returned {
                to: &["nobody"],
                status: "5.1.1",
                said: Some("550 5.1.1 no such user here"),
                told: "There is no such address.",
            }),
            ..Case::new("picky-chunks.test", [no("RCPT TO:<NOBODY", "550 5.1.1 no such user here")]).by_chunks()
        },
        Case::new("refuses-all-chunks.test", [no("RCPT", "550 5.1.1 no such user here")])
            .by_chunks()
            .returned("5.1.1", Some("550 5.1.1 no such user here"), "There is no such address."),
        Case::new("refuses-chunks-at-the-end.test", [no(".", "554 5.7.1 no")])
            .by_chunks()
            .returned("5.7.1", Some("554 5.7.1 no"), "refused the message by its rules"),
        Case::new("mixes-classes.test", [no("DATA", "250 2.0.0 thanks")]).returned("4.5.0", Some("250 2.0.0 thanks"), "It was tried for"),
        Case::new("small.test", [no("EHLO", "250-mx.remote.test\r\n250-8BITMIME\r\n250 SIZE 100")]).returned(
            "5.3.4",
            None,
            "takes at most 100",
        ),
    ]
}

/// A house with little patience.
fn house(street: &Street) -> Builder {
    street
        .house(Builder::default())
        .set("outbound.connect_timeout_seconds", 2)
        .set("outbound.reply_timeout_seconds", 2)
}

fn letter(subject: &str) -> String {
    format!("From: alice@house.test\nTo: friends\nSubject: {subject}\n\nHello.\n")
}

#[test]
fn each_is_delivered_or_returned_once_whatever_the_others_do() {
    let mut street = Street::new();
    let mut cases: Vec<Case> = [out_of_reach(), refused(), delivered()].into_iter().flatten().collect();
    let servers: Vec<Option<Mx>> = cases.iter_mut().map(|case| street.build(case.domain, case.manner.take())).collect();
    let house = house(&street).set("queue.expire_seconds", 12).start();
    house.provision();
    let mut session = house.submission("alice@house.test");
    for case in &cases {
        let to: Vec<String> = case.to.iter().map(|local| format!("{local}@{}", case.domain)).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        session.send("alice@house.test", &to, &letter(case.domain)).expect(250);
    }
    let good = cases.iter().position(|case| case.domain == "good.test").expect("a good one");
    servers[good].as_ref().expect("a server").wait_for(1);
    assert!(house.queued() > 10, "the good one waits for none of the others");
    until("an empty queue", || (house.queued() == 0).then_some(()));

    let mut reports = reports(&house);
    for (case, server) in cases.iter().zip(&servers) {
        if let Some(server) = server {
            has_what_it_took(case, server);
        }
        if let Some(returned) = &case.returned {
            for local in returned.to {
                let found = reports.remove(&format!("rfc822; {local}@{}", case.domain)).unwrap_or_default();
                assert_eq!(found.len(), 1, "reports of {local}@{}", case.domain);
                says_what_happened(case, returned, &found[0]);
            }
        }
    }
    assert!(reports.is_empty(), "reports of what was delivered: {:?}", reports.keys());
}

/// The reports that alice has got, by recipient.
fn reports(house: &House) -> BTreeMap<String, Vec<(Report, Fields)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for file in house.inbox("alice@house.test") {
        let text = maildir::text(&file);
        for recipient in Report::read(&text).recipients {
            let name = recipient["final-recipient"].clone();
            found.entry(name).or_default().push((Report::read(&text), recipient));
        }
    }
    found
}

fn has_what_it_took(case: &Case, server: &Mx) {
    let letters = server.seen().letters;
    for local in case.to {
        let path = format!("<{local}@{}>", case.domain);
        let copies = letters
            .iter()
            .flat_map(|letter| &letter.to)
            .filter(|to| to.starts_with(&path))
            .count();
        let right = if case.is_returned(local) { 0..=0 } else { 1..=case.most_copies };
        assert!(right.contains(&copies), "{copies} copies for {path}");
    }
    for letter in letters {
        let subject = format!("\nSubject: {}\n", case.domain);
        assert!(
            letter.text.contains(&subject) && letter.text.ends_with("\n\nHello.\n"),
            "{}",
            letter.text
        );
    }
}

fn says_what_happened(case: &Case, returned: &Returned, (report, fields): &(Report, Fields)) {
    let domain = case.domain;
    assert_eq!(
        (fields["action"].as_str(), fields["status"].as_str()),
        ("failed", returned.status),
        "{domain}"
    );
    let said = returned.said.map(|said| (format!("dns; mx.{domain}"), format!("smtp; {said}")));
    let found = fields.get("remote-mta").cloned().zip(fields.get("diagnostic-code").cloned());
    assert_eq!(found, said, "{domain}");
    let people = &report.people;
    for needed in [
        returned.told,
        returned.said.unwrap_or(domain),
        returned.to[0],
        "it will not be tried again",
    ] {
        assert!(people.contains(needed), "{domain}: {needed} is missing in\n{people}");
    }
    assert!(report.returned.contains(&format!("Subject: {domain}\n")), "{}", report.returned);
}

/// RFC 5321 §4.5.3.1.10: a server that has enough recipients for one transaction gets the others in the next, at once.
#[test]
fn ten_thousand_recipients_of_one_domain() {
    let mut street = Street::new();
    let manner = Manner {
        most_recipients: 60,
        ..Manner::default()
    };
    let server = street.build("many.test", Some(manner)).expect("a server");
    // Who is put off is tried again in an hour: nobody is to wait for that.
    let house = house(&street)
        .set("queue.retry_first_seconds", 3600)
        .set("queue.retry_max_seconds", 3600)
        .start();
    house.provision();
    let to: Vec<String> = (0..10_000).map(|number| format!("<friend{number}@many.test>")).collect();
    submit_to_many(&house, &to);
    until("an empty queue", || (house.queued() == 0).then_some(()));
    assert_eq!(taken(&[server]), once(&to));
    assert!(house.inbox("alice@house.test").is_empty(), "nobody failed");
}

#[test]
fn ten_thousand_recipients_of_two_hundred_domains() {
    let mut street = Street::new();
    let servers: Vec<Mx> = (0..2)
        .filter_map(|half| street.build(&format!("half{half}.test"), Some(Manner::default())))
        .collect();
    for number in 0..200 {
        let host = format!("mx.half{}.test", number % 2);
        street.dns.mx(&format!("d{number}.test"), 10, &host);
    }
    let house = house(&street).start();
    house.provision();
    let to: Vec<String> = (0..10_000)
        .map(|number| format!("<friend{number}@d{}.test>", number % 200))
        .collect();
    submit_to_many(&house, &to);
    until("an empty queue", || (house.queued() == 0).then_some(()));
    assert_eq!(taken(&servers), once(&to));
    let letters: usize = servers.iter().map(|server| server.look(|seen| seen.letters.len())).sum();
    assert!(letters <= 400, "recipients of a domain travel together: {letters} transactions");
}

/// One message; the recipients are said in one go.
fn submit_to_many(house: &House, to: &[String]) {
    let mut session = house.submission("alice@house.test");
    session.command("MAIL FROM:<alice@house.test>").expect(250);
    let commands: String = to.iter().map(|path| format!("RCPT TO:{path}\r\n")).collect();
    session.send_raw(commands.as_bytes());
    for _ in to {
        session.reply().expect(250);
    }
    session.command("DATA").expect(354);
    session.command(&format!("{}.", letter("many").replace('\n', "\r\n"))).expect(250);
}

/// How often each was served.
fn taken(servers: &[Mx]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for server in servers {
        server.look(|seen| {
            for to in seen.letters.iter().flat_map(|letter| &letter.to) {
                let path = to.split(' ').next().unwrap_or_default();
                *count.entry(path.to_owned()).or_insert(0) += 1;
            }
        });
    }
    count
}

fn once(to: &[String]) -> BTreeMap<String, usize> {
    to.iter().map(|path| (path.clone(), 1)).collect()
}
