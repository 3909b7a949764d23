//! Accounts of an ISPmail server and of postfixadmin: a real database, and for the first the Maildirs of a real Dovecot.

use serde_json::Value;
use sqlx::{Connection, Executor};

use super::{FOLDERS, Kept, all_kept, compare, import, live, sum};
use crate::support::databases::Fresh;
use crate::support::dovecot::{Dovecot, USUAL};
use crate::support::house::House;
use crate::support::imap::Imap;
use crate::support::smtp::Smtp;

/// `doveadm pw -s BLF-CRYPT` and others of the same password.
const OLD_PASSWORD: &str = "Grüße, Welt";
const BCRYPT: &str = "{BLF-CRYPT}$2y$05$G3V5IEjt1oI5d9qvIbb6FOLYqk3RSdV/b9yWueiyrMAoN5O48ssYO";
const MD5_CRYPT: &str = "$1$QIFGxiSs$7KeDJkz2e519zqdjAVqbf/";

/// The tables of the guide's edition for Debian 12.
const ISPMAIL: &[&str] = &[
    "CREATE TABLE virtual_domains (id int(11) NOT NULL AUTO_INCREMENT, name varchar(50) NOT NULL, PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "CREATE TABLE virtual_users (id int(11) NOT NULL AUTO_INCREMENT, domain_id int(11) NOT NULL, email varchar(100) NOT NULL, password varchar(150) NOT NULL, \
     quota bigint(11) NOT NULL DEFAULT 0, PRIMARY KEY (id), UNIQUE KEY email (email), FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE) \
     ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "CREATE TABLE virtual_aliases (id int(11) NOT NULL AUTO_INCREMENT, domain_id int(11) NOT NULL, source varchar(100) NOT NULL, destination varchar(100) NOT NULL, \
     PRIMARY KEY (id), FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "INSERT INTO virtual_domains VALUES (1, 'example.test'), (2, 'other.test'), (3, 'no domain')",
    "INSERT INTO virtual_aliases VALUES (1, 1, 'info@example.test', 'john@example.test'), (2, 1, 'info@example.test', 'ada@client.test'), \
     (3, 2, '@other.test', 'john@example.test'), (4, 1, 'gone@example.test', '|/bin/true')",
];

/// What postfixadmin 3.3 makes on MariaDB, as far as it matters.
const POSTFIXADMIN: &[&str] = &[
    "CREATE TABLE domain (domain varchar(255) NOT NULL, description varchar(255) CHARACTER SET utf8mb4 NOT NULL, aliases int(10) NOT NULL DEFAULT 0, \
     transport varchar(255) NOT NULL, backupmx tinyint(1) NOT NULL DEFAULT 0, active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (domain)) DEFAULT CHARSET=latin1",
    "CREATE TABLE alias_domain (alias_domain varchar(255) NOT NULL, target_domain varchar(255) NOT NULL, active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (alias_domain))",
    "CREATE TABLE mailbox (username varchar(255) NOT NULL, password varchar(255) NOT NULL, name varchar(255) CHARACTER SET utf8mb4 NOT NULL, maildir varchar(255) NOT NULL, \
     quota bigint(20) NOT NULL DEFAULT 0, local_part varchar(255) NOT NULL, domain varchar(255) NOT NULL, active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (username)) DEFAULT CHARSET=latin1",
    "CREATE TABLE alias (address varchar(255) NOT NULL, goto text NOT NULL, domain varchar(255) NOT NULL, active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (address)) DEFAULT CHARSET=latin1",
    "INSERT INTO domain (domain, description, transport, backupmx, active) VALUES ('ALL', '', '', 0, 1), ('pfa.test', 'Bücher', 'virtual', 0, 1), \
     ('other.pfa.test', '', 'virtual', 0, 1), ('backup.test', '', 'relay', 1, 1), ('off.test', '', 'virtual', 0, 0)",
    "INSERT INTO alias_domain (alias_domain, target_domain) VALUES ('other.pfa.test', 'pfa.test')",
    "INSERT INTO alias (address, goto, domain, active) VALUES ('jane@pfa.test', 'jane@pfa.test', 'pfa.test', 1), \
     ('team@pfa.test', 'jane@pfa.test,ada@client.test,jane#pfa.test@autoreply.pfa.test', 'pfa.test', 1), ('old@pfa.test', 'jane@pfa.test', 'pfa.test', 0), \
     ('@pfa.test', 'jane@pfa.test', 'pfa.test', 1)",
];

/// A database with these tables and rows.
fn database(statements: &[&'static str], more: &[String]) -> Fresh {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let fresh = Fresh::mariadb().await;
        let mut connection = sqlx::MySqlConnection::connect(&fresh.settings.url).await.expect("a connection");
        let texts = statements.iter().map(|text| (*text).to_owned()).chain(more.iter().cloned());
        for text in texts {
            connection.execute(sqlx::AssertSqlSafe(text)).await.expect("a statement");
        }
        fresh
    })
}

/// The same on PostgreSQL.
const POSTFIXADMIN_ON_POSTGRES: &[&str] = &[
    "CREATE TABLE domain (domain varchar(255) NOT NULL PRIMARY KEY, description varchar(255) NOT NULL DEFAULT '', backupmx boolean NOT NULL DEFAULT false, \
     active boolean NOT NULL DEFAULT true)",
    "CREATE TABLE mailbox (username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL, name varchar(255) NOT NULL DEFAULT '', \
     maildir varchar(255) NOT NULL DEFAULT '', quota bigint NOT NULL DEFAULT 0, active boolean NOT NULL DEFAULT true)",
    "CREATE TABLE alias (address varchar(255) NOT NULL PRIMARY KEY, goto text NOT NULL, active boolean NOT NULL DEFAULT true)",
    "INSERT INTO domain (domain, active) VALUES ('ALL', true), ('pg.test', true)",
    "INSERT INTO mailbox (username, password, quota, active) VALUES ('ann@pg.test', '{SHA}S8i5+znM1A6RcclEscpASQvbqBQ=', 7, true), ('off@pg.test', 'x', 0, false)",
    "INSERT INTO alias (address, goto) VALUES ('ann@pg.test', 'ann@pg.test'), ('all@pg.test', 'ann@pg.test')",
];

#[test]
fn postfixadmin_on_postgresql_moves_in() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let source = runtime.block_on(async {
        let fresh = Fresh::postgres().await;
        let mut connection = sqlx::PgConnection::connect(&fresh.settings.url).await.expect("a connection");
        for text in POSTFIXADMIN_ON_POSTGRES {
            connection.execute(*text).await.expect("a statement");
        }
        fresh
    });
    let house = House::furnished();
    let reports = import(&house, &["ispmail", "--database", &source.settings.url]);
    assert!(
        reports[0]["problems"].to_string().contains("off@pg.test: the password"),
        "{reports:?}"
    );
    assert_eq!(names(&house, "/aliases", "address"), ["all@pg.test"]);
    let admin = house.admin();
    assert_eq!(admin.get("/users/ann@pg.test").ok()["quota_bytes"], 7);
    assert_eq!(admin.get("/users/off@pg.test").ok()["enabled"], false);
    Imap::login(house.address("imaps"), "ann@pg.test", &format!("\"{OLD_PASSWORD}\""));
}

fn names(house: &House, path: &str, key: &str) -> Vec<String> {
    let list = house.admin().get(path).ok();
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item[key].as_str().expect("a name").to_owned()).collect()
}

fn counts(report: &Value, what: &str) -> [u64; 3] {
    ["added", "known", "failed"].map(|field| report[what][field].as_u64().expect("a count"))
}

#[test]
fn an_ispmail_server_moves_in() {
    let mut dovecot = Dovecot::start(USUAL);
    live(&dovecot, "john@example.test");
    let theirs = all_kept(&dovecot, "john@example.test");
    // Somebody with a Maildir and without an account.
    live(&dovecot, "left@example.test");
    let source = database(
        ISPMAIL,
        &[format!(
            "INSERT INTO virtual_users (domain_id, email, password, quota) VALUES (1, 'john@example.test', '{BCRYPT}', 0), \
             (1, 'Jane@Example.test', '{{PLAIN-MD5}}nonsense', 1000000), (2, 'jim@other.test', '{MD5_CRYPT}', 0)"
        )],
    );
    dovecot.stop();
    let house = House::furnished();
    let vmail = dovecot.vmail().display().to_string();
    let arguments = ["ispmail", "--database", source.settings.url.as_str(), "--maildir", vmail.as_str()];
    let run = |more: &[&str]| {
        let ran = house.command_with_input(&[&["import"], &arguments[..], &["--json"], more].concat(), "");
        // The bad domain and the alias that leads nowhere are told, and the rest is done.
        assert_eq!(ran.status, Some(1), "{}", ran.all);
        ran.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect::<Vec<Value>>()
    };
    let looked = run(&["--dry-run"]);
    assert_eq!(counts(&looked[0], "users"), [3, 0, 0], "{looked:?}");
    assert_eq!(names(&house, "/domains", "domain"), ["house.test"], "nothing is done");
    let reports = run(&[]);
    assert_eq!(reports[0]["tables"], "ISPmail");
    assert_eq!(counts(&reports[0], "domains"), [2, 0, 1], "{reports:?}");
    assert_eq!(counts(&reports[0], "users"), [3, 0, 0], "{reports:?}");
    assert_eq!(counts(&reports[0], "aliases"), [2, 0, 1], "{reports:?}");
    assert_eq!((sum(&reports, "added"), sum(&reports, "renumbered")), (25, 0), "{reports:?}");
    let told = reports.iter().map(Value::to_string).collect::<String>();
    for text in [
        "no domain: ",
        "Jane@Example.test: the password",
        "gone@example.test",
        "nobodys",
        "left",
        "no_maildir",
    ] {
        assert!(told.contains(text), "{text} in {told}");
    }

    all_is_as_it_was(&house, &theirs);

    // Once more: all is here.
    let again = run(&[]);
    assert_eq!(counts(&again[0], "users"), [0, 3, 0], "{again:?}");
    assert_eq!(counts(&again[0], "aliases"), [0, 2, 1], "{again:?}");
    assert_eq!((sum(&again, "added"), sum(&again, "known")), (0, 25), "{again:?}");
}

/// Nobody changes a password, and nothing is downloaded again.
fn all_is_as_it_was(house: &House, theirs: &[Kept]) {
    let mut imap = Imap::login(house.address("imaps"), "john@example.test", &format!("\"{OLD_PASSWORD}\""));
    for (folder, theirs) in FOLDERS.iter().zip(theirs) {
        assert_eq!(super::kept(&mut imap, folder), *theirs, "{folder}");
    }
    let mut submission = Smtp::connect_tls(house.address("submissions"));
    assert_eq!(submission.login("jim@other.test", OLD_PASSWORD).code, 235);
    assert_eq!(names(house, "/aliases", "address"), ["@other.test", "info@example.test"]);
    house
        .smtp()
        .send("ada@client.test", &["anybody@other.test"], "Subject: x\n\nCaught.\n")
        .expect(250);
    imap.select("INBOX");
    assert_eq!(imap.uids(), [2, 3, 5, 6, 7, 8]);
}

#[test]
fn postfixadmin_moves_in() {
    let source = database(
        POSTFIXADMIN,
        &[format!(
            "INSERT INTO mailbox (username, password, name, maildir, quota, local_part, domain, active) VALUES \
             ('jane@pfa.test', '{MD5_CRYPT}', 'Jäne', 'elsewhere/jane/', 5000000, 'jane', 'pfa.test', 1), \
             ('joe@pfa.test', '{BCRYPT}', '', 'pfa.test/joe/', 0, 'joe', 'pfa.test', 0)"
        )],
    );
    let house = House::furnished();
    let mail = house.path("vmail");
    std::fs::create_dir_all(mail.join("elsewhere/jane/cur")).expect("a folder");
    std::fs::write(mail.join("elsewhere/jane/cur/1.a.b:2,S"), "Subject: x\n\nText.\n").expect("a file");
    let arguments = [
        "import",
        "ispmail",
        "--maildir",
        &mail.display().to_string(),
        "--json",
        "--database",
        &source.settings.url,
    ];
    let ran = house.command_with_input(&arguments, "");
    assert_eq!(ran.status, Some(1), "the backup MX is told: {}", ran.all);
    assert!(ran.all.contains("backup.test: it is only a backup MX"), "{}", ran.all);
    assert!(ran.all.contains("jane#pfa.test@autoreply.pfa.test"), "{}", ran.all);
    assert_eq!(
        names(&house, "/domains", "domain"),
        ["house.test", "off.test", "other.pfa.test", "pfa.test"]
    );
    assert_eq!(names(&house, "/aliases", "address"), ["@pfa.test", "old@pfa.test", "team@pfa.test"]);
    let admin = house.admin();
    assert_eq!(admin.get("/domains/other.pfa.test").ok()["alias_of"], "pfa.test");
    assert_eq!(admin.get("/domains/pfa.test").ok()["description"], "Bücher");
    assert_eq!(admin.get("/domains/off.test").ok()["enabled"], false);
    assert_eq!(admin.get("/aliases/old@pfa.test").ok()["enabled"], false);
    let jane = admin.get("/users/jane@pfa.test").ok();
    assert_eq!(
        (jane["display_name"].as_str(), jane["quota_bytes"].as_u64()),
        (Some("Jäne"), Some(5_000_000))
    );
    assert_eq!(admin.get("/users/joe@pfa.test").ok()["enabled"], false);
    let mut imap = Imap::login(house.address("imaps"), "jane@pfa.test", &format!("\"{OLD_PASSWORD}\""));
    assert_eq!(imap.select("INBOX").0, 1);
}

#[test]
fn a_database_of_something_else_is_refused() {
    let source = database(&["CREATE TABLE users (id int)"], &[]);
    let house = House::furnished();
    let ran = house.command_with_input(&["import", "ispmail", "--database", &source.settings.url], "");
    assert_eq!(ran.status, Some(2), "{}", ran.all);
    assert!(ran.all.contains("virtual_domains") && ran.all.contains("--database"), "{}", ran.all);
    let ran = house.command_with_input(&["import", "ispmail", "--database", "mysql://u:secret@127.0.0.1:9/x"], "");
    assert_eq!(ran.status, Some(2), "{}", ran.all);
    assert!(
        ran.all.contains("--database: cannot connect") && !ran.all.contains("secret"),
        "{}",
        ran.all
    );
}

#[test]
fn mbox_files_are_brought() {
    let house = House::furnished();
    let file = house.path("Old mail.mbox");
    std::fs::write(
        &file,
        "From ada@client.test Wed Jun  3 12:05:04 2020\nSubject: one\nStatus: RO\nX-Status: A\n\n>From here\n\n\
         From bob@client.test Thu Jun  4 12:05:04 2020\nSubject: two\nX-Keywords: $Label1\n\nText.\n\nFrom the middle\n",
    )
    .expect("a file");
    let path = file.display().to_string();
    for (added, known) in [(2, 0), (0, 2)] {
        let reports = import(&house, &["mbox", &path, "--to", "alice@house.test"]);
        assert_eq!((sum(&reports, "added"), sum(&reports, "known")), (added, known), "{reports:?}");
    }
    let mut imap = house.imap("alice@house.test");
    let (_, mails) = super::kept(&mut imap, "Old mail");
    assert_eq!(
        mails,
        [
            r#"1 ["\\Answered", "\\Seen"] 3-Jun-2020 12:05:04 +0000 27 Subject: one\r\n\r\nFrom here\r\n"#,
            r#"2 ["$Label1"] 4-Jun-2020 12:05:04 +0000 42 Subject: two\r\n\r\nText.\r\n\r\nFrom the middle\r\n"#,
        ]
    );
    let text = "From a Wed Jun  3 12:05:04 2020\nSubject: x\nContent-Length: 40\n\nFrom b Wed Jun  3 12:05:04 2020\n\n>From c\n\nFrom d Wed Jun  3 12:05:04 2020\nSubject: y\n\nEnd.\n";
    std::fs::write(&file, text).expect("a file");
    let reports = import(
        &house,
        &["mbox", &path, "--to", "bob@house.test", "--mailbox", "Sent", "--format", "mboxcl2"],
    );
    assert_eq!(sum(&reports, "added"), 2, "{reports:?}");
    let ran = house.command_with_input(&["import", "mbox", "/etc/passwd", "--to", "bob@house.test"], "");
    assert_eq!(ran.status, Some(1), "{}", ran.all);
    assert!(ran.all.contains("no mbox"), "{}", ran.all);
}

/// Accounts come into a house without a server, and others into one that is not there any more.
#[test]
fn a_stopped_house_takes_them_too() {
    let mut house = House::furnished();
    house.terminate();
    let root = house.path("old");
    std::fs::create_dir_all(root.join(".Sent/cur")).expect("a folder");
    std::fs::write(root.join(".Sent/cur/1.a.b:2,S"), "Subject: x\r\n\r\nText.\r\n").expect("a file");
    let reports = import(&house, &["maildir", &root.display().to_string(), "--to", "bob@house.test"]);
    assert_eq!(sum(&reports, "added"), 1, "{reports:?}");
    house.start_again();
    let mut imap = house.imap("bob@house.test");
    assert_eq!(imap.select("Sent").0, 1);
    compare(&house, &[], "bob@house.test");
}
