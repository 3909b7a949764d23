//! Programs that fetch or mirror mail: offlineimap, fetchmail, getmail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::{LETTER, certificate_of, house_with_mail, port};
use crate::support::house::{House, PASSWORD};
use crate::support::maildir;
use crate::support::program::{Ran, finish};
use crate::support::wait::until;

/// Runs one of these programs, which want a home.
fn run(house: &House, program: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["60", program]).args(arguments);
    command.env("HOME", house.path("")).env("LC_ALL", "C.UTF-8");
    finish(&mut command, "")
}

fn settings(house: &House, name: &str, text: &str) -> String {
    let file = house.path(name);
    fs::write(&file, text).expect("a file");
    // fetchmail takes nothing that others could read.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
    file.to_string_lossy().into_owned()
}

fn deliver(house: &House, subject: &str) {
    let letter = LETTER.replace("for a reader", subject);
    house.smtp().send("ada@client.test", &["alice@house.test"], &letter).expect(250);
}

/// The SHA-256 of the certificate, by which offlineimap knows the server.
fn fingerprint(house: &House) -> String {
    let pem = fs::read_to_string(certificate_of(house)).expect("a certificate");
    let base64: String = pem.lines().skip(1).take_while(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(base64).expect("base64");
    Sha256::digest(der).iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn offlineimap_goes_both_ways() {
    let house = house_with_mail();
    let local = house.path("local");
    let rc = settings(
        &house,
        "offlineimaprc",
        &format!(
            "[general]\naccounts = house\nmetadatadir = {home}/meta\nui = basic\n\
             [Account house]\nlocalrepository = near\nremoterepository = far\n\
             [Repository near]\ntype = Maildir\nlocalfolders = {local}\nsync_deletes = yes\n\
             [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = alice@house.test\n\
             remotepass = {PASSWORD}\nssl = yes\ncert_fingerprint = {fingerprint}\n",
            home = house.path("").display(),
            local = local.display(),
            port = port(&house, "imaps"),
            fingerprint = fingerprint(&house),
        ),
    );
    let sync = || run(&house, "offlineimap", &["-o", "-c", &rc]).ok();

    sync();
    let inbox = local.join("INBOX");
    let pulled = maildir::messages(&inbox);
    assert_eq!(pulled.len(), 1);
    assert!(maildir::text(&pulled[0]).contains("Hello reader."));
    assert!(local.join("Sent").is_dir(), "folders are pulled too");

    // Back: a flag, a message, a folder with a name that is not ASCII (on disk as IMAP spells it).
    let name = pulled[0].file_name().expect("a name").to_string_lossy().into_owned();
    let flagged = name.split(":2,").next().expect("a name").to_owned() + ":2,FS";
    fs::rename(&pulled[0], inbox.join("cur").join(flagged)).expect("a flag");
    let drafts = local.join("Drafts");
    maildir::drop_into(&drafts, "1700000000.1_1.near", &LETTER.replace("Hello reader.", "Written here."));
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(local.join("Entw&APw-rfe").join(sub)).expect("a folder");
    }
    sync();
    let files = house.inbox("alice@house.test");
    assert_eq!(files.iter().map(|file| maildir::flags(file)).collect::<Vec<_>>(), ["FS"]);
    let drafts = maildir::messages(&house.maildir("alice@house.test").join(".Drafts"));
    assert!(maildir::text(&drafts[0]).contains("Written here."));
    let mut imap = house.imap("alice@house.test");
    assert_eq!(imap.ok("LIST \"\" Entw&APw-rfe").len(), 1);

    // And a removal on the server.
    imap.select("INBOX");
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    sync();
    assert!(maildir::messages(&inbox).is_empty());
}

#[test]
fn fetchmail_fetches_and_idles() {
    let house = house_with_mail();
    let fetched = house.path("fetched");
    let rc = settings(
        &house,
        "fetchmailrc",
        &format!(
            "poll localhost service {port} protocol imap username \"alice@house.test\" password \"{PASSWORD}\" ssl\n\
             sslcertfile \"{certificate}\" sslcertck idle mda \"cat >>{fetched}\"\n",
            port = port(&house, "imaps"),
            certificate = certificate_of(&house),
            fetched = fetched.display(),
        ),
    );
    let mut command = Command::new("fetchmail");
    command
        .args(["-f", &rc, "--pidfile", &house.path("fetchmail.pid").to_string_lossy()])
        .env("HOME", house.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let fetchmail = Ended(command.spawn().expect("fetchmail"));
    let has = |what: &str| {
        until(&format!("fetchmail to fetch {what}"), || {
            fs::read_to_string(&fetched).is_ok_and(|text| text.contains(what)).then_some(())
        });
    };
    has("Subject: for a reader");
    // It is idle now, or will be: what comes is told or found.
    deliver(&house, "while idle");
    has("Subject: while idle");
    until("an empty INBOX", || house.inbox("alice@house.test").is_empty().then_some(()));
    drop(fetchmail);
}

/// A program that is ended with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn getmail_fetches_over_imap_and_pop3() {
    let house = house_with_mail();
    let state = house.path("getmail");
    fs::create_dir(&state).expect("a folder");
    let got = house.path("got");
    let fetch = |protocol: &str, more: &str| {
        let rc = settings(
            &house,
            "getmailrc",
            &format!(
                "[retriever]\ntype = Simple{protocol}SSLRetriever\nserver = localhost\nport = {port}\n\
                 username = alice@house.test\npassword = {PASSWORD}\nca_certs = {certificate}\n{more}\n\
                 [destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat >>{got}\")\n\
                 allow_root_commands = true\nunixfrom = false\n\
                 [options]\nread_all = false\ndelete = true\n",
                port = port(&house, if protocol == "IMAP" { "imaps" } else { "pop3s" }),
                certificate = certificate_of(&house),
                got = got.display(),
            ),
        );
        run(&house, "getmail", &["--getmaildir", &state.to_string_lossy(), "--rcfile", &rc]).ok();
        fs::read_to_string(&got).unwrap_or_default()
    };
    let sent: PathBuf = house.maildir("alice@house.test").join(".Sent");
    let mut imap = house.imap("alice@house.test");
    imap.append("Sent", b"Subject: a copy\r\n\r\nText.\r\n");
    let text = fetch("IMAP", "mailboxes = (\"INBOX\", \"Sent\")");
    assert!(text.contains("Subject: for a reader") && text.contains("Subject: a copy"), "{text}");
    assert!(house.inbox("alice@house.test").is_empty() && maildir::messages(&sent).is_empty());
    deliver(&house, "over POP3");
    let text = fetch("POP3", "");
    assert!(text.contains("Subject: over POP3"), "{text}");
    assert!(house.inbox("alice@house.test").is_empty());
}
