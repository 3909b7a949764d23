//! Programs that people use: swaks, curl, mbsync, mutt, and Python's standard library; below, those that fetch and mirror mail, libraries,
//! and a webmail.

mod fetching;
mod libraries;
mod roundcube;

use std::fs;

use crate::support::house::{House, PASSWORD};
use crate::support::maildir;
use crate::support::program::{python, run, run_with_input};

const LETTER: &str = "From: ada@client.test\nTo: alice@house.test\nSubject: for a reader\n\nHello reader.\n";

fn house_with_mail() -> House {
    let house = House::furnished();
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    house
}

fn port(house: &House, listener: &str) -> String {
    house.address(listener).port().to_string()
}

#[test]
fn swaks_submits_over_starttls() {
    let house = House::furnished();
    let server = house.address("submission").to_string();
    let login = ["--auth", "PLAIN", "--auth-user", "alice@house.test", "--auth-password", PASSWORD];
    let envelope = ["--from", "alice@house.test", "--to", "bob@house.test", "--helo", "client.test"];
    run("swaks", &[&["--server", &server, "-tls"], &login[..], &envelope[..]].concat()).ok();
    run(
        "swaks",
        &[&["--server", &server, "-tls", "--auth", "LOGIN"], &login[2..], &envelope[..]].concat(),
    )
    .ok();
    assert_eq!(house.inbox("bob@house.test").len(), 2);
    let refused = run("swaks", &[&["--server", &server], &login[..], &envelope[..]].concat());
    assert_ne!(refused.status, Some(0), "a login in clear text: {}", refused.all);
}

#[test]
fn swaks_delivers_over_smtp_and_lmtp() {
    let house = House::furnished();
    let envelope = [
        "--from",
        "ada@client.test",
        "--to",
        "bob@house.test,alice@house.test",
        "--helo",
        "client.test",
    ];
    let (smtp, lmtp) = (house.address("smtp").to_string(), house.address("lmtp").to_string());
    run("swaks", &[&["--server", &smtp, "--pipeline"], &envelope[..]].concat()).ok();
    run("swaks", &[&["--server", &smtp, "-tls"], &envelope[..]].concat()).ok();
    run("swaks", &[&["--server", &lmtp, "--protocol", "LMTP"], &envelope[..]].concat()).ok();
    assert_eq!(house.inbox("bob@house.test").len(), 3);
}

#[test]
fn curl_reads_over_imap() {
    let house = house_with_mail();
    let user = format!("alice@house.test:{PASSWORD}");
    let imaps = format!("imaps://127.0.0.1:{}", port(&house, "imaps"));
    let list = run("curl", &["-sSk", "-u", &user, &imaps]).ok();
    assert!(list.contains("INBOX") && list.contains("Sent"), "{list}");
    let message = run("curl", &["-sSk", "-u", &user, &format!("{imaps}/INBOX;MAILINDEX=1")]).ok();
    assert!(message.contains("Hello reader."), "{message}");
    let imap = format!("imap://127.0.0.1:{}/INBOX;UID=1;SECTION=TEXT", port(&house, "imap"));
    let text = run("curl", &["-sSk", "--ssl-reqd", "-u", &user, &imap]).ok();
    assert_eq!(text.trim(), "Hello reader.");
    let found = run("curl", &["-sSk", "-u", &user, &format!("{imaps}/INBOX?SUBJECT%20reader")]).ok();
    assert_eq!(found.trim(), "* SEARCH 1");
    let folder = house.path("upload.eml");
    fs::write(&folder, LETTER.replace('\n', "\r\n")).expect("a file");
    run(
        "curl",
        &["-sSk", "-u", &user, "-T", &folder.to_string_lossy(), &format!("{imaps}/Sent")],
    )
    .ok();
    assert_eq!(maildir::messages(&house.maildir("alice@house.test").join(".Sent")).len(), 1);
}

#[test]
fn curl_reads_over_pop3() {
    let house = house_with_mail();
    let user = format!("alice@house.test:{PASSWORD}");
    let pop3s = format!("pop3s://127.0.0.1:{}/", port(&house, "pop3s"));
    let list = run("curl", &["-sSk", "-u", &user, &pop3s]).ok();
    assert!(list.starts_with("1 "), "{list}");
    let pop3 = format!("pop3://127.0.0.1:{}/1", port(&house, "pop3"));
    let message = run("curl", &["-sSk", "--ssl-reqd", "-u", &user, &pop3]).ok();
    assert!(message.contains("Hello reader."), "{message}");
}

#[test]
fn curl_sends() {
    let house = House::furnished();
    let file = house.path("letter.eml");
    let letter = LETTER.replace("ada@client.test", "alice@house.test");
    fs::write(&file, letter.replace('\n', "\r\n")).expect("a file");
    let file = file.to_string_lossy();
    let user = format!("alice@house.test:{PASSWORD}");
    let envelope = ["--mail-from", "alice@house.test", "--mail-rcpt", "bob@house.test", "-T", &file];
    let smtps = format!("smtps://127.0.0.1:{}/client.test", port(&house, "submissions"));
    run("curl", &[&["-sSk", "-u", &user, &smtps], &envelope[..]].concat()).ok();
    let smtp = format!("smtp://127.0.0.1:{}/client.test", port(&house, "submission"));
    run("curl", &[&["-sSk", "--ssl-reqd", "-u", &user, &smtp], &envelope[..]].concat()).ok();
    assert_eq!(house.inbox("bob@house.test").len(), 2);
}

/// sieve-connect stores a script, makes it active, gives it back and lists it, over STARTTLS with the certificate checked.
#[test]
fn sieve_connect_edits_scripts() {
    let house = House::furnished();
    let (script, back) = (house.path("main.sieve"), house.path("back.sieve"));
    fs::write(&script, "require \"fileinto\";\r\nfileinto \"Archive\";\r\n").expect("a script");
    let (port, certificate) = (port(&house, "managesieve"), certificate_of(&house));
    let (script, back) = (script.to_string_lossy(), back.to_string_lossy());
    let login = [
        "--server",
        "localhost",
        "--port",
        &port,
        "--nosrv",
        "--user",
        "alice@house.test",
        "--tlscafile",
        &certificate,
    ];
    let ask =
        |arguments: &[&str]| run_with_input("sieve-connect", &[&login[..], &["--passwordfd", "0"], arguments].concat(), PASSWORD).ok();
    ask(&["--upload", "--localsieve", &script, "--remotesieve", "main"]);
    ask(&["--activate", "--remotesieve", "main"]);
    let list = ask(&["--list"]);
    assert!(list.contains("\"main\" ACTIVE"), "{list}");
    ask(&["--download", "--remotesieve", "main", "--localsieve", &back]);
    assert_eq!(
        fs::read_to_string(&*back).expect("a script"),
        "require \"fileinto\";\r\nfileinto \"Archive\";\r\n"
    );
    house.smtp().send("ada@client.test", &["alice@house.test"], LETTER).expect(250);
    assert_eq!(maildir::messages(&house.maildir("alice@house.test").join(".Archive")).len(), 1);
    ask(&["--deactivate"]);
    ask(&["--delete", "--remotesieve", "main"]);
    assert!(!ask(&["--list"]).contains("main"));
}

#[test]
fn mbsync_goes_both_ways() {
    let house = house_with_mail();
    let local = house.path("local");
    fs::create_dir_all(&local).expect("a folder");
    let settings = format!(
        "IMAPAccount house\nHost 127.0.0.1\nPort {port}\nUser alice@house.test\nPass {PASSWORD}\nSSLType IMAPS\nCertificateFile {cert}\n\n\
         IMAPStore far\nAccount house\n\n\
         MaildirStore near\nPath {local}/\nInbox {local}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n",
        port = port(&house, "imaps"),
        cert = certificate_of(&house),
        local = local.display(),
    );
    let file = house.path("mbsyncrc");
    fs::write(&file, settings).expect("a file");
    let sync = || run("mbsync", &["-c", &file.to_string_lossy(), "-a"]).ok();

    sync();
    let inbox = local.join("INBOX");
    let pulled = maildir::messages(&inbox);
    assert_eq!(pulled.len(), 1);
    assert!(maildir::text(&pulled[0]).contains("Hello reader."));
    assert!(local.join("Sent").is_dir(), "folders are pulled too");

    // Back: a new message, a flag, a folder.
    maildir::drop_into(&inbox, "1700000000.1_1.near", &LETTER.replace("Hello reader.", "Written here."));
    let name = pulled[0].file_name().expect("a name").to_string_lossy().into_owned();
    let seen = name.split(":2,").next().expect("a name").to_owned() + ":2,FS";
    fs::rename(&pulled[0], inbox.join("cur").join(seen)).expect("a flag");
    sync();
    let files = house.inbox("alice@house.test");
    assert_eq!(files.len(), 2);
    assert!(files.iter().any(|file| maildir::flags(file) == "FS"), "{files:?}");
    assert!(files.iter().any(|file| maildir::text(file).contains("Written here.")));

    // And a removal on the server.
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    sync();
    assert_eq!(maildir::messages(&inbox).len(), 1);
}

/// The certificate that the server made for itself, for programs that will not go without.
fn certificate_of(house: &House) -> String {
    let entries = fs::read_dir(house.data().join("tls")).expect("tls/");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let holds = |path: &std::path::PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("BEGIN CERTIFICATE"));
    files.into_iter().find(holds).expect("a certificate").to_string_lossy().into_owned()
}

#[test]
fn mutt_opens_the_maildir() {
    let house = house_with_mail();
    let out = mutt(&house, &house.maildir("alice@house.test").to_string_lossy(), "");
    assert!(out.contains("Hello reader."), "{out}");
}

#[test]
fn mutt_reads_over_imap() {
    let house = house_with_mail();
    let url = format!("imaps://127.0.0.1:{}/INBOX", port(&house, "imaps"));
    let account = format!(
        "set imap_user=alice@house.test\nset imap_pass={PASSWORD}\nset certificate_file={}\nset ssl_verify_host=no\n",
        certificate_of(&house)
    );
    let out = mutt(&house, &url, &account);
    assert!(out.contains("Hello reader."), "{out}");
}

/// Runs mutt on a mailbox: it saves the decoded first message to a file and quits.
fn mutt(house: &House, mailbox: &str, account: &str) -> String {
    let saved = house.path("saved.mbox");
    let settings = format!(
        "set mbox_type=mbox\nset folder={home}\nset record=\"\"\nset move=no\nset confirmappend=no\nset confirmcreate=no\n\
         set wait_key=no\nset quit=yes\nset header_cache=\"\"\nset resolve=no\nset sleep_time=0\nset ssl_force_tls=yes\n\
         {account}push '<first-entry><copy-message><kill-line>{saved}<enter><exit>'\n",
        home = house.path("").display(),
        saved = saved.display(),
    );
    let rc = house.path("muttrc");
    fs::write(&rc, settings).expect("a file");
    // mutt wants a terminal: script gives it one.
    let command = format!("TERM=xterm mutt -n -F {} -f '{mailbox}'", rc.display());
    let ran = run("script", &["-qec", &command, "/dev/null"]);
    fs::read_to_string(&saved).unwrap_or_else(|error| panic!("{error}: {}", ran.all))
}

#[test]
fn python_imaplib_works() {
    let house = house_with_mail();
    let out = python(
        "imap.py",
        &[&port(&house, "imaps"), &port(&house, "imap"), "alice@house.test", PASSWORD],
    )
    .ok();
    assert_eq!(out.trim(), "ok");
}

#[test]
fn python_poplib_works() {
    let house = house_with_mail();
    let out = python(
        "pop3.py",
        &[&port(&house, "pop3s"), &port(&house, "pop3"), "alice@house.test", PASSWORD],
    )
    .ok();
    assert_eq!(out.trim(), "ok");
    assert!(house.inbox("alice@house.test").is_empty());
}

#[test]
fn python_smtplib_works() {
    let house = House::furnished();
    let ports = [port(&house, "submission"), port(&house, "submissions"), port(&house, "lmtp")];
    let out = python(
        "smtp.py",
        &[&ports[0], &ports[1], &ports[2], "alice@house.test", PASSWORD, "bob@house.test"],
    )
    .ok();
    assert_eq!(out.trim(), "ok");
    assert_eq!(house.inbox("bob@house.test").len(), 3);
}
