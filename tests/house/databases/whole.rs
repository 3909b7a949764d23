//! The whole server on each database: mailboxes and the queue, over their protocols.

use serde_json::json;

use crate::support::authority::Authority;
use crate::support::databases::Fresh;
use crate::support::dns::Dns;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::maildir;
use crate::support::mx::{Answer, Mx, Seen};
use crate::support::rest::Rest;
use crate::support::wait::until;
use crate::support::web::{Web, page};

/// The house speaks with blocking sockets, so it gets a thread of its own.
pub async fn in_a_thread(fresh: Fresh, test: fn(Builder)) {
    let work = move || {
        let _folder = &fresh.folder;
        test(Builder::default().set("database.url", fresh.settings.url.clone()));
    };
    let ended = tokio::task::spawn_blocking(move || std::thread::spawn(work).join())
        .await
        .expect("a thread");
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

fn uids_of(imap: &mut Imap, mailbox: &str) -> Vec<u32> {
    imap.select(mailbox);
    imap.uids()
}

pub async fn mailboxes_keep_what_they_are_told(fresh: Fresh) {
    in_a_thread(fresh, mailboxes).await;
}

fn mailboxes(builder: Builder) {
    let mut house = builder.start();
    house.provision();
    for number in 1..=4 {
        let letter = format!("From: ada@client.test\nSubject: number {number}\n\nHello.\n");
        let both = ["alice@house.test", "bob@house.test"];
        house.smtp().send("ada@client.test", &both, &letter).expect(250);
    }
    let mut imap = house.imap("alice@house.test");
    let before = imap.select("INBOX");
    for command in [
        "STORE 1:2 +FLAGS (\\Seen red)",
        "COPY 1 Sent",
        "MOVE 2 Trash",
        "STORE 2 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
        "FETCH 1:* (PREVIEW EMAILID THREADID SAVEDATE)",
        "FETCH 1:* (PREVIEW (LAZY) EMAILID THREADID SAVEDATE)",
        "CREATE work/letters",
        "RENAME work old",
        "UNSUBSCRIBE Junk",
        "COPY 1:* old/letters",
        "SETMETADATA Sent (/private/comment \"mine\" /shared/comment \"ours\")",
        "SETMETADATA Sent (/private/comment \"mine alone\")",
    ] {
        imap.ok(command);
    }
    notes_and_rights(&house, &mut imap);
    imap.append("INBOX", b"Subject: appended\r\n\r\nx\r\n");
    assert_eq!(imap.uids(), [1, 4, 5]);
    house.kill();
    house.start_again();
    let mut imap = house.imap("alice@house.test");
    assert_eq!(imap.select("INBOX").1, before.1, "UIDVALIDITY");
    assert_eq!(imap.uids(), [1, 4, 5]);
    assert_eq!(imap.ok("SEARCH KEYWORD red").len(), 1);
    imap.ok("ENABLE QRESYNC");
    let came_back = imap.ok(&format!("SELECT INBOX (QRESYNC ({} 1))", before.1));
    assert!(came_back.iter().any(|it| it.text == "* VANISHED (EARLIER) 2:3"), "{came_back:?}");
    for (mailbox, uids) in [("Sent", &[1][..]), ("Trash", &[1]), ("old/letters", &[1, 2])] {
        assert_eq!(uids_of(&mut imap, mailbox), uids, "{mailbox}");
    }
    over_the_api(&house);
    imap.ok("DELETE Trash");
    assert!(house.command(&["reindex"]).status.success());
    assert_eq!(uids_of(&mut house.imap("bob@house.test"), "INBOX"), [1, 2, 3, 4]);
}

/// Annotations, what NOTIFY looks at, and mailboxes of others.
/// What only the API asks of the database.
fn over_the_api(house: &House) {
    let alice = Rest::login(house.address("http"), "alice@house.test", PASSWORD);
    let list = "/users/alice@house.test/mailboxes";
    let mailboxes = alice.get(list).ok();
    let trash = mailboxes["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|it| it["name"] == "Trash");
    let trash = format!("{list}/{}", trash.expect("Trash")["id"].as_str().expect("an id"));
    alice.delete(&trash).problem(409);
    assert!(alice.patch(&trash, json!({"special_use": null})).ok().get("special_use").is_none());
    assert_eq!(alice.patch(&trash, json!({"special_use": "trash"})).ok()["special_use"], "trash");
}

fn notes_and_rights(house: &House, imap: &mut Imap) {
    let noted = imap.ok("GETMETADATA (DEPTH 1 MAXSIZE 100) Sent (/private/comment /shared/comment)");
    let wanted = "* METADATA Sent (/private/comment \"mine alone\" /shared/comment \"ours\")";
    assert!(noted.iter().any(|it| it.text == wanted), "{noted:?}");
    let now = house
        .imap("alice@house.test")
        .ok("NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName MailboxMetadataChange))");
    assert!(
        now.iter().any(|it| it.text.starts_with("* STATUS INBOX (MESSAGES 2 UIDNEXT 5 ")),
        "{now:?}"
    );
    imap.ok("SETACL Sent bob@house.test lr");
    imap.ok("SETACL Sent anyone l");
    imap.ok("CREATE Sent/2026");
    let shared = house.imap("bob@house.test").ok("LIST \"\" \"Other*\" RETURN (MYRIGHTS)");
    let wanted = "* MYRIGHTS \"Other Users/alice@house.test/Sent/2026\" lr";
    assert!(shared.iter().any(|it| it.text == wanted), "{shared:?}");
}

pub async fn the_queue_keeps_what_it_is_given(fresh: Fresh) {
    in_a_thread(fresh, queue).await;
}

fn queue(builder: Builder) {
    let asked = |seen: &Seen| seen.lines.iter().filter(|line| line.starts_with("RCPT TO:<friend@")).count();
    let mx = Mx::scripted(move |line, seen| match line {
        line if line.starts_with("RCPT TO:<nobody@") => Answer::Say("550 5.1.1 no such user"),
        line if line.starts_with("RCPT") && asked(seen) < 3 => Answer::Say("450 4.7.1 come again"),
        _ => Answer::Usual,
    });
    let dns = Dns::start();
    dns.mx("remote.test", 10, "mx.remote.test").host("mx.remote.test", "127.0.0.1");
    let house = builder
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .start();
    house.provision();
    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    let to = ["friend@remote.test", "nobody@remote.test", "bob@house.test"];
    house
        .submission("alice@house.test")
        .send("alice@house.test", &to, letter)
        .expect(250);
    assert_eq!(house.inbox("bob@house.test").len(), 1);
    assert!(mx.wait_for(1)[0].to[0].starts_with("<friend@remote.test>"));
    let report = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(
        report.contains("nobody@remote.test") && report.contains("Action: failed"),
        "{report}"
    );
    until("an empty queue", || (house.queued() == 0).then_some(()));
    assert!(house.command(&["queue", "list", "--json"]).stdout.is_empty());
    let story = until("the story", || {
        let told = house.command_with_input(&["trace", "FRIEND@remote.test"], "");
        told.out.contains("delivered: friend@remote.test").then_some(told.out)
    });
    for part in [
        "received by ESMTPSA",
        "queued for 2 recipients",
        "put off: friend@remote.test",
        "failed: nobody@remote.test",
    ] {
        assert!(story.contains(part), "{part} in {story}");
    }
}

pub async fn policies_of_others_outlive_a_kill(fresh: Fresh) {
    in_a_thread(fresh, policies).await;
}

/// RFC 8461 §5.1: a policy holds until its time is over, even if it is there no more, whoever fetched it.
fn policies(builder: Builder) {
    let (authority, dns) = (Authority::new(), Dns::start());
    let mx = Mx::certified(authority.server("mx.remote.test"), |_, _| Answer::Usual);
    let policy = "version: STSv1\nmode: enforce\nmx: mx.remote.test\nmax_age: 86400\n";
    let web = Web::start(&authority, "mta-sts.remote.test", page("200 OK", policy));
    dns.mx("remote.test", 10, "mx.remote.test")
        .host("mx.remote.test", "127.0.0.1")
        .host("mx.elsewhere.test", "127.0.0.1")
        .host("mta-sts.remote.test", "127.0.0.1")
        .txt("_mta-sts.remote.test", "v=STSv1; id=1;");
    let mut house = builder
        .set("dns.servers", vec![dns.address()])
        .set("outbound.smtp_port", i64::from(mx.port()))
        .set("outbound.mta_sts_port", i64::from(web.port))
        .set("outbound.certificate_authorities", authority.file())
        .set("queue.retry_first_seconds", 1)
        .set("queue.retry_max_seconds", 1)
        .set("queue.expire_seconds", 2)
        .start();
    house.provision();
    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    let submit = |house: &House| {
        let to = ["friend@remote.test"];
        house
            .submission("alice@house.test")
            .send("alice@house.test", &to, letter)
            .expect(250);
    };
    submit(&house);
    mx.wait_for(1);
    house.kill();
    dns.forget("_mta-sts.remote.test")
        .forget("remote.test")
        .mx("remote.test", 10, "mx.elsewhere.test");
    house.start_again();
    submit(&house);
    let report = maildir::text(&house.wait_for_inbox("alice@house.test", 1)[0]);
    assert!(report.contains("MTA-STS policy does not name this host"), "{report}");
    assert_eq!((web.asked(), mx.seen().letters.len()), (1, 1));
}
