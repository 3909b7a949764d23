//! Mail leaves the house by configured ways: routes with terms of their own, source addresses, what TLS a domain must have.

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::mx::{Answer, Mx};

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\nHello.\n";

fn furnished(builder: Builder) -> House {
    let house = builder
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .set("queue.expire_seconds", 3)
        .start();
    house.provision();
    house
}

fn submit(house: &House, to: &str) {
    house
        .submission("alice@house.test")
        .send("alice@house.test", &[to], LETTER)
        .expect(250);
}

/// A route as a table of its keys.
fn route(mx: &Mx, keys: &[(&str, &str)]) -> toml::Table {
    let mut route: toml::Table = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    route.insert("server".into(), format!("127.0.0.1:{}", mx.port()).into());
    [("remote.test".to_owned(), route.into())].into_iter().collect()
}

#[test]
fn a_route_has_its_own_name_and_login() {
    let mx = Mx::scripted(|line, _| match line.split(' ').next() {
        Some("EHLO") => Answer::Say("250-mx.remote.test\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
        // RFC 4616 §2: nobody, ada, secret.
        Some("AUTH") if line == "AUTH PLAIN AGFkYQBzZWNyZXQ=" => Answer::Say("235 2.7.0 welcome"),
        Some("AUTH") => Answer::Say("535 5.7.8 no"),
        _ => Answer::Usual,
    });
    let keys = [("username", "ada"), ("password", "secret"), ("helo_name", "out.house.test")];
    let house = furnished(Builder::default().set("outbound.routes", route(&mx, &keys)));
    submit(&house, "friend@remote.test");
    assert!(mx.wait_for(1)[0].tls);
    let lines = mx.seen().lines;
    assert!(lines.contains(&"EHLO out.house.test".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("AUTH PLAIN ")), "{lines:?}");
}

/// A certificate that nobody vouches for does not do where TLS is required: the mail comes back, and never went out.
#[test]
fn a_route_may_require_a_certificate() {
    let mx = Mx::good();
    let house = furnished(Builder::default().set("outbound.routes", route(&mx, &[("tls", "required")])));
    submit(&house, "friend@remote.test");
    house.wait_for_inbox("alice@house.test", 1);
    assert_eq!(mx.seen().letters, []);
}

#[test]
fn connections_come_from_the_configured_address() {
    let mx = Mx::good();
    let builder = Builder::default()
        .set("outbound.routes", route(&mx, &[]))
        .set("outbound.source_addresses", vec!["127.0.0.9"]);
    let house = furnished(builder);
    submit(&house, "friend@remote.test");
    mx.wait_for(1);
    assert_eq!(mx.seen().peers, ["127.0.0.9".parse::<std::net::IpAddr>().unwrap()]);
}

#[test]
fn a_domain_may_need_tls_or_never_get_it() {
    let (mx, dns) = (Mx::good(), Dns::start());
    for domain in ["never.test", "encrypted.test", "required.test"] {
        dns.mx(domain, 10, "mx.remote.test");
    }
    dns.host("mx.remote.test", "127.0.0.1");
    let policies: toml::Table = [
        ("never.test", "none"),
        ("encrypted.test", "encrypted"),
        ("required.test", "required"),
    ]
    .into_iter()
    .map(|(domain, policy)| (domain.to_owned(), policy.into()))
    .collect();
    let builder = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("outbound.tls_policy", policies);
    let house = furnished(builder);
    for (domain, tls) in [("never.test", false), ("encrypted.test", true)] {
        submit(&house, &format!("friend@{domain}"));
        let letters = mx.wait_for(if tls { 2 } else { 1 });
        assert_eq!(letters.last().unwrap().tls, tls, "{domain}");
    }
    // The certificate is self-signed.
    submit(&house, "friend@required.test");
    house.wait_for_inbox("alice@house.test", 1);
    assert_eq!(mx.seen().letters.len(), 2);
}
