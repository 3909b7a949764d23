//! What people log in with besides their password: app passwords and a second factor; and their sessions, and the log of logins.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::support::house::{ADMIN_PASSWORD, House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::line::Line;
use crate::support::rest::Rest;
use crate::support::smtp::Smtp;

fn alice(house: &House) -> Rest {
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
}

/// What the server says to LOGIN: the word after the tag.
fn imap_login(house: &House, password: &str) -> String {
    let mut line = Line::connect_tls(house.address("imaps"));
    line.line();
    line.say(&format!("a LOGIN alice@house.test {password}"));
    line.line().split(' ').nth(1).expect("a word").to_owned()
}

fn smtp_login(house: &House, password: &str) -> u16 {
    let mut smtp = Smtp::connect_tls(house.address("submissions"));
    smtp.login("alice@house.test", password).code
}

fn outcomes(log: &Value) -> Vec<(&str, &str)> {
    let items = log["items"].as_array().expect("items");
    let text = |item: &'_ Value, name: &str| item[name].as_str().expect("a text").to_owned();
    let pairs = items.iter().map(|item| (text(item, "protocol"), text(item, "outcome")));
    pairs.map(|(protocol, outcome)| (&*protocol.leak(), &*outcome.leak())).collect()
}

#[test]
fn an_app_password_is_good_for_its_protocols() {
    let house = House::furnished();
    let made = alice(&house)
        .post(
            "/users/alice@house.test/app-passwords",
            json!({"name": "phone", "protocols": ["imap"]}),
        )
        .ok();
    let password = made["password"].as_str().expect("a password");
    let path = format!("/users/alice@house.test/app-passwords/{}", made["id"].as_str().expect("an id"));
    assert_eq!(imap_login(&house, password), "OK");
    assert_eq!(imap_login(&house, &password.replace('-', "")), "OK");
    assert_eq!(smtp_login(&house, password), 535);
    house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": password}))
        .problem(401);
    let list = alice(&house).get("/users/alice@house.test/app-passwords").ok();
    assert_eq!(
        (&list["items"][0]["name"], &list["items"][0].get("password")),
        (&json!("phone"), &None)
    );
    assert!(list["items"][0]["last_used_at"].is_string(), "{list}");
    // Nobody else's.
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    bob.get("/users/alice@house.test/app-passwords").problem(403);
    bob.post("/users/alice@house.test/app-passwords", json!({"name": "x"})).problem(403);
    let api = json!({"name": "x", "protocols": ["api"]});
    assert_eq!(
        alice(&house).post("/users/alice@house.test/app-passwords", api).problem(422)["field"],
        "protocols"
    );
    let past = json!({"name": "old", "expires_at": "2020-01-01T00:00:00Z"});
    let old = alice(&house).post("/users/alice@house.test/app-passwords", past).ok();
    assert_eq!(imap_login(&house, old["password"].as_str().expect("a password")), "NO");
    alice(&house).delete(&path).ok();
    assert_eq!(imap_login(&house, password), "NO");
    assert_eq!(imap_login(&house, PASSWORD), "OK");
}

/// The code of a key in base32 at this moment, so many steps on (RFC 6238 §4).
fn code(secret: &str, steps: i64) -> String {
    let digits = secret
        .bytes()
        .map(|b| if b.is_ascii_uppercase() { b - b'A' } else { b - b'2' + 26 });
    let mut octets = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits {
        (bits, count) = (bits << 5 | u32::from(digit), count + 5);
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count & 0xff) as u8);
        }
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let step = i64::try_from(seconds).expect("a number") / 30 + steps;
    let mut mac = Hmac::<Sha1>::new_from_slice(&octets).expect("a key");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four octets")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_second_factor_is_asked_for_by_the_api_and_replaced_by_app_passwords_elsewhere() {
    let house = House::furnished();
    let rest = alice(&house);
    let path = "/users/alice@house.test/totp";
    house.admin().post(path, json!({})).problem(403);
    let key = rest.post(path, json!({})).ok();
    let secret = key["secret"].as_str().expect("a key");
    assert!(key["uri"].as_str().is_some_and(|uri| uri.starts_with("otpauth://totp/")), "{key}");
    // Nothing is asked for before it is confirmed.
    alice(&house);
    assert_eq!(
        rest.post(&format!("{path}/confirm"), json!({"code": "000000x"})).problem(422)["field"],
        "code"
    );
    let recovery = rest.post(&format!("{path}/confirm"), json!({"code": code(secret, -1)})).ok();
    let recovery = recovery["recovery_codes"].as_array().expect("codes").clone();
    assert_eq!(recovery.len(), 10);
    assert_eq!(rest.get(path).ok()["enabled"], true);
    let login = |code: Option<&str>| {
        let mut body = json!({"username": "alice@house.test", "password": PASSWORD});
        if let Some(code) = code {
            body["code"] = code.into();
        }
        house.anonymous().post("/auth/login", body)
    };
    assert_eq!(login(None).problem(401)["type"], "urn:posthouse:problem:code-needed");
    login(Some("12345")).problem(401);
    let now = code(secret, 0);
    login(Some(&now)).ok();
    login(Some(&now)).problem(401);
    let spare = recovery[0].as_str().expect("a code");
    login(Some(spare)).ok();
    login(Some(spare)).problem(401);
    assert_eq!(rest.get(path).ok()["recovery_codes"], 9);
    // Mail clients have app passwords.
    assert_eq!((imap_login(&house, PASSWORD), smtp_login(&house, PASSWORD)), ("NO".to_owned(), 535));
    let made = rest.post("/users/alice@house.test/app-passwords", json!({"name": "phone"})).ok();
    let password = made["password"].as_str().expect("a password");
    assert_eq!((imap_login(&house, password), smtp_login(&house, password)), ("OK".to_owned(), 235));
    let log = house.admin().get("/login-log?address=alice@house.test&failed=true").ok();
    let found = outcomes(&log);
    for expected in [
        ("api", "code_needed"),
        ("api", "wrong_code"),
        ("imap", "app_password_needed"),
        ("submission", "app_password_needed"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    // Off again: the user with a code, an administrator without.
    rest.delete(path).problem(422);
    rest.delete(&format!("{path}?code={}", recovery[1].as_str().expect("a code"))).ok();
    login(None).ok();
    assert_eq!(imap_login(&house, PASSWORD), "OK");
    house.admin().delete(path).ok();
}

#[test]
fn sessions_are_listed_and_ended() {
    let house = House::furnished();
    let path = "/users/alice@house.test/sessions";
    let tokens = house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": PASSWORD}))
        .ok();
    let with = |token: &Value| house.anonymous().with_token(token.as_str().expect("a token"));
    let rest = with(&tokens["access_token"]);
    let mut imap = house.imap("alice@house.test");
    let list = rest.get(path).ok();
    let items = list["items"].as_array().expect("items");
    let of = |protocol: &str| {
        items
            .iter()
            .find(|item| item["protocol"] == protocol)
            .unwrap_or_else(|| panic!("{protocol} in {list}"))
    };
    assert_eq!(
        (&of("api")["address"], &of("imap")["address"]),
        (&json!("127.0.0.1"), &json!("127.0.0.1"))
    );
    assert!(of("imap")["tls"].is_string() && of("api")["ends_at"].is_string());
    // One of a mail client.
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    let open = format!("{path}/{}", of("imap")["id"].as_str().expect("an id"));
    bob.delete(&open).problem(403);
    rest.delete(&open).ok();
    assert!(imap.line().line().starts_with("* BYE"));
    rest.delete(&open).problem(404);
    // One of the API: its access token is no good any more either.
    rest.delete(&format!("{path}/{}", of("api")["id"].as_str().expect("an id"))).ok();
    rest.get(path).problem(401);
    house
        .anonymous()
        .post("/auth/refresh", json!({"refresh_token": tokens["refresh_token"]}))
        .problem(401);
    // Logging out is the same, and a refresh goes on with the session.
    let first = house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": PASSWORD}))
        .ok();
    let second = house
        .anonymous()
        .post("/auth/refresh", json!({"refresh_token": first["refresh_token"]}))
        .ok();
    with(&first["access_token"]).get(path).ok();
    assert_eq!(
        with(&second["access_token"]).get(path).ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
    house
        .anonymous()
        .post("/auth/logout", json!({"refresh_token": second["refresh_token"]}))
        .ok();
    house
        .anonymous()
        .post("/auth/logout", json!({"refresh_token": second["refresh_token"]}))
        .ok();
    with(&second["access_token"]).get(path).problem(401);
}

#[test]
fn all_sessions_end_at_once() {
    let house = House::furnished();
    let path = "/users/alice@house.test/sessions";
    let rest = alice(&house);
    let mut imap = house.imap("alice@house.test");
    house.admin().delete(path).ok();
    rest.get(path).problem(401);
    assert!(imap.line().line().starts_with("* BYE"));
}

#[test]
fn the_key_of_access_tokens_is_rotated() {
    let house = House::furnished();
    let admin = house.admin();
    let before = admin.get("/server/jwt-keys").ok()["items"].clone();
    assert_eq!(before.as_array().map(Vec::len), Some(1), "{before}");
    let fresh = admin.post("/server/jwt-keys/rotate", json!({})).ok();
    assert_ne!(fresh["id"], before[0]["id"]);
    // What the old one signed is honoured, and what the new one signs is good.
    let list = admin.get("/server/jwt-keys").ok();
    assert_eq!(
        (&list["items"][0]["signs"], &list["items"][1]["signs"]),
        (&json!(true), &json!(false))
    );
    assert!(
        list["items"][1]["ends_at"].is_string() && !list.to_string().contains("secret"),
        "{list}"
    );
    house.admin().get("/domains").ok();
    alice(&house).post("/server/jwt-keys/rotate", json!({})).problem(403);
}

#[test]
fn the_login_log_says_why() {
    let house = House::furnished();
    imap_login(&house, "wrong-password");
    imap_login(&house, "wrong-password");
    imap_login(&house, PASSWORD);
    house
        .anonymous()
        .post("/auth/login", json!({"username": "nobody@house.test", "password": "x"}))
        .problem(401);
    house.admin().patch("/users/bob@house.test", json!({"enabled": false})).ok();
    house
        .anonymous()
        .post("/auth/login", json!({"username": "bob@house.test", "password": PASSWORD}))
        .problem(401);
    let log = |path: &str| house.admin().get(path).ok();
    let alices = log("/login-log?address=ALICE@house.test");
    assert_eq!(outcomes(&alices)[0], ("imap", "success"));
    let wrong: u64 = alices["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|it| it["outcome"] == "wrong_password")
        .filter_map(|it| it["times"].as_u64())
        .sum();
    assert_eq!(wrong, 2, "{alices}");
    assert_eq!(alices["items"][0]["address"], "127.0.0.1");
    assert_eq!(outcomes(&log("/login-log?address=bob@house.test")), [("api", "disabled")]);
    assert_eq!(outcomes(&log("/login-log?address=nobody@house.test")), [("api", "unknown_user")]);
    assert_eq!(
        log("/login-log?domain=house.test&outcome=disabled")["items"][0]["login"],
        "bob@house.test"
    );
    // A user sees their own.
    let rest = alice(&house);
    rest.get("/login-log?address=alice@house.test").ok();
    rest.get("/login-log?address=bob@house.test").problem(403);
    rest.get("/login-log").problem(403);
    let admins = log("/login-log?address=admin&limit=1");
    assert_eq!(outcomes(&admins), [("api", "success")]);
    assert!(!house.log().contains(ADMIN_PASSWORD));
    drop(Imap::login(house.address("imaps"), "alice@house.test", PASSWORD));
}
