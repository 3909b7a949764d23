//! Finding, reading, changing, importing messages.

use std::fs;

use serde_json::{Value, json};

use super::{ALICE, alice, each, id, import, mailbox};
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::maildir;
use crate::support::rest::Rest;

fn subjects(alice: &Rest, query: &str) -> Vec<String> {
    each(&alice.get(&format!("{ALICE}/messages?{query}")).ok(), "subject")
}

/// A message with a file.
const WITH_FILE: &str = "Subject: three\nFrom: Carol <carol@far.test>\nContent-Type: multipart/mixed; boundary=b\n\n\
    --b\n\nSee the file.\n--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=x.bin\n\
    Content-Transfer-Encoding: base64\n\nAAECAwQFBgcICQ==\n--b--\n";

/// Three messages in the INBOX, each of another kind.
fn furnished() -> (House, Rest) {
    let house = House::furnished();
    let alice = alice(&house);
    let one = "Subject: one\nFrom: Bob Builder <bob@far.test>\nTo: team@house.test\nMessage-ID: <1@far.test>\n\nThe red fox.\n";
    let two = "Subject: two\nFrom: dan@far.test\nCc: Zoe <zoe@house.test>\n\nA fox that is red, and a long tail of words behind it.\n";
    import(
        &alice,
        "?seen=true&flagged=true&keywords=invoice,late&received_at=2026-01-01T10:00:00Z",
        one,
    );
    import(&alice, "?received_at=2026-02-01T10:00:00Z", two);
    import(&alice, "?answered=true&received_at=2026-03-01T10:00:00Z", WITH_FILE);
    (house, alice)
}

#[test]
fn filters_let_messages_through() {
    let (_house, alice) = furnished();
    for (query, found) in [
        ("", &["three", "two", "one"][..]),
        ("order=oldest", &["one", "two", "three"]),
        ("unseen=true", &["three", "two"]),
        ("unseen=false", &["one"]),
        ("flagged=true", &["one"]),
        ("answered=true", &["three"]),
        ("keyword=INVOICE", &["one"]),
        ("keyword=unknown", &[]),
        ("from=builder", &["one"]),
        ("from=far.test", &["three", "two", "one"]),
        ("to=zoe", &["two"]),
        ("to=house.test", &["two", "one"]),
        ("subject=T", &["three", "two"]),
        ("text=fox+red", &["two", "one"]),
        ("text=%22red+fox%22", &["one"]),
        ("text=far.test+file", &["three"]),
        ("message_id=1@far.test", &["one"]),
        ("message_id=1@far.tes", &[]),
        ("since=2026-02-01T10:00:00Z", &["three", "two"]),
        ("before=2026-02-01T10:00:00Z", &["one"]),
        ("larger=250", &["three"]),
        ("smaller=250", &["two", "one"]),
        ("has_attachment=true", &["three"]),
        ("has_attachment=false", &["two", "one"]),
        ("has_attachment=false&from=dan", &["two"]),
        ("unseen=true&from=builder", &[]),
        ("mailbox=Sent", &[]),
    ] {
        assert_eq!(subjects(&alice, query), found, "{query}");
    }
    for query in [
        "unseen=maybe",
        "since=yesterday",
        "colour=red",
        "mailbox=a//b",
        "mailbox=INBOX&mailbox_id=x",
        "order=random",
    ] {
        alice.get(&format!("{ALICE}/messages?{query}")).problem(400);
    }
    alice.get(&format!("{ALICE}/messages?mailbox=Nowhere")).problem(404);
    let inbox = mailbox(&alice, "INBOX");
    assert_eq!(subjects(&alice, &format!("mailbox_id={inbox}")).len(), 3);
}

#[test]
fn filtered_lists_come_in_pages() {
    let (_house, alice) = furnished();
    for order in ["newest", "oldest"] {
        let (mut seen, mut query) = (Vec::new(), format!("from=far&limit=1&order={order}"));
        loop {
            let page = alice.get(&format!("{ALICE}/messages?{query}")).ok();
            seen.extend(each(&page, "subject"));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("from=far&limit=1&order={order}&cursor={cursor}");
        }
        let mut wanted = ["one", "two", "three"];
        if order == "newest" {
            wanted.reverse();
        }
        assert_eq!(seen, wanted);
    }
}

#[test]
fn a_search_goes_through_all_mailboxes() {
    let (_house, alice) = furnished();
    import(
        &alice,
        "?mailbox=Archive&received_at=2026-02-15T10:00:00Z",
        "Subject: four\n\nOld red fox.\n",
    );
    let search = |query: &str| alice.get(&format!("{ALICE}/search?{query}")).ok();
    assert_eq!(each(&search("q=fox"), "subject"), ["four", "two", "one"]);
    assert_eq!(each(&search("q=fox&mailbox=Archive"), "subject"), ["four"]);
    assert_eq!(each(&search("q=%22red+fox%22&unseen=true"), "subject"), ["four"]);
    assert_eq!(each(&search("q=hedgehog"), "subject"), [""; 0]);
    assert_eq!(each(&search("subject=our"), "mailbox"), ["Archive"]);
    let first = search("q=fox&limit=2");
    let cursor = first["next_cursor"].as_str().expect("there is more");
    assert_eq!(each(&search(&format!("q=fox&limit=2&cursor={cursor}")), "subject"), ["one"]);
    alice.get(&format!("{ALICE}/search?q=x&cursor=1")).problem(400);
    alice.get(&format!("{ALICE}/search?query=x")).problem(400);
}

#[test]
fn messages_that_belong_together_are_a_thread() {
    let house = House::furnished();
    let alice = alice(&house);
    let at = |day: u8| format!("received_at=2026-01-0{day}T10:00:00Z");
    import(
        &alice,
        &format!("?{}", at(1)),
        "Subject: plan\nFrom: a@x.test\nMessage-ID: <1@x>\n\na\n",
    );
    import(
        &alice,
        &format!("?{}", at(2)),
        "Subject: other\nFrom: b@x.test\nMessage-ID: <9@x>\n\nb\n",
    );
    let answer = "Subject: Re: plan\nFrom: C <c@x.test>\nMessage-ID: <2@x>\nIn-Reply-To: <1@x>\n\nc\n";
    import(&alice, &format!("?mailbox=Sent&seen=true&{}", at(3)), answer);
    let list = alice.get(&format!("{ALICE}/threads")).ok();
    assert_eq!(each(&list, "messages"), ["2", "1"]);
    let thread = &list["items"][0];
    assert_eq!(
        (&thread["unseen"], &thread["latest"]["subject"]),
        (&json!(1), &json!("Re: plan")),
        "{thread}"
    );
    assert_eq!(
        thread["participants"],
        json!([{"name": "C", "address": "c@x.test"}, {"address": "a@x.test"}])
    );
    let shown = alice.get(&format!("{ALICE}/threads/{}", id(thread))).ok();
    assert_eq!(each(&shown, "subject"), ["plan", "Re: plan"]);
    assert_eq!(each(&shown, "mailbox"), ["INBOX", "Sent"]);

    let thread_id = house.imap("alice@house.test");
    let mut imap = thread_id;
    imap.select("INBOX");
    let fetched = imap.ok("FETCH 1 (THREADID)");
    assert!(fetched[0].text.contains(&id(thread)), "IMAP calls it the same: {fetched:?}");
    assert_eq!(
        each(&alice.get(&format!("{ALICE}/threads?mailbox=INBOX")).ok(), "messages"),
        ["1", "1"]
    );
    assert_eq!(each(&alice.get(&format!("{ALICE}/threads?unseen=false")).ok(), "messages"), [""; 0]);
    let first = alice.get(&format!("{ALICE}/threads?limit=1")).ok();
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = alice.get(&format!("{ALICE}/threads?limit=1&cursor={cursor}")).ok();
    assert_eq!(each(&second, "messages"), ["1"]);
    alice.get(&format!("{ALICE}/threads/T{}", "0".repeat(32))).problem(404);
    alice.get(&format!("{ALICE}/threads/x")).problem(404);
}

#[test]
fn a_message_is_shown_with_all_that_is_known_of_it() {
    let house = House::furnished();
    let alice = alice(&house);
    let text = "Authentication-Results: mail.house.test; spf=pass smtp.mailfrom=b@x.test; dkim=fail reason=\"no key\" header.d=x.test\n\
        Authentication-Results: elsewhere.test; dmarc=pass\nReceived: from x\nAuthentication-Results: mail.house.test; arc=pass\n\
        From: b@x.test\nSubject: hello\nMessage-ID: <7@x.test>\n\nGood morning.\n";
    let name = import(&alice, "?keywords=$Label1", text);
    let message = alice.get(&format!("{ALICE}/messages/{name}")).ok();
    let wanted = json!([
        {"method": "spf", "result": "pass", "properties": [{"name": "smtp.mailfrom", "value": "b@x.test"}]},
        {"method": "dkim", "result": "fail", "reason": "no key", "properties": [{"name": "header.d", "value": "x.test"}]}
    ]);
    assert_eq!(message["authentication"], wanted, "{message}");
    assert_eq!(message["message_id"], "7@x.test");
    assert_eq!(message["preview"], "Good morning.");
    assert_eq!(message["keywords"], json!(["$Label1"]));
    assert!(message["modseq"].as_u64().is_some_and(|modseq| modseq > 0), "{message}");
    assert!(
        message["thread_id"].as_str().is_some_and(|thread| thread.starts_with('T')),
        "{message}"
    );
    assert!(!message.to_string().contains("null"), "{message}");
}

#[test]
fn octets_come_by_ranges() {
    let house = House::furnished();
    let alice = alice(&house);
    let name = import(&alice, "", WITH_FILE);
    let raw = format!("{ALICE}/messages/{name}/raw");
    let file = format!("{ALICE}/messages/{name}/attachments/1");
    let whole = alice.get(&raw);
    let (size, tag) = (whole.text.len(), whole.headers["etag"].clone());
    assert_eq!((whole.status, whole.headers["accept-ranges"].as_str()), (200, "bytes"));
    let part = alice.get_with(&raw, &[("range", "bytes=9-13")]);
    assert_eq!((part.status, part.text.as_str()), (206, "three"));
    assert_eq!(part.headers["content-range"], format!("bytes 9-13/{size}"));
    let rest = alice.get_with(&raw, &[("range", "bytes=-4"), ("if-range", &tag)]);
    assert_eq!((rest.status, rest.text.as_str()), (206, &whole.text[size - 4..]));
    assert_eq!(
        alice.get_with(&raw, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).status,
        200
    );
    assert_eq!(alice.get_with(&raw, &[("range", "bytes=0-1,4-5")]).status, 200);
    let beyond = alice.get_with(&raw, &[("range", &format!("bytes={size}-"))]);
    beyond.problem(416);
    assert_eq!(beyond.headers["content-range"], format!("bytes */{size}"));
    assert_eq!(alice.get_with(&raw, &[("if-none-match", &tag)]).status, 304);

    let octets = |range: &str| {
        let part = alice.get_with(&file, &[("range", range)]);
        (part.status, part.text.into_bytes())
    };
    assert_eq!(octets("bytes=0-"), (206, (0..10).collect()));
    assert_eq!(octets("bytes=3-4"), (206, vec![3, 4]));
    assert_eq!(octets("bytes=-1"), (206, vec![9]));
    assert_eq!(octets("bytes=10-").0, 416);
    assert_ne!(alice.get(&file).headers["etag"], tag);
}

#[test]
fn messages_are_marked_moved_copied_and_removed() {
    let (house, alice) = furnished();
    let list = alice.get(&format!("{ALICE}/messages")).ok();
    let name = id(&list["items"][2]);
    let one = format!("{ALICE}/messages/{name}");
    let marks = json!({"marks": {"seen": false, "draft": true, "add_keywords": ["new"], "remove_keywords": ["late"]}});
    let changed = alice.patch(&one, marks).ok();
    assert_eq!(
        (&changed["seen"], &changed["draft"], &changed["flagged"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!(changed["keywords"], json!(["invoice", "new"]));
    let changed = alice.patch(&one, json!({"marks": {"keywords": []}})).ok();
    assert_eq!((&changed["keywords"], &changed["draft"]), (&json!([]), &json!(true)));
    alice.patch(&one, json!({"marks": {"keywords": ["a b"]}})).problem(422);
    alice.patch(&one, json!({"marks": {"seen": null}})).problem(422);
    alice.patch(&one, json!({"mailbox": "Nowhere"})).problem(404);

    let copy = alice.post(&format!("{one}/copy"), json!({"mailbox": "Archive"}));
    assert_eq!((copy.status, &copy.ok()["mailbox"]), (201, &json!("Archive")));
    assert_eq!(copy.headers["location"], format!("/api/v1{ALICE}/messages/{}", id(&copy.ok())));
    alice.post(&format!("{one}/copy"), json!({})).problem(422);
    let moved = alice
        .patch(&one, json!({"marks": {"flagged": false}, "mailbox_id": mailbox(&alice, "Trash")}))
        .ok();
    assert_eq!(
        (&moved["mailbox"], &moved["flagged"], &moved["draft"]),
        (&json!("Trash"), &json!(false), &json!(true))
    );
    alice.get(&one).problem(404);
    alice.patch(&one, json!({"marks": {"seen": true}})).problem(404);
    assert_eq!(alice.delete(&format!("{ALICE}/messages/{}", id(&moved))).status, 204);
    alice.delete(&format!("{ALICE}/messages/{}", id(&moved))).problem(404);
    assert!(maildir::messages(&house.maildir("alice@house.test").join(".Trash")).is_empty());
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    let theirs = format!("/users/bob@house.test/messages/{}", id(&copy.ok()));
    bob.patch(&theirs, json!({"marks": {"seen": true}})).problem(404);
    bob.delete(&theirs).problem(404);
}

#[test]
fn a_message_is_changed_only_in_the_state_that_is_expected() {
    let (house, alice) = furnished();
    let one = format!("{ALICE}/messages/{}", each(&alice.get(&format!("{ALICE}/messages")).ok(), "id")[0]);
    let seen = alice.get(&one).header("etag");
    assert_eq!(alice.get_with(&one, &[("if-none-match", &seen)]).status, 304);
    let expecting = |tag: &str| super::alice(&house).with_header("If-Match", tag);
    let changed = expecting(&seen).patch(&one, json!({"marks": {"flagged": true}}));
    assert_eq!(changed.ok()["flagged"], true);
    expecting(&seen).patch(&one, json!({"marks": {"flagged": false}})).problem(412);
    expecting(&seen).delete(&one).problem(412);
    assert_eq!(alice.get(&one).ok()["flagged"], true);
    assert_eq!(expecting(&changed.header("etag")).delete(&one).status, 204);

    let mailbox = format!("{ALICE}/mailboxes/{}", mailbox(&alice, "Archive"));
    let seen = alice.get(&mailbox).header("etag");
    alice.patch(&mailbox, json!({"subscribed": false})).ok();
    expecting(&seen).patch(&mailbox, json!({"name": "Old"})).problem(412);
    expecting(&seen).delete(&mailbox).problem(412);
    assert_eq!(expecting(&alice.get(&mailbox).header("etag")).delete(&mailbox).status, 204);
}

#[test]
fn many_messages_are_changed_at_once() {
    let (_house, alice) = furnished();
    let batch = format!("{ALICE}/messages/batch");
    let ids = each(&alice.get(&format!("{ALICE}/messages")).ok(), "id");
    let gone = format!("{}9", ids[0]);
    let marked = alice
        .post(
            &batch,
            json!({"action": "mark", "ids": [ids[0], gone, "x", ids[1]], "marks": {"flagged": true}}),
        )
        .ok();
    let statuses: Vec<u64> = marked["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|it| it["status"].as_u64())
        .collect();
    assert_eq!(statuses, [200, 404, 404, 200], "{marked}");
    assert_eq!(marked["results"][1]["problem"]["type"], "urn:posthouse:problem:not-found");
    assert_eq!(subjects(&alice, "flagged=true").len(), 3);

    let moved = alice
        .post(
            &batch,
            json!({"action": "move", "filter": {"from": "far.test", "has_attachment": false}, "mailbox": "Archive"}),
        )
        .ok();
    assert_eq!(
        (moved["results"].as_array().map(Vec::len), &moved["more"]),
        (Some(2), &json!(false))
    );
    let new = moved["results"][0]["new_id"].as_str().expect("a new id");
    assert_eq!(alice.get(&format!("{ALICE}/messages/{new}")).ok()["mailbox"], "Archive");
    let copied = alice
        .post(
            &batch,
            json!({"action": "copy", "filter": {"mailbox": "Archive", "all": true}, "mailbox": "INBOX"}),
        )
        .ok();
    assert_eq!(copied["results"].as_array().map(Vec::len), Some(2));
    assert_eq!(subjects(&alice, "").len(), 3);
    alice
        .post(&batch, json!({"action": "delete", "filter": {"before": "2026-02-15T00:00:00Z"}}))
        .ok();
    assert_eq!(subjects(&alice, ""), ["three"]);
    for wrong in [
        json!({"action": "delete"}),
        json!({"action": "delete", "filter": {}}),
        json!({"action": "delete", "filter": {"mailbox": "INBOX"}}),
        json!({"action": "delete", "filter": {"all": true, "unseen": true}}),
        json!({"action": "delete", "ids": [], "filter": {"all": true}}),
        json!({"action": "move", "ids": []}),
        json!({"action": "mark", "ids": []}),
        json!({"action": "delete", "ids": [], "mailbox": "INBOX"}),
        json!({"action": "delete", "ids": [], "marks": {"seen": true}}),
        json!({"action": "burn", "ids": []}),
    ] {
        alice.post(&batch, wrong).problem(422);
    }
    assert_eq!(subjects(&alice, ""), ["three"]);
}

#[test]
fn what_is_imported_is_there_as_it_was() {
    let house = Builder::default().set("smtp.max_message_bytes", 5_000).start();
    house.provision();
    let alice = alice(&house);
    let query = "?mailbox=Archive&seen=true&draft=true&received_at=2020-02-03T04:05:06Z";
    let name = import(&alice, query, "Subject: old\n\nline\r\nline\n");
    let shown = alice.get(&format!("{ALICE}/messages/{name}")).ok();
    assert_eq!(
        (&shown["received_at"], &shown["seen"]),
        (&json!("2020-02-03T04:05:06Z"), &json!(true))
    );
    let files = maildir::messages(&house.maildir("alice@house.test").join(".Archive"));
    assert_eq!(fs::read(&files[0]).expect("the message"), b"Subject: old\r\n\r\nline\r\nline\r\n");
    assert_eq!(maildir::flags(&files[0]), "DS");

    let messages = format!("{ALICE}/messages");
    let post = |kind: &str, body: &[u8]| alice.post_raw(&messages, kind, body);
    post("text/plain", b"Subject: x\n\n").problem(415);
    post("message/rfc822", b"").problem(422);
    post("message/rfc822", b"Subject: x\n\na\0b\n").problem(422);
    post("message/rfc822", &b"x".repeat(5_001)).problem(413);
    alice
        .post_raw(&format!("{messages}?mailbox=Nowhere"), "message/rfc822", b"Subject: x\n\n")
        .problem(404);
    alice
        .post_raw(&format!("{messages}?keywords=a+b"), "message/rfc822", b"Subject: x\n\n")
        .problem(422);
    house.admin().patch("/users/alice@house.test", json!({"quota_messages": 1})).ok();
    post("message/rfc822", b"Subject: x\n\n").problem(409);
    assert_eq!(subjects(&alice, ""), [""; 0]);
}

#[test]
fn nobody_else_reads_or_changes_mail() {
    let (house, alice) = furnished();
    let name = each(&alice.get(&format!("{ALICE}/messages")).ok(), "id").swap_remove(0);
    house.admin().patch("/users/bob@house.test", json!({"role": "domain_admin"})).ok();
    house.user("carol@house.test");
    let others = ["bob@house.test", "carol@house.test"].map(|login| Rest::login(house.address("http"), login, PASSWORD));
    for other in &others {
        for path in [
            "messages",
            "search?q=x",
            "threads",
            "messages/wait?timeout=0s",
            "mailboxes",
            &format!("messages/{name}"),
        ] {
            other.get(&format!("{ALICE}/{path}")).problem(403);
        }
        other
            .post(&format!("{ALICE}/messages/batch"), json!({"action": "delete", "ids": [name]}))
            .problem(403);
        other.delete(&format!("{ALICE}/messages/{name}")).problem(403);
        other
            .post(&format!("{ALICE}/submissions"), json!({"to": [{"address": "x@y.test"}]}))
            .problem(403);
        other
            .post_raw(&format!("{ALICE}/messages"), "message/rfc822", b"Subject: x\n\n")
            .problem(403);
    }
    let read: Value = house.admin().get(&format!("{ALICE}/messages/{name}")).ok();
    assert_eq!(read["subject"], "three", "a server administrator may");
}
