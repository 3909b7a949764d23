//! A private Dovecot: Debian's package, a directory of its own, free ports; it ends with the test.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::authority::Authority;
use super::imap::Imap;
use super::ports::free_port;
use super::wait::until;

/// The password of every user.
pub const PASSWORD: &str = "dovecots-own-9";

/// How it keeps mail and names folders.
#[derive(Clone, Copy)]
pub struct Habits {
    /// What follows `maildir:~/Maildir`, such as `:LAYOUT=fs`.
    pub layout: &'static str,
    /// Before the name of each folder, such as `INBOX.`.
    pub prefix: &'static str,
    /// Between the levels of a name.
    pub separator: char,
}

/// What most guides set up.
pub const USUAL: Habits = Habits {
    layout: "",
    prefix: "",
    separator: '/',
};

/// A running server.
pub struct Dovecot {
    directory: TempDir,
    process: Child,
    pub imap: SocketAddr,
    pub imaps: SocketAddr,
    authority: Authority,
    habits: Habits,
}

impl Dovecot {
    /// Starts one.
    pub fn start(habits: Habits) -> Self {
        let directory = TempDir::with_prefix("posthouse-dovecot-").expect("a temporary directory");
        let authority = Authority::new();
        let (certificate, key) = authority.files("localhost");
        let (imap, imaps) = (free_port(), free_port());
        let root = directory.path();
        let owner = owner();
        let home = root.join("vmail");
        fs::create_dir(&home).expect("a directory");
        fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
        chown(&home, Some(owner.0), Some(owner.1)).expect("the directory is given to the owner of mail");
        let config = format!(
            "base_dir = {root}/run\nstate_dir = {root}/state\nlog_path = {root}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}\ndisable_plaintext_auth = no\n\
             first_valid_uid = 1\nfirst_valid_gid = 1\n{unprivileged}\
             mail_location = maildir:~/Maildir{layout}\nmail_fsync = never\n\
             passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
             userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={home}/%d/%n\n}}\n\
             namespace inbox {{\n  inbox = yes\n  prefix = {prefix}\n  separator = {separator}\n\
             mailbox Sent {{\n    special_use = \\Sent\n  }}\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n",
            root = root.display(),
            home = home.display(),
            certificate = certificate.display(),
            key = key.display(),
            unprivileged = unprivileged(),
            layout = habits.layout,
            uid = owner.0,
            gid = owner.1,
            prefix = habits.prefix,
            separator = habits.separator,
        );
        let file = root.join("dovecot.conf");
        fs::write(&file, config).expect("a configuration");
        let process = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package dovecot-imapd is installed");
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let dovecot = Self {
            process,
            imap: address(imap),
            imaps: address(imaps),
            authority,
            habits,
            directory,
        };
        until("Dovecot to listen", || std::net::TcpStream::connect(dovecot.imap).ok());
        dovecot
    }

    /// Logs in without TLS.
    pub fn login(&self, user: &str) -> Imap {
        Imap::login_plain(self.imap, user, PASSWORD)
    }

    /// The directory of all users' mail: `DOMAIN/LOCAL/Maildir`.
    pub fn vmail(&self) -> PathBuf {
        self.directory.path().join("vmail")
    }

    /// A user's Maildir.
    pub fn maildir(&self, user: &str) -> PathBuf {
        let (local, domain) = user.split_once('@').expect("an address");
        self.vmail().join(domain).join(local).join("Maildir")
    }

    /// The name of a folder, as IMAP spells it, without quotes.
    pub fn name(&self, levels: &[&str]) -> String {
        format!("{}{}", self.habits.prefix, levels.join(&self.habits.separator.to_string()))
    }

    /// The authority that vouches for its certificate, a PEM file.
    pub fn authority(&self) -> String {
        self.authority.file()
    }

    /// Ends it; its mail stays.
    pub fn stop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.process.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Who owns mail: as root it may not be root.
fn owner() -> (u32, u32) {
    let me = fs::metadata("/proc/self").expect("/proc/self");
    if me.uid() == 0 { (8, 8) } else { (me.uid(), me.gid()) }
}

/// What it needs to run as somebody else than root.
fn unprivileged() -> String {
    let me = owner().0;
    if fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0) {
        return String::new();
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let name = users
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&me.to_string()))
        .and_then(|line| line.split(':').next())
        .expect("our name")
        .to_owned();
    format!(
        "default_internal_user = {name}\ndefault_login_user = {name}\nservice imap-login {{\n  chroot =\n}}\nservice anvil {{\n  chroot =\n}}\n"
    )
}
