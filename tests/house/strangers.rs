//! Mail of strangers: what others list, and what the house remembers of them.

use std::path::PathBuf;

use toml::{Table, Value};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::smtp::{Reply, Smtp};
use crate::support::{maildir, wait};

/// A stranger of the internet, whom nobody has listed.
const STRANGER: &str = "5.6.7.8";

/// A house that judges what comes by the proxy, and asks this name server.
fn judging(dns: &Dns) -> Builder {
    dns.txt(".", "here");
    let lists = [
        list(
            "bl.test",
            "address",
            &[("127.0.0.4-7", "MY_BLOCKLIST", 40.0), ("127.0.0.9", "MY_JUNK", 9.0)],
        ),
        list("dbl.test", "domain", &[("127.0.1.2", "MY_DOMAINS", 9.0)]),
    ];
    Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("proxy.from", vec!["127.0.0.2"])
        .set("proxy.listeners", vec!["smtp"])
        .set("spam.engine", "builtin")
        .set("spam.reject", 30.0)
        .set("dns_lists.builtin", false)
        .set("dns_lists.max_score", 100.0)
        .set("dns_lists.lists", lists.to_vec())
}

fn list(zone: &str, kind: &str, hits: &[(&str, &str, f64)]) -> Value {
    let hit = |(codes, symbol, weight): &(&str, &str, f64)| {
        let mut table = Table::new();
        table.insert("codes".into(), (*codes).into());
        table.insert("symbol".into(), (*symbol).into());
        table.insert("weight".into(), (*weight).into());
        Value::from(table)
    };
    let mut table = Table::new();
    table.insert("zone".into(), zone.into());
    table.insert("kind".into(), kind.into());
    table.insert("hits".into(), hits.iter().map(hit).collect::<Vec<_>>().into());
    table.into()
}

/// Sends a message of which nothing is odd, from an address of the internet.
fn send(house: &House, client: &str, number: usize, text: &str) -> Reply {
    let mut smtp = Smtp::connect_for(house.address("smtp"), client);
    smtp.send("ada@remote.test", &["alice@house.test"], &letter(number, text))
}

fn letter(number: usize, text: &str) -> String {
    format!(
        "Received: from a.remote.test by b.remote.test; Thu, 26 Nov 2026 11:59:00 +0000\nFrom: Ada <ada@remote.test>\n\
         To: alice@house.test\nSubject: Minutes\nMessage-ID: <{number}@remote.test>\nDate: Thu, 26 Nov 2026 11:59:00 +0000\n\n\
         Here are the minutes of yesterday, with thanks to all who were there.\n{text}\n"
    )
}

fn junk(house: &House) -> Vec<PathBuf> {
    maildir::messages(&house.maildir("alice@house.test").join(".Junk"))
}

/// Sends until somebody is known to answer what is asked of the name server, which is found out in the background.
fn wait_for_lists(house: &House, listed: &str) {
    wait::until("the lists are asked", || {
        let before = junk(house).len();
        send(house, listed, 900, "").expect(250);
        (junk(house).len() > before).then_some(())
    });
}

/// RFC 5782 §2.1, §2.4, §3.1: addresses and domains are asked about, codes are told apart, and who is not listed is not harmed.
#[test]
fn who_is_listed_is_junk_or_refused() {
    let dns = Dns::start();
    let house = judging(&dns).start();
    house.provision();
    dns.host("9.9.9.9.bl.test", "127.0.0.9")
        .host("10.9.9.9.bl.test", "127.0.0.5")
        .host("11.9.9.9.bl.test", "127.0.0.3")
        .host(
            "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.8.0.0.4.2.bl.test",
            "127.0.0.9",
        )
        .host("pills.test.dbl.test", "127.0.1.2");
    wait_for_lists(&house, "9.9.9.9");
    let text = maildir::text(&junk(&house)[0]);
    assert!(text.contains("MY_JUNK=9.00") && !text.contains("MY_BLOCKLIST"), "{text}");
    send(&house, "9.9.9.10", 1, "").expect(550);
    let count = junk(&house).len();
    send(&house, "2400:8400::9", 3, "").expect(250);
    send(&house, STRANGER, 4, "See http://www.pills.test/cheap").expect(250);
    let texts: Vec<String> = junk(&house).iter().map(|path| maildir::text(path)).collect();
    assert!(texts.iter().any(|text| text.contains("MY_DOMAINS=9.00")), "{texts:?}");
    assert_eq!(texts.len(), count + 2);
    let before = house.inbox("alice@house.test").len();
    send(&house, "9.9.9.11", 5, "").expect(250);
    send(&house, STRANGER, 6, "See http://www.minutes.test/").expect(250);
    assert_eq!(house.inbox("alice@house.test").len(), before + 2, "no code of ours, and not listed");
}

/// RFC 5782 §5, RFC 6471 §3.3: errors are no hits, nor is a list that lists everybody.
#[test]
fn lists_that_fail_harm_nobody() {
    let dns = Dns::start();
    let house = judging(&dns).set("dns_lists.timeout_seconds", 1).start();
    house.provision();
    dns.host("9.9.9.9.bl.test", "127.0.0.9");
    wait_for_lists(&house, "9.9.9.9");
    let count = junk(&house).len();
    // The domains' list has been tested, and found in order; now it refuses.
    dns.host("remote.test.dbl.test", "127.255.255.254")
        .host("pills.test.dbl.test", "127.0.1.2");
    send(&house, STRANGER, 1, "See http://pills.test/").expect(250);
    wait::until("it is said", || {
        house.log().contains("a DNS list is not asked for some time").then_some(())
    });
    send(&house, STRANGER, 2, "See http://pills.test/").expect(250);
    dns.fail("8.7.6.5.bl.test");
    send(&house, STRANGER, 3, "").expect(250);
    assert_eq!(junk(&house).len(), count);
    // And one that lists everybody.
    let dns = Dns::start();
    let house = judging(&dns).start();
    house.provision();
    dns.host("1.0.0.127.bl.test", "127.0.0.9")
        .host("9.9.9.9.bl.test", "127.0.0.9")
        .host("pills.test.dbl.test", "127.0.1.2");
    wait::until("the lists are asked", || {
        send(&house, "9.9.9.9", 4, "See http://pills.test/").expect(250);
        (!junk(&house).is_empty()).then_some(())
    });
    let text = maildir::text(&junk(&house)[0]);
    assert!(text.contains("MY_DOMAINS") && !text.contains("MY_JUNK"), "{text}");
    // Nobody waits where no name server answers at all.
    dns.keep_silent(true);
}

/// RFC 6647 §2.4: doubtful mail is put off once, on whatever node it comes; who has come again is known.
#[test]
fn doubtful_mail_is_put_off_once() {
    let dns = Dns::start();
    let house = judging(&dns)
        .set("spam.add_header", 100.0)
        .set("spam.junk", 100.0)
        .set("spam.reject", 1000.0)
        .set("greylist.score", 20.0)
        .set("greylist.delay_seconds", 2)
        .start();
    house.provision();
    dns.host("9.9.9.9.bl.test", "127.0.0.5").host("10.9.9.9.bl.test", "127.0.0.5");
    let put_off = wait::until("doubtful mail is put off", || {
        let reply = send(&house, "9.9.9.9", 1, "");
        (reply.code != 250).then_some(reply)
    });
    put_off.expect(451);
    assert!(put_off.lines[0].starts_with("4.7.1 greylisted"), "{:?}", put_off.lines);
    let before = house.inbox("alice@house.test").len();
    send(&house, "9.9.9.9", 1, "").expect(451);
    send(&house, STRANGER, 2, "").expect(250);
    wait::until("it is taken when it comes again", || {
        (send(&house, "9.9.9.10", 1, "").code == 250).then_some(())
    });
    let mut smtp = Smtp::connect_for(house.address("smtp"), "9.9.9.9");
    smtp.send("bob@remote.test", &["bob@house.test"], &letter(3, "")).expect(250);
    smtp.send("bob@other.test", &["bob@house.test"], &letter(4, "")).expect(451);
    assert_eq!(house.inbox("alice@house.test").len(), before + 2);
}

/// Whom a user has written to is no stranger, if they prove to be it; nor is who answers.
#[test]
fn correspondents_and_those_who_answer_are_no_strangers() {
    let dns = Dns::start();
    let house = judging(&dns).start();
    house.provision();
    dns.txt("remote.test", "v=spf1 ip4:5.6.7.0/24 -all")
        .txt("_dmarc.remote.test", "v=DMARC1; p=none");
    let sent = "From: alice@house.test\nTo: ada@remote.test\nSubject: Minutes\nMessage-ID: <42@house.test>\n\nThe minutes, please.\n";
    let mut submission = house.submission("alice@house.test");
    submission.send("alice@house.test", &["ada@remote.test"], sent).expect(250);
    let text = |number: usize| {
        let all = house.inbox("alice@house.test");
        let texts = all.iter().map(|path| maildir::text(path));
        texts
            .into_iter()
            .find(|text| text.contains(&format!("<{number}@remote.test>")))
            .expect("the message")
    };
    send(&house, STRANGER, 1, "").expect(250);
    assert!(
        text(1).contains("KNOWN_CORRESPONDENT=-5.00") && !text(1).contains("REPLY="),
        "{}",
        text(1)
    );
    // From where that domain sends nothing.
    send(&house, "5.6.8.8", 2, "").expect(250);
    assert!(!text(2).contains("KNOWN_CORRESPONDENT"), "{}", text(2));
    let answer = letter(3, "").replace("Subject: ", "In-Reply-To: <42@house.test>\nSubject: Re: ");
    let mut smtp = Smtp::connect_for(house.address("smtp"), "5.6.8.8");
    smtp.send("ada@remote.test", &["alice@house.test"], &answer).expect(250);
    assert!(
        text(3).contains("REPLY=-3.00") && !text(3).contains("KNOWN_CORRESPONDENT"),
        "{}",
        text(3)
    );
    smtp.send("ada@remote.test", &["bob@house.test"], &answer).expect(250);
    let text = maildir::text(&house.wait_for_inbox("bob@house.test", 1)[0]);
    assert!(!text.contains("REPLY="), "bob has not sent it: {text}");
}

#[test]
fn reputation_is_learned_from_what_comes() {
    let dns = Dns::start();
    let house = judging(&dns).set("reputation.min_messages", 3).start();
    house.provision();
    dns.host("9.9.9.9.bl.test", "127.0.0.9");
    wait_for_lists(&house, "9.9.9.9");
    for number in 0..12 {
        send(&house, "9.9.9.9", number, "").expect(250);
    }
    wait::until("it counts", || {
        send(&house, "9.9.9.9", 99, "").expect(250);
        let mut texts = junk(&house).into_iter().map(|path| maildir::text(&path));
        texts.any(|text| text.contains("IP_REPUTATION_SPAM=")).then_some(())
    });
    // A neighbour, whom nobody has listed.
    send(&house, "9.9.9.77", 100, "").expect(250);
    let text = maildir::text(&house.inbox("alice@house.test")[0]);
    assert!(text.contains("IP_REPUTATION_SPAM="), "{text}");
}

#[test]
fn a_network_brings_so_much_in_an_hour() {
    let dns = Dns::start();
    let house = judging(&dns).set("defence.messages_per_hour", 30).start();
    house.provision();
    for number in 0..4 {
        send(&house, &format!("5.6.7.{number}"), number, "").expect(250);
    }
    let reply = send(&house, "5.6.7.9", 9, "");
    reply.expect(451);
    let wanted = "4.7.1 the limit of 30 messages an hour from 5.6.7.0/24 is reached, send this again later";
    assert_eq!(reply.lines, [wanted]);
    send(&house, "5.6.8.9", 10, "").expect(250);
    let mut submission = house.submission("alice@house.test");
    for number in 0..6 {
        let own = format!("From: alice@house.test\nSubject: {number}\n\nHello.\n");
        submission.send("alice@house.test", &["bob@house.test"], &own).expect(250);
    }
}

/// Who tries out which recipients there are is answered slower, and then not at all.
#[test]
fn who_tries_out_recipients_is_banned() {
    let dns = Dns::start();
    let house = judging(&dns).set("defence.max_unknown_recipients", 4).start();
    house.provision();
    let mut smtp = Smtp::connect_for(house.address("smtp"), STRANGER);
    smtp.command("MAIL FROM:<>").expect(250);
    smtp.command("RCPT TO:<nobody1@house.test>").expect(550);
    smtp.command("RCPT TO:<alice@house.test>").expect(250);
    for number in 2..5 {
        smtp.command(&format!("RCPT TO:<nobody{number}@house.test>")).expect(550);
    }
    let last = smtp.command("RCPT TO:<nobody5@house.test>");
    last.expect(421);
    assert!(last.lines[0].contains("4.7.1 Too many unknown recipients"), "{:?}", last.lines);
    let bans = house.command(&["ban", "list", "--json"]);
    let listed = || String::from_utf8_lossy(&house.command(&["ban", "list", "--json"]).stdout).into_owned();
    wait::until("the ban is written down", || {
        listed().contains("too many unknown recipients").then_some(())
    });
    assert!(bans.status.success() && listed().contains("5.6.7.8/32"), "{}", listed());
    send(&house, "5.6.7.9", 1, "").expect(250);
}
