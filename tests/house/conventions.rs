//! What holds for every operation of the REST API: tags and preconditions, repeating, rates, pages, and less on wish.

use std::thread;

use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;

#[test]
fn a_change_does_not_overwrite_another() {
    let house = House::furnished();
    let alice = "/users/alice@house.test";
    let seen = house.admin().get(alice).header("etag");
    assert!(seen.starts_with('"') && seen.ends_with('"'), "{seen}");
    let expecting = |tag: &str| house.admin().with_header("If-Match", tag);
    let changed = expecting(&seen).patch(alice, json!({"display_name": "Alice"}));
    assert_eq!(changed.status, 200, "{changed:?}");
    let problem = expecting(&seen).patch(alice, json!({"display_name": "Alison"})).problem(412);
    assert_eq!(problem["type"], "urn:posthouse:problem:changed");
    expecting(&seen).put(alice, json!({"display_name": "Alison"})).problem(412);
    expecting(&seen).delete(alice).problem(412);
    assert_eq!(house.admin().get(alice).ok()["display_name"], "Alice");
    expecting(&changed.header("etag"))
        .patch(alice, json!({"display_name": "Alison"}))
        .ok();
    expecting("*").patch(alice, json!({"enabled": true})).ok();
    expecting("\"other\"")
        .patch("/domains/house.test", json!({"description": "x"}))
        .problem(412);
    expecting("*")
        .put("/aliases/none@house.test", json!({"destinations": ["alice@house.test"]}))
        .problem(412);
    let only_new = house.admin().with_header("If-None-Match", "*");
    only_new.put(alice, json!({})).problem(412);
    assert_eq!(only_new.put("/users/new@house.test", json!({})).status, 201);
}

#[test]
fn what_is_known_is_not_sent_again() {
    let house = House::furnished();
    let admin = house.admin();
    for path in ["/users/alice@house.test", "/domains/house.test", "/users", "/queue"] {
        let tag = admin.get(path).header("etag");
        let again = house.admin().with_header("If-None-Match", &format!("\"x\", W/{tag}")).get(path);
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag), "{path}");
    }
    let tag = admin.get("/users").header("etag");
    house.user("carol@house.test");
    assert_eq!(house.admin().with_header("If-None-Match", &tag).get("/users").status, 200);
}

#[test]
fn a_request_with_a_key_is_done_once() {
    let house = House::furnished();
    let keyed = house.admin().with_header("Idempotency-Key", "\"4711\"");
    let body = json!({"address": "carol@house.test", "password": PASSWORD});
    let first = keyed.post("/users", body.clone());
    let again = keyed.post("/users", body.clone());
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!((&first.text, first.header("location")), (&again.text, again.header("location")));
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        (String::new(), "true".into())
    );
    let problem = keyed.post("/users", json!({"address": "dave@house.test"})).problem(422);
    assert_eq!(problem["type"], "urn:posthouse:problem:key-reused");
    house.admin().post("/users", body).problem(409);
    // What failed changed nothing, and is tried again.
    let keyed = house.admin().with_header("Idempotency-Key", "4712");
    let alias = json!({"address": "info@later.test", "destinations": ["alice@house.test"]});
    keyed.post("/aliases", alias.clone()).problem(404);
    house.admin().put("/domains/later.test", json!({})).ok();
    assert_eq!(keyed.post("/aliases", alias).status, 201);
    // A secret is shown once.
    let keyed = house
        .admin()
        .with_header("Idempotency-Key", "4713")
        .with_header("Prefer", "return=minimal");
    let key = json!({"name": "panel", "role": "server_admin"});
    assert!(keyed.post("/api-keys", key.clone()).ok()["key"].is_string());
    let problem = keyed.post("/api-keys", key).problem(409);
    assert_eq!(problem["type"], "urn:posthouse:problem:done-already");
    let long = house.admin().with_header("Idempotency-Key", &"k".repeat(256));
    assert_eq!(
        long.post("/domains", json!({"domain": "x.test"})).problem(400)["field"],
        "idempotency-key"
    );
}

#[test]
fn of_many_with_one_key_one_is_done() {
    let house = House::furnished();
    let admin = || house.admin().with_header("Idempotency-Key", "all at once");
    let statuses: Vec<u16> = thread::scope(|scope| {
        let ask = || scope.spawn(|| admin().post("/users", json!({"address": "carol@house.test"})).status);
        let asked: Vec<_> = (0..4).map(|_| ask()).collect();
        asked.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(
        statuses.contains(&201) && statuses.iter().all(|status| [201, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(admin().post("/users", json!({"address": "carol@house.test"})).status, 201);
}

#[test]
fn less_is_answered_on_wish() {
    let house = House::furnished();
    let brief = house.admin().with_header("Prefer", "respond-async, return=minimal");
    let made = brief.post("/users", json!({"address": "carol@house.test"}));
    assert_eq!((made.status, made.text.as_str()), (201, ""), "{made:?}");
    assert_eq!(made.header("location"), "/api/v1/users/carol@house.test");
    let changed = brief.patch("/users/carol@house.test", json!({"display_name": "Carol"}));
    assert_eq!(
        (changed.status, changed.header("preference-applied")),
        (204, "return=minimal".into())
    );
    assert_eq!(brief.put("/users/carol@house.test", json!({})).status, 204);
    assert_eq!(brief.get("/users/carol@house.test").ok()["address"], "carol@house.test");
}

#[test]
fn a_list_links_to_its_next_page() {
    let house = House::furnished();
    let page = house.admin().get("/users?domain=house.test&limit=1");
    let link = page.header("link");
    let next = link
        .strip_prefix("</api/v1")
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
        .unwrap_or_else(|| panic!("{page:?}"));
    let next = house.admin().get(next);
    assert_eq!(next.ok()["items"][0]["address"], "bob@house.test");
    assert_eq!(next.header("link"), "");
}

#[test]
fn a_caller_has_a_number_of_requests() {
    let house = Builder::default()
        .set("http.requests_per_minute", 5)
        .set("http.guest_requests_per_minute", 20)
        .start();
    let admin = house.admin();
    let first = admin.get("/domains");
    assert_eq!(first.header("ratelimit-policy"), "\"caller\";q=5;w=60");
    assert!(first.header("ratelimit").starts_with("\"caller\";r=4;t="), "{first:?}");
    let last = (0..5).map(|_| admin.get("/domains")).last().expect("a reply");
    assert_eq!(last.problem(429)["type"], "urn:posthouse:problem:limit-reached");
    let seconds: u64 = last.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{last:?}");
    assert!(!last.header("x-request-id").is_empty());
    let guests: Vec<_> = (0..20).map(|_| house.anonymous().get("/domains")).collect();
    guests.last().expect("a reply").problem(429);
    assert_eq!(house.anonymous().get("/health/live").status, 200);
}

#[test]
fn pages_of_other_origins_are_welcome_where_they_are_configured() {
    let asks = |house: &House| house.anonymous().with_header("Origin", "https://panel.test").get("/health/live");
    assert_eq!(asks(&House::furnished()).header("access-control-allow-origin"), "");
    let house = Builder::default().set("http.cors_origins", vec!["https://panel.test"]).start();
    let welcome = asks(&house);
    assert_eq!(welcome.header("access-control-allow-origin"), "https://panel.test", "{welcome:?}");
    assert!(welcome.header("access-control-expose-headers").to_lowercase().contains("etag"));
    let stranger = house.anonymous().with_header("Origin", "https://evil.test").get("/health/live");
    assert_eq!(
        (stranger.status, stranger.header("access-control-allow-origin")),
        (200, String::new())
    );
}

#[test]
fn a_domain_is_shown_in_both_forms() {
    let house = House::furnished();
    let admin = house.admin();
    let made = admin.put("/domains/b%C3%BCcher.example", json!({"domain": "BÜCHER.example"})).ok();
    assert_eq!(
        (&made["domain"], &made["unicode"]),
        (&json!("xn--bcher-kva.example"), &json!("bücher.example"))
    );
    admin
        .post("/users", json!({"address": "eva@bücher.example", "password": PASSWORD}))
        .ok();
    let shown = admin.get("/users/eva@xn--bcher-kva.example").ok();
    assert_eq!(
        (&shown["address"], &shown["unicode"]),
        (&json!("eva@xn--bcher-kva.example"), &json!("eva@bücher.example"))
    );
    Rest::login(house.address("http"), "eva@bücher.example", PASSWORD)
        .get("/users/eva@b%C3%BCcher.example")
        .ok();
}
