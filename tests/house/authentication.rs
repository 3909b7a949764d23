//! Authentication of incoming mail: what is asked of name servers, what is noted on top of a message, and what a domain's policy leads to.

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};
use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::mx::Mx;
use crate::support::wait::until;

const ALICE: &str = "alice@house.test";

/// A house that checks what comes from this machine, and its name server.
fn house(settings: impl FnOnce(Builder) -> Builder) -> (Dns, House) {
    let dns = Dns::start();
    dns.txt("good.test", "v=spf1 ip4:127.0.0.0/8 -all")
        .txt("_dmarc.good.test", "v=DMARC1; p=reject")
        .txt("bad.test", "v=spf1 -all")
        .txt("_dmarc.bad.test", "v=DMARC1; p=reject")
        .txt("odd.test", "v=spf1 -all")
        .txt("_dmarc.odd.test", "v=DMARC1; p=quarantine");
    let builder = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("checks.trusted_networks", Vec::<String>::new());
    let house = settings(builder).start();
    house.provision();
    (dns, house)
}

fn letter(domain: &str, more: &str) -> String {
    format!("{more}From: Ada <ada@{domain}>\nTo: {ALICE}\nMessage-ID: <1@{domain}>\nSubject: x\n\nHello.\n")
}

fn text(house: &House, folder: &str) -> String {
    let files = maildir::messages(&house.maildir(ALICE).join(folder));
    assert_eq!(files.len(), 1, "{folder:?}: {files:?}");
    maildir::text(&files[0])
}

/// RFC 8601 §2: one field in our name, on top; what others have written in it is gone.
#[test]
fn what_was_found_is_noted_and_forgeries_are_taken_out() {
    let (_dns, house) = house(|it| it);
    let forged = "Authentication-Results: MAIL.house.test;\n dkim=pass header.d=bank.test\n\
                  Authentication-Results: other.test; spf=pass\n";
    house
        .smtp()
        .send("ada@good.test", &[ALICE], &letter("good.test", forged))
        .expect(250);
    let text = text(&house, "");
    let noted = "Return-Path: <ada@good.test>\nAuthentication-Results: mail.house.test;\n\
                 \tiprev=pass policy.iprev=127.0.0.1 policy.name=localhost;\n\
                 \tspf=pass smtp.mailfrom=ada@good.test smtp.helo=client.test;\n\
                 \tdkim=none;\n\
                 \tdmarc=pass header.from=good.test policy.published=reject\n\
                 \tpolicy.disposition=none\nReceived: from client.test ";
    let start: String = text.chars().take(noted.len()).collect();
    assert_eq!(start, noted, "{text}");
    assert!(
        !text.contains("bank.test") && text.contains("Authentication-Results: other.test; spf=pass\nFrom: "),
        "{text}"
    );
    assert_eq!(text.matches("Authentication-Results: mail.house.test").count(), 1);
}

/// RFC 9989 §4.7: refused while the sender's server listens, or with the junk; the operator may decide otherwise.
#[test]
fn the_policy_of_the_authors_domain_is_applied() {
    let (_dns, strict) = house(|it| it);
    let reply = strict.smtp().send("ada@good.test", &[ALICE], &letter("bad.test", ""));
    reply.expect(550);
    assert!(reply.lines[0].starts_with("5.7.26 the message does not pass DMARC"), "{reply:?}");
    assert!(reply.lines[0].contains("bad.test"), "{reply:?}");
    strict.smtp().send("ada@good.test", &[ALICE], &letter("odd.test", "")).expect(250);
    assert_eq!(strict.inbox(ALICE).len(), 0);
    assert!(text(&strict, ".Junk").contains("dmarc=fail header.from=odd.test policy.published=quarantine"));
    let (_dns, mild) = house(|it| it.set("checks.dmarc_reject", "junk").set("checks.dmarc_quarantine", "none"));
    mild.smtp().send("ada@good.test", &[ALICE], &letter("bad.test", "")).expect(250);
    mild.smtp().send("ada@good.test", &[ALICE], &letter("odd.test", "")).expect(250);
    assert!(text(&mild, ".Junk").contains("From: Ada <ada@bad.test>"));
    assert!(text(&mild, "").contains("From: Ada <ada@odd.test>"));
}

/// A message that another program has signed passes, large ones too, and not when it was changed on the way.
#[test]
fn a_signature_of_another_program_is_verified() {
    let (dns, house) = house(|it| it);
    let records = include_str!("../authentication/signed/records.json");
    let records: std::collections::BTreeMap<String, String> = serde_json::from_str(records).expect("records");
    for (name, record) in &records {
        dns.txt(name, record);
    }
    dns.txt("_dmarc.signed.test", "v=DMARC1; p=reject");
    let signed = include_str!("../authentication/signed/dkimpy-ed25519.eml").replace("\r\n", "\n");
    house.smtp().send("x@elsewhere.test", &[ALICE], &signed).expect(250);
    let noted = text(&house, "");
    for part in [
        "dkim=pass header.d=signed.test header.i=@signed.test header.s=ed header.a=ed25519-sha256 header.b=",
        "dkim=pass header.d=signed.test header.i=@signed.test header.s=rsa header.a=rsa-sha256 header.b=",
        "spf=none smtp.mailfrom=x@elsewhere.test",
        "dmarc=pass",
    ] {
        assert!(noted.replace("\n\t", " ").contains(part), "{part}: {noted}");
    }
    let changed = signed.replace("Hello", "Help");
    house.smtp().send("x@elsewhere.test", &[ALICE], &changed).expect(550);
    let long = format!(
        "{signed}{}",
        "0123456789".repeat(99).chars().chain(['\n']).collect::<String>().repeat(2_000)
    );
    house.smtp().send("x@elsewhere.test", &[ALICE], &long).expect(550);
}

/// RFC 8617 §7.2.2: a forwarder that is trusted says that the message had passed.
#[test]
fn a_trusted_sealer_vouches_for_what_it_has_changed() {
    let sealed = include_str!("../authentication/signed/dkimpy-arc-1.eml").replace("\r\n", "\n");
    let records = include_str!("../authentication/signed/records.json");
    let records: std::collections::BTreeMap<String, String> = serde_json::from_str(records).expect("records");
    for (trusted, code) in [(vec!["signed.test"], 250), (vec![], 550)] {
        let trusted: Vec<String> = trusted.into_iter().map(str::to_owned).collect();
        let (dns, house) = house(|it| it.set("checks.trusted_sealers", trusted).set("checks.dkim", false));
        for (name, record) in &records {
            dns.txt(name, record);
        }
        dns.txt("_dmarc.signed.test", "v=DMARC1; p=reject");
        house.smtp().send("x@elsewhere.test", &[ALICE], &sealed).expect(code);
        if code == 250 {
            let noted = text(&house, "");
            assert!(noted.contains("arc=pass policy.sealer=signed.test"), "{noted}");
            assert!(noted.contains("policy.disposition=none"), "{noted}");
        }
    }
}

/// What cannot be found out loses no mail.
#[test]
fn mail_comes_in_while_name_servers_are_silent() {
    let (dns, house) = house(|it| it);
    dns.fail("_dmarc.bad.test").fail("bad.test");
    house.smtp().send("ada@bad.test", &[ALICE], &letter("bad.test", "")).expect(250);
    let noted = text(&house, "");
    assert!(noted.contains("spf=temperror") && noted.contains("dmarc=temperror"), "{noted}");
    let deaf = Builder::default()
        .set("checks.trusted_networks", Vec::<String>::new())
        .set("checks.timeout_seconds", 3)
        .start();
    deaf.provision();
    for _ in 0..3 {
        deaf.smtp().send("ada@bad.test", &[ALICE], &letter("bad.test", "")).expect(250);
    }
    assert_eq!(deaf.inbox(ALICE).len(), 3);
}

/// Users, and relays that are trusted, are not asked who they are; the story tells what was found of others.
#[test]
fn only_what_comes_from_outside_is_checked() {
    let (_dns, house) = house(|it| it);
    house
        .submission("bob@house.test")
        .send("bob@house.test", &[ALICE], "From: bob@house.test\nSubject: x\n\nHello.\n")
        .expect(250);
    assert!(!text(&house, "").contains("Authentication-Results"));
    house.smtp().send("ada@good.test", &[ALICE], &letter("good.test", "")).expect(250);
    let story = until("the story", || {
        let list = house.admin().get("/traces?message_id=1@good.test").ok();
        let text = list["items"][0]["steps"].to_string();
        text.contains("checked").then_some(text)
    });
    assert!(
        story.contains("checked: dmarc pass, spf pass, dkim none, arc none, iprev pass"),
        "{story}"
    );
    let trusting = House::furnished();
    let own = "Authentication-Results: mail.house.test; spf=pass\n";
    trusting.smtp().send("ada@bad.test", &[ALICE], &letter("bad.test", own)).expect(250);
    assert_eq!(
        text(&trusting, "").matches("Authentication-Results").count(),
        1,
        "a relay's word is kept"
    );
}

/// How many seals a letter has, and what a receiver that asks our name server makes of them.
fn sealed(dns: &Dns, letter: &str) -> (usize, DkimResult) {
    let address: SocketAddr = dns.address().parse().expect("an address");
    let mut udp = ConnectionConfig::udp();
    udp.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![udp]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let text = letter.replace('\n', "\r\n");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let receiver = MessageAuthenticator::new(config, ResolverOpts::default()).expect("a resolver");
        let message = AuthenticatedMessage::parse(text.as_bytes()).expect("a message");
        let found = receiver.verify_arc(&message).await;
        (message.as_headers.len(), found.result().clone())
    })
}

/// RFC 8617 §5.1: what aliases and filters send on says what we found of it, and a chain that came with it goes on.
#[test]
fn what_is_sent_on_is_sealed() {
    let mx = Mx::good();
    let (dns, house) = house(|it| it.set("outbound.smtp_port", i64::from(mx.port())));
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let records = include_str!("../authentication/signed/records.json");
    let records: std::collections::BTreeMap<String, String> = serde_json::from_str(records).expect("records");
    for (name, record) in &records {
        dns.txt(name, record);
    }
    let admin = house.admin();
    let made = admin
        .post("/domains/house.test/dkim-keys", json!({"algorithm": "rsa", "state": "active"}))
        .ok();
    dns.txt(
        made["dns_name"].as_str().expect("a name"),
        made["dns_record"].as_str().expect("a record"),
    );
    house.alias("list@house.test", &["friend@remote.test"]);
    house
        .smtp()
        .send("ada@good.test", &["list@house.test"], &letter("good.test", ""))
        .expect(250);
    let by_alias = &mx.wait_for(1)[0].text;
    assert!(by_alias.starts_with("ARC-Seal: i=1; a=rsa-sha256;"), "{by_alias}");
    assert!(
        by_alias.contains("ARC-Authentication-Results: i=1; mail.house.test; "),
        "{by_alias}"
    );
    assert_eq!(sealed(&dns, by_alias), (1, DkimResult::Pass), "{by_alias}");

    let script = json!({"content": "redirect \"friend@remote.test\";"});
    admin.put("/users/alice@house.test/sieve/main", script).ok();
    admin.post("/users/alice@house.test/sieve/main/activate", Value::Null);
    let chain = include_str!("../authentication/signed/dkimpy-arc-1.eml").replace("\r\n", "\n");
    house.smtp().send("ada@good.test", &[ALICE], &chain).expect(250);
    let by_filter = &mx.wait_for(2)[1].text;
    assert!(
        by_filter.contains("\nARC-Authentication-Results: i=2; mail.house.test; ") || by_filter.starts_with("ARC-Seal: i=2"),
        "{by_filter}"
    );
    assert_eq!(sealed(&dns, by_filter), (2, DkimResult::Pass), "{by_filter}");
    // A chain that is broken is not gone on with.
    house
        .smtp()
        .send("ada@good.test", &[ALICE], &chain.replace("Hello", "Help"))
        .expect(250);
    assert!(!mx.wait_for(3)[2].text.contains("i=2;"));
}
