//! What is stored stays: over restarts, after `reindex`, and with other programs in the same folders.

use std::fs;

use crate::support::house::{House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::maildir;
use crate::support::pop3::Pop3;
use crate::support::wait::until;

const LETTER: &str = "From: ada@client.test\nSubject: kept\n\nHello.\n";

/// The UIDs, UIDVALIDITY and texts of alice's INBOX.
fn contents(house: &House) -> (u32, Vec<(u32, Vec<u8>)>) {
    let mut imap = house.imap("alice@house.test");
    let (_, validity) = imap.select("INBOX");
    let uids = imap.uids();
    (validity, uids.into_iter().map(|uid| (uid, imap.body(uid))).collect())
}

/// A house in which alice has UIDs 1, 3 and 4: number 2 is gone.
fn house_with_a_gap() -> House {
    let house = House::furnished();
    for _ in 0..4 {
        house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    }
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.ok("STORE 2 +FLAGS.SILENT (\\Deleted)");
    imap.ok("STORE 3 +FLAGS.SILENT (\\Flagged $Label)");
    imap.ok("EXPUNGE");
    house
}

#[test]
fn uids_hold_over_a_restart() {
    let mut house = house_with_a_gap();
    let before = contents(&house);
    assert_eq!(before.1.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), [1, 3, 4]);
    assert!(house.terminate().success());
    house.start_again();
    assert_eq!(contents(&house), before);
    house.kill();
    house.start_again();
    assert_eq!(contents(&house), before);
}

/// Who looks at a large mailbox after a restart does not wait until it was read: the server opens it again by itself.
#[test]
fn large_mailboxes_are_open_again_after_a_restart() {
    let mut house = House::furnished();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    let inbox = house.maildir("alice@house.test");
    for number in 0..1_000 {
        fs::write(inbox.join(format!("cur/17000{number:05}.M1P1.other:2,S")), LETTER).unwrap();
    }
    imap.select("INBOX");
    // This waits until all are in the index.
    imap.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)");
    let list = house.data().join("open-mailboxes.json");
    // The second time nobody but the server can have opened it.
    for starts in 1..=2 {
        assert!(house.terminate().success());
        assert!(fs::read_to_string(&list).unwrap().contains("alice@house.test"));
        house.start_again();
        until("it is open again", || {
            (house.log().matches("is open again").count() == starts).then_some(())
        });
        assert!(!list.exists());
    }
    assert_eq!(house.imap("alice@house.test").select("INBOX").0, 1_000);
}

#[test]
fn uids_hold_over_reindex() {
    let mut house = house_with_a_gap();
    let before = contents(&house);
    // RFC 1939 §7: the unique ids of POP3 stay too.
    let unique_ids = |house: &House| Pop3::login(house.address("pop3s"), "alice@house.test", PASSWORD).lines("UIDL");
    let unique_before = unique_ids(&house);
    assert!(house.terminate().success());
    let output = house.command(&["reindex"]);
    assert!(output.status.success(), "{output:?}");
    house.start_again();
    assert_eq!(contents(&house), before);
    assert_eq!(unique_ids(&house), unique_before);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    let flags = imap.ok("FETCH 2 FLAGS");
    assert!(flags[0].text.contains("\\Flagged") && flags[0].text.contains("$Label"), "{flags:?}");
}

#[test]
fn the_highest_uid_is_not_given_again_after_a_restart() {
    let mut house = house_with_a_gap();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    house.kill();
    house.start_again();
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    let uids: Vec<u32> = contents(&house).1.into_iter().map(|(uid, _)| uid).collect();
    assert_eq!(uids, [1, 3, 5]);
}

#[test]
fn a_file_that_is_dropped_into_new_appears() {
    let house = House::furnished();
    let maildir = house.maildir("alice@house.test");
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.line().say("i IDLE");
    while !imap.line().line().starts_with('+') {}
    maildir::drop_into(&maildir, "1700000000.M1P1.elsewhere", "Subject: dropped\n\nby another program\n");
    wait_for_exists(&mut imap, 1);
    imap.line().say("DONE");
    while !imap.line().line().starts_with("i OK") {}
    let body = imap.body(1);
    let text = String::from_utf8(body).expect("text").replace("\r\n", "\n");
    assert_eq!(text, "Subject: dropped\n\nby another program\n");
}

fn wait_for_exists(imap: &mut Imap, count: u32) {
    while imap.untagged().text != format!("* {count} EXISTS") {}
}

/// Another program removes a message, and changes the flags of another, as Maildir readers do.
#[test]
fn what_another_program_changes_is_noticed() {
    let house = house_with_a_gap();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    let before = contents(&house);
    let files = house.inbox("alice@house.test");
    let has = |mark: &str| {
        files
            .iter()
            .find(|file| maildir::flags(file).contains(mark))
            .expect("a flagged file")
            .clone()
    };
    let flagged = has("F");
    let renamed = flagged.parent().expect("a folder").join(replace_flags(&flagged, "RS"));
    fs::rename(&flagged, &renamed).expect("a new name");
    let plain = files.iter().find(|file| **file != flagged).expect("another file");
    fs::remove_file(plain).expect("one less");
    let answer = until("the changes", || {
        imap.ok("NOOP");
        let answer = imap.ok("UID FETCH 1:* FLAGS");
        (answer.iter().filter(|it| it.text.contains("FETCH")).count() == 2).then_some(answer)
    });
    let changed = answer.iter().find(|it| it.text.contains("UID 3")).expect("UID 3 is still there");
    assert!(
        changed.text.contains("\\Answered") && changed.text.contains("\\Seen"),
        "{changed:?}"
    );
    assert!(!changed.text.contains("\\Flagged"), "{changed:?}");
    assert_eq!(contents(&house).0, before.0, "UIDVALIDITY stays");
}

fn replace_flags(path: &std::path::Path, flags: &str) -> String {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    format!("{}:2,{flags}", name.split(":2,").next().expect("a begin"))
}

#[test]
fn flags_are_letters_on_disk() {
    let house = House::furnished();
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    for (flag, letters) in [
        ("\\Seen", "S"),
        ("\\Answered", "RS"),
        ("\\Flagged", "FRS"),
        ("\\Draft", "DFRS"),
        ("\\Deleted", "DFRST"),
    ] {
        imap.ok(&format!("STORE 1 +FLAGS ({flag})"));
        assert_eq!(maildir::flags(&house.inbox("alice@house.test")[0]), letters);
    }
}

/// Until the files beside the messages of alice's INBOX tell the UIDs of so many, and the names of so many keywords.
fn wait_for_lists(house: &House, messages: usize, keywords: usize) {
    let lines = |name| fs::read_to_string(house.maildir("alice@house.test").join(name)).map_or(0, |text| text.lines().count());
    until("the lists", || {
        (lines("posthouse-uidlist") > messages && lines("posthouse-keywords") >= keywords).then_some(())
    });
}

fn highest_modseq(house: &House) -> u64 {
    let told = house.imap("alice@house.test").ok("STATUS INBOX (HIGHESTMODSEQ)");
    let number = told.iter().find_map(|it| it.text.split_once("HIGHESTMODSEQ ")).expect("a modseq").1;
    number.trim_end_matches(')').parse().expect("a number")
}

/// Without the database there are still the messages, and beside them what UIDs they had.
#[test]
fn uids_outlive_the_database() {
    let mut house = house_with_a_gap();
    let (before, modseq) = (contents(&house), highest_modseq(&house));
    wait_for_lists(&house, 3, 1);
    assert!(house.terminate().success());
    for file in ["posthouse.db", "posthouse.db-wal", "posthouse.db-shm"] {
        let _ = fs::remove_file(house.data().join(file));
    }
    house.start_again();
    house.provision();
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    let mut after = contents(&house);
    let new = after.1.pop().expect("another message").0;
    assert_eq!(after, before);
    assert!(new > 4 && highest_modseq(&house) > modseq);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    let flags = imap.ok("UID FETCH 3 FLAGS");
    assert!(flags[0].text.contains("\\Flagged") && flags[0].text.contains("$Label"), "{flags:?}");
    // And once more, by `reindex`.
    imap.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    let before = contents(&house);
    wait_for_lists(&house, 3, 1);
    assert!(house.terminate().success());
    let output = house.command(&["reindex"]);
    assert!(output.status.success(), "{output:?}");
    house.start_again();
    assert_eq!(contents(&house), before);
}

/// A backup of the database is older than the messages: those that came since keep their UIDs, and these are not given again.
#[test]
fn uids_outlive_an_older_database() {
    let mut house = house_with_a_gap();
    assert!(house.terminate().success());
    let (database, backup) = (house.data().join("posthouse.db"), house.data().join("backup"));
    fs::copy(&database, &backup).expect("a backup");
    house.start_again();
    for _ in 0..3 {
        house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    }
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    let (before, modseq) = (contents(&house), highest_modseq(&house));
    assert_eq!(before.1.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), [1, 3, 4, 5, 7]);
    wait_for_lists(&house, 5, 1);
    assert!(house.terminate().success());
    fs::rename(&backup, &database).expect("the backup in its place");
    house.start_again();
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    let mut after = contents(&house);
    let new = after.1.pop().expect("another message").0;
    assert_eq!(after, before);
    assert!(new > 7 && highest_modseq(&house) > modseq);
}

/// Dovecot's lists are as good as ours.
#[test]
fn a_folder_that_dovecot_left_keeps_its_uids() {
    let house = House::furnished();
    let folder = house.maildir("alice@house.test").join(".Old");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(sub)).expect("a folder");
    }
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    write("cur/1500000000.M1P1.elsewhere:2,FSb", "Subject: nine\n\nx\n");
    write("cur/1500000001.M2P1.elsewhere:2,", "Subject: seven\n\nx\n");
    write("new/1400000000.M3P1.elsewhere", "Subject: unknown\n\nx\n");
    write(
        "dovecot-uidlist",
        "3 V1234567 N20 G3085f01b7f11094c501100008c4a11c1\n7 :1500000001.M2P1.elsewhere\n\
         8 :1500000001.M9P1.gone\n9 W5 :1500000000.M1P1.elsewhere:2,FS\n",
    );
    write("dovecot-keywords", "0 One\n1 Two\n");
    let mut imap = house.imap("alice@house.test");
    imap.ok("LIST \"\" Old");
    assert_eq!(imap.select("Old"), (3, 1_234_567));
    assert_eq!(imap.uids(), [7, 9, 20]);
    for (uid, subject) in [(7, "seven"), (9, "nine"), (20, "unknown")] {
        assert!(String::from_utf8_lossy(&imap.body(uid)).contains(subject), "{uid}");
    }
    let flags = imap.ok("UID FETCH 9 FLAGS");
    assert!(flags[0].text.contains("\\Flagged") && flags[0].text.contains("Two"), "{flags:?}");
}

/// A lost index is rebuilt: the database of messages is the server's, but the messages are the files.
#[test]
fn folders_of_another_program_are_found() {
    let house = House::furnished();
    let folder = house.maildir("alice@house.test").join(".Imported.2019");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(sub)).expect("a folder");
    }
    fs::write(folder.join("cur/1500000000.M1P1.elsewhere:2,FS"), "Subject: old\n\nold\n").expect("a file");
    let mut imap = house.imap("alice@house.test");
    let listed = imap.ok("LIST \"\" \"Imported*\"");
    assert!(listed.iter().any(|it| it.text.contains("Imported/2019")), "{listed:?}");
    assert_eq!(imap.select("Imported/2019").0, 1);
    let flags = imap.ok("FETCH 1 (FLAGS)");
    assert!(flags[0].text.contains("\\Flagged"), "{flags:?}");
}

/// A folder with many messages is selected before they are all taken in: what it says then is what they are.
#[test]
fn a_large_folder_of_another_program_is_opened_at_once() {
    let house = House::furnished();
    let mut imap = house.imap("alice@house.test");
    imap.ok("LIST \"\" *");
    let cur = house.maildir("alice@house.test").join("cur");
    for number in 1..=600 {
        let flags = if number == 500 { "" } else { "S" };
        fs::write(cur.join(format!("{number}.x.y:2,{flags}")), format!("Subject: {number}\n\n")).expect("a file");
    }
    let answer = imap.ok("SELECT INBOX");
    let said = |text: &str| assert!(answer.iter().any(|it| it.text.contains(text)), "{text}: {answer:?}");
    for text in ["* 600 EXISTS", "* 600 RECENT", "[UNSEEN 500]", "[UIDNEXT 601]"] {
        said(text);
    }
    for command in ["FETCH 1:* (UID FLAGS)", "UID FETCH 500:* FLAGS"] {
        let known = imap.ok(command);
        let seen = |text: &str| known.iter().filter(|it| it.text.contains(text)).count();
        assert_eq!(seen("FLAGS (\\Seen \\Recent)"), known.len() - 1, "{known:?}");
        assert_eq!(seen("* 500 FETCH (UID 500 FLAGS (\\Recent))"), 1, "{known:?}");
        assert_eq!(known.len(), if command.starts_with("UID") { 101 } else { 600 });
    }
    let fetched = imap.ok("FETCH 1:* (UID FLAGS RFC822.SIZE MODSEQ)");
    assert_eq!(fetched.len(), 600, "nothing else is told: {fetched:?}");
    for (response, number) in fetched.iter().zip(1..) {
        let size = format!("Subject: {number}\r\n\r\n").len();
        let flags = if number == 500 { "\\Recent" } else { "\\Seen \\Recent" };
        let text = format!("* {number} FETCH (UID {number} FLAGS ({flags}) RFC822.SIZE {size} MODSEQ (");
        assert!(response.text.starts_with(&text), "{text}: {response:?}");
    }
    assert_eq!(imap.ok("NOOP"), []);
}
