//! A house of each age: what an earlier schema has in it is there when the server of today has started on it, on each database.
//!
//! The database is brought up step by step, and gets its rows as the server of each step wrote them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, SqliteConnection};

use crate::support::databases::Fresh;
use crate::support::house::{Builder, House};
use crate::support::rest::Rest;

/// How many ages there are at least: so that the test does not pass for want of any.
const AGES: usize = 28;
/// How many are looked at beside each other.
const WORKERS: usize = 2;
/// SHA512-CRYPT of the password that all users of the tests have.
const HASH: &str = "{SHA512-CRYPT}$6$housesalt$7BGR1CoFxChXY24.SQ6De8JQ9N2O9PMYnUDlUH9HMUVTR/GwRC8xHbdX9nXCFvut2pUjzeN9.qPYmXqU2C65k/";
const KEY: &str = "phk_upgrade";
const LETTER: &str = "From: ada@client.test\nSubject: old\n\nFrom long ago.\n";

/// What is written at a step. `HASH` and `SECRET` stand for those of [`HASH`] and [`KEY`], `LATER` for a time that is still to come.
const ROWS: &[(usize, &str)] = &[
    (
        1,
        "INSERT INTO domains (id, name, enabled, description, created_at, updated_at) VALUES (1, 'house.test', 1, '', 1, 1)",
    ),
    (
        1,
        "INSERT INTO users (id, login, address, domain_id, display_name, role, enabled, password, token_epoch, created_at, updated_at) VALUES \
         (10, 'alice@house.test', 'alice@house.test', 1, 'Alice', 0, 1, 'HASH', 1, 1, 1), \
         (11, 'bob@house.test', 'bob@house.test', 1, 'Bob', 0, 1, 'HASH', 1, 1, 1)",
    ),
    (
        1,
        "INSERT INTO aliases (id, address, shown, domain_id, enabled, description, created_at, updated_at) VALUES \
         (20, 'info@house.test', 'info@house.test', 1, 1, '', 1, 1)",
    ),
    (
        1,
        "INSERT INTO alias_destinations (alias_id, position, address) VALUES (20, 0, 'bob@house.test')",
    ),
    (
        1,
        "INSERT INTO api_keys (id, name, secret, role, created_at) VALUES (30, 'panel', 'SECRET', 2, 1)",
    ),
    (
        1,
        "INSERT INTO refresh_tokens (secret, user_id, epoch, expires_at) VALUES ('x', 10, 1, LATER)",
    ),
    (
        2,
        "INSERT INTO mailboxes (id, user_id, name, folder, uidvalidity, uid_next, recent_from, modseq, messages, bytes) VALUES \
         (40, 10, 'INBOX', '', 7, 3, 3, 5, 1, 54)",
    ),
    (2, "INSERT INTO uidvalidities (user_id, last) VALUES (10, 7)"),
    (2, "INSERT INTO keywords (mailbox_id, number, name) VALUES (40, 0, 'red')"),
    (
        2,
        "INSERT INTO messages (mailbox_id, uid, name, flags, modseq, size, internal_date) VALUES \
         (40, 2, '1700000000.M1.house', 80, 4, 54, 1700000000000)",
    ),
    (2, "INSERT INTO expunged (mailbox_id, uid, modseq) VALUES (40, 1, 5)"),
    (
        3,
        "INSERT INTO queue_messages (id, sender, size, body, smtputf8, user_id, created_at, expires_at, changed_at) VALUES \
         (50, 'alice@house.test', 54, 0, 0, 10, 1, LATER, 1)",
    ),
    (
        3,
        "INSERT INTO queue_recipients (message_id, position, address, destination, state, attempts, next_attempt_at, expires_at, lease, lease_until) \
         VALUES (50, 0, 'friend@remote.test', 'remote.test', 0, 1, LATER, LATER, 0, 0)",
    ),
    (
        5,
        "INSERT INTO submissions (user_id, hour_number, hour_messages, hour_recipients, day_number, day_messages, day_recipients) VALUES \
         (10, 1, 1, 1, 1, 1, 1)",
    ),
    (8, "INSERT INTO tls_reports (day, domain) VALUES (1, 'remote.test')"),
    (
        16,
        "INSERT INTO metadata (mailbox_id, user_id, entry, content, version) VALUES (40, 10, '/private/comment', 'mine', 1)",
    ),
    (17, "INSERT INTO acls (mailbox_id, identifier, rights) VALUES (40, 'anyone', 'lr')"),
    (
        20,
        "INSERT INTO imports (mailbox_id, source, uidvalidity, reserved, last_uid, modseq, failed) VALUES (40, 'x', 1, 1, 1, 1, '')",
    ),
    (25, "INSERT INTO labels (owner, name, content) VALUES (10, 'tag', 'old')"),
];

#[test]
fn sqlite_of_each_age_is_upgraded() {
    of_each_age("sqlite", async || Fresh::sqlite().await);
}

#[test]
fn postgres_of_each_age_is_upgraded() {
    of_each_age("postgres", async || Fresh::postgres().await);
}

#[test]
fn mariadb_of_each_age_is_upgraded() {
    of_each_age("mysql", async || Fresh::mariadb().await);
}

fn of_each_age(kind: &str, fresh: impl AsyncFn() -> Fresh + Sync) {
    let migrations = migrations(kind);
    assert!(migrations.len() >= AGES, "{migrations:?}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let next = AtomicUsize::new(1);
    let work = || {
        loop {
            let age = next.fetch_add(1, Ordering::Relaxed);
            let Some(steps) = migrations.get(..age) else { return };
            // Shown when the test fails.
            println!("{kind} at the age of {age}");
            let fresh = runtime.block_on(async {
                let fresh = fresh().await;
                build(kind, &fresh, steps).await;
                fresh
            });
            furnish(fresh.folder.path(), age);
            let house = Builder::default()
                .set("database.url", fresh.settings.url.clone())
                .data(fresh.folder.path().to_owned())
                .start();
            look_around(&house, age);
        }
    };
    // A database waits for its disk.
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
}

/// The files of the steps, in their order.
fn migrations(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("migrations")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// The database as a server of this age leaves it.
async fn build(kind: &str, fresh: &Fresh, migrations: &[PathBuf]) {
    let mut script = String::from(
        "CREATE TABLE posthouse_schema (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, checksum VARCHAR(64) NOT NULL);\n",
    );
    let secret = hex(KEY.as_bytes());
    for (file, version) in migrations.iter().zip(1..) {
        let sql = fs::read_to_string(file).expect("a migration");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        script += &sql;
        script += &format!(
            "\nINSERT INTO posthouse_schema (version, name, checksum) VALUES ({version}, '{name}', '{}');\n",
            hex(sql.as_bytes())
        );
        for (_, row) in ROWS.iter().filter(|(at, _)| *at == version) {
            script += &row
                .replace("HASH", HASH)
                .replace("SECRET", &secret)
                .replace("LATER", "4000000000000");
            script += ";\n";
        }
    }
    let url = &fresh.settings.url;
    match kind {
        "sqlite" => {
            let file = format!("sqlite://{}?mode=rwc", fresh.folder.path().join("posthouse.db").display());
            run(SqliteConnection::connect(&file).await, script).await;
        }
        "postgres" => run(PgConnection::connect(url).await, script).await,
        _ => run(MySqlConnection::connect(url).await, script).await,
    }
}

async fn run<C>(connection: sqlx::Result<C>, script: String)
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let mut connection = connection.expect("a connection");
    let ran = sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await;
    ran.expect("an old schema with its rows");
    connection.close().await.expect("an end");
}

fn hex(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The files beside it.
fn furnish(data: &Path, age: usize) {
    if age >= 2 {
        let inbox = data.join("mail/house.test/alice");
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(inbox.join(folder)).expect("a folder");
        }
        fs::write(inbox.join("cur/1700000000.M1.house:2,Sa"), LETTER).expect("a message");
    }
    if age >= 3 {
        let queue = data.join("spool/queue");
        fs::create_dir_all(&queue).expect("a folder");
        let id = posthouse::model::ids::MailId(50);
        fs::write(queue.join(id.to_string()), LETTER.replace('\n', "\r\n")).expect("a message");
    }
}

fn look_around(house: &House, age: usize) {
    let mut imap = house.imap("alice@house.test");
    let (_, validity) = imap.select("INBOX");
    if age >= 2 {
        assert_eq!(validity, 7);
        let fetched = imap.ok("UID FETCH 2 (FLAGS BODY.PEEK[TEXT])");
        let [it] = &*fetched else { panic!("{fetched:?}") };
        assert!(it.text.contains("\\Seen") && it.text.contains("red"), "{it:?}");
        assert!(it.literals[0].starts_with(b"From long ago."), "{it:?}");
    }
    if age >= 16 {
        let noted = imap.ok("GETMETADATA INBOX /private/comment");
        assert!(noted[0].text.ends_with("(/private/comment \"mine\")"), "{noted:?}");
    }
    if age >= 17 {
        let shared = house.imap("bob@house.test").ok("LIST \"\" \"Other Users/*\"");
        assert!(shared.iter().any(|it| it.text.contains("alice@house.test")), "{shared:?}");
    }
    house.smtp().send("ada@client.test", &["info@house.test"], LETTER).expect(250);
    assert_eq!(house.inbox("bob@house.test").len(), 1);

    let panel = Rest::anonymous(house.address("http")).with_token(KEY);
    assert_eq!(panel.get("/domains").ok()["items"].as_array().map_or(0, Vec::len), 1);
    let queue = panel.get("/queue").ok();
    let senders: Vec<&Value> = queue["items"].as_array().expect("items").iter().map(|it| &it["sender"]).collect();
    if age >= 3 {
        assert_eq!(senders, ["alice@house.test"]);
    }
    if age >= 25 {
        let tagged = panel.get("/users?tag=old").ok();
        assert_eq!(tagged["items"][0]["address"], "alice@house.test", "{tagged}");
    }
}
