//! DKIM: mail that leaves is signed, and a receiver that asks our name server finds the signatures good.

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};
use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::mx::{Answer, Mx};
use crate::support::wait::until;

const LETTER: &str =
    "From: Alice <alice@house.test>\nTo: friend@remote.test\nSubject:  a   folded\n\tsubject\n\n.dot \n\nHello  you.\n\n\n";
const KEYS: &str = "/domains/house.test/dkim-keys";

fn furnished(mx: &Mx) -> (Dns, House) {
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .start();
    house.provision();
    (dns, house)
}

/// Makes an active key and publishes its record.
fn key(house: &House, dns: &Dns, algorithm: &str) -> Value {
    let made = house.admin().post(KEYS, json!({"algorithm": algorithm, "state": "active"})).ok();
    dns.txt(made["dns_name"].as_str().unwrap(), made["dns_record"].as_str().unwrap());
    made
}

fn submit(house: &House) {
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["friend@remote.test"], LETTER)
        .expect(250);
}

/// What a receiver makes of the signatures, in order; `None` is good.
fn verdicts(dns: &Dns, letter: &str) -> Vec<Option<String>> {
    let address: SocketAddr = dns.address().parse().unwrap();
    let mut udp = ConnectionConfig::udp();
    udp.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![udp]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let text = letter.replace('\n', "\r\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let receiver = MessageAuthenticator::new(config, ResolverOpts::default()).unwrap();
        let message = AuthenticatedMessage::parse(text.as_bytes()).unwrap();
        let found = receiver.verify_dkim(&message).await;
        let verdict = |result: &DkimResult| (*result != DkimResult::Pass).then(|| format!("{result:?}"));
        found.iter().map(|output| verdict(output.result())).collect()
    })
}

#[test]
fn mail_that_leaves_is_signed_with_both_algorithms() {
    let mx = Mx::good();
    let (dns, house) = furnished(&mx);
    submit(&house);
    assert!(
        verdicts(&dns, &mx.wait_for(1)[0].text).is_empty(),
        "without a key nothing is signed"
    );
    let keys = [key(&house, &dns, "rsa"), key(&house, &dns, "ed25519")];
    submit(&house);
    let text = &mx.wait_for(2)[1].text;
    assert!(text.starts_with("DKIM-Signature: v=1; a=rsa-sha256;"), "{text}");
    for key in &keys {
        assert!(
            text.contains(&format!("; s={}; d=house.test;", key["selector"].as_str().unwrap())),
            "{text}"
        );
    }
    assert_eq!(verdicts(&dns, text), [None, None], "{text}");
    for (from, to) in [
        ("Hello  you", "Hello you"),
        ("Hello", "Good-bye"),
        ("Subject:", "Subject: not"),
        ("From: Alice", "From: eve@remote.test\nFrom: Alice"),
        ("To: friend", "To: friend@remote.test\nTo: friend"),
    ] {
        let changed = verdicts(&dns, &text.replacen(from, to, 1));
        let still_good = changed == [None, None];
        // RFC 6376 §3.4.4: relaxed means that blanks between words count as one.
        assert_eq!(still_good, from == "Hello  you", "{from}: {changed:?}");
    }
}

/// Every try sends the same octets: the signature is made when the queue takes the message.
#[test]
fn a_message_is_signed_once() {
    let mx = Mx::scripted(|line, seen| {
        let first = seen.lines.iter().filter(|line| *line == ".").count() == 1;
        if line == "." && first {
            Answer::Say("451 4.3.0 again")
        } else {
            Answer::Usual
        }
    });
    let (dns, house) = furnished(&mx);
    let made = key(&house, &dns, "ed25519");
    submit(&house);
    until("a first try", || mx.seen().lines.iter().any(|line| line == ".").then_some(()));
    let path = format!("{KEYS}/{}", made["selector"].as_str().unwrap());
    house.admin().patch(&path, json!({"state": "retired"})).ok();
    assert_eq!(verdicts(&dns, &mx.wait_for(1)[0].text), [None]);
}

#[test]
fn strangers_get_no_signature() {
    let mx = Mx::good();
    let (dns, house) = furnished(&mx);
    key(&house, &dns, "ed25519");
    house.alias("away@house.test", &["friend@remote.test"]);
    house.smtp().send("ada@client.test", &["away@house.test"], LETTER).expect(250);
    assert!(!mx.wait_for(1)[0].text.contains("DKIM-Signature"));
}

#[test]
fn keys_are_rotated() {
    let mx = Mx::good();
    let (dns, house) = furnished(&mx);
    let admin = house.admin();
    let old = key(&house, &dns, "ed25519");
    let body = json!({"algorithm": "ed25519", "selector": "Next"});
    let new = admin.post(KEYS, body.clone()).ok();
    assert_eq!((&new["selector"], &new["state"]), (&json!("next"), &json!("pending")));
    admin.post(KEYS, body).problem(409);
    dns.txt("next._domainkey.house.test", new["dns_record"].as_str().unwrap());
    admin.delete(&format!("{KEYS}/{}", old["selector"].as_str().unwrap())).problem(409);
    admin.patch(&format!("{KEYS}/next"), json!({"state": "active"})).ok();
    let states: Vec<Value> = admin.get(KEYS).ok()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["state"].clone())
        .collect();
    assert_eq!(states, ["retired", "active"]);
    submit(&house);
    let text = &mx.wait_for(1)[0].text;
    assert!(text.contains("; s=next; d=house.test;"), "{text}");
    assert_eq!(verdicts(&dns, text), [None]);
    assert_eq!(admin.delete(&format!("{KEYS}/{}", old["selector"].as_str().unwrap())).status, 204);
    admin.get(&format!("{KEYS}/none")).problem(404);
    admin.post(KEYS, json!({"algorithm": "dsa"})).problem(422);
    admin.post(KEYS, json!({"algorithm": "rsa", "selector": "a b"})).problem(422);
    assert!(!admin.get(KEYS).text.contains("private"));
}

#[test]
fn the_command_line_makes_keys_that_sign() {
    let mx = Mx::good();
    let (dns, house) = furnished(&mx);
    let ok = |arguments: &[&str]| house.command_with_input(arguments, "").ok();
    let add = ["dkim", "add", "house.test", "--algorithm", "ed25519", "--selector", "one"];
    assert!(ok(&add).contains("one._domainkey.house.test. IN TXT ( \"v=DKIM1; k=ed25519; p="));
    ok(&["dkim", "activate", "house.test", "one"]);
    let shown: Value = serde_json::from_str(&ok(&["dkim", "show", "house.test", "one", "--json"])).unwrap();
    assert_eq!(shown["state"], "active");
    dns.txt("one._domainkey.house.test", shown["dns_record"].as_str().unwrap());
    submit(&house);
    assert_eq!(verdicts(&dns, &mx.wait_for(1)[0].text), [None]);
    ok(&["dkim", "retire", "house.test", "one"]);
    assert!(ok(&["dkim", "list", "house.test"]).contains("retired"));
    ok(&["dkim", "remove", "house.test", "one"]);
}
