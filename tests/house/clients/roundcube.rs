//! Roundcube, the webmail that most hosters offer: Debian's package, served privately by PHP itself, and used over HTTP.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{certificate_of, house_with_mail, port};
use crate::support::house::{House, PASSWORD};
use crate::support::maildir;
use crate::support::ports::free_address;
use crate::support::program::python;
use crate::support::wait::until;

/// Where Debian keeps it: the application, and beside it what a web server may see.
const PACKAGE: &str = "/var/lib/roundcube";

/// Roundcube, until it is dropped.
struct Webmail {
    url: String,
    child: Child,
}

impl Webmail {
    /// The package's files under a root of our own, for they read the configuration that lies beside them.
    fn start(house: &House) -> Self {
        let root = house.path("roundcube");
        let public = root.join("public_html");
        for folder in ["public_html", "config", "temp", "logs"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        for name in ["SQL", "index.php", "plugins", "program", "skins"] {
            symlink(Path::new(PACKAGE).join(name), root.join(name)).expect("a link");
        }
        for name in ["plugins", "program", "skins"] {
            symlink(Path::new(PACKAGE).join("public_html").join(name), public.join(name)).expect("a link");
        }
        // These two are not links: PHP would go where they lead.
        copy(&Path::new(PACKAGE).join("public_html/index.php"), &public.join("index.php"));
        copy(Path::new("/etc/roundcube/defaults.inc.php"), &root.join("config/defaults.inc.php"));
        fs::write(root.join("config/config.inc.php"), settings(house, &root)).expect("a configuration");

        // PHP cannot choose a port and tell it: one that is free now is asked for.
        let address = free_address();
        let temporary = format!("session.save_path={}", root.join("temp").display());
        let mut command = Command::new("php");
        command
            .args(["-d", &temporary, "-S", &address.to_string(), "-t", &public.to_string_lossy()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(root.join("logs/php")).expect("a log"));
        let child = command.spawn().expect("php");
        let webmail = Self {
            url: format!("http://{address}/"),
            child,
        };
        until("PHP to listen", || TcpStream::connect(address).ok());
        webmail
    }
}

impl Drop for Webmail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(from: &Path, to: &PathBuf) {
    let text = fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    fs::write(to, text).expect("a copy");
}

fn settings(house: &House, root: &Path) -> String {
    format!(
        "<?php\n$config = [\n\
         'db_dsnw' => 'sqlite:///{root}/database?mode=0600',\n\
         'imap_host' => 'ssl://localhost:{imaps}',\n\
         'imap_conn_options' => ['ssl' => ['verify_peer' => true, 'cafile' => '{certificate}']],\n\
         'smtp_host' => 'ssl://localhost:{submissions}',\n\
         'smtp_conn_options' => ['ssl' => ['verify_peer' => true, 'cafile' => '{certificate}']],\n\
         'smtp_user' => '%u',\n'smtp_pass' => '%p',\n\
         'temp_dir' => '{root}/temp',\n'log_dir' => '{root}/logs',\n\
         'managesieve_host' => 'tls://localhost:{managesieve}',\n\
         'managesieve_conn_options' => ['ssl' => ['verify_peer' => true, 'cafile' => '{certificate}']],\n\
         'des_key' => 'twenty-four characters..',\n'language' => 'en_US',\n'plugins' => ['managesieve'],\n];\n",
        root = root.display(),
        imaps = port(house, "imaps"),
        submissions = port(house, "submissions"),
        managesieve = port(house, "managesieve"),
        certificate = certificate_of(house),
    )
}

#[test]
fn roundcube_works() {
    let house = house_with_mail();
    let webmail = Webmail::start(&house);
    let ran = python("webmail.py", &[&webmail.url, "alice@house.test", PASSWORD, "bob@house.test"]);
    let log = fs::read_to_string(house.path("roundcube/logs/errors.log")).unwrap_or_default();
    assert_eq!(ran.status, Some(0), "{}\n{log}", ran.all);
    assert_eq!(log, "", "Roundcube complained");

    let alice = house.maildir("alice@house.test");
    assert!(maildir::messages(&alice).is_empty());
    let archived = maildir::messages(&alice.join(".Archive"));
    assert_eq!(archived.iter().map(|file| maildir::flags(file)).collect::<Vec<_>>(), ["FS"]);
    assert_eq!(maildir::messages(&alice.join(".Sent")).len(), 1);
    // The filter that was made in the browser is at work.
    let letter = "From: ada@client.test\nSubject: from the web shop\n\nHello.\n";
    house.smtp().send("ada@client.test", &["alice@house.test"], letter).expect(250);
    assert_eq!(maildir::messages(&alice.join(".Archive")).len(), 2);
    assert!(maildir::messages(&alice).is_empty());
    let received = house.wait_for_inbox("bob@house.test", 1);
    assert!(maildir::text(&received[0]).contains("Written in a browser."));
}
