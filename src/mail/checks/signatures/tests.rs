//! Messages that others have signed and sealed: the examples of the RFCs, those of opendkim and dkimpy, and a suite for ARC.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::super::zone::Zone;
use super::*;
use crate::config;
use crate::mail::dns::Dns;

const ALL: Wanted = Wanted {
    dkim: true,
    arc: true,
    most: 10,
};

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/authentication").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap().trim().to_owned()
}

/// With CRLF, whatever the file has.
fn message(name: &str) -> Vec<u8> {
    crlf(&file(name))
}

fn crlf(octets: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(octets)
        .replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

/// The zone of the messages that were signed for us.
fn signed_test() -> Zone {
    let records: HashMap<String, String> = serde_json::from_slice(&file("signed/records.json")).unwrap();
    records.iter().fold(Zone::default(), |zone, (name, text)| zone.txt(name, text))
}

async fn verified(zone: &Zone, octets: &[u8]) -> Found {
    let settings = config::Dns {
        servers: vec!["127.0.0.1:9".into()],
        ..config::Dns::default()
    };
    let authenticator = Dns::open(&settings).unwrap().authenticator();
    let keys = Keys::ask(zone, ALL.keys(octets)).await;
    verify(&authenticator, octets, &keys, ALL)
}

async fn dkim(zone: &Zone, octets: &[u8]) -> Vec<(Outcome, String)> {
    let found = verified(zone, octets).await.dkim;
    found
        .into_iter()
        .map(|it| (it.outcome, format!("{} {}", it.algorithm, it.selector)))
        .collect()
}

/// RFC 6376 §A.2, RFC 8463 §A.3.
#[tokio::test]
async fn the_examples_of_the_rfcs_pass() {
    let zone = Zone::default()
        .txt("test._domainkey.football.example.com", &text("dkim/test.txt"))
        .txt(
            "brisbane._domainkey.football.example.com",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        );
    let (rsa, ed25519) = ("rsa-sha256 test".to_owned(), "ed25519-sha256 brisbane".to_owned());
    let both = message("dkim/rfc6376.signed.msg");
    assert_eq!(
        dkim(&zone, &both).await,
        [(Outcome::Pass, ed25519.clone()), (Outcome::Pass, rsa.clone())]
    );
    let one = message("dkim/rfc6376.signed.rsa.msg");
    assert_eq!(dkim(&zone, &one).await, [(Outcome::Pass, rsa.clone())]);
    for (was, is) in [("hungry", "thirsty"), ("Is dinner", "Was dinner"), ("From: Joe", "From: Jim")] {
        let changed = String::from_utf8(both.clone()).unwrap().replace(was, is);
        let expected = [(Outcome::Fail, ed25519.clone()), (Outcome::Fail, rsa.clone())];
        assert_eq!(dkim(&zone, changed.as_bytes()).await, expected, "{is}");
    }
}

#[tokio::test]
async fn what_others_have_signed_passes() {
    let zone = signed_test();
    let pass = |algorithm: &str, selector: &str| (Outcome::Pass, format!("{algorithm} {selector}"));
    let rsa = pass("rsa-sha256", "rsa");
    for (name, expected) in [
        ("opendkim-relaxed", vec![rsa.clone()]),
        ("opendkim-simple", vec![rsa.clone()]),
        ("dkimpy-relaxed", vec![rsa.clone()]),
        ("dkimpy-simple", vec![rsa.clone()]),
        ("dkimpy-mixed", vec![rsa.clone()]),
        ("dkimpy-ed25519", vec![pass("ed25519-sha256", "ed"), rsa.clone()]),
        // RFC 8301 §3.1.
        ("opendkim-sha1", vec![(Outcome::PermError, "rsa-sha1 rsa".into())]),
        // RFC 6376 §8.2: what it could not read is not told of.
        ("dkimpy-length", vec![(Outcome::Neutral, " ".into())]),
    ] {
        assert_eq!(dkim(&zone, &file(&format!("signed/{name}.eml"))).await, expected, "{name}");
    }
}

/// RFC 6376 §6.1.2: without the key, with one that is revoked or broken, and where nobody answers.
#[tokio::test]
async fn the_key_decides() {
    let octets = file("signed/dkimpy-relaxed.eml");
    for (record, expected) in [
        (None, Outcome::PermError),
        (Some("v=DKIM1; k=rsa; p="), Outcome::PermError),
        (Some("nonsense"), Outcome::PermError),
        (
            Some("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            Outcome::Fail,
        ),
    ] {
        let name = "rsa._domainkey.signed.test";
        let zone = record.into_iter().fold(Zone::default(), |zone, text| zone.txt(name, text));
        let found = dkim(&zone, &octets).await;
        assert_eq!(found.first().map(|it| it.0), Some(expected), "{record:?}");
    }
    let broken = String::from_utf8(octets).unwrap().replace("s=rsa", "s=broken");
    assert_eq!(dkim(&Zone::default(), broken.as_bytes()).await[0].0, Outcome::TempError);
}

#[tokio::test]
async fn signatures_are_bounded() {
    let octets = file("signed/dkimpy-relaxed.eml");
    let field_end = octets.windows(6).position(|it| it == b"From: ").unwrap();
    let many = [octets[..field_end].repeat(40), octets[field_end..].to_vec()].concat();
    let found = verified(&signed_test(), &many).await;
    assert_eq!(found.dkim.len(), ALL.most);
    assert!(found.dkim.iter().all(|it| it.outcome == Outcome::Pass));
    let names: String = (0..1_000).map(|n| format!(":a{n}")).collect();
    let wide = String::from_utf8(octets.clone())
        .unwrap()
        .replace("h=from", &format!("h=from{names}"));
    let found = verified(&signed_test(), wide.as_bytes()).await;
    assert_eq!(found.dkim.first().map(|it| it.outcome), Some(Outcome::Neutral));
    let broken = [b"DKIM-Signature: x\r\n".repeat(500), octets].concat();
    assert!(verified(&signed_test(), &broken).await.dkim.len() <= 2 * ALL.most);
}

#[tokio::test]
async fn chains_of_others_pass_and_trusted_ones_vouch() {
    let (one, two) = (file("signed/dkimpy-arc-1.eml"), file("signed/dkimpy-arc-2.eml"));
    for (octets, sealers) in [(&one, 1), (&two, 2)] {
        let arc = verified(&signed_test(), octets).await.arc;
        assert_eq!((arc.outcome, arc.sealers.len()), (Outcome::Pass, sealers), "{arc:?}");
    }
    let changed = String::from_utf8(two.clone()).unwrap().replace("Hello", "Help");
    let arc = verified(&signed_test(), changed.as_bytes()).await.arc;
    assert_eq!(arc.outcome, Outcome::Fail);
    let vouched = |octets: &[u8], sealers: &[&str]| {
        let sealers: Vec<String> = sealers.iter().map(|it| (*it).to_owned()).collect();
        is_vouched_for(octets, &sealers, |it| it == "lists.test")
    };
    assert!(vouched(&one, &["lists.test"]));
    assert!(!vouched(&one, &["other.test"]));
    // The last one says that DMARC failed; the one before says that it passed, and counts if both are trusted.
    assert!(vouched(&two, &["lists.test", "lists.test"]));
    assert!(!vouched(&two, &["lists.test", "other.test"]));
    assert!(!vouched(&two, &["other.test", "lists.test"]));
}

/// Tests of the suite whose outcome is another one here, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "ams_fields_c_na",
        "mail-auth takes relaxed for granted where c= is missing; RFC 6376 §3.5 has simple",
    ),
    (
        "ams_fields_h_empty",
        "a signature of no field signs nothing: RFC 6376 §3.5 wants From to be among them",
    ),
];

#[tokio::test]
async fn the_arc_suite_passes() {
    let scenarios: Vec<Value> = serde_json::from_slice(&file("arc/arc-draft-validation-tests.json")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for scenario in &scenarios {
        let records = scenario["txt-records"].as_object().expect("records");
        let zone = records
            .iter()
            .fold(Zone::default(), |zone, (name, text)| zone.txt(name, text.as_str().unwrap()));
        for (name, test) in scenario["tests"].as_object().expect("tests") {
            let octets = crlf(test["message"].as_str().unwrap().as_bytes());
            let found = verified(&zone, &octets).await.arc;
            let wanted = test["cv"].as_str().unwrap_or_default().to_ascii_lowercase();
            count += 1;
            // An empty one leaves it to us.
            if !wanted.is_empty() && found.outcome.as_str() != wanted && !EXCEPTIONS.iter().any(|(known, _)| known == name) {
                wrong.push(format!("{name}: {} instead of {wanted}: {:?}", found.outcome, found.reason));
            }
        }
    }
    assert_eq!(count, 171);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
