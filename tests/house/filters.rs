//! Filters at work: what the scripts of users make of the mail that comes for them.

use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use crate::support::dns::Dns;
use crate::support::house::{Builder, House};
use crate::support::line::Line;
use crate::support::maildir;
use crate::support::mx::{Letter, Mx};

/// Makes this the active script of a user.
fn filter(house: &House, address: &str, script: &str) {
    let admin = house.admin();
    let path = format!("/users/{address}/sieve/main");
    admin.put(&path, json!({ "content": script })).ok();
    let reply = admin.post(&format!("{path}/activate"), Value::Null);
    assert_eq!(reply.status, 204, "{}", reply.text);
}

fn letter(subject: &str) -> String {
    format!("From: Ada <ada@remote.test>\nTo: alice@house.test\nMessage-ID: <{subject}@remote.test>\nSubject: {subject}\n\nHello.\n")
}

fn send(house: &House, to: &[&str], subject: &str) -> crate::support::smtp::Reply {
    house.smtp().send("ada@remote.test", to, &letter(subject))
}

fn stored(house: &House, address: &str, mailbox: &str) -> Vec<std::path::PathBuf> {
    maildir::messages(&house.maildir(address).join(format!(".{mailbox}")))
}

/// A house whose mail for remote.test ends at this server.
fn house_towards(mx: &Mx) -> House {
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = Builder::default()
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .start();
    house.provision();
    // The name server lives as long as the test.
    std::mem::forget(dns);
    house
}

fn field(letter: &Letter, name: &str) -> String {
    let line = letter
        .text
        .lines()
        .find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
    line.and_then(|line| line.split_once(": "))
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

fn story(house: &House, message_id: &str) -> String {
    crate::support::wait::until("the story", || {
        let list = house.admin().get(&format!("/traces?message_id={message_id}")).ok();
        let text = list.to_string();
        text.contains("the filter of").then_some(text)
    })
}

/// RFC 5228 §4.1, RFC 5490 §3.2, RFC 5232 §4: into a mailbox that is made for it, with flags.
#[test]
fn a_message_is_filed_with_flags_into_a_mailbox_that_is_made() {
    let house = House::furnished();
    let script = "require [\"fileinto\", \"mailbox\", \"imap4flags\", \"copy\"];\n\
                  if header :contains \"subject\" \"work\" { fileinto :create :flags [\"\\\\Seen\", \"$Work\"] \"Lists/Work\"; }\n\
                  elsif header :contains \"subject\" \"both\" { fileinto :copy \"Archive\"; }\n\
                  elsif header :contains \"subject\" \"gone\" { discard; }";
    filter(&house, "alice@house.test", script);
    for subject in ["work", "both", "gone", "other"] {
        send(&house, &["alice@house.test"], subject).expect(250);
    }
    let work = stored(&house, "alice@house.test", "Lists.Work");
    assert_eq!(work.len(), 1);
    assert!(maildir::flags(&work[0]).contains('S'), "{}", work[0].display());
    assert_eq!(stored(&house, "alice@house.test", "Archive").len(), 1);
    assert_eq!(house.inbox("alice@house.test").len(), 2, "both and other");
    let mut imap = house.imap("alice@house.test");
    imap.select("Lists/Work");
    let said = format!("{:?}", imap.ok("FETCH 1 (FLAGS)"));
    assert!(said.contains("$Work") && said.contains("Seen"), "{said}");
}

/// Those without a filter share one file with those whose filter leaves the message as it is; a header that is changed is one's own.
#[test]
fn a_message_is_one_file_as_long_as_nobody_changes_it() {
    let house = House::furnished();
    house.user("carol@house.test");
    filter(&house, "alice@house.test", "require \"fileinto\"; fileinto \"Archive\";");
    filter(&house, "carol@house.test", "require \"editheader\"; addheader \"X-Mine\" \"yes\";");
    send(&house, &["alice@house.test", "bob@house.test", "carol@house.test"], "one").expect(250);
    let files = [
        stored(&house, "alice@house.test", "Archive").remove(0),
        house.inbox("bob@house.test").remove(0),
        house.inbox("carol@house.test").remove(0),
    ];
    let inode = |n: usize| std::fs::metadata(&files[n]).expect("a file").ino();
    assert_eq!(inode(0), inode(1));
    assert_ne!(inode(0), inode(2));
    assert!(maildir::text(&files[2]).contains("X-Mine: yes\n"));
    assert!(!maildir::text(&files[1]).contains("X-Mine"));
}

/// RFC 5228 §4.2: the message goes on, from an address of ours that leads back, without our own Return-Path.
#[test]
fn a_message_is_redirected_once() {
    let mx = Mx::good();
    let house = house_towards(&mx);
    filter(
        &house,
        "alice@house.test",
        "redirect \"friend@remote.test\"; redirect \"bob@house.test\";",
    );
    send(&house, &["alice@house.test"], "on").expect(250);
    let sent = &mx.wait_for(1)[0];
    assert!(sent.to[0].starts_with("<friend@remote.test>"), "{sent:?}");
    assert!(sent.from.contains("@house.test>") && !sent.from.starts_with("<alice"), "{sent:?}");
    assert_eq!(field(sent, "X-Sieve-Redirected-From"), "<alice@house.test>");
    assert_eq!(field(sent, "Return-Path"), "");
    assert_eq!(house.inbox("alice@house.test").len(), 0);
    let bobs = maildir::text(&house.inbox("bob@house.test").remove(0));
    assert!(bobs.starts_with("Return-Path: <ada@remote.test>\n"), "{bobs}");
    assert_eq!(bobs.matches("Return-Path:").count(), 1);
    // RFC 5228 §10: what comes back is kept.
    filter(&house, "bob@house.test", "redirect \"alice@house.test\";");
    send(&house, &["bob@house.test"], "round").expect(250);
    assert_eq!(
        house.wait_for_inbox("bob@house.test", 2).len(),
        2,
        "alice sends it back to bob, who keeps it"
    );
}

/// RFC 5429 §2.1: refused in the dialogue where all agree; otherwise the sender is told by a message, and never the null sender.
#[test]
fn a_message_is_rejected_in_the_dialogue_or_by_a_message() {
    let mx = Mx::good();
    let house = house_towards(&mx);
    filter(&house, "alice@house.test", "require \"reject\"; reject \"Go away,\r\nplease.\";");
    let reply = send(&house, &["alice@house.test"], "alone");
    reply.expect(550);
    assert!(format!("{reply:?}").contains("5.7.1 Go away, please."), "{reply:?}");
    send(&house, &["alice@house.test", "bob@house.test"], "together").expect(250);
    let told = &mx.wait_for(1)[0];
    assert!(
        told.from.starts_with("<>") && told.to[0].starts_with("<ada@remote.test>"),
        "{told:?}"
    );
    assert!(
        told.text.contains("Go away,") && told.text.contains("disposition-notification"),
        "{}",
        told.text
    );
    assert_eq!((house.inbox("alice@house.test").len(), house.inbox("bob@house.test").len()), (0, 1));
    let both = &["alice@house.test", "bob@house.test"];
    house.smtp().send("", both, &letter("null")).expect(250);
    send(&house, both, "last").expect(250);
    let subjects: Vec<String> = mx.wait_for(2).iter().map(|letter| field(letter, "Subject")).collect();
    assert_eq!(subjects, ["Rejected: together", "Rejected: last"]);
}

/// RFC 2033 §4.2, RFC 5429 §2.1: over LMTP each recipient has a reply of its own.
#[test]
fn over_lmtp_only_who_rejects_is_refused() {
    let house = House::furnished();
    filter(&house, "alice@house.test", "require \"ereject\"; ereject \"No.\";");
    let mut line = Line::connect(house.address("lmtp"));
    line.line();
    line.say("LHLO client.test");
    while line.line().as_bytes().get(3) == Some(&b'-') {}
    for command in [
        "MAIL FROM:<ada@remote.test>",
        "RCPT TO:<alice@house.test>",
        "RCPT TO:<bob@house.test>",
        "DATA",
    ] {
        line.say(command);
        line.line();
    }
    line.say("Subject: x\r\n\r\nx\r\n.");
    assert_eq!(line.line(), "550 5.7.1 No.");
    assert!(line.line().starts_with("250 "));
    assert_eq!((house.inbox("alice@house.test").len(), house.inbox("bob@house.test").len()), (0, 1));
}

/// What one node has replied to, another does not reply to again.
#[test]
fn a_vacation_reply_is_sent_by_one_node_only() {
    let mx = Mx::good();
    let house = house_towards(&mx);
    let other = house.another_node();
    filter(&house, "alice@house.test", "require \"vacation\"; vacation \"Back soon.\";");
    send(&house, &["alice@house.test"], "first").expect(250);
    mx.wait_for(1);
    crate::support::wait::until("the other node to know the script", || {
        let active = other.admin().get("/users/alice@house.test/sieve").ok();
        (active["items"][0]["active"] == true).then_some(())
    });
    for from in ["ada@remote.test", "eve@remote.test"] {
        other.smtp().send(from, &["alice@house.test"], &letter("second")).expect(250);
    }
    let to: Vec<String> = mx.wait_for(2).iter().map(|letter| letter.to[0].clone()).collect();
    assert!(to[1].starts_with("<eve@remote.test>"), "{to:?}");
}

/// RFC 5230 §4: once to each sender, never to lists, programs and the null sender.
#[test]
fn a_vacation_reply_is_sent_once_to_a_person() {
    let mx = Mx::good();
    let house = house_towards(&mx);
    filter(
        &house,
        "alice@house.test",
        "require \"vacation\"; vacation :subject \"Away\" \"Back soon.\";",
    );
    send(&house, &["alice@house.test"], "first").expect(250);
    let reply = &mx.wait_for(1)[0];
    assert!(reply.from.starts_with("<>"), "{reply:?}");
    assert!(reply.to[0].starts_with("<ada@remote.test>"), "{reply:?}");
    for (name, value) in [
        ("Subject", "Away"),
        ("In-Reply-To", "<first@remote.test>"),
        ("References", "<first@remote.test>"),
        ("Auto-Submitted", "auto-replied (vacation)"),
        ("From", "<alice@house.test>"),
    ] {
        assert_eq!(field(reply, name), value, "{}", reply.text);
    }
    assert!(reply.text.contains("\nBack soon.\n"), "{}", reply.text);
    send(&house, &["alice@house.test"], "second").expect(250);
    house.smtp().send("", &["alice@house.test"], &letter("bounce")).expect(250);
    for extra in ["List-Id: <x.remote.test>", "Auto-Submitted: auto-replied", "Precedence: bulk"] {
        let text = format!("{extra}\n{}", letter("machine"));
        house.smtp().send("eve@remote.test", &["alice@house.test"], &text).expect(250);
    }
    house
        .smtp()
        .send("carol@remote.test", &["alice@house.test"], &letter("third"))
        .expect(250);
    let to: Vec<String> = mx.wait_for(2).iter().map(|letter| letter.to[0].clone()).collect();
    assert!(to[1].starts_with("<carol@remote.test>"), "{to:?}");
    assert_eq!(house.inbox("alice@house.test").len(), 7, "all mail is kept");
}

/// The form replies beside whatever the active script does, in its time.
#[test]
fn the_form_for_an_absence_replies_too() {
    let mx = Mx::good();
    let house = house_towards(&mx);
    let admin = house.admin();
    let path = "/users/alice@house.test/vacation";
    admin.get(path).problem(404);
    let wrong = json!({"text": "x", "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"});
    assert_eq!(admin.put(path, wrong).problem(422)["field"], "until");
    let over = json!({"text": "Long ago.", "until": "2001-01-01T00:00:00Z"});
    admin.put(path, over).ok();
    send(&house, &["alice@house.test"], "early").expect(250);
    let now = json!({"subject": "Out", "text": "On the \"moon\".\n.", "days": 2});
    let made = admin.put(path, now).ok();
    assert_eq!(made["days"], 2);
    assert_eq!(admin.get(path).ok()["text"], "On the \"moon\".\n.");
    filter(&house, "alice@house.test", "require \"fileinto\"; fileinto \"Archive\";");
    send(&house, &["alice@house.test"], "late").expect(250);
    let reply = &mx.wait_for(1)[0];
    assert_eq!(field(reply, "Subject"), "Out");
    assert!(reply.text.contains("On the \"moon\"."), "{}", reply.text);
    assert_eq!(field(reply, "In-Reply-To"), "<late@remote.test>");
    assert_eq!(stored(&house, "alice@house.test", "Archive").len(), 1);
    assert_eq!(admin.delete(path).status, 204);
    admin.get(path).problem(404);
}

/// RFC 5228 §2.10.6: what goes wrong loses no mail, and the user hears of it once a day.
#[test]
fn a_script_that_goes_wrong_keeps_the_message_and_tells_its_user_once() {
    let house = House::furnished();
    let admin = house.admin();
    admin.put("/users/alice@house.test/sieve/part", json!({"content": "keep;"})).ok();
    filter(&house, "alice@house.test", "require \"include\"; include \"part\";");
    assert_eq!(admin.delete("/users/alice@house.test/sieve/part").status, 204);
    for subject in ["one", "two"] {
        send(&house, &["alice@house.test"], subject).expect(250);
    }
    let texts: Vec<String> = house.inbox("alice@house.test").iter().map(|file| maildir::text(file)).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    let told: Vec<&String> = texts
        .iter()
        .filter(|text| text.contains("Subject: Your mail filter did not work"))
        .collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("main, line 1, column 20: the included script 'part' does not exist"),
        "{}",
        told[0]
    );
}

/// RFC 7352 §3, RFC 8579 §4: in the database, and by what a mailbox is for.
#[test]
fn duplicates_are_seen_and_special_mailboxes_found() {
    let house = House::furnished();
    let script = "require [\"fileinto\", \"duplicate\", \"special-use\"];\n\
                  if duplicate { discard; } else { fileinto :specialuse \"\\\\Junk\" \"Nowhere\"; }";
    filter(&house, "alice@house.test", script);
    for subject in ["same", "same", "other"] {
        send(&house, &["alice@house.test"], subject).expect(250);
    }
    assert_eq!(stored(&house, "alice@house.test", "Junk").len(), 2);
    assert_eq!(house.inbox("alice@house.test").len(), 0);
}

/// The scripts of the server come before and after those of users.
#[test]
fn scripts_of_the_server_come_before_and_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a script");
        path.to_str().expect("a path").to_owned()
    };
    let before = file(
        "before.sieve",
        "require \"editheader\"; addheader \"X-Before\" \"${1}\"; if header :is \"subject\" \"bad\" { discard; }",
    );
    let after = file("after.sieve", "require \"fileinto\"; fileinto \"Archive\";");
    let house = Builder::default()
        .set("sieve.before", vec![before])
        .set("sieve.after", vec![after])
        .start();
    house.provision();
    filter(
        &house,
        "alice@house.test",
        "require \"fileinto\"; if header :is \"subject\" \"mine\" { fileinto \"Sent\"; }",
    );
    for subject in ["bad", "mine", "other"] {
        send(&house, &["alice@house.test", "bob@house.test"], subject).expect(250);
    }
    assert_eq!(stored(&house, "alice@house.test", "Sent").len(), 1);
    assert_eq!(stored(&house, "alice@house.test", "Archive").len(), 1);
    assert_eq!(stored(&house, "bob@house.test", "Archive").len(), 2);
    assert!(maildir::text(&stored(&house, "bob@house.test", "Archive")[0]).contains("X-Before: ${1}\n"));
}

/// What a filter did is part of the story of its message.
#[test]
fn the_story_tells_what_the_filter_did() {
    let house = House::furnished();
    filter(&house, "alice@house.test", "require \"fileinto\"; fileinto \"Archive\";");
    send(&house, &["alice@house.test"], "told").expect(250);
    let story = story(&house, "told@remote.test");
    assert!(story.contains("the filter of alice@house.test: stored in Archive"), "{story}");
}

/// Scripts are checked before they are kept, and changed only in the state that is expected.
#[test]
fn scripts_are_kept_over_the_api_and_the_command_line() {
    let house = House::furnished();
    let admin = house.admin();
    let path = "/users/alice@house.test/sieve/main";
    let problem = admin.put(path, json!({"content": "keep;\nfileinto \"x\";"})).problem(422);
    assert_eq!(problem["field"], "content");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|it| it.starts_with("main, line 2, column 1: ")),
        "{problem}"
    );
    let checked = admin
        .post("/users/alice@house.test/sieve/check", json!({"content": "keep;\nfileinto \"x\";"}))
        .ok();
    assert_eq!((&checked["valid"], &checked["problems"][0]["line"]), (&json!(false), &json!(2)));
    admin.put(path, json!({"content": "keep;"})).ok();
    let tag = admin.get(path).header("etag");
    let put = |tag: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        let body = json!({"content": "stop;"}).to_string().into_bytes();
        admin.send(reqwest::Method::PUT, path, &headers, Some(body)).status
    };
    assert_eq!((put(&tag), put(&tag)), (200, 412));
    let file = house.path("other.sieve");
    std::fs::write(&file, "discard;").expect("a script");
    let run = |arguments: &[&str]| {
        let output = house.command(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    };
    run(&[
        "sieve",
        "put",
        "alice@house.test",
        "other",
        file.to_str().expect("a path"),
        "--activate",
    ]);
    let list = run(&["sieve", "list", "alice@house.test", "--json"]);
    assert!(
        list.contains("\"name\":\"main\"") && list.contains("\"name\":\"other\",\"size\":8,\"active\":true"),
        "{list}"
    );
    assert_eq!(run(&["sieve", "show", "alice@house.test", "other"]), "discard;\n");
    admin.delete("/users/alice@house.test/sieve/other").problem(409);
    run(&["sieve", "deactivate", "alice@house.test", "other"]);
    run(&["sieve", "remove", "alice@house.test", "other"]);
    assert_eq!(
        admin.get("/users/alice@house.test/sieve").ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
}

/// RFC 6785 §2: the script that a mailbox names runs on what is put into it, and when flags change there.
#[test]
fn a_script_of_a_mailbox_runs_on_what_is_put_there() {
    let house = House::furnished();
    let script = "require [\"imapsieve\", \"environment\", \"variables\", \"fileinto\", \"imap4flags\"];\n\
                  if environment :is \"imap.cause\" \"FLAG\" {\n\
                    if environment :contains \"imap.changedflags\" \"$Later\" { fileinto \"Archive\"; }\n\
                  } elsif environment :matches \"imap.cause\" \"*\" { addflag \"$By${1}\"; }";
    let admin = house.admin();
    admin.put("/users/alice@house.test/sieve/events", json!({ "content": script })).ok();
    let mut imap = house.imap("alice@house.test");
    imap.ok("SETMETADATA Sent (/shared/imapsieve/script \"events\")");
    imap.append("Sent", b"Subject: appended\r\n\r\nx\r\n");
    imap.append("INBOX", b"Subject: copied\r\n\r\nx\r\n");
    imap.select("INBOX");
    imap.ok("COPY 1 Sent");
    imap.select("Sent");
    let flags = |imap: &mut crate::support::imap::Imap| format!("{:?}", imap.ok("FETCH 1:* (FLAGS)"));
    crate::support::wait::until("both to be marked", || {
        let said = flags(&mut imap);
        (said.contains("$ByAPPEND") && said.contains("$ByCOPY")).then_some(())
    });
    imap.ok("REPLACE 2 Sent {24+}\r\nSubject: replaced\r\n\r\nx\r\n");
    crate::support::wait::until("the replacement to be marked", || {
        imap.ok("NOOP");
        let said = flags(&mut imap);
        (!said.contains("$ByCOPY") && said.matches("$ByAPPEND").count() == 2).then_some(())
    });
    imap.ok("STORE 1 +FLAGS ($Later)");
    crate::support::wait::until("the first to be moved", || {
        imap.ok("NOOP");
        (imap.uids() == [3]).then_some(())
    });
    assert_eq!(stored(&house, "alice@house.test", "Archive").len(), 1);
}

/// RFC 6785 §3: what a script changes of a message's header is another message, with a UID of its own.
#[test]
fn a_script_of_a_mailbox_changes_a_message() {
    let house = House::furnished();
    let script = "require [\"imapsieve\", \"editheader\", \"imap4flags\"]; addheader \"X-Seen-By\" \"a script\"; addflag \"$Changed\";";
    house
        .admin()
        .put("/users/alice@house.test/sieve/events", json!({ "content": script }))
        .ok();
    let mut imap = house.imap("alice@house.test");
    imap.ok("SETMETADATA Sent (/shared/imapsieve/script \"events\")");
    imap.append("Sent", b"Subject: appended\r\n\r\nx\r\n");
    imap.select("Sent");
    crate::support::wait::until("another message in its place", || {
        imap.ok("NOOP");
        (imap.uids() == [2]).then_some(())
    });
    let said = format!("{:?}", imap.ok("UID FETCH 2 (FLAGS BODY[HEADER])"));
    assert!(said.contains("$Changed") && said.contains("X-Seen-By: a script"), "{said}");
}

/// RFC 6134 §2: the operator's lists.
#[test]
fn scripts_ask_lists() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("friends.txt"), "# those\nADA@remote.test\n@lists.test\n").expect("a list");
    let house = Builder::default()
        .set("sieve.lists", folder.path().to_str().expect("a path"))
        .start();
    house.provision();
    let script = "require [\"extlists\", \"fileinto\", \"envelope\", \"mailbox\"];\n\
                  if allof (envelope :list \"from\" \"friends\", valid_ext_list \"friends\", not valid_ext_list \"foes\") \
                  { fileinto :create \"Friends\"; }";
    filter(&house, "alice@house.test", script);
    for sender in ["ada@remote.test", "news@lists.test", "eve@remote.test"] {
        house.smtp().send(sender, &["alice@house.test"], &letter("x")).expect(250);
    }
    assert_eq!(stored(&house, "alice@house.test", "Friends").len(), 2);
    assert_eq!(house.inbox("alice@house.test").len(), 1);
}
