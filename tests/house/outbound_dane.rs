//! DANE: a name server of ours with zones signed in the test, and what becomes of mail by its TLSA records (RFC 7672).

use std::sync::Arc;

use posthouse::config;
use posthouse::mail::dns::{self, NoAnswer, Proof};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::support::authority::Authority;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::mx::{Answer, Mx};
use crate::support::web::{Web, page};

const LETTER: &str = "From: alice@house.test\nTo: friend@remote.test\nSubject: out\n\nHello.\n";
/// RFC 6698 §7: usage, selector (the whole certificate) and digest (SHA-256).
const DANE_TA: [u8; 3] = [2, 0, 1];
const DANE_EE: [u8; 3] = [3, 0, 1];
const PKIX_EE: [u8; 3] = [1, 0, 1];

fn digest(certificate: &CertificateDer<'_>) -> Vec<u8> {
    Sha256::digest(certificate).to_vec()
}

/// A signed world in which the zone remote.test has one mail server.
struct World {
    dns: Dns,
    mx: Mx,
    folder: tempfile::TempDir,
}

impl World {
    /// `signed` says whether the zone is.
    fn new(mx: Mx, signed: bool) -> Self {
        let dns = Dns::signed();
        dns.cut("remote.test", signed)
            .mx("remote.test", 10, "mx.remote.test")
            .host("mx.remote.test", "127.0.0.1");
        let folder = tempfile::tempdir().unwrap();
        Self { dns, mx, folder }
    }

    /// One whose server has a certificate.
    fn certified(certificate: Arc<ServerConfig>) -> Self {
        Self::new(Mx::certified(certificate, |_, _| Answer::Usual), true)
    }

    fn tlsa_name(&self, host: &str) -> String {
        format!("_{}._tcp.{host}", self.mx.port())
    }

    fn tlsa(&self, kind: [u8; 3], certificate: &CertificateDer<'_>) -> &Self {
        self.dns.tlsa(&self.tlsa_name("mx.remote.test"), kind, digest(certificate));
        self
    }

    fn anchor(&self) -> String {
        let file = self.folder.path().join("root.key");
        std::fs::write(&file, self.dns.trust_anchor()).unwrap();
        file.display().to_string()
    }

    fn builder(&self) -> Builder {
        Builder::default()
            .set("dns.servers", vec![self.dns.address()])
            .set("dns.trust_anchor", self.anchor())
            .set("outbound.smtp_port", i64::from(self.mx.port()))
            .set("queue.retry_first_seconds", 1)
            .set("queue.retry_max_seconds", 1)
            .set("queue.expire_seconds", 2)
    }

    fn submit(&self, builder: Builder) -> House {
        let house = builder.start();
        house.provision();
        house
            .submission("alice@house.test")
            .send("alice@house.test", &["friend@remote.test"], LETTER)
            .expect(250);
        house
    }

    /// The mail arrives over TLS.
    fn arrives(&self) {
        let _house = self.submit(self.builder());
        assert!(self.mx.wait_for(1)[0].tls);
    }

    /// The mail is put off until it comes back, and not so much as a sender's address went out.
    fn comes_back(&self, because: &str) {
        self.comes_back_with(self.builder(), because);
    }

    fn comes_back_with(&self, builder: Builder, because: &str) {
        let house = self.submit(builder);
        let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
        assert!(text.contains(because), "{because} is missing in\n{text}");
        let lines = self.mx.seen().lines;
        assert!(!lines.iter().any(|line| line.starts_with("MAIL")), "{lines:?}");
    }
}

#[test]
fn a_certificate_in_the_dns_needs_neither_name_nor_authority() {
    let (config, certificate) = Authority::new().issue("another.test");
    World::certified(config).tlsa(DANE_EE, &certificate).arrives();
}

#[test]
fn another_certificate_than_that_in_the_dns_gets_nothing() {
    let authority = Authority::new();
    let (config, _) = authority.issue("mx.remote.test");
    let (_, other) = authority.issue("mx.remote.test");
    let world = World::certified(config);
    world.tlsa(DANE_EE, &other).comes_back("no TLSA record matches the certificate");
}

#[test]
fn an_authority_in_the_dns_vouches_for_names() {
    let authority = Authority::new();
    for (name, fits) in [("mx.remote.test", true), ("remote.test", true), ("another.test", false)] {
        let world = World::certified(authority.server(name));
        world.tlsa(DANE_TA, &authority.certificate());
        if fits {
            world.arrives();
        } else {
            world.comes_back("TLS");
        }
    }
}

/// Without a signature TLSA records are nobody's word.
#[test]
fn in_a_zone_that_is_not_signed_tlsa_records_do_not_count() {
    let authority = Authority::new();
    let mx = Mx::certified(authority.server("mx.remote.test"), |_, _| Answer::Usual);
    World::new(mx, false).tlsa(DANE_EE, &authority.certificate()).arrives();
}

/// The downgrade that DANE is there to stop (RFC 7672 §2.2).
#[test]
fn a_host_with_tlsa_records_and_no_starttls_gets_nothing() {
    let world = World::new(Mx::without_tls(|_, _| Answer::Usual), true);
    world.tlsa(DANE_EE, &Authority::new().certificate()).comes_back("it is not offered");
}

#[test]
fn what_does_not_pass_dnssec_holds_the_mail_back() {
    let (config, certificate) = Authority::new().issue("mx.remote.test");
    for (owner, told) in [
        ("remote.test", "the answer for remote.test does not pass DNSSEC"),
        ("mx.remote.test", "the answer for mx.remote.test does not pass DNSSEC"),
        ("_tcp", "does not pass DNSSEC"),
    ] {
        let world = World::certified(config.clone());
        world.tlsa(DANE_EE, &certificate);
        match owner {
            "_tcp" => world.dns.spoil(&world.tlsa_name("mx.remote.test")),
            owner => world.dns.spoil(owner),
        };
        world.comes_back(told);
    }
}

/// RFC 7672 §2.1.1: no answer is not the answer that there is none.
#[test]
fn tlsa_records_that_cannot_be_looked_up_hold_the_mail_back() {
    let world = World::certified(Authority::new().server("mx.remote.test"));
    world.dns.fail(&world.tlsa_name("mx.remote.test"));
    world.comes_back("DANE: looking up");
}

#[test]
fn the_next_host_is_used_where_one_does_not_pass() {
    let (config, certificate) = Authority::new().issue("mx.remote.test");
    let world = World::certified(config);
    world
        .dns
        .mx("remote.test", 5, "bad.remote.test")
        .host("bad.remote.test", "127.0.0.1");
    world.dns.spoil(&world.tlsa_name("bad.remote.test"));
    world.tlsa(DANE_EE, &certificate).arrives();
}

/// RFC 7672 §2.2: TLS is a must, with whatever certificate.
#[test]
fn records_that_cannot_be_used_demand_encryption_and_no_more() {
    let authority = Authority::new();
    let world = World::certified(authority.server("another.test"));
    world.tlsa(PKIX_EE, &authority.certificate()).arrives();
    let world = World::new(Mx::without_tls(|_, _| Answer::Usual), true);
    world.tlsa(PKIX_EE, &authority.certificate()).comes_back("it is not offered");
}

/// RFC 7672 §2.2.2: the records stand below the name that the alias leads to.
#[test]
fn an_alias_is_followed_to_the_records() {
    let authority = Authority::new();
    let world = World::certified(authority.server("real.remote.test"));
    world
        .dns
        .cut("alias.test", true)
        .mx("alias.test", 10, "mx.alias.test")
        .alias("mx.alias.test", "real.remote.test");
    world.dns.host("real.remote.test", "127.0.0.1");
    world
        .dns
        .tlsa(&world.tlsa_name("real.remote.test"), DANE_TA, digest(&authority.certificate()))
        .tlsa(&world.tlsa_name("mx.alias.test"), DANE_EE, vec![0; 32]);
    let house = world.builder().start();
    house.provision();
    let to = ["friend@alias.test"];
    house
        .submission("alice@house.test")
        .send("alice@house.test", &to, LETTER)
        .expect(250);
    assert!(world.mx.wait_for(1)[0].tls);
}

#[test]
fn an_operator_may_demand_dane() {
    let policy: toml::Table = [("remote.test".to_owned(), "dane-only".into())].into_iter().collect();
    let world = World::certified(Authority::new().server("mx.remote.test"));
    let builder = world.builder().set("outbound.tls_policy", policy);
    world.comes_back_with(builder, "demands DANE");
}

#[test]
fn dane_may_be_switched_off() {
    let authority = Authority::new();
    let world = World::certified(authority.server("mx.remote.test"));
    world.tlsa(DANE_EE, &authority.certificate());
    let _house = world.submit(world.builder().set("outbound.dane", false));
    assert!(world.mx.wait_for(1)[0].tls);
}

/// RFC 8461 §2: what MTA-STS would allow, or not, is of no account.
#[test]
fn dane_comes_before_mta_sts() {
    let authority = Authority::new();
    let (ours, certificate) = authority.issue("another.test");
    let (theirs, _) = authority.issue("mx.remote.test");
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.remote.test\r\nmax_age: 86400\r\n";
    let web = Web::start(&authority, "mta-sts.remote.test", page("200 OK", policy));
    for (config, arrives) in [(ours, true), (theirs, false)] {
        let world = World::certified(config);
        world
            .tlsa(DANE_EE, &certificate)
            .dns
            .host("mta-sts.remote.test", "127.0.0.1")
            .txt("_mta-sts.remote.test", "v=STSv1; id=1;");
        let builder = world
            .builder()
            .set("outbound.mta_sts_port", i64::from(web.port))
            .set("outbound.certificate_authorities", authority.file());
        if arrives {
            let _house = world.submit(builder);
            assert!(world.mx.wait_for(1)[0].tls);
        } else {
            world.comes_back_with(builder, "no TLSA record matches the certificate");
        }
    }
    assert_eq!(web.asked(), 2);
}

#[test]
fn a_signed_null_mx_takes_no_mail() {
    let dns = Dns::signed();
    dns.cut("null.test", true).mx("null.test", 0, ".");
    let folder = tempfile::tempdir().unwrap();
    let anchor = folder.path().join("root.key");
    std::fs::write(&anchor, dns.trust_anchor()).unwrap();
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("dns.trust_anchor", anchor.display().to_string())
        .start();
    house.provision();
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["friend@null.test"], LETTER)
        .expect(250);
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.contains("5.1.10"), "{text}");
}

/// Behind a resolver without DNSSEC mail goes as ever, unless the operator insists.
#[test]
fn without_dnssec_mail_waits_only_for_who_insists() {
    let signed = World::certified(Authority::new().server("mx.remote.test"));
    let plain = Dns::start();
    plain.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let builder = |mode: &str| signed.builder().set("dns.servers", vec![plain.address()]).set("dns.dnssec", mode);
    signed.comes_back_with(builder("on"), "does not pass DNSSEC");
    let _house = signed.submit(builder("auto"));
    assert!(signed.mx.wait_for(1)[0].tls);
}

/// The states of RFC 4035 §4.3.
#[tokio::test]
async fn answers_come_with_their_proof() {
    let world = World::new(Mx::good(), true);
    world.dns.cut("open.test", false).mx("open.test", 10, "mx.open.test");
    world.dns.host("mx.open.test", "127.0.0.1").host("mx.open.test", "::1");
    world
        .dns
        .cut("false.test", true)
        .mx("false.test", 10, "mx.open.test")
        .spoil("false.test");
    world
        .dns
        .alias("away.remote.test", "mx.open.test")
        .alias("near.remote.test", "mx.remote.test");
    let settings = config::Dns {
        servers: vec![world.dns.address()],
        trust_anchor: Some(world.anchor().into()),
        ..config::Dns::default()
    };
    let resolver = dns::Dns::open(&settings).unwrap();
    // The second time it comes from what is kept.
    for _ in 0..2 {
        let mx = async |name: &str| resolver.mx(&name.parse().unwrap()).await;
        assert_eq!(mx("remote.test").await.unwrap().proof, Proof::Secure);
        assert_eq!(mx("open.test").await.unwrap().proof, Proof::Insecure);
        assert_eq!(mx("false.test").await, Err(NoAnswer::Bogus("false.test".into())));
        assert_eq!(mx("mx.remote.test").await.unwrap().records, []);
        assert_eq!(mx("nowhere.test").await.unwrap().records, []);
        let host = async |name: &str| resolver.host(name).await.unwrap();
        assert_eq!(host("mx.remote.test").await.proof, Proof::Secure);
        assert_eq!(host("mx.remote.test").await.alias, None);
        let near = host("near.remote.test").await;
        assert_eq!(
            (near.proof, near.alias.map(|alias| (alias.of, alias.proof))),
            (Proof::Secure, Some(("mx.remote.test".into(), Proof::Secure)))
        );
        let away = host("away.remote.test").await;
        assert_eq!((away.proof, away.records.len()), (Proof::Insecure, 2));
        assert_eq!(
            away.alias.map(|alias| (alias.of, alias.proof)),
            Some(("mx.open.test".into(), Proof::Secure))
        );
        assert_eq!(resolver.tlsa("_25._tcp.mx.remote.test").await.unwrap().records, []);
        assert_eq!(resolver.tlsa("_25._tcp.mx.open.test").await.unwrap().records, []);
    }
    let off = config::Dns {
        dnssec: config::Dnssec::Off,
        ..settings
    };
    let resolver = dns::Dns::open(&off).unwrap();
    let found = resolver.mx(&"remote.test".parse().unwrap()).await.unwrap();
    assert_eq!(found.proof, Proof::Indeterminate);
}
