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
