//! Making, changing and removing mailboxes; who else may use them; what changes in them.

use serde_json::{Value, json};

use super::{ALICE, alice, each, id, import, mailbox};
use crate::support::house::{House, PASSWORD};
use crate::support::rest::Rest;

#[test]
fn mailboxes_are_made_changed_and_removed() {
    let house = House::furnished();
    let alice = alice(&house);
    let list = format!("{ALICE}/mailboxes");
    let made = alice.post(&list, json!({"name": "Customers/2026"}));
    assert_eq!(made.status, 201);
    let customers = id(&made.ok());
    assert_eq!(made.headers["location"], format!("/api/v1{list}/{customers}"));
    assert_eq!(made.ok()["subscribed"], true);
    alice.post(&list, json!({"name": "Customers/2026"})).problem(409);
    alice.post(&list, json!({"name": "a//b"})).problem(422);
    alice.post(&list, json!({"name": "x", "colour": "red"})).problem(422);

    let one = format!("{list}/{customers}");
    let changed = alice.patch(&one, json!({"name": "Archive/2026", "subscribed": false})).ok();
    assert_eq!(
        (&changed["name"], &changed["subscribed"], id(&changed)),
        (&json!("Archive/2026"), &json!(false), customers)
    );
    let names = each(&alice.get(&list).ok(), "name");
    assert!(
        names.contains(&"Archive/2026".to_owned()) && names.contains(&"Customers".to_owned()),
        "{names:?}"
    );
    let mut imap = house.imap("alice@house.test");
    let listed = imap.ok("LIST \"\" \"Archive/*\"");
    assert!(listed.iter().any(|line| line.text.contains("Archive/2026")), "{listed:?}");

    let inbox = format!("{list}/{}", mailbox(&alice, "INBOX"));
    alice.patch(&inbox, json!({"name": "Outbox"})).problem(403);
    alice.delete(&inbox).problem(403);
    alice.patch(&one, json!({"name": "Archive"})).problem(409);
    alice.patch(&one, json!({"subscribed": null})).problem(422);
    import(&alice, "?mailbox=Archive/2026", "Subject: kept\n\nx\n");
    alice.delete(&one).problem(409);
    alice
        .delete(&format!("{list}/{}?force=true", mailbox(&alice, "Archive")))
        .problem(409);
    assert_eq!(alice.delete(&format!("{one}?force=true")).status, 204);
    alice.get(&one).problem(404);
    assert_eq!(alice.delete(&format!("{list}/{}", mailbox(&alice, "Customers"))).status, 204);
}

#[test]
fn one_mailbox_has_a_special_use() {
    let house = House::furnished();
    let alice = alice(&house);
    let list = format!("{ALICE}/mailboxes");
    let made = alice
        .post(&list, json!({"name": "Gesendet", "special_use": "sent", "subscribed": false}))
        .ok();
    assert_eq!((&made["special_use"], &made["subscribed"]), (&json!("sent"), &json!(false)));
    let sent = format!("{list}/{}", mailbox(&alice, "Sent"));
    assert!(alice.get(&sent).ok().get("special_use").is_none(), "it has none any more");
    let listed = house.imap("alice@house.test").ok("LIST (SPECIAL-USE) \"\" *");
    assert!(
        listed
            .iter()
            .any(|line| line.text.contains("\\Sent") && line.text.contains("Gesendet")),
        "{listed:?}"
    );
    let changed = alice.patch(&format!("{list}/{}", id(&made)), json!({"special_use": null})).ok();
    assert!(changed.get("special_use").is_none(), "{changed}");
    assert_eq!(alice.patch(&sent, json!({"special_use": "sent"})).ok()["special_use"], "sent");
    alice.patch(&sent, json!({"special_use": "cellar"})).problem(422);
}

#[test]
fn others_get_rights_on_a_mailbox() {
    let house = House::furnished();
    let alice = alice(&house);
    let rights = format!("{ALICE}/mailboxes/{}/rights", mailbox(&alice, "INBOX"));
    import(&alice, "", "Subject: shared\n\nx\n");
    let bobs = format!("{rights}/BOB@house.test");
    let given = alice.put(&bobs, json!({"rights": ["read", "lookup"]})).ok();
    assert_eq!(given, json!({"login": "bob@house.test", "rights": ["lookup", "read"]}));
    let mut imap = house.imap("bob@house.test");
    assert_eq!(imap.select("\"Other Users/alice@house.test/INBOX\"").0, 1);
    alice.put(&format!("{rights}/anyone"), json!({"rights": ["lookup"]})).ok();
    assert_eq!(each(&alice.get(&rights).ok(), "login"), ["anyone", "bob@house.test"]);
    assert_eq!(alice.get(&bobs).ok()["rights"], json!(["lookup", "read"]));
    alice
        .put(&format!("{rights}/nobody@house.test"), json!({"rights": ["read"]}))
        .problem(404);
    alice
        .put(&format!("{rights}/alice@house.test"), json!({"rights": ["read"]}))
        .problem(403);
    alice.put(&bobs, json!({"rights": []})).problem(422);
    alice.put(&bobs, json!({"rights": ["fly"]})).problem(422);
    assert_eq!(alice.delete(&bobs).status, 204);
    alice.delete(&bobs).problem(404);
    assert_eq!(each(&alice.get(&rights).ok(), "login"), ["anyone"]);
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    bob.get(&rights).problem(403);
}

#[test]
fn changes_are_told_by_modseq() {
    let house = House::furnished();
    let alice = alice(&house);
    let feed = format!("{ALICE}/mailboxes/{}/changes", mailbox(&alice, "INBOX"));
    let ids: Vec<String> = ["one", "two", "three"]
        .map(|text| import(&alice, "", &format!("Subject: {text}\n\nx\n")))
        .to_vec();
    let all = alice.get(&feed).ok();
    assert_eq!(each(&all, "id"), ids);
    assert_eq!(all["vanished"], json!([]));
    let since = |known: &Value| format!("{feed}?since_modseq={}", known["modseq"]);

    alice
        .patch(&format!("{ALICE}/messages/{}", ids[1]), json!({"marks": {"seen": true}}))
        .ok();
    alice.delete(&format!("{ALICE}/messages/{}", ids[0])).ok();
    let changes = alice.get(&since(&all)).ok();
    assert_eq!(each(&changes, "id"), ids[1..2]);
    assert_eq!(changes["items"][0]["seen"], true);
    assert_eq!(changes["vanished"], json!([{"first_uid": 1, "last_uid": 1}]));
    let nothing = alice.get(&since(&changes)).ok();
    assert_eq!(
        (&nothing["items"], &nothing["vanished"], &nothing["modseq"]),
        (&json!([]), &json!([]), &changes["modseq"])
    );

    let first = alice.get(&format!("{feed}?limit=1")).ok();
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = alice.get(&format!("{feed}?limit=1&cursor={cursor}")).ok();
    assert_eq!([each(&first, "id"), each(&second, "id")].concat(), [ids[2].clone(), ids[1].clone()]);
    assert!(second.get("next_cursor").is_none(), "{second}");
    alice.get(&format!("{feed}?cursor=x")).problem(400);
}
