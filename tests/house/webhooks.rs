//! Webhooks: events are posted with a signature that holds, again after a failure, once more when asked for; and not to everywhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::house::{Builder, House};
use crate::support::rest::Rest;
use crate::support::wait::until;

/// A program that is told of events.
struct Ear {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// So many are answered 500 before the first is taken.
    failures: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Heard {
    head: String,
    body: String,
}

impl Heard {
    fn field(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.head.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{name} in {}", self.head)).to_owned()
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.body).expect("a document")
    }

    /// Whether one of the signatures is made with this secret.
    fn is_signed_by(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("a key");
        mac.update(format!("{}.{}.{}", self.field("webhook-id"), self.field("webhook-timestamp"), self.body).as_bytes());
        let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.field("webhook-signature").split(' ').any(|signature| signature == right)
    }
}

impl Ear {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let ear = Self {
            port: listener.local_addr().expect("an address").port(),
            heard: Arc::default(),
            failures: Arc::default(),
        };
        let (heard, failures) = (Arc::clone(&ear.heard), Arc::clone(&ear.failures));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().expect("a length");
                    }
                    head.push_str(&line.replace('\r', ""));
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let body = String::from_utf8(body).expect("text");
                let fails = failures
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok();
                heard.lock().expect("what was heard").push(Heard { head, body });
                let status = if fails { "500 Internal Server Error" } else { "204 No Content" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        ear
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn wait(&self, count: usize) -> Vec<Heard> {
        until(&format!("{count} events"), || {
            Some(self.heard.lock().expect("what was heard").clone()).filter(|heard| heard.len() >= count)
        })
    }
}

fn house() -> House {
    let house = Builder::default()
        .set("webhooks.allow_http", true)
        .set("webhooks.allow_networks", vec!["127.0.0.0/8"])
        .set("webhooks.retry_first_seconds", 1)
        .start();
    house.provision();
    house
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_else(|| panic!("{name} in {document}")).to_owned()
}

fn settled(admin: &Rest, path: &str) -> Value {
    until("a delivery that is over", || {
        let found = admin.get(path).ok()["items"][0].clone();
        (found["state"] != "waiting").then_some(found)
    })
}

#[test]
fn events_are_posted_with_a_signature_and_again_after_a_failure() {
    let (house, ear) = (house(), Ear::open());
    let admin = house.admin();
    ear.failures.store(1, Ordering::SeqCst);
    let made = admin.post("/webhooks", json!({"url": ear.url(), "kinds": ["domain.created"]})).ok();
    let (path, secret) = (format!("/webhooks/{}", text(&made, "id")), text(&made, "secret"));
    admin.put("/domains/other.test", json!({})).ok();
    admin
        .put("/aliases/info@house.test", json!({"destinations": ["alice@house.test"]}))
        .ok();
    let heard = ear.wait(2);
    assert_eq!(
        (&heard[0].body, heard[0].field("webhook-id")),
        (&heard[1].body, heard[1].field("webhook-id"))
    );
    assert!(heard.iter().all(|heard| heard.is_signed_by(&secret)));
    let document = heard[1].document();
    assert_eq!(
        (&document["type"], &document["domain"]),
        (&json!("domain.created"), &json!("other.test"))
    );
    assert_eq!(document["data"]["resource"], "domains/other.test");
    let done = settled(&admin, &format!("{path}/deliveries"));
    assert_eq!(
        (&done["state"], &done["attempts"], &done["status"]),
        (&json!("delivered"), &json!(2), &json!(204))
    );
    assert_eq!(format!("msg_{}", text(&done, "id")), heard[0].field("webhook-id"));
    assert_eq!(text(&done, "body"), heard[0].body);
    assert_eq!(admin.get(&format!("{path}/deliveries?state=failed")).ok()["items"], json!([]));
    // Once more, when asked for.
    admin
        .post(&format!("{path}/deliveries/{}/replay", text(&done, "id")), json!({}))
        .ok();
    assert_eq!(ear.wait(3)[2].body, heard[0].body);
    // While the secret changes, both sign.
    let rotated = admin.post(&format!("{path}/rotate"), json!({})).ok();
    let tested = admin.post(&format!("{path}/test"), json!({})).ok();
    assert_eq!((&tested["state"], &tested["kind"]), (&json!("delivered"), &json!("webhook.test")));
    let last = ear.wait(4)[3].clone();
    assert!(last.is_signed_by(&secret) && last.is_signed_by(&text(&rotated, "secret")));
    assert_ne!(rotated["secret"], made["secret"]);
    // What is off is told of nothing, and is not told later.
    admin.patch(&path, json!({"enabled": false})).ok();
    admin.post(&format!("{path}/test"), json!({})).problem(409);
    admin.put("/domains/missed.test", json!({})).ok();
    admin.patch(&path, json!({"enabled": true})).ok();
    admin.put("/domains/third.test", json!({})).ok();
    assert_eq!(ear.wait(5)[4].document()["domain"], "third.test");
    let log = admin.get("/audit-log?limit=1000").ok().to_string();
    assert!(log.contains("webhook.rotated") && !log.contains("whsec_"), "{log}");
    assert!(!admin.get("/webhooks").ok().to_string().contains("whsec_"));
    admin.delete(&path).ok();
    admin.get(&path).problem(404);
}

#[test]
fn what_takes_nothing_is_given_up_and_disabled() {
    let ear = Ear::open();
    let house = Builder::default()
        .set("webhooks.allow_http", true)
        .set("webhooks.allow_networks", vec!["127.0.0.0/8"])
        .set("webhooks.retry_first_seconds", 1)
        .set("webhooks.expire_seconds", 1)
        .set("webhooks.disable_after_seconds", 1)
        .start();
    house.provision();
    let admin = house.admin();
    ear.failures.store(1_000, Ordering::SeqCst);
    let made = admin.post("/webhooks", json!({"url": ear.url(), "kinds": ["domain.created"]})).ok();
    let path = format!("/webhooks/{}", text(&made, "id"));
    until("a webhook that is disabled", || {
        // Each event is given up soon, and the next one fails as well.
        let name = format!("/domains/n{}.test", ear.heard.lock().expect("what was heard").len());
        admin.put(&name, json!({})).ok();
        let webhook = admin.get(&path).ok();
        (webhook["enabled"] == false).then_some(())
    });
    let told = until("the event", || {
        Some(admin.get("/events?kinds=webhook.disabled").ok()["items"][0].clone()).filter(|event| !event.is_null())
    });
    assert_eq!(told["data"]["webhook"], made["id"]);
    let failed = admin.get(&format!("{path}/deliveries?state=failed")).ok();
    assert_eq!(failed["items"][0]["error"], "it answered 500");
}

#[test]
fn not_everything_is_called() {
    let house = House::furnished();
    let admin = house.admin();
    for url in [
        "http://panel.test/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "ftp://x.test/",
        "x",
    ] {
        let refused = admin.post("/webhooks", json!({"url": url})).problem(422);
        assert_eq!(refused["field"], "url", "{url}");
    }
    // A name may lead anywhere; it is looked at when it is called.
    let made = admin.post("/webhooks", json!({"url": "https://localhost:1/"})).ok();
    let tested = admin.post(&format!("/webhooks/{}/test", text(&made, "id")), json!({})).ok();
    assert_eq!(tested["state"], "failed", "{tested}");
    assert!(tested.get("status").is_none(), "{tested}");
}

#[test]
fn an_administrator_of_a_domain_hears_of_it_alone() {
    let (house, ear) = (house(), Ear::open());
    let admin = house.admin();
    admin.put("/domains/other.test", json!({})).ok();
    let key = admin.post("/api-keys", json!({"name": "other", "domains": ["other.test"]})).ok();
    let other = house.anonymous().with_token(&text(&key, "key"));
    let all = admin.post("/webhooks", json!({"url": ear.url(), "enabled": false})).ok();
    other
        .post("/webhooks", json!({"url": ear.url(), "domains": ["house.test"]}))
        .problem(404);
    let made = other.post("/webhooks", json!({"url": ear.url(), "kinds": ["alias.created"]})).ok();
    assert_eq!(made["domains"], json!(["other.test"]));
    assert_eq!(other.get("/webhooks").ok()["items"].as_array().map(Vec::len), Some(1));
    other.get(&format!("/webhooks/{}", text(&all, "id"))).problem(404);
    other.delete(&format!("/webhooks/{}", text(&all, "id"))).problem(404);
    other
        .patch(&format!("/webhooks/{}", text(&made, "id")), json!({"domains": ["house.test"]}))
        .problem(404);
    admin
        .put("/aliases/info@house.test", json!({"destinations": ["alice@house.test"]}))
        .ok();
    admin
        .put("/aliases/info@other.test", json!({"destinations": ["alice@house.test"]}))
        .ok();
    assert_eq!(ear.wait(1)[0].document()["data"]["resource"], "aliases/info@other.test");
    // Who may not hear of events does not arrange to be told.
    let deaf = admin.post("/api-keys", json!({"name": "deaf", "scopes": ["webhooks:write"]})).ok();
    let deaf = house.anonymous().with_token(&text(&deaf, "key"));
    deaf.post("/webhooks", json!({"url": ear.url()})).problem(403);
}

#[test]
fn the_command_line_keeps_webhooks() {
    let (house, ear) = (house(), Ear::open());
    let url = ear.url();
    let ran = |arguments: &[&str]| -> Value {
        let output = house.command(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let made = ran(&["webhook", "add", &url, "--kind", "user.created", "--domain", "house.test"]);
    let id = text(&made, "id");
    assert!(text(&made, "secret").starts_with("whsec_"));
    assert_eq!(ran(&["webhook", "list"])["url"], url);
    assert_eq!(ran(&["webhook", "show", &id])["kinds"], json!(["user.created"]));
    assert_eq!(ran(&["webhook", "test", &id])["state"], "delivered");
    assert!(ear.wait(1)[0].is_signed_by(&text(&made, "secret")));
    assert_eq!(ran(&["webhook", "remove", &id])["removed"], json!(id));
}
