//! Accounts and mail come here from other servers: from the files of a real Dovecot, from its IMAP, and from the tables of a real MariaDB.

mod accounts;
mod over_imap;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::dovecot::{self, Dovecot, Habits, USUAL};
use crate::support::house::{House, PASSWORD};
use crate::support::imap::Imap;
use crate::support::maildir;
use crate::support::pop3::Pop3;
use crate::support::program::run;
use crate::support::wait::until;

/// All of a mailbox that a client keeps: UIDVALIDITY, and what FETCH says of each message with its text.
type Kept = (u32, Vec<String>);

/// What a client would keep of a mailbox. \Recent is of the session and not of the message.
fn kept(imap: &mut Imap, mailbox: &str) -> Kept {
    let (_, uidvalidity) = imap.select(&format!("\"{mailbox}\""));
    let mut all = Vec::new();
    for uid in imap.uids() {
        let untagged = imap.ok(&format!("UID FETCH {uid} (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"));
        let fetched = untagged.iter().find(|it| it.text.contains("FETCH")).expect("a FETCH response");
        let flags = fetched
            .text
            .split_once("FLAGS (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .expect("flags")
            .0;
        let mut flags: Vec<&str> = flags.split(' ').filter(|flag| !["", "\\Recent"].contains(flag)).collect();
        flags.sort_unstable();
        let date = fetched.text.split('"').nth(1).expect("a date").trim_start_matches([' ', '0']);
        let size = fetched.text.split_once("RFC822.SIZE ").expect("a size").1;
        let size: String = size.chars().take_while(char::is_ascii_digit).collect();
        all.push(format!("{uid} {flags:?} {date} {size} {}", fetched.literals[0].escape_ascii()));
    }
    (uidvalidity, all)
}

/// Fills an account as people do over the years: folders of odd names, messages that came and went, flags and keywords.
fn live(dovecot: &Dovecot, user: &str) {
    let mut imap = dovecot.login(user);
    let folders = folders(dovecot);
    for folder in &folders[1..] {
        imap.ok(&format!("CREATE \"{folder}\""));
        imap.ok(&format!("SUBSCRIBE \"{folder}\""));
    }
    for folder in &folders {
        for number in 0..7 {
            let text = format!(
                "Subject: {number} in a folder\r\nX: {}\r\n\r\nHello {number}.\r\n",
                "x".repeat(number * 10)
            );
            let at = format!("\"{:02}-Feb-2019 21:52:25 +0100\"", number + 1);
            imap.append(&format!("\"{folder}\" {at}"), text.as_bytes());
        }
        imap.select(&format!("\"{folder}\""));
        imap.ok("UID STORE 1,4 +FLAGS.SILENT (\\Deleted)");
        imap.ok("EXPUNGE");
        imap.ok("UID STORE 2 FLAGS.SILENT (\\Seen $Label1 NonJunk)");
        imap.ok("UID STORE 3 FLAGS.SILENT (\\Answered \\Flagged $Forwarded)");
        imap.ok("UID STORE 5 FLAGS.SILENT (\\Draft \\Deleted NonJunk $MDNSent)");
    }
    imap.ok("LOGOUT");
}

/// As IMAP spells them there; the INBOX is the first.
fn folders(dovecot: &Dovecot) -> Vec<String> {
    let mut all = vec!["INBOX".to_owned()];
    all.extend([&["Sent"][..], &["Arch", "2024"], &["Br&APw-cke"], &["R&-D"]].map(|levels| dovecot.name(levels)));
    all
}

/// The same here.
const FOLDERS: [&str; 5] = ["INBOX", "Sent", "Arch/2024", "Br&APw-cke", "R&-D"];

fn import(house: &House, arguments: &[&str]) -> Vec<Value> {
    let ran = house.command_with_input(&[&["import"], arguments, &["--json"]].concat(), "");
    ran.ok().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A number of all folders together.
fn sum(reports: &[Value], field: &str) -> u64 {
    reports.iter().filter_map(|report| report[field].as_u64()).sum()
}

/// What Dovecot tells of all folders, and then what we do, is the same.
fn compare(house: &House, theirs: &[Kept], user: &str) {
    let mut imap = house.imap(user);
    for (folder, theirs) in FOLDERS.iter().zip(theirs) {
        assert_eq!(kept(&mut imap, folder), *theirs, "{folder}");
    }
}

fn all_kept(dovecot: &Dovecot, user: &str) -> Vec<Kept> {
    let mut imap = dovecot.login(user);
    folders(dovecot).iter().map(|folder| kept(&mut imap, folder)).collect()
}

fn a_maildir_is_brought(habits: Habits) {
    let mut dovecot = Dovecot::start(habits);
    live(&dovecot, "alice@house.test");
    let theirs = all_kept(&dovecot, "alice@house.test");
    let house = House::furnished();
    let source = dovecot.maildir("alice@house.test").display().to_string();
    let arguments = ["maildir", source.as_str(), "--to", "alice@house.test"];
    let looked = import(&house, &[&arguments[..], &["--dry-run"]].concat());
    assert_eq!((sum(&looked, "messages"), sum(&looked, "added")), (25, 0), "{looked:?}");
    let reports = import(&house, &arguments);
    let counts = ["added", "failed", "renumbered"].map(|field| sum(&reports, field));
    assert_eq!(counts, [25, 0, 0], "{reports:?}");
    compare(&house, &theirs, "alice@house.test");
    // RFC 1939 §7: and POP3 clients find the unique ids that Dovecot gave.
    let mut unique = Pop3::login(house.address("pop3s"), "alice@house.test", PASSWORD).lines("UIDL");
    assert_eq!(unique.remove(0), format!("1 00000002{:08x}", theirs[0].0));
    let subscribed: Vec<String> = house
        .imap("alice@house.test")
        .ok("LSUB \"\" *")
        .into_iter()
        .map(|it| it.text)
        .collect();
    for folder in &FOLDERS[1..] {
        let is_listed = |line: &String| line.trim_end_matches('"').ends_with(folder);
        assert!(subscribed.iter().any(is_listed), "{folder} in {subscribed:?}");
    }
    what_is_new_follows(&house, &dovecot, &arguments);

    // And a third time, after mail was delivered here: what there is there gets a new UID, above.
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test"], "Subject: new\n\nHere.\n")
        .expect(250);
    dovecot
        .login("alice@house.test")
        .append("INBOX", b"Subject: later\r\n\r\nToo late.\r\n");
    dovecot.stop();
    let reports = import(&house, &arguments);
    assert_eq!((sum(&reports, "added"), sum(&reports, "renumbered")), (1, 1), "{reports:?}");
    let mut here = house.imap("alice@house.test");
    here.select("INBOX");
    assert_eq!(here.uids(), [2, 3, 5, 7, 8, 9, 10]);
    assert!(here.body(10).ends_with(b"Too late.\r\n"));
}

/// Once more: nothing comes twice, new mail there keeps its UID, flags follow those there, and what was changed here stays.
fn what_is_new_follows(house: &House, dovecot: &Dovecot, arguments: &[&str]) {
    let mut there = dovecot.login("alice@house.test");
    there.append("INBOX", b"Subject: late\r\n\r\nOne more.\r\n");
    there.select("INBOX");
    there.ok("UID STORE 3 FLAGS.SILENT (\\Seen)");
    there.ok("UID STORE 2 FLAGS.SILENT (\\Draft)");
    let mut here = house.imap("alice@house.test");
    here.select("INBOX");
    here.ok("UID STORE 2 FLAGS.SILENT (\\Flagged)");
    here.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted)");
    here.ok("UID EXPUNGE 6");
    let reports = import(house, arguments);
    let counts = ["added", "known", "updated", "removed", "failed", "renumbered"].map(|field| sum(&reports, field));
    assert_eq!(counts, [1, 24, 1, 1, 0, 0], "{reports:?}");
    let (_, mails) = kept(&mut here, "INBOX");
    let begins: Vec<&str> = mails
        .iter()
        .map(|mail| mail.split_inclusive(']').next().expect("a begin"))
        .collect();
    assert_eq!(
        begins,
        [
            r#"2 ["\\Flagged"]"#,
            r#"3 ["\\Seen"]"#,
            r#"5 ["$MDNSent", "NonJunk", "\\Deleted", "\\Draft"]"#,
            "7 []",
            "8 []"
        ]
    );
}

#[test]
fn a_maildir_keeps_uids_flags_and_keywords() {
    a_maildir_is_brought(USUAL);
}

#[test]
fn a_maildir_with_a_prefix_is_brought() {
    a_maildir_is_brought(Habits {
        prefix: "INBOX.",
        separator: '.',
        ..USUAL
    });
}

#[test]
fn a_maildir_of_nested_folders_is_brought() {
    a_maildir_is_brought(Habits {
        layout: ":LAYOUT=fs",
        ..USUAL
    });
}

#[test]
fn messages_are_linked_copied_or_moved() {
    let house = House::furnished();
    let make = |name: &str| {
        let root = house.path(name);
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(sub)).expect("a folder");
        }
        fs::write(root.join("cur/1500000000.a.b:2,S"), "Subject: seen\r\n\r\nText.\r\n").expect("a file");
        maildir::drop_into(&root, "1500000001.a.b", "Subject: new\r\n\r\nText.\r\n");
        root
    };
    let inode = |path: &Path| fs::metadata(path).expect("a file").ino();
    let bring = |root: &Path, how: &[&str], to: &str| {
        let reports = import(&house, &[&["maildir", &root.display().to_string(), "--to", to], how].concat());
        assert_eq!((sum(&reports, "added"), sum(&reports, "failed")), (2, 0), "{reports:?}");
        house.inbox(to)
    };
    let root = make("linked");
    let files = bring(&root, &[], "alice@house.test");
    assert_eq!(
        files.iter().map(|file| inode(file)).collect::<Vec<_>>(),
        maildir::messages(&root).iter().map(|file| inode(file)).collect::<Vec<_>>()
    );
    let root = make("moved");
    let theirs: Vec<u64> = maildir::messages(&root).iter().map(|file| inode(file)).collect();
    let files = bring(&root, &["--move"], "bob@house.test");
    assert_eq!(files.iter().map(|file| inode(file)).collect::<Vec<_>>(), theirs);
    assert!(maildir::messages(&root).is_empty());
    house.user("carol@house.test");
    let root = make("copied");
    let files = bring(&root, &["--copy"], "carol@house.test");
    assert!(
        files
            .iter()
            .zip(maildir::messages(&root))
            .all(|(ours, theirs)| inode(ours) != inode(&theirs))
    );
    // Without a list of UIDs they get new ones; the one that nobody saw is recent.
    let mut imap = house.imap("carol@house.test");
    imap.select("INBOX");
    assert_eq!(imap.uids(), [1, 2]);
}

#[test]
fn a_message_that_cannot_be_read_comes_the_next_time() {
    let house = House::furnished();
    let root = house.path("broken");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(sub)).expect("a folder");
    }
    let text = "Subject: x\r\n\r\nText.\r\n";
    fs::write(root.join("dovecot-uidlist"), "3 V1275660208 N10\n4 :1.a.b\n5 :2.a.b\n6 :3.a.b\n").expect("a file");
    fs::write(root.join("cur/1.a.b:2,"), text).expect("a file");
    fs::create_dir(root.join("cur/2.a.b:2,S")).expect("a folder in the place of a message");
    fs::write(root.join("cur/3.a.b:2,"), text).expect("a file");
    let source = root.display().to_string();
    let arguments = ["import", "maildir", source.as_str(), "--to", "alice@house.test", "--json"];
    let ran = house.command_with_input(&arguments, "");
    assert_eq!(ran.status, Some(1), "{}", ran.all);
    assert!(ran.all.contains("2.a.b") && ran.all.contains("no plain file"), "{}", ran.all);
    let mut imap = house.imap("alice@house.test");
    assert_eq!(imap.select("INBOX"), (2, 1_275_660_208));
    assert_eq!(imap.uids(), [4, 6]);

    fs::remove_dir(root.join("cur/2.a.b:2,S")).expect("the folder goes");
    fs::write(root.join("cur/2.a.b:2,S"), text).expect("a file");
    house.command_with_input(&arguments, "").ok();
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    assert_eq!(imap.uids(), [4, 5, 6]);
}

/// The server runs as another user than root, and must be able to read what root brings.
#[test]
fn what_root_brings_belongs_to_the_house() {
    const NOBODY: u32 = 65_534;
    let mut house = House::furnished();
    if fs::metadata(house.data()).expect("data").uid() != 0 {
        return;
    }
    house.terminate();
    run("chown", &["-R", &NOBODY.to_string(), &house.data().to_string_lossy()]).ok();
    let root = house.path("old");
    for sub in ["cur", ".New folder/cur"] {
        fs::create_dir_all(root.join(sub)).expect("a folder");
    }
    fs::write(root.join("cur/1.a.b:2,S"), "Subject: x\r\n\r\nText.\r\n").expect("a file");
    fs::write(root.join(".New folder/cur/2.a.b:2,S"), "Subject: x\n\nText.\n").expect("a file");
    import(&house, &["maildir", &root.display().to_string(), "--to", "alice@house.test"]);
    let file = house.path("some.mbox").display().to_string();
    fs::write(&file, "From a@b Thu Jan  1 00:00:00 1970\nSubject: x\n\nText.\n").expect("a file");
    import(&house, &["mbox", &file, "--to", "alice@house.test"]);
    let others = run("find", &[&house.data().to_string_lossy(), "!", "-uid", &NOBODY.to_string()]).ok();
    assert_eq!(others, "");
    assert_eq!(
        fs::metadata(root.join("cur/1.a.b:2,S")).expect("a file").uid(),
        0,
        "nothing is changed there"
    );
}

/// Killed again and again, also between the files and the index, with a client that looks at the mailbox all the time.
#[test]
fn an_import_that_is_killed_is_gone_on_with() {
    const COUNT: u32 = 2_000;
    let house = House::furnished();
    let root = house.path("many");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(sub)).expect("a folder");
    }
    let mut list = format!("3 V1275660208 N{}\n", 3 * COUNT);
    for number in 1..=COUNT {
        // The order of the names is not that of the UIDs.
        let name = format!("{}.M{number}.host", 1_500_000_000 + (number * 7_919) % COUNT);
        list += &format!("{} :{name}\n", 2 * number);
        fs::write(
            root.join("cur").join(format!("{name}:2,S")),
            format!("Subject: {number}\r\n\r\nText.\r\n"),
        )
        .expect("a file");
    }
    fs::write(root.join("dovecot-uidlist"), list).expect("a file");
    let source = root.display().to_string();
    let mut imap = house.imap("alice@house.test");
    let mut before = 0;
    for _ in 0..3 {
        let mut child = house.start_command(&["import", "maildir", &source, "--to", "alice@house.test"]);
        until("more messages, or the end", || {
            let (count, _) = imap.select("INBOX");
            let ended = child.try_wait().expect("a status").is_some();
            (count > before || ended).then(|| before = count)
        });
        let _ = child.kill();
        let _ = child.wait();
    }
    let reports = import(&house, &["maildir", &source, "--to", "alice@house.test"]);
    assert_eq!(sum(&reports, "added") + sum(&reports, "known"), u64::from(COUNT), "{reports:?}");
    assert_eq!((sum(&reports, "failed"), sum(&reports, "renumbered")), (0, 0), "{reports:?}");
    assert_eq!(imap.select("INBOX"), (COUNT, 1_275_660_208));
    assert_eq!(imap.uids(), (1..=COUNT).map(|number| 2 * number).collect::<Vec<_>>());
    assert!(imap.body(2 * 77).starts_with(b"Subject: 77\r\n"));
    assert_eq!(house.inbox("alice@house.test").len(), COUNT as usize);
}

/// RFC 3501 §2.3.1.2: sequence numbers of messages that a client knows only fall.
#[test]
fn a_session_that_cannot_be_told_of_old_mail_is_ended() {
    let house = House::furnished();
    let root = house.path("old");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(sub)).expect("a folder");
    }
    let source = root.display().to_string();
    fs::write(root.join("dovecot-uidlist"), "3 V1275660208 N10\n").expect("a file");
    import(&house, &["maildir", &source, "--to", "alice@house.test"]);
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test"], "Subject: new\n\nHere.\n")
        .expect(250);
    let mut imap = house.imap("alice@house.test");
    assert_eq!(imap.select("INBOX"), (1, 1_275_660_208));
    assert_eq!(imap.uids(), [10]);
    fs::write(root.join("dovecot-uidlist"), "3 V1275660208 N10\n4 :1.a.b\n").expect("a file");
    fs::write(root.join("cur/1.a.b:2,"), "Subject: old\r\n\r\nText.\r\n").expect("a file");
    import(&house, &["maildir", &source, "--to", "alice@house.test"]);
    imap.line().say("a1 NOOP");
    let line = imap.line().line();
    assert!(line.starts_with("* BYE"), "{line}");
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    assert_eq!(imap.uids(), [4, 10]);
}

/// mbsync knows the account at Dovecot; after the move it finds all as it was.
#[test]
fn mbsync_downloads_nothing_again() {
    let mut dovecot = Dovecot::start(USUAL);
    live(&dovecot, "alice@house.test");
    let house = House::furnished();
    let local = house.path("local");
    fs::create_dir_all(&local).expect("a folder");
    let file = house.path("mbsyncrc");
    let sync = |port: u16, password: &str, tls: &str| {
        let settings = format!(
            "IMAPAccount house\nHost 127.0.0.1\nPort {port}\nUser alice@house.test\nPass {password}\n{tls}\n\n\
             IMAPStore far\nAccount house\n\n\
             MaildirStore near\nPath {local}/\nInbox {local}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns INBOX Sent Arch/2024 Br* R*\nCreate Both\nExpunge None\nSyncState *\n",
            local = local.display(),
        );
        fs::write(&file, settings).expect("a file");
        run("mbsync", &["-V", "-c", &file.to_string_lossy(), "-a"]).ok()
    };
    let files = || -> Vec<(std::path::PathBuf, u64)> {
        let mut all: Vec<_> = FOLDERS.iter().flat_map(|folder| maildir::messages(&local.join(folder))).collect();
        all.sort();
        all.into_iter()
            .map(|path| (path.clone(), fs::metadata(&path).expect("a file").ino()))
            .collect()
    };
    sync(dovecot.imap.port(), dovecot::PASSWORD, "SSLType None\nAuthMechs LOGIN");
    let before = files();
    assert_eq!(before.len(), 25);
    dovecot.stop();
    let source = dovecot.maildir("alice@house.test").display().to_string();
    import(&house, &["maildir", &source, "--to", "alice@house.test"]);
    let certificate = fs::read_dir(house.data().join("tls"))
        .expect("tls/")
        .flatten()
        .map(|entry| entry.path());
    let certificate = certificate
        .into_iter()
        .find(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("CERTIFICATE")));
    let tls = format!("SSLType IMAPS\nCertificateFile {}", certificate.expect("a certificate").display());
    let said = sync(house.address("imaps").port(), PASSWORD, &tls);
    assert_eq!(files(), before, "{said}");
}
