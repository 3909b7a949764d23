//! Searching with the index of words: it finds the same as reading, and outlives the server.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::house::{Builder, House};
use crate::support::imap::Imap;
use crate::support::wait::until;

fn furnished(messages: u32) -> House {
    let house = Builder::default().set("mail.index_from_messages", 1).start();
    house.provision();
    let mut imap = house.imap("alice@house.test");
    for number in 1..=messages {
        assert!(imap.append("INBOX", &message(number)).starts_with("OK"));
    }
    house
}

fn message(number: u32) -> Vec<u8> {
    let kind = ["apples", "pears", "plums"][number as usize % 3];
    format!("Subject: number {number}\r\n\r\nThere are {kind} of sort{number} in the red basket.\r\n").into_bytes()
}

fn search(imap: &mut Imap, keys: &str) -> Vec<u32> {
    let untagged = imap.ok(&format!("UID SEARCH {keys}"));
    let found = untagged.iter().find_map(|it| it.text.strip_prefix("* SEARCH"));
    let found = found.expect("a SEARCH response").split_whitespace();
    found.map(|uid| uid.parse().expect("a UID")).collect()
}

/// The files of the indexes.
fn index_files(house: &House) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in fs::read_dir(house.data().join("search")).into_iter().flatten().flatten() {
        files.extend(fs::read_dir(folder.path()).into_iter().flatten().flatten().map(|file| file.path()));
    }
    files
}

/// Until the index knows so many messages.
fn wait_for_index(house: &House, messages: u64) {
    until("the index", || {
        let files = index_files(house).into_iter().filter(|file| file.ends_with("meta.json"));
        let metas = files.filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file).ok()?).ok());
        let known = |meta: Value| -> u64 {
            meta["segments"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| it["max_doc"].as_u64())
                .sum()
        };
        (metas.map(known).sum::<u64>() >= messages).then_some(())
    });
}

fn check_all(imap: &mut Imap, messages: u32) {
    let with = |test: fn(u32) -> bool| -> Vec<u32> { (1..=messages).filter(|number| test(*number)).collect() };
    assert_eq!(search(imap, "BODY apples"), with(|number| number % 3 == 0));
    assert_eq!(search(imap, "TEXT APPLE"), with(|number| number % 3 == 0));
    assert_eq!(search(imap, "BODY sort7"), with(|number| number.to_string().starts_with('7')));
    assert_eq!(search(imap, "BODY \"sort7 in\""), [7]);
    assert!(search(imap, "BODY number").is_empty());
    assert_eq!(
        search(imap, "TEXT \"number 1\""),
        with(|number| number.to_string().starts_with('1'))
    );
    assert_eq!(search(imap, "NOT BODY pears NOT BODY plums"), with(|number| number % 3 == 0));
    assert_eq!(search(imap, "TEXT basket."), with(|_| true));
}

#[test]
fn the_index_finds_what_reading_finds() {
    let mut house = furnished(90);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    check_all(&mut imap, 90);
    wait_for_index(&house, 90);
    check_all(&mut imap, 90);

    // What came after the index was made is read.
    imap.append("INBOX", b"Subject: late\r\n\r\nLate apples.\r\n");
    imap.ok("NOOP");
    assert_eq!(search(&mut imap, "BODY late"), [91]);
    imap.ok("UID STORE 91 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");

    house.kill();
    house.start_again();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    check_all(&mut imap, 90);
}

/// One word is answered from the index alone: without the messages' texts it is still found.
#[test]
fn one_word_needs_no_reading() {
    let house = furnished(90);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    wait_for_index(&house, 90);
    let folder = house.data().join("mail/house.test/alice");
    for part in ["new", "cur"] {
        for file in fs::read_dir(folder.join(part)).expect("a folder").flatten() {
            let text = fs::read_to_string(file.path()).expect("a message");
            fs::write(file.path(), text.replace("plums", "-----")).expect("a file that can be written");
        }
    }
    assert_eq!(search(&mut imap, "BODY plums").len(), 30);
    assert_eq!(search(&mut imap, "BODY \"plums of\"").len(), 0);
}

#[test]
fn an_index_goes_with_its_mailbox() {
    let house = furnished(0);
    let mut imap = house.imap("alice@house.test");
    imap.ok("CREATE Old");
    for number in 1..=70 {
        assert!(imap.append("Old", &message(number)).starts_with("OK"));
    }
    imap.select("Old");
    wait_for_index(&house, 70);
    imap.ok("UNSELECT");
    imap.ok("DELETE Old");
    until("the end of the index", || index_files(&house).is_empty().then_some(()));
}

#[test]
fn without_the_index_nothing_is_kept() {
    let house = Builder::default()
        .set("mail.index_from_messages", 1)
        .set("mail.full_text_index", false)
        .start();
    house.provision();
    let mut imap = house.imap("alice@house.test");
    for number in 1..=70 {
        assert!(imap.append("INBOX", &message(number)).starts_with("OK"));
    }
    imap.select("INBOX");
    check_all(&mut imap, 70);
    assert!(!house.data().join("search").exists());
}
