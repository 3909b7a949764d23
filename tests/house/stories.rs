//! Each message has a story, which `posthouse trace` tells; and what may leave in a time is bounded.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::mx::{Answer, Mx};
use crate::support::wait::until;

/// A house whose mail for remote.test goes to this server.
fn house_towards(mx: &Mx, builder: Builder) -> House {
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = builder
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .start();
    house.provision();
    house
}

/// The stories of what was found, newest first: waits until there is one that ends with such a step.
fn stories(house: &House, what: &str, last: &str) -> Vec<Value> {
    until(&format!("a story of {what} that ends with {last}"), || {
        let told = house.command(&["trace", what, "--json"]);
        let out = String::from_utf8(told.stdout).expect("text");
        let stories: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let is_whole = |story: &Value| steps(story).last().is_some_and(|step| *step == last);
        stories.iter().any(is_whole).then_some(stories)
    })
}

fn steps(story: &Value) -> Vec<&str> {
    let steps = story["steps"].as_array().expect("steps");
    steps.iter().map(|step| step["step"].as_str().expect("a name")).collect()
}

/// The one step of the name.
fn step<'s>(story: &'s Value, name: &str, place: usize) -> &'s Value {
    let steps = story["steps"].as_array().expect("steps");
    let mut found = steps.iter().filter(|step| step["step"] == name);
    found.nth(place).unwrap_or_else(|| panic!("no {name} in {story}"))
}

#[test]
fn a_message_is_followed_from_its_sender_to_its_last_recipient() {
    let mx = Mx::scripted(|line, seen| match line {
        line if line.starts_with("RCPT TO:<nobody@") => Answer::Say("550 5.1.1 no such user"),
        line if line.starts_with("RCPT") && seen.connections == 1 => Answer::Say("450 4.7.1 come again"),
        _ => Answer::Usual,
    });
    let house = house_towards(&mx, Builder::default());
    house.alias("team@house.test", &["bob@house.test", "friend@remote.test"]);
    house.admin().post(
        "/domains/house.test/dkim-keys",
        serde_json::json!({"algorithm": "ed25519", "selector": "s1", "state": "active"}),
    );
    let letter = "From: alice@house.test\nMessage-ID: <one@client.test>\nSubject: out\n\nHello.\n";
    let to = ["Team@house.test", "nobody@remote.test"];
    let reply = house.submission("alice@house.test").send("alice@house.test", &to, letter);
    let id = reply.lines[0].rsplit(' ').next().expect("an id").to_owned();

    let told = stories(&house, &id, "attempt");
    assert_eq!(told.len(), 1);
    let story = until("the end", || {
        let story = stories(&house, &id, "attempt").remove(0);
        (steps(&story).iter().filter(|step| **step == "attempt").count() >= 3 && steps(&story).contains(&"reported")).then_some(story)
    });
    assert_eq!(story["id"], id.as_str());
    assert_eq!(&steps(&story)[..3], ["received", "expanded", "queued"]);
    let received = step(&story, "received", 0);
    assert_eq!(received["protocol"], "ESMTPSA");
    assert_eq!(received["peer"], "127.0.0.1");
    assert_eq!(received["user"], "alice@house.test");
    assert_eq!(received["message_id"], "<one@client.test>");
    assert!(received["tls"].as_str().is_some_and(|tls| tls.starts_with("TLS1.")), "{received}");
    assert!(received["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{received}");
    let expanded = step(&story, "expanded", 0);
    assert_eq!(expanded["users"][0], "bob@house.test");
    assert_eq!(expanded["forwards"][0], "friend@remote.test");
    assert_eq!(step(&story, "stored", 0)["user"], "bob@house.test");
    assert_eq!(step(&story, "queued", 0)["recipients"], 2);
    let (first, last) = (step(&story, "attempt", 0), step(&story, "attempt", 2));
    let failed = [first, step(&story, "attempt", 1)].into_iter().find(|it| it["outcome"] == "failed");
    let failed = failed.expect("one that failed");
    assert_eq!(
        (failed["recipients"][0].as_str(), failed["status"].as_str()),
        (Some("nobody@remote.test"), Some("5.1.1"))
    );
    assert_eq!(
        (last["outcome"].as_str(), last["host"].as_str()),
        (Some("delivered"), Some("mx.remote.test"))
    );
    let via = last["via"].as_str().expect("a connection");
    assert!(via.starts_with(&format!("127.0.0.1:{}, TLS1.", mx.port())), "{via}");
    assert!(last["reply"].as_str().is_some_and(|reply| reply.starts_with("250")), "{last}");

    the_report_has_a_story_of_its_own(&house, &story);
    the_story_is_found(&house, &id, &story);
}

fn the_report_has_a_story_of_its_own(house: &House, story: &Value) {
    let report = step(story, "reported", 0);
    assert_eq!(
        (report["about"].as_str(), report["to"].as_str()),
        (Some("end"), Some("alice@house.test"))
    );
    let report = stories(house, report["report"].as_str().expect("an id"), "stored").remove(0);
    assert_eq!(step(&report, "received", 0)["sender"], "");
}

fn the_story_is_found(house: &House, id: &str, story: &Value) {
    for word in [
        "FRIEND@remote.test",
        "team@house.test",
        "<one@client.test>",
        "one@client.test",
        "nobody@remote.test",
    ] {
        let found = stories(house, word, steps(story).last().expect("a step"));
        assert_eq!(found.iter().filter(|it| it["id"] == id).count(), 1, "{word}");
    }
    let text = house.command_with_input(&["trace", id], "").ok();
    assert!(
        text.starts_with(&format!("{id}\n  20")) && text.contains("Team@house.test leads to bob@house.test, friend@remote.test"),
        "{text}"
    );
    let limited = house
        .command_with_input(&["trace", "alice@house.test", "--limit", "1", "--json"], "")
        .ok();
    assert_eq!(limited.lines().count(), 1, "{limited}");
    let never = house.command_with_input(&["trace", "stranger@nowhere.test"], "");
    assert_eq!(never.status, Some(1), "{}", never.all);
}

#[test]
fn what_is_refused_after_all_and_what_the_operator_does_is_told_too() {
    let mx = Mx::scripted(|line, _| match line {
        line if line.starts_with("RCPT") => Answer::Say("450 4.7.1 come again"),
        _ => Answer::Usual,
    });
    let mut house = house_towards(
        &mx,
        Builder::default()
            .set("queue.retry_first_seconds", 600)
            .set("queue.retry_max_seconds", 600),
    );
    let not_hers = "From: bob@house.test\nSubject: out\n\nHello.\n";
    let mut session = house.submission("alice@house.test");
    session.send("alice@house.test", &["bob@house.test"], not_hers).expect(553);
    let refused = stories(&house, "bob@house.test", "refused").remove(0);
    assert_eq!(steps(&refused), ["received", "refused"]);

    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    session.send("alice@house.test", &["friend@remote.test"], letter).expect(250);
    let story = stories(&house, "friend@remote.test", "attempt").remove(0);
    let attempt = step(&story, "attempt", 0);
    assert_eq!(attempt["outcome"], "deferred");
    assert!(attempt["next_at"].as_str().is_some_and(|next| next.ends_with('Z')), "{attempt}");
    house.command_with_input(&["queue", "hold", "--all"], "").ok();
    let story = stories(&house, "friend@remote.test", "steered").remove(0);
    assert_eq!(step(&story, "steered", 0)["action"], "hold");
    assert_eq!(step(&story, "steered", 0)["recipients"][0], "friend@remote.test");
    let id = story["id"].as_str().expect("an id");
    house.admin().delete(&format!("/queue/{id}"));
    // What was told is kept when the server stops.
    assert!(house.terminate().success());
    let story = stories(&house, id, "steered").remove(0);
    assert_eq!(step(&story, "steered", 1)["action"], "remove");
}

/// Twenty in a minute: one each three seconds, but for those of the first six seconds, which go at once.
#[test]
fn a_destination_gets_no_more_than_its_rate_and_others_do_not_wait() {
    let mx = Mx::good();
    let rates: toml::Table = [("remote.test".to_owned(), 20.into())].into_iter().collect();
    let other: toml::Table = [("other.test".to_owned(), format!("127.0.0.1:{}", mx.port()).into())]
        .into_iter()
        .collect();
    let house = house_towards(&mx, Builder::default().set("outbound.rates", rates).set("outbound.routes", other));
    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    let mut session = house.submission("alice@house.test");
    let began = Instant::now();
    for _ in 0..4 {
        session.send("alice@house.test", &["friend@remote.test"], letter).expect(250);
    }
    session.send("alice@house.test", &["friend@other.test"], letter).expect(250);
    let first = mx.wait_for(4);
    let others = first.iter().filter(|letter| letter.to[0].contains("other.test")).count();
    assert!(
        others == 1 || began.elapsed() >= Duration::from_secs(3),
        "the limited ones may only be there by now if it took long"
    );
    mx.wait_for(5);
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    until("an empty queue", || (house.queued() == 0).then_some(()));
}

#[test]
fn a_senders_messages_leave_at_its_rate_and_others_do_not_wait() {
    let mx = Mx::good();
    let house = house_towards(&mx, Builder::default().set("queue.sender_messages_per_minute", 1));
    let letter = |who: &str| format!("From: {who}@house.test\nSubject: out\n\nHello.\n");
    let mut session = house.submission("alice@house.test");
    for _ in 0..2 {
        session
            .send("alice@house.test", &["friend@remote.test"], &letter("alice"))
            .expect(250);
    }
    house
        .submission("bob@house.test")
        .send("bob@house.test", &["friend@remote.test"], &letter("bob"))
        .expect(250);
    mx.wait_for(2);
    let queued = until("one that waits", || {
        let list = house.admin().get("/queue").ok()["items"].clone();
        (list.as_array().is_some_and(|list| list.len() == 1)).then_some(list)
    });
    let waiting = &queued[0];
    assert_eq!(
        (waiting["sender"].as_str(), waiting["recipients"][0]["attempts"].as_i64()),
        (Some("alice@house.test"), Some(0))
    );
    let time = |value: &Value| value.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
    let wait = time(&waiting["recipients"][0]["next_attempt_at"]).duration_since(time(&waiting["created_at"]));
    assert!((40..=54).contains(&wait.as_secs()), "a minute less what may go at once: {wait:?}");
    // The operator may be in a hurry.
    house.command_with_input(&["queue", "flush"], "").ok();
    mx.wait_for(3);
}
