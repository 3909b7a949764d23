//! The operator steers the queue, over the API and by commands.

use serde_json::{Value, json};

use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::wait::until;

const LETTER: &str = "From: alice@house.test\nSubject: out\n\nHello.\n";

/// A house whose mail for a.test and b.test waits: nobody listens there.
fn house_with_mail() -> House {
    let routes: toml::Table = ["a.test", "b.test"]
        .map(|domain| (domain.to_owned(), "127.0.0.1:9".into()))
        .into_iter()
        .collect();
    let house = Builder::default().set("outbound.routes", routes).start();
    house.provision();
    for to in [&["one@a.test", "two@b.test"][..], &["three@b.test"]] {
        house
            .submission("alice@house.test")
            .send("alice@house.test", to, LETTER)
            .expect(250);
    }
    until("the first tries", || {
        let tried = |item: &Value| {
            item["recipients"]
                .as_array()
                .is_some_and(|all| all.iter().all(|it| it["attempts"] != 0))
        };
        listed(&house, "").iter().all(tried).then_some(())
    });
    house
}

fn listed(house: &House, query: &str) -> Vec<Value> {
    let list = house.admin().get(&format!("/queue{query}")).ok();
    list["items"].as_array().expect("items").clone()
}

fn states(item: &Value) -> Vec<&str> {
    let recipients = item["recipients"].as_array().expect("recipients");
    recipients.iter().filter_map(|it| it["state"].as_str()).collect()
}

#[test]
fn mail_is_held_and_released_given_up_and_dropped() {
    let house = house_with_mail();
    let api = house.admin();
    assert_eq!(listed(&house, "?recipient_domain=a.test").len(), 1);
    assert_eq!(listed(&house, "?sender=alice@house.test&older_than=0").len(), 2);
    assert_eq!(listed(&house, "?sender=%3C%3E").len(), 0);
    assert_eq!(listed(&house, "?older_than=1000").len(), 0);
    api.get("/queue?state=lost").problem(400);

    for (method, path) in [("patch", "/queue"), ("delete", "/queue"), ("post", "/queue/expire")] {
        let body = json!({"held": true});
        let answer = match method {
            "patch" => api.patch(path, body),
            "delete" => api.delete(path),
            _ => api.post(path, json!({})),
        };
        assert_eq!(
            answer.problem(400)["detail"].as_str().map(|it| it.contains("all=true")),
            Some(true),
            "{path}"
        );
    }
    let changed = api.patch("/queue?recipient_domain=b.test", json!({"held": true})).ok();
    assert_eq!(changed, json!({"recipients": 2}));
    let held = listed(&house, "?state=held");
    assert_eq!((held.len(), states(&held[0])), (2, vec!["waiting", "held"]));
    let id = held[0]["id"].as_str().expect("an id");
    let released = api.patch(&format!("/queue/{id}"), json!({"held": false})).ok();
    assert_eq!(
        (released["held"].as_bool(), states(&released)),
        (Some(false), vec!["waiting", "waiting"])
    );
    assert_eq!(api.post("/queue/retry?all=true", json!({})).ok(), json!({"recipients": 2}));

    let other = held[1]["id"].as_str().expect("an id");
    api.post(&format!("/queue/{other}/expire"), json!({})).ok();
    let text = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(text.contains("Action: failed") && text.contains("Status: 5.4.7"), "{text}");
    assert!(text.contains("given up by the administrator"), "{text}");
    until("the end of the message", || {
        (api.get(&format!("/queue/{other}")).status == 404).then_some(())
    });
    api.post(&format!("/queue/{other}/expire"), json!({})).problem(404);

    assert_eq!(api.delete("/queue?recipient=ONE@a.test").ok(), json!({"recipients": 1}));
    assert_eq!(states(&api.get(&format!("/queue/{id}")).ok()).len(), 1);
    assert_eq!(api.delete("/queue?all=true").ok(), json!({"recipients": 1}));
    assert_eq!(house.queued(), 0);
    assert_eq!(house.inbox("alice@house.test").len(), 1, "nobody is told of what was dropped");
}

#[test]
fn commands_steer_the_queue_too() {
    let house = house_with_mail();
    let run = |arguments: &str| {
        let mut words: Vec<&str> = arguments.split(' ').collect();
        words.insert(0, "queue");
        house.command_with_input(&words, "")
    };
    let id = listed(&house, "?recipient_domain=a.test")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(run("hold").status, Some(2), "which ones?");
    assert!(
        run(&format!("hold {id} --recipient-domain a.test --json"))
            .ok()
            .contains("{\"held\":1}")
    );
    let list = run("list --state held --json").ok();
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(run("release --all").ok().contains("1 recipient is released"));
    assert!(run("flush --json").ok().contains("\"retried\""));
    let never = run("retry 0000000000001");
    assert_eq!(never.status, Some(1), "{}", never.all);
    assert!(run("remove --all").ok().contains("3 recipients are removed"));
    assert_eq!(house.queued(), 0);
}
