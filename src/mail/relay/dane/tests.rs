//! Certificates made here, and which TLSA records let them in.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use super::*;

/// A server's certificate and that of its authority.
struct Chain {
    leaf: CertificateDer<'static>,
    authority: CertificateDer<'static>,
}

fn chain(name: &str, last_year: i32) -> Chain {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(last_year, 1, 1);
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
    Chain {
        leaf: leaf.der().clone(),
        authority: authority.der().clone(),
    }
}

fn record(usage: u8, selector: u8, matching: u8, of: &CertificateDer<'_>) -> Tlsa {
    let selected = match selector {
        WHOLE_CERTIFICATE => of.to_vec(),
        _ => ParsedCertificate::try_from(of).unwrap().subject_public_key_info().to_vec(),
    };
    let data = match matching {
        SHA_256 => Sha256::digest(&selected).to_vec(),
        SHA_512 => Sha512::digest(&selected).to_vec(),
        _ => selected,
    };
    Tlsa {
        usage,
        selector,
        matching,
        data,
    }
}

/// What becomes of a server with these certificates: nothing, or the name of the failure.
fn judged(records: Vec<Tlsa>, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> &'static str {
    let names = ["mx.remote.test", "remote.test"].map(|name| ServerName::try_from(name).unwrap());
    let verifier = Verifier {
        records,
        names: names.into(),
        algorithms: rustls::crypto::ring::default_provider().signature_verification_algorithms,
    };
    let asked = ServerName::try_from("mx.remote.test").unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
    match verifier.verify_server_cert(leaf, others, &asked, &[], now) {
        Ok(_) => "",
        Err(error) => super::super::Failure::of(&error).as_str(),
    }
}

#[test]
fn every_selector_and_digest_finds_its_certificate() {
    let (ours, theirs) = (chain("mx.remote.test", 2040), chain("mx.remote.test", 2040));
    for selector in [WHOLE_CERTIFICATE, PUBLIC_KEY] {
        for matching in [AS_IT_IS, SHA_256, SHA_512] {
            let others = [ours.authority.clone()];
            for (usage, right, wrong) in [(DANE_EE, &ours.leaf, &theirs.leaf), (DANE_TA, &ours.authority, &theirs.authority)] {
                let name = format!("{usage} {selector} {matching}");
                let (right, wrong) = (record(usage, selector, matching, right), record(usage, selector, matching, wrong));
                assert_eq!(judged(vec![right.clone()], &ours.leaf, &others), "", "{name}");
                assert_eq!(judged(vec![wrong.clone(), right], &ours.leaf, &others), "", "{name}");
                // A whole certificate as anchor is tried, and has signed nothing.
                let failure = if name == "2 0 0" {
                    "certificate-not-trusted"
                } else {
                    "tlsa-invalid"
                };
                assert_eq!(judged(vec![wrong], &ours.leaf, &others), failure, "{name}");
            }
        }
    }
}

#[test]
fn names_and_dates_count_for_anchors_only() {
    for (name, last_year, failure) in [
        ("mx.remote.test", 2040, ""),
        // The name by which the server was found will do as well (RFC 7672 §3.2.2).
        ("remote.test", 2040, ""),
        ("other.test", 2040, "certificate-host-mismatch"),
        ("mx.remote.test", 2001, "certificate-expired"),
    ] {
        let chain = chain(name, last_year);
        let anchor = record(DANE_TA, PUBLIC_KEY, SHA_256, &chain.authority);
        assert_eq!(
            judged(vec![anchor], &chain.leaf, std::slice::from_ref(&chain.authority)),
            failure,
            "{name}"
        );
        let own = record(DANE_EE, PUBLIC_KEY, SHA_256, &chain.leaf);
        assert_eq!(judged(vec![own], &chain.leaf, &[]), "", "{name}");
    }
}

#[test]
fn an_anchor_must_be_sent_unless_the_record_has_it_whole() {
    let chain = chain("mx.remote.test", 2040);
    for (selector, matching, failure) in [
        (WHOLE_CERTIFICATE, AS_IT_IS, ""),
        (WHOLE_CERTIFICATE, SHA_256, "tlsa-invalid"),
        (PUBLIC_KEY, AS_IT_IS, "tlsa-invalid"),
    ] {
        let anchor = record(DANE_TA, selector, matching, &chain.authority);
        assert_eq!(judged(vec![anchor], &chain.leaf, &[]), failure);
    }
}

#[test]
fn records_that_cannot_be_used_leave_none() {
    let chain = chain("mx.remote.test", 2040);
    let good = record(DANE_EE, PUBLIC_KEY, SHA_256, &chain.leaf);
    let short = good.data[1..].to_vec();
    let connector = |record: Tlsa| {
        let dane = Dane {
            base: "mx.remote.test".into(),
            records: vec![record],
        };
        dane.connector(&[]).unwrap().is_some()
    };
    assert!(connector(good.clone()));
    for bad in [
        Tlsa { usage: 0, ..good.clone() },
        Tlsa { usage: 1, ..good.clone() },
        Tlsa {
            usage: 255,
            ..good.clone()
        },
        Tlsa {
            selector: 2,
            ..good.clone()
        },
        Tlsa {
            matching: 3,
            ..good.clone()
        },
        Tlsa {
            matching: SHA_512,
            ..good.clone()
        },
        Tlsa { data: short, ..good },
        Tlsa {
            usage: DANE_EE,
            selector: WHOLE_CERTIFICATE,
            matching: AS_IT_IS,
            data: Vec::new(),
        },
    ] {
        assert!(!connector(bad.clone()), "{bad}");
    }
}

/// RFC 7671 §9.
#[test]
fn the_strongest_digest_of_a_kind_counts() {
    let kept = |records: &[(u8, u8, u8)]| {
        let records = records.iter().map(|(usage, selector, matching)| Tlsa {
            usage: *usage,
            selector: *selector,
            matching: *matching,
            data: vec![0; if *matching == SHA_512 { 64 } else { 32 }],
        });
        let mut kept: Vec<String> = usable(&records.collect::<Vec<_>>())
            .iter()
            .map(|it| it.to_string()[..5].to_owned())
            .collect();
        kept.sort();
        kept.join(", ")
    };
    assert_eq!(kept(&[(3, 1, 1), (3, 1, 2)]), "3 1 2");
    assert_eq!(kept(&[(3, 1, 1), (2, 1, 2), (3, 0, 2), (3, 1, 0)]), "2 1 2, 3 0 2, 3 1 0, 3 1 1");
    assert_eq!(kept(&[(3, 1, 1), (3, 1, 3)]), "3 1 1");
}
