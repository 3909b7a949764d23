//! `posthouse doctor`: what is wrong is said in words, with what to do, and the exit status tells.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::ports::free_address;

/// What the doctor finds, and the exit status.
fn findings(house: &House, arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = house.command(&[&["doctor", "--json"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    (text.lines().map(parse).collect(), output.status.code())
}

/// The findings of an area that have this text.
fn about<'f>(findings: &'f [Value], area: &str, text: &str) -> Vec<&'f Value> {
    let says = |finding: &&Value| finding["area"] == area && finding["finding"].as_str().is_some_and(|said| said.contains(text));
    findings.iter().filter(says).collect()
}

#[track_caller]
fn expect(findings: &[Value], area: &str, text: &str, level: &str) {
    let found = about(findings, area, text);
    assert!(!found.is_empty(), "nothing of {area} says {text:?}: {findings:#?}");
    for finding in found {
        assert_eq!(finding["level"], level, "{finding}");
        assert_eq!(finding["advice"].is_string(), ["wrong", "doubtful"].contains(&level), "{finding}");
    }
}

#[test]
fn a_house_whose_world_is_right_is_well() {
    let dns = Dns::start();
    let smtp = free_address().to_string();
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("dns.dnssec", "off")
        .set("listen.smtp", vec![smtp.clone()])
        .start();
    house.provision();
    let admin = house.admin();
    let key = serde_json::json!({"algorithm": "ed25519", "state": "active"});
    let key = admin.post("/domains/house.test/dkim-keys", key).ok();
    dns.mx("house.test", 10, "mail.house.test")
        .host("mail.house.test", "192.0.2.7")
        .ptr("192.0.2.7", "mail.house.test")
        .txt("house.test", "v=spf1 mx -all")
        .txt("_dmarc.house.test", "v=DMARC1; p=none")
        .txt(
            key["dns_name"].as_str().expect("a name"),
            key["dns_record"].as_str().expect("a record"),
        );
    let (found, status) = findings(&house, &["--block-list", "bl.test"]);
    assert_eq!(status, Some(0), "{found:#?}");
    for (area, text, level) in [
        ("data", "for its owner alone", "fine"),
        ("database", "SQLite answers", "fine"),
        ("clock", "the same time", "fine"),
        ("certificate", "self-signed", "doubtful"),
        ("certificate", "it names mail.house.test", "fine"),
        ("ports", smtp.as_str(), "fine"),
        ("host", "leads back to mail.house.test", "fine"),
        ("block_lists", "is not on bl.test", "fine"),
        ("domains", "_smtp._tls.house.test", "doubtful"),
    ] {
        expect(&found, area, text, level);
    }
    assert!(about(&found, "disk", "free").len() == 1, "{found:#?}");
    // For people, and without what is fine.
    let shown = house.command(&["doctor", "--quiet", "--no-block-lists"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("warning  certificate") && shown.contains("→ ") && !shown.contains("\nok"),
        "{shown}"
    );
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let dns = Dns::start();
    let free = free_address().to_string();
    let mut house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("dns.dnssec", "off")
        .start();
    house.provision();
    house.terminate();
    dns.host("mail.house.test", "192.0.2.7")
        .host("7.2.0.192.bl.test", "127.0.0.2")
        .host("7.2.0.192.shy.test", "127.255.255.254");
    std::fs::set_permissions(house.data(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let configuration = std::fs::read_to_string(house.config()).expect("a configuration");
    let configuration = configuration
        .replace("\nimap = [\"127.0.0.1:0\"]", &format!("\nimap = [\"{free}\"]"))
        .replace("\nhttp = [\"127.0.0.1:0\"]", "\nhttp = [\"192.0.2.1:80\"]");
    std::fs::write(house.config(), configuration).expect("a configuration");
    let (found, status) = findings(&house, &["--block-list", "bl.test", "--block-list", "shy.test"]);
    assert_eq!(status, Some(1), "{found:#?}");
    for (area, text, level) in [
        ("data", "others on this machine", "wrong"),
        ("ports", free.as_str(), "doubtful"),
        ("ports", "192.0.2.1:80", "wrong"),
        ("host", "192.0.2.7 has no name", "wrong"),
        ("block_lists", "is on bl.test", "wrong"),
        ("block_lists", "shy.test does not answer", "unknown"),
        ("domains", "no key to sign", "wrong"),
        ("domains", "MX house.test", "wrong"),
    ] {
        expect(&found, area, text, level);
    }
}

#[test]
fn a_house_that_was_never_started_is_not_made() {
    let house = Builder::default().build();
    let (found, _) = findings(&house, &["--no-block-lists"]);
    expect(&found, "data", "never started", "doubtful");
    expect(&found, "database", "none yet", "unknown");
    assert!(!house.data().exists());
}
