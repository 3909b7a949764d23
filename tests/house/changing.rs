//! What an administrator changes of an account reaches those who are logged in.

use serde_json::json;

use crate::support::house::House;

#[test]
fn another_quota_counts_at_once() {
    let house = House::furnished();
    let message = b"Subject: x\r\n\r\nhello\r\n";
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    assert!(imap.append("INBOX", message).starts_with("OK"));
    let set = |quota| {
        house
            .admin()
            .patch("/users/alice@house.test", json!({"quota_messages": quota}))
            .ok()
    };
    set(2);
    assert!(imap.append("INBOX", message).starts_with("OK"));
    assert!(imap.append("INBOX", message).starts_with("NO [OVERQUOTA]"));
    assert!(imap.command("COPY 1 Archive").status.starts_with("NO [OVERQUOTA]"));
    let told = imap.ok("GETQUOTA \"User quota\"");
    assert!(told.iter().any(|it| it.text.contains("(MESSAGE 2 2)")), "{told:?}");
    set(4);
    imap.ok("COPY 1 Archive");
    assert!(imap.append("INBOX", message).starts_with("OK"));
    assert!(imap.append("INBOX", message).starts_with("NO [OVERQUOTA]"));
}

#[test]
fn another_role_counts_at_once() {
    let house = House::furnished();
    let set = |role| house.admin().patch("/users/alice@house.test", json!({"role": role})).ok();
    let mut imap = house.imap("alice@house.test");
    let mut annotate = |value| {
        let answer = imap.command(&format!("SETMETADATA \"\" (/shared/comment \"{value}\")"));
        answer.status.starts_with("OK")
    };
    assert!(!annotate("one"));
    set("server_admin");
    assert!(annotate("two"));
    set("user");
    assert!(!annotate("three"));
}

/// Who is disabled may be about to be removed: what they are given now would be there for the next user of this name.
#[test]
fn a_disabled_user_is_given_no_rights() {
    let house = House::furnished();
    let set = |enabled| house.admin().patch("/users/bob@house.test", json!({"enabled": enabled})).ok();
    let mut imap = house.imap("alice@house.test");
    set(false);
    assert!(
        imap.command("SETACL INBOX bob@house.test lr")
            .status
            .starts_with("NO [NONEXISTENT]")
    );
    set(true);
    imap.ok("SETACL INBOX bob@house.test lr");
    // What they have can be taken from them at any time.
    set(false);
    imap.ok("DELETEACL INBOX bob@house.test");
    let told = imap.ok("GETACL INBOX");
    assert!(told.iter().all(|it| !it.text.contains("bob")), "{told:?}");
}
