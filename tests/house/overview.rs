//! What the REST API tells of the whole: where mail would go, what a domain needs in DNS, what happened to messages, numbers, settings.

use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;
use crate::support::wait::until;

fn kinds(resolution: &Value) -> Vec<&str> {
    let steps = resolution["steps"].as_array().expect("steps");
    steps.iter().map(|step| step["kind"].as_str().expect("a kind")).collect()
}

#[test]
fn an_address_is_resolved_step_by_step() {
    let house = House::furnished();
    let admin = house.admin();
    house.alias("team@house.test", &["alice@house.test", "sales@house.test", "x@elsewhere.test"]);
    house.alias("sales@house.test", &["bob@house.test", "team@house.test"]);
    let resolve = |address: &str| admin.get(&format!("/resolve/{address}")).ok();
    let team = resolve("Team+x@house.test");
    assert_eq!((&team["accepted"], &team["forwards"]), (&json!(true), &json!(["x@elsewhere.test"])));
    assert_eq!(team["users"], json!(["alice@house.test", "bob@house.test"]));
    let expected = [
        "domain", "alias", "domain", "user", "domain", "alias", "domain", "forward", "domain", "user", "domain", "again",
    ];
    assert_eq!(kinds(&team)[..expected.len()], expected, "{team}");
    assert_eq!(team["steps"][1]["detail"], "x");
    assert_eq!(kinds(&team)[expected.len()..], ["quota", "mailbox", "quota", "mailbox"], "{team}");
    // What is refused, and why.
    let nobody = resolve("nobody@house.test");
    assert_eq!(
        (&nobody["accepted"], &nobody["problem"]["type"]),
        (&json!(false), &json!("urn:posthouse:problem:not-found"))
    );
    house.alias("@house.test", &["bob@house.test"]);
    assert_eq!(kinds(&resolve("nobody@house.test"))[..2], ["domain", "catch_all"]);
    admin.patch("/users/bob@house.test", json!({"quota_messages": 0})).ok();
    let full = resolve("bob@house.test");
    assert_eq!(
        (&full["accepted"], &full["problem"]["type"]),
        (&json!(false), &json!("urn:posthouse:problem:over-quota"))
    );
    assert_eq!(kinds(&resolve("x@elsewhere.test")), ["domain", "forward"]);
    // The same as SMTP says.
    house
        .smtp()
        .send("ada@client.test", &["bob@house.test"], "Subject: x\n\nx\n")
        .expect(452);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .get("/resolve/bob@house.test")
        .problem(403);
}

fn record<'r>(dns: &'r Value, name: &str, kind: &str) -> &'r Value {
    let records = dns["records"].as_array().expect("records");
    let found = records.iter().find(|record| record["name"] == name && record["type"] == kind);
    found.unwrap_or_else(|| panic!("{kind} of {name} in {dns}"))
}

#[test]
fn a_domain_is_told_what_it_needs_in_dns() {
    let dns = Dns::start();
    let house = Builder::default().set("dns.servers", vec![dns.address()]).start();
    house.provision();
    let admin = house.admin();
    let key = admin
        .post("/domains/house.test/dkim-keys", json!({"algorithm": "ed25519", "state": "active"}))
        .ok();
    dns.mx("house.test", 10, "mail.house.test")
        .host("mail.house.test", "192.0.2.7")
        .txt("house.test", "v=spf1 -all")
        .txt("_dmarc.house.test", "v=DMARC1; p=none");
    let shown = admin.get("/domains/house.test/dns").ok();
    assert_eq!((&shown["ready"], &shown["host"]), (&json!(false), &json!("mail.house.test")));
    let dkim = key["dns_name"].as_str().expect("a name");
    for (name, kind, state) in [
        ("house.test", "MX", "right"),
        ("mail.house.test", "A", "right"),
        ("house.test", "TXT", "wrong"),
        (dkim, "TXT", "missing"),
        ("_dmarc.house.test", "TXT", "right"),
        ("_smtp._tls.house.test", "TXT", "missing"),
        ("_25._tcp.mail.house.test", "TLSA", "missing"),
        ("_imaps._tcp.house.test", "SRV", "missing"),
    ] {
        assert_eq!(record(&shown, name, kind)["state"], state, "{name} {kind}");
    }
    assert!(
        record(&shown, "house.test", "TXT")["problem"]
            .as_str()
            .is_some_and(|text| text.contains("mail.house.test")),
        "{shown}"
    );
    let zone = shown["zone"].as_str().expect("a zone");
    assert!(
        zone.contains("house.test. 3600 IN MX 10 mail.house.test.\n") && zone.contains(" IN TLSA 3 1 1 "),
        "{zone}"
    );
    assert!(zone.contains(key["dns_record"].as_str().expect("a record")), "{zone}");
    // What is put right, in another domain: no answer is kept of its names.
    admin.put("/domains/other.test", json!({})).ok();
    assert_eq!(
        admin.get("/domains/other.test/dns").ok()["problems"].as_array().map(Vec::len),
        Some(1)
    );
    let key = admin
        .post("/domains/other.test/dkim-keys", json!({"algorithm": "ed25519", "state": "active"}))
        .ok();
    let (name, text) = (
        key["dns_name"].as_str().expect("a name"),
        key["dns_record"].as_str().expect("a record"),
    );
    dns.txt(name, text);
    let shown = admin.get("/domains/other.test/dns").ok();
    assert_eq!(record(&shown, name, "TXT")["state"], "right", "{shown}");
}

#[test]
fn the_stories_of_messages_are_found() {
    let house = House::furnished();
    let text = "Subject: x\nMessage-ID: <story@client.test>\n\nx\n";
    house.smtp().send("ada@client.test", &["alice@house.test"], text).expect(250);
    let admin = house.admin();
    let found = until("the story", || {
        let list = admin.get("/traces?message_id=story@client.test").ok();
        let is_told = |list: &Value| list["items"][0]["steps"].as_array().is_some_and(|steps| steps.len() >= 2);
        Some(list).filter(is_told)
    });
    let story = &found["items"][0];
    let steps = story["steps"].as_array().expect("steps");
    assert_eq!(
        (&steps[0]["step"], &steps[0]["details"]["sender"]),
        (&json!("received"), &json!("ada@client.test"))
    );
    assert!(
        steps
            .iter()
            .any(|step| step["step"] == "stored" && step["text"].as_str().is_some_and(|text| text.contains("alice"))),
        "{story}"
    );
    let id = story["id"].as_str().expect("an id");
    assert_eq!(admin.get(&format!("/traces/{id}")).ok()["id"], id);
    assert_eq!(admin.get("/traces?address=alice@house.test&limit=1").ok()["items"][0]["id"], id);
    admin.get("/traces").problem(400);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .get(&format!("/traces/{id}"))
        .problem(403);
}

#[test]
fn the_server_tells_of_itself() {
    let house = Builder::default()
        .set("outbound.smarthost", "127.0.0.1:9")
        .set("outbound.username", "ada")
        .set("outbound.password", "not to be told")
        .start();
    house.provision();
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test", "bob@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    let _imap = house.imap("alice@house.test");
    let admin = house.admin();
    let server = admin.get("/server").ok();
    assert_eq!(server["hostname"], "mail.house.test");
    assert_eq!(server["listeners"]["imaps"][0], house.address("imaps").to_string());
    let stats = admin.get("/stats").ok();
    let numbers = ["domains", "users", "stored_messages", "queued_messages"].map(|name| stats[name].as_u64().expect("a number"));
    assert_eq!(numbers, [1, 3, 2, 0], "{stats}");
    assert_eq!(stats["sessions"]["imap"], 1);
    assert!(stats["disk"]["free_bytes"].as_u64() > Some(0), "{stats}");
    let series = admin.get("/stats/messages").ok();
    let hours = series["items"].as_array().expect("items");
    let sum = |name: &str| hours.iter().filter_map(|hour| hour[name].as_u64()).sum::<u64>();
    assert_eq!(
        (hours.len(), sum("received"), sum("stored"), sum("sent")),
        (24, 1, 2, 0),
        "{series}"
    );
    assert_eq!(
        admin.get("/stats/messages?since=2000-01-01T00:00:00Z").problem(422)["field"],
        "since"
    );
    let settings = admin.get("/settings").ok();
    let of = |key: &str| {
        settings["items"]
            .as_array()
            .expect("items")
            .iter()
            .find(|item| item["key"] == key)
            .expect("the key")
            .clone()
    };
    assert_eq!(
        (&of("outbound.username")["value"], &of("outbound.username")["set_by"]),
        (&json!("ada"), &json!("file"))
    );
    assert_eq!(
        (of("outbound.password").get("value"), &of("outbound.password")["secret"]),
        (None, &json!(true))
    );
    assert!(!settings.to_string().contains("not to be told"));
    assert_eq!(of("smtp.max_recipients")["set_by"], "default");
    let alice = Rest::login(house.address("http"), "alice@house.test", PASSWORD);
    for path in ["/server", "/stats", "/stats/messages", "/settings"] {
        alice.get(path).problem(403);
    }
}
