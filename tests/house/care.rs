//! Care of data: what is kept can be backed up and put back, looked through and mended, and taken elsewhere.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};
use tempfile::TempDir;

use crate::support::accepted::{Accepted, letter};
use crate::support::databases::Fresh;
use crate::support::house::{Builder, House};
use crate::support::maildir;
use crate::support::smtp::Smtp;
use crate::support::wait::until;

const ALICE: &str = "alice@house.test";
const BOB: &str = "bob@house.test";

/// What a command printed as JSON, a document a line; and its status.
fn told(house: &House, arguments: &[&str]) -> (i32, Vec<Value>) {
    let mut all = arguments.to_vec();
    all.push("--json");
    let ran = house.command_with_input(&all, "");
    let documents = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let documents = documents.collect();
    println!("{arguments:?}: {}", ran.all);
    (ran.status.expect("a status"), documents)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Something of everything.
fn furnish(house: &House) {
    house.provision();
    house.alias("info@house.test", &[ALICE]);
    for number in 1..=4 {
        let letter = format!("From: ada@client.test\nSubject: number {number}\n\nHello {number}.\nFrom here on.\n");
        house.smtp().send("ada@client.test", &[ALICE], &letter).expect(250);
    }
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    for command in [
        "STORE 1 +FLAGS (\\Seen \\Flagged red)",
        "CREATE work/letters",
        "COPY 2 work/letters",
        "STORE 3 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "SETMETADATA INBOX (/private/comment \"mine\")",
    ] {
        imap.ok(command);
    }
    let large = format!("From: {ALICE}\nSubject: out\n\n{}\n", "0123456789\n".repeat(6_000));
    for letter in ["From: alice@house.test\nSubject: out\n\nHello.\n", &large] {
        house.submission(ALICE).send(ALICE, &["friend@remote.test"], letter).expect(250);
    }
}

/// The same house again.
fn look_around(house: &House) {
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    let fetched = imap.ok("UID FETCH 1:* (FLAGS BODY.PEEK[TEXT])");
    let uids = imap.uids();
    assert_eq!(uids, [1, 2, 4], "{fetched:?}");
    assert!(
        fetched[0].text.contains("\\Flagged") && fetched[0].text.contains("red"),
        "{fetched:?}"
    );
    assert!(fetched[2].literals[0].starts_with(b"Hello 4."), "{fetched:?}");
    assert_eq!(imap.select("work/letters").0, 1);
    let noted = imap.ok("GETMETADATA INBOX /private/comment");
    assert!(noted[0].text.ends_with("(/private/comment \"mine\")"), "{noted:?}");
    house
        .smtp()
        .send("ada@client.test", &["info@house.test"], "Subject: new\n\nx\n")
        .expect(250);
    imap.select("INBOX");
    assert_eq!(imap.uids(), [1, 2, 4, 5]);
}

#[test]
fn sqlite_comes_back_as_postgres() {
    comes_back(async || Fresh::sqlite().await, async || Fresh::postgres().await);
}

#[test]
fn postgres_comes_back_as_mariadb() {
    comes_back(async || Fresh::postgres().await, async || Fresh::mariadb().await);
}

#[test]
fn mariadb_comes_back_as_sqlite() {
    comes_back(async || Fresh::mariadb().await, async || Fresh::sqlite().await);
}

fn comes_back(from: impl AsyncFn() -> Fresh, to: impl AsyncFn() -> Fresh) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (from, to) = runtime.block_on(async { (from().await, to().await) });
    let backups = TempDir::with_prefix("posthouse-backups-").expect("a temporary directory");
    let directory = text(backups.path());
    let house = Builder::default().set("database.url", from.settings.url.clone()).start();
    furnish(&house);
    let validity = house.imap(ALICE).select("INBOX").1;
    let (status, taken) = told(&house, &["backup", directory]);
    assert!(status == 0 && taken[0]["new_files"].as_u64() > Some(0), "{taken:?}");
    drop(house);

    let mut again = Builder::default().set("database.url", to.settings.url.clone()).build();
    let (status, restored) = told(&again, &["restore", directory]);
    assert_eq!((status, &restored[0]["held"]), (0, &Value::from(2)), "{restored:?}");
    again.start_again();
    assert_eq!(again.imap(ALICE).select("INBOX").1, validity);
    look_around(&again);
    let queue = again.admin().get("/queue").ok();
    let states: Vec<&Value> = queue["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|it| &it["recipients"][0]["state"])
        .collect();
    assert_eq!(states, ["held", "held"]);
    assert_eq!(told(&again, &["verify"]).0, 0);
    // What has something in it is not overwritten.
    assert_eq!(told(&again, &["restore", directory]).0, 2);
}

/// A snapshot that is taken while mail comes and flags change has all that was there when it began, and fits together.
#[test]
fn a_backup_of_a_busy_house_is_whole() {
    let backups = TempDir::with_prefix("posthouse-backups-").expect("a temporary directory");
    let directory = text(backups.path());
    let house = Builder::default().start();
    house.provision();
    let (accepted, mut random) = (Accepted::default(), StdRng::seed_from_u64(5));
    let mut send = |smtp: &mut Smtp, count: std::ops::Range<usize>| {
        for number in count {
            let name = format!("first-{number}");
            smtp.send("ada@client.test", &[BOB], &letter(&name, 1_000, &mut random)).expect(250);
            accepted.add(name, vec![BOB]);
        }
    };
    send(&mut house.smtp(), 0..150);
    let enough = Arc::new(AtomicBool::new(false));
    let busy = {
        let (enough, mut smtp, mut imap) = (Arc::clone(&enough), house.smtp(), house.imap(BOB));
        thread::spawn(move || {
            let mut random = StdRng::seed_from_u64(6);
            imap.select("INBOX");
            for number in 0.. {
                if enough.load(Ordering::Relaxed) {
                    return;
                }
                let name = format!("later-{number}");
                smtp.send("ada@client.test", &[BOB], &letter(&name, 500, &mut random)).expect(250);
                let sign = if number % 2 == 0 { '+' } else { '-' };
                imap.ok(&format!("STORE 1:* {sign}FLAGS.SILENT (\\Seen \\Flagged)"));
            }
        })
    };
    let (status, _) = told(&house, &["backup", directory]);
    assert_eq!(status, 0);
    send(&mut house.smtp(), 150..160);
    let (status, second) = told(&house, &["backup", directory, "--keep", "1"]);
    assert_eq!((status, &second[0]["removed_snapshots"]), (0, &Value::from(1)));
    enough.store(true, Ordering::Relaxed);
    busy.join().expect("a sender");
    let (status, third) = told(&house, &["backup", directory]);
    let (files, new) = (
        third[0]["files"].as_u64().expect("files"),
        third[0]["new_files"].as_u64().expect("new files"),
    );
    assert!(status == 0 && new < files / 2, "what has not changed is not kept again: {third:?}");
    let (_, snapshots) = told(&house, &["restore", directory, "--list"]);
    let snapshot = second[0]["snapshot"].as_str().expect("a name");
    assert_eq!(snapshots[0]["snapshot"], snapshot);
    assert_eq!(told(&house, &["restore", directory, "--snapshot", snapshot, "--check"]).0, 0);

    let mut again = Builder::default().build();
    assert_eq!(told(&again, &["restore", directory, "--snapshot", snapshot]).0, 0);
    again.start_again();
    accepted.verify(&again, BOB);
    until("everything to fit together", || (told(&again, &["verify"]).0 == 0).then_some(()));
}

#[test]
fn a_damaged_backup_is_told_of() {
    let backups = TempDir::with_prefix("posthouse-backups-").expect("a temporary directory");
    let directory = text(backups.path());
    let house = Builder::default().start();
    furnish(&house);
    assert_eq!(told(&house, &["backup", directory]).0, 0);
    let wanted = b"Hello 4.";
    let content = contents(&backups.path().join("files")).into_iter().find(|path| {
        let octets = fs::read(path).expect("a content");
        octets.windows(wanted.len()).any(|part| part == wanted)
    });
    fs::write(content.expect("a message"), "something else").expect("a damage");
    let (status, checked) = told(&house, &["restore", directory, "--check"]);
    assert_eq!(
        (status, checked[0]["damaged"].as_array().map(Vec::len)),
        (1, Some(1)),
        "{checked:?}"
    );
    let again = Builder::default().build();
    let (status, restored) = told(&again, &["restore", directory]);
    assert_eq!(
        (status, restored[0]["damaged"].as_array().map(Vec::len)),
        (1, Some(1)),
        "{restored:?}"
    );
}

fn contents(files: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(files)
        .expect("contents")
        .flatten()
        .filter(|entry| entry.path().is_dir());
    folders
        .flat_map(|folder| fs::read_dir(folder.path()).expect("a folder").flatten())
        .map(|entry| entry.path())
        .collect()
}

#[test]
fn what_does_not_fit_is_found_and_mended() {
    let mut house = Builder::default().start();
    furnish(&house);
    assert_eq!(told(&house, &["verify"]).0, 0);
    house.kill();
    let inbox = house.maildir(ALICE);
    let files = maildir::messages(&inbox);
    fs::remove_file(&files[0]).expect("a message");
    fs::write(&files[1], "Subject: another\r\n\r\nx\r\n").expect("a message");
    fs::write(inbox.join("new/1800000000.M1.elsewhere"), "Subject: stranger\r\n\r\nx\r\n").expect("a message");
    fs::create_dir_all(house.data().join("mail/house.test/nobody/cur")).expect("a directory");
    for file in fs::read_dir(house.data().join("spool/queue")).expect("the spool").flatten() {
        fs::remove_file(file.path()).expect("a queued message");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let file = format!("sqlite://{}", house.data().join("posthouse.db").display());
        let mut connection = SqliteConnection::connect(&file).await.expect("a connection");
        let script = "INSERT INTO keywords (mailbox_id, number, name) VALUES (1, 1, 'lost'); \
                      UPDATE mailboxes SET messages = 77 WHERE name = 'work/letters'";
        connection.execute(script).await.expect("a damage");
    });
    let kinds = |found: &[Value]| {
        let mut kinds: Vec<String> = found.iter().map(|it| it["wrong"].as_str().expect("a kind").to_owned()).collect();
        kinds.sort();
        kinds
    };
    let (status, found) = told(&house, &["verify"]);
    let all = [
        "no_file",
        "nobodys_directory",
        "not_indexed",
        "orphans",
        "other_size",
        "other_size",
        "queue_content",
        "wrong_count",
    ];
    assert_eq!((status, kinds(&found)), (1, all.map(ToOwned::to_owned).to_vec()), "{found:?}");
    let (status, mended) = told(&house, &["verify", "--repair"]);
    assert_eq!(
        (status, mended.iter().filter(|it| it["mended"] == true).count()),
        (1, 6),
        "{mended:?}"
    );
    let (status, left) = told(&house, &["verify"]);
    assert_eq!(
        (status, kinds(&left)),
        (1, ["nobodys_directory", "queue_content"].map(ToOwned::to_owned).to_vec()),
        "{left:?}"
    );
}

/// What is exported can be imported, and is the same.
#[test]
fn an_account_can_be_taken_elsewhere() {
    let house = Builder::default().start();
    furnish(&house);
    let out = TempDir::with_prefix("posthouse-export-").expect("a temporary directory");
    let (to_maildir, to_mbox) = (out.path().join("Maildir"), out.path().join("mbox"));
    let (status, exported) = told(&house, &["export", ALICE, "--maildir", text(&to_maildir)]);
    assert_eq!(status, 0);
    let inbox = exported.iter().find(|it| it["mailbox"] == "INBOX").expect("INBOX");
    assert_eq!((&inbox["messages"], &inbox["written"]), (&Value::from(3), &Value::from(3)));
    let (_, again) = told(&house, &["export", ALICE, "--maildir", text(&to_maildir)]);
    assert!(again.iter().all(|it| it["written"] == 0), "{again:?}");
    assert_eq!(told(&house, &["export", ALICE, "--mbox", text(&to_mbox)]).0, 0);
    assert_eq!(told(&house, &["export", ALICE, "--mbox", text(&to_mbox)]).0, 1);

    for (user, import) in [
        ("carol@house.test", ["maildir", text(&to_maildir)]),
        ("dave@house.test", ["mbox", text(&to_mbox.join("INBOX.mbox"))]),
    ] {
        house.user(user);
        let [form, from] = import;
        assert_eq!(told(&house, &["import", form, from, "--to", user]).0, 0);
        let mut imap = house.imap(user);
        imap.select("INBOX");
        let fetched = imap.ok("FETCH 1:* (UID FLAGS BODY.PEEK[])");
        assert_eq!(fetched.len(), 3, "{user}: {fetched:?}");
        assert!(
            fetched[0].text.contains("\\Seen") && fetched[0].text.contains("red"),
            "{user}: {fetched:?}"
        );
        for (message, original) in fetched.iter().zip(house.inbox(ALICE)) {
            let original = fs::read(original).expect("a message");
            assert_eq!(message.literals[0], original, "{user}");
        }
        if form == "maildir" {
            assert_eq!(imap.uids(), [1, 2, 4], "{user}");
            assert_eq!(imap.select("work/letters").0, 1);
        }
    }
}

/// Names of files say when a message came into its mailbox.
#[test]
fn old_mail_in_trash_goes() {
    let mut house = Builder::default().set("retention.trash_days", 30).start();
    house.provision();
    let mut imap = house.imap(ALICE);
    for (mailbox, name) in [
        ("Trash", "1700000000.M1.house"),
        ("Trash", "1999999999.M2.house"),
        ("Junk", "1700000000.M3.house"),
    ] {
        imap.select(mailbox);
        let folder = house.maildir(ALICE).join(format!(".{mailbox}"));
        maildir::drop_into(&folder, name, "Subject: x\r\n\r\nx\r\n");
        imap.select(mailbox);
    }
    drop(imap);
    assert!(house.terminate().success());
    house.start_again();
    let mut imap = house.imap(ALICE);
    until("the old one to go", || (imap.select("Trash").0 == 1).then_some(()));
    assert_eq!(imap.select("Junk").0, 1);
    assert_eq!(maildir::messages(&house.maildir(ALICE).join(".Trash")).len(), 1);
}

/// What the server has for all is for those who have nothing of their own.
#[test]
fn a_user_has_rules_of_their_own() {
    let mut house = Builder::default().set("retention.trash_days", 30).start();
    house.provision();
    let admin = house.admin();
    let own = json!({"trash_days": 0, "junk_days": 30});
    let told = admin.patch(&format!("/users/{ALICE}"), own).ok();
    assert_eq!((&told["trash_days"], &told["junk_days"]), (&json!(0), &json!(30)));
    let problem = admin.patch(&format!("/users/{ALICE}"), json!({"junk_days": 36_501})).problem(422);
    assert_eq!(problem["field"], "junk_days");
    for user in [ALICE, BOB] {
        let mut imap = house.imap(user);
        for mailbox in ["Trash", "Junk"] {
            imap.select(mailbox);
            let folder = house.maildir(user).join(format!(".{mailbox}"));
            maildir::drop_into(&folder, "1700000000.M1.house", "Subject: x\r\n\r\nx\r\n");
            imap.select(mailbox);
        }
    }
    let counts = |house: &House, user: &str| {
        let mut imap = house.imap(user);
        (imap.select("Trash").0, imap.select("Junk").0)
    };
    assert!(house.terminate().success());
    house.start_again();
    until("what is old to go", || {
        (counts(&house, ALICE) == (1, 0) && counts(&house, BOB) == (0, 1)).then_some(())
    });
    let told = house.admin().patch(&format!("/users/{ALICE}"), json!({"trash_days": null})).ok();
    assert_eq!((told.get("trash_days"), &told["junk_days"]), (None, &json!(30)));
    assert!(house.terminate().success());
    house.start_again();
    until("the rest to go", || (counts(&house, ALICE) == (0, 0)).then_some(()));
}

/// Mail with a word that is nowhere else; of the rows that hold it, of many pages, most become free already.
fn collect_xylophones(house: &House) {
    let mut imap = house.imap(ALICE);
    imap.select("INBOX");
    imap.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW EMAILID)");
    imap.append("INBOX", b"Subject: xylophone\r\n\r\nxylophone\r\n");
    imap.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)");
    imap.ok("CREATE xylophones");
    for number in 0..400 {
        let letter = format!("Subject: xylophone {number}\r\nMessage-ID: <{number}.xylophone@client.test>\r\n\r\nxylophone\r\n");
        imap.append("xylophones", letter.as_bytes());
    }
    imap.select("xylophones");
    imap.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)");
    imap.ok("STORE 1:300 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    assert!(is_in_database(house, "xylophone"), "what is looked for can be found");
}

/// Who is removed for good leaves nothing but what others have of them: no row, and nothing in the free places of SQLite's files either.
#[test]
fn nothing_is_left_of_who_is_removed() {
    let house = Builder::default().set("mail.index_from_messages", 1).start();
    furnish(&house);
    house.imap(BOB).ok(&format!("SETACL Sent {ALICE} lr"));
    collect_xylophones(&house);
    assert_eq!(house.command(&["alias", "remove", "info@house.test"]).status.code(), Some(0));
    let admin = house.admin();
    for queued in admin.get("/queue").ok()["items"].as_array().expect("items") {
        let id = queued["id"].as_str().expect("an id");
        admin.delete(&format!("/queue/{id}"));
    }
    until("the story of her mail", || {
        let told = house.command_with_input(&["trace", ALICE], "");
        (told.out.matches("remove by the administrator").count() == 2).then_some(())
    });
    until("her login", || {
        (house.admin().get(&format!("/login-log?address={ALICE}")).ok()["items"] != Value::Array(Vec::new())).then_some(())
    });
    assert_eq!(house.admin().delete(&format!("/users/{ALICE}?purge=true")).status, 204);

    until("nothing to be left", || {
        let backups = TempDir::with_prefix("posthouse-backups-").expect("a temporary directory");
        assert_eq!(told(&house, &["backup", text(backups.path())]).0, 0);
        let mut rows = String::new();
        let snapshot = fs::read_dir(backups.path().join("snapshots"))
            .expect("snapshots")
            .flatten()
            .next()
            .expect("one");
        let file = fs::File::open(snapshot.path().join("rows.jsonl.gz")).expect("rows");
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut rows).expect("text");
        let found = kept_of(&rows, &["alice", "xylophone"]);
        println!("{found:?}");
        found.is_empty().then_some(())
    });
    assert_eq!(told(&house, &["verify"]).0, 0);
    for file in files_below(&house.data()) {
        let name = file.to_string_lossy().into_owned();
        let octets = fs::read(&file).expect("a file");
        // What was done with her account stands in the database still.
        let traces: &[&str] = if is_database(&file) {
            &["xylophone"]
        } else {
            &["alice", "xylophone"]
        };
        for trace in traces {
            assert!(!name.contains(trace), "{name}");
            assert!(!contains(&octets, trace), "{trace} in {name}");
        }
    }
}

fn contains(octets: &[u8], word: &str) -> bool {
    octets.windows(word.len()).any(|part| part == word.as_bytes())
}

/// Whether it is one of the files of SQLite.
fn is_database(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("posthouse.db"))
}

fn is_in_database(house: &House, word: &str) -> bool {
    let files = files_below(&house.data()).into_iter().filter(|file| is_database(file));
    files
        .map(|file| fs::read(file).expect("a file"))
        .any(|octets| contains(&octets, word))
}

/// The rows in which one of these words stands, but for those that tell administrators and programs what was done.
fn kept_of<'r>(rows: &'r str, words: &[&str]) -> Vec<&'r str> {
    let mut table = "";
    let mut found = Vec::new();
    for line in rows.lines() {
        if line.starts_with("{\"table\"") {
            table = line;
        }
        let is_account = ["audit_log", "events", "webhook_deliveries"]
            .iter()
            .any(|name| table.contains(&format!("\"{name}\"")));
        if !is_account && words.iter().any(|word| line.contains(word)) {
            found.push(line);
        }
    }
    found
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path => files.push(path),
        }
    }
    files
}
