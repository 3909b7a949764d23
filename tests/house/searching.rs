//! Searching with the index of words: it finds the same as reading, and outlives the server.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::house::{Builder, House};
use crate::support::imap::Imap;
use crate::support::wait::until;

fn furnished(messages: u32) -> House {
    furnished_and_indexed_from(1, messages)
}

fn furnished_and_indexed_from(from: u32, messages: u32) -> House {
    let house = Builder::default().set("mail.index_from_messages", from).start();
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

/// A segment that is cut or written over is as good as none: searches go on, and the index is made anew by itself.
#[test]
fn a_damaged_index_is_made_anew() {
    let mut house = furnished(90);
    house.imap("alice@house.test").select("INBOX");
    wait_for_index(&house, 90);
    house.kill();
    let is_of_segment = |file: &&PathBuf| file.extension().is_some_and(|kind| kind != "json" && kind != "lock");
    for file in index_files(&house).iter().filter(is_of_segment) {
        let octets = fs::read(file).expect("a file of the index");
        fs::write(file, &octets[..octets.len() / 2]).expect("half of it");
    }
    house.start_again();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    check_all(&mut imap, 90);
    until("a new index", || house.log().contains("damaged and is made anew").then_some(()));
    wait_for_index(&house, 90);
    check_all(&mut imap, 90);
}

/// A message that cannot be read (here, because a directory has its name) is in nobody's way.
#[test]
fn one_unreadable_message_does_not_stop_the_others() {
    // Nothing is in the index before the last message comes.
    let house = furnished_and_indexed_from(90, 89);
    let folder = house.data().join("mail/house.test/alice/new");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).expect("a folder").flatten().map(|file| file.path()).collect();
    files.sort();
    let unreadable = files
        .iter()
        .find(|file| fs::read_to_string(file).expect("a message").contains("number 3\r"));
    let unreadable = unreadable.expect("the third message");
    fs::remove_file(unreadable).expect("one less");
    fs::create_dir(unreadable).expect("a directory in its place");
    let mut imap = house.imap("alice@house.test");
    assert!(imap.append("INBOX", &message(90)).starts_with("OK"));
    imap.select("INBOX");
    let apples: Vec<u32> = (4..=90).filter(|number| number % 3 == 0).collect();
    assert_eq!(search(&mut imap, "BODY apples"), apples);
    wait_for_index(&house, 90);
    assert_eq!(search(&mut imap, "BODY apples"), apples);
    assert_eq!(search(&mut imap, "SUBJECT number").len(), 89);
    for items in ["ENVELOPE", "BODY.PEEK[]"] {
        let answer = imap.command(&format!("FETCH 1:* {items}"));
        assert!(answer.status.starts_with("NO [UNAVAILABLE]"), "{answer:?}");
        assert_eq!(answer.untagged.iter().filter(|it| it.text.contains("FETCH")).count(), 89);
    }
}

/// The database is put back to an older one, and other messages get the UIDs of some that the index knows.
#[test]
fn an_index_does_not_speak_of_other_messages() {
    let mut house = furnished(70);
    assert!(house.terminate().success());
    let database = house.data().join("posthouse.db");
    let backup = house.data().join("backup");
    fs::copy(&database, &backup).expect("a backup");
    house.start_again();
    let mut imap = house.imap("alice@house.test");
    for number in 71..=140 {
        assert!(imap.append("INBOX", &message(number)).starts_with("OK"));
    }
    imap.select("INBOX");
    wait_for_index(&house, 140);
    assert!(house.terminate().success());
    fs::rename(&backup, &database).expect("the backup in its place");
    for file in house.inbox("alice@house.test") {
        let text = fs::read_to_string(&file).expect("a message");
        let number = text.split("sort").nth(1).and_then(|rest| rest.split(' ').next());
        if number
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| number > 70)
        {
            fs::remove_file(&file).expect("one less");
        }
    }
    house.start_again();
    let mut imap = house.imap("alice@house.test");
    for number in 71..=140 {
        assert!(imap.append("INBOX", &message(number + 100)).starts_with("OK"));
    }
    imap.select("INBOX");
    assert_eq!(imap.uids().len(), 140);
    for _ in 0..2 {
        assert!(search(&mut imap, "BODY sort111").is_empty());
        assert_eq!(search(&mut imap, "BODY sort211").len(), 1);
        wait_for_index(&house, 140);
    }
}

/// What lists are made of is cut where it is too long to be kept, but not what a client fetches or searches.
#[test]
fn header_fields_of_any_length() {
    let house = furnished(0);
    let mut imap = house.imap("alice@house.test");
    let addresses: String = (0..20_000).map(|n| format!("u{n}@client.test,\r\n ")).collect();
    for (subject, to) in [("b", addresses.as_str()), ("c", ""), ("a", "")] {
        let message = format!("To: {to}last@client.test\r\nSubject: {subject}\r\nX-Long: {to}end\r\nFrom: ada@client.test\r\n\r\nx\r\n");
        assert!(imap.append("INBOX", message.as_bytes()).starts_with("OK"));
    }
    imap.select("INBOX");
    for _ in 0..2 {
        let sorted = imap.ok("SORT (SUBJECT) UTF-8 ALL");
        assert!(sorted.iter().any(|it| it.text == "* SORT 3 1 2"), "{sorted:?}");
        assert_eq!(search(&mut imap, "TO u19999@client.test"), [1]);
        assert_eq!(search(&mut imap, "TO last@client.test"), [1, 2, 3]);
        assert_eq!(search(&mut imap, "FROM ada NOT TO u7@client.test"), [2, 3]);
        assert_eq!(search(&mut imap, "TEXT \"u19999@client.test,\""), [1]);
        let fetched = imap.ok("FETCH 1:* BODY.PEEK[HEADER.FIELDS (TO SUBJECT)]");
        let lengths: Vec<usize> = fetched.iter().flat_map(|it| it.literals.iter().map(Vec::len)).collect();
        assert_eq!(lengths.len(), 3);
        assert_eq!(lengths[0], lengths[1] + addresses.len());
    }
}
