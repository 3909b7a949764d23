//! The test suite of RFC 7208: every test of it, its zones answered here.

use std::collections::HashMap;

use serde_json::Value;

use super::*;

const SUITE: &str = include_str!("../../../../tests/authentication/spf/rfc7208-tests.json");

/// The records of a scenario by their names in lower case.
struct Zones(HashMap<String, Vec<Value>>);

impl Zones {
    fn new(zones: &Value) -> Self {
        let zones = zones.as_object().expect("zones").iter();
        let records = |value: &Value| value.as_array().expect("records").clone();
        Self(zones.map(|(name, value)| (name.to_ascii_lowercase(), records(value))).collect())
    }

    fn ask(&self, name: &str, kind: &str) -> Result<Vec<Value>, NoAnswer> {
        let mut name = name.to_ascii_lowercase();
        for _ in 0..10 {
            // No resolver can ask for such a name.
            if name.split('.').any(|label| label.is_empty() || label.len() > 63) {
                return Err(NoAnswer::NoSuchName(name));
            }
            let records = self.0.get(&name).ok_or_else(|| NoAnswer::NoSuchName(name.clone()))?;
            let of = |kind: &str| -> Vec<Value> { records.iter().filter_map(|record| record.get(kind)).cloned().collect() };
            let mut found = of(kind);
            // A record of type SPF stands for TXT too, where the name has none of its own.
            if kind == "TXT" && found.is_empty() {
                found = of("SPF");
            }
            if let (true, Some(alias)) = (found.is_empty(), of("CNAME").first().and_then(Value::as_str)) {
                name = alias.trim_end_matches('.').to_ascii_lowercase();
                continue;
            }
            found.retain(|value| value != "NONE");
            if found.is_empty() && records.iter().any(|record| record == "TIMEOUT") {
                break;
            }
            return Ok(found);
        }
        Err(NoAnswer::Temporary {
            name,
            problem: "TIMEOUT".into(),
        })
    }

    fn addresses(&self, name: &str, kind: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let found = self.ask(name, kind)?;
        Ok(found
            .iter()
            .map(|value| value.as_str().unwrap().parse().expect("an address"))
            .collect())
    }
}

impl Names for Zones {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        let text = |value: &Value| match value {
            Value::Array(pieces) => pieces.iter().map(|piece| piece.as_str().unwrap()).collect(),
            value => value.as_str().expect("a text").to_owned(),
        };
        Ok(self.ask(name, "TXT")?.iter().map(|value| text(value).into_bytes()).collect())
    }

    async fn ipv4(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        self.addresses(name, "A")
    }

    async fn ipv6(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        self.addresses(name, "AAAA")
    }

    async fn exchanges(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let found = self.ask(name, "MX")?;
        Ok(found.iter().map(|mx| mx[1].as_str().unwrap().to_owned()).collect())
    }

    async fn names(&self, address: IpAddr) -> Result<Vec<String>, NoAnswer> {
        let name = hickory_resolver::proto::rr::Name::from(address).to_ascii();
        let found = self.ask(name.trim_end_matches('.'), "PTR")?;
        Ok(found.iter().map(|name| name.as_str().unwrap().to_owned()).collect())
    }
}

#[tokio::test]
async fn the_suite_of_the_rfc_passes() {
    let scenarios: Vec<Value> = serde_json::from_str(SUITE).expect("the suite");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for scenario in &scenarios {
        let zones = Zones::new(&scenario["zonedata"]);
        for (name, test) in scenario["tests"].as_object().expect("tests") {
            count += 1;
            if let Some(problem) = run(&zones, test).await {
                wrong.push(format!("{name}: {problem}"));
            }
        }
    }
    assert_eq!(count, 203);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with the outcome, if anything.
async fn run(zones: &Zones, test: &Value) -> Option<String> {
    let text = |key: &str| test[key].as_str().unwrap_or_default();
    let helo = text("helo");
    let (local, domain) = match text("mailfrom") {
        "" => ("postmaster", helo),
        sender => sender.rsplit_once('@').unwrap_or(("", sender)),
    };
    let question = Question {
        peer: text("host").parse().expect("an address"),
        helo,
        local,
        domain,
        receiver: "receiver.test",
        now: 1_000_000_000,
    };
    let found = check(zones, &question).await;
    let wanted: Vec<&str> = match &test["result"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if !wanted.contains(&found.outcome.as_str()) {
        return Some(format!("{} instead of {wanted:?}", found.outcome));
    }
    let said = found.explanation.as_deref().unwrap_or("DEFAULT");
    match test["explanation"].as_str() {
        // The digits of IPv6 addresses are in capitals there, and in small letters in RFC 7208 §7.4.
        Some(explanation) if !explanation.eq_ignore_ascii_case(said) => Some(format!("says {said:?} instead of {explanation:?}")),
        _ => None,
    }
}

#[test]
fn networks_are_compared() {
    for (address, network, prefix, expected) in [
        ("192.0.2.77", "192.0.2.1", 24, true),
        ("192.0.3.77", "192.0.2.1", 24, false),
        ("192.0.3.77", "10.0.0.0", 0, true),
        ("192.0.2.1", "192.0.2.1", 32, true),
        ("2001:db8::1", "2001:db8::ffff", 112, true),
        ("2001:db8::1", "2001:db9::1", 32, false),
        ("2001:db8::1", "::", 0, true),
        ("192.0.2.1", "::", 0, false),
    ] {
        let (address, network) = (address.parse().unwrap(), network.parse().unwrap());
        assert_eq!(is_within(address, network, prefix), expected, "{address} {network}/{prefix}");
    }
}
